"""What `panel serve dashboard/app.py` runs. Heavy things are loaded once per process, on import; a session is light."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

sys.path[:0] = [root] if (root := str(Path(__file__).resolve().parent.parent)) not in sys.path else []

import panel as pn  # noqa: E402

from dashboard import datasets, engine, finer, lighter  # noqa: E402
from dashboard.jobs import log_id  # noqa: E402
from dashboard.pages import learn  # noqa: E402
from dashboard.pages.book import explorer  # noqa: E402

log = logging.getLogger("dashboard")


def show_unexpected(error: Exception) -> None:
    """One sentence for the person, the traceback for the log."""
    mark = log_id(error, "A callback")
    if pn.state.notifications is not None:
        pn.state.notifications.error(
            f"Something unexpected went wrong here; the log has the details under {mark}.", duration=8000
        )


# what `shell.js` then does
LOST = "The connection to the server is lost. This view opens again by itself as soon as the server answers."
pn.extension(
    notifications=True,
    exception_handler=show_unexpected,
    loading_indicator=False,
    disconnect_notification=LOST,
)
lighter.install()
engine.warm_up(datasets.warm_up, finer.warm_up, learn.warm_up)


def query() -> str:
    """The address's query string of this session."""
    request = pn.state.curdoc.session_context.request if pn.state.curdoc and pn.state.curdoc.session_context else None
    arguments = getattr(request, "arguments", {}) or {}
    from urllib.parse import urlencode

    return urlencode([(key, value.decode("utf-8", "replace")) for key, values in arguments.items() for value in values])


explorer(query(), dark=pn.config.theme == "dark").servable(title="HDL Explorer")
