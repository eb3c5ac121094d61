"""The few kinds of error a user can meet. Each message is one sentence or two: what, where, and how to mend it."""


class HDLError(Exception):
    """Base of every error whose message is meant for the person at the screen."""


class DataError(HDLError):
    """A cube, file or series is missing, malformed or not what its units and names promise."""


class ModelError(HDLError):
    """A model is unknown, its weights or card cannot be trusted, or it lacks what is asked of it."""


class RequestError(HDLError):
    """A request cannot be answered as asked: a cell in the sea, an empty region, a bad date, too large a job."""


class Cancelled(HDLError):
    """The work was cancelled by the one who asked for it; nothing was kept."""
