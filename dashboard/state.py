"""What is being looked at: ONE param class. Nothing else is state; a link is this class written down."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import param

from hdlcore.runtime.requests import EXPLANATIONS

DEFAULT_CELL = 94 * 360 + 117  # 4.5 S, 62.5 W: the central Amazon
PROJECTIONS = {
    "equal_earth": "Equal Earth",
    "robinson": "Robinson",
    "plate_carree": "Plate carrée",
    "north_pole": "North polar",
    "south_pole": "South polar",
}
MANY = {"mean": "Mean", "all": "All cells"}
SERIES = {"raw": "Raw", "season": "Season", "anomaly": "Anomaly"}
PAGES = {
    "explore": "Explore",
    "memory": "Memory",
    "why": "Why",
    "whatif": "What if",
    "trust": "Trust",
    "compare": "Compare",
    "learn": "Learn",
    "data": "Data",
}  # in the order of the bar
STEPS = {"daily": "Daily", "monthly": "Monthly", "season": "Season"}
METHODS = {name: way.label for name, way in EXPLANATIONS.items() if name != "finite_difference"}
ROWS = {"driver": "Driver", "month": "Month", "zone": "Climate zone", "carrier": "Carrier"}
MEASURES = {
    "memory_time": "Mean memory time",
    "memory_length": "Memory length",
    "memory_90": "Lag that holds 90 %",
    "memory_share": "Share older than a season",
    "carrier": "Leading carrier",
}
QUARTERS = {"": "All year", "djf": "Dec to Feb", "mam": "Mar to May", "jja": "Jun to Aug", "son": "Sep to Nov"}
REACH = {"year": 365, "two": 730}  # days back
OTHER_CELL = 39 * 360 + 190  # 50.5 N, 10.5 E: Germany, to compare the Amazon with
COMPARE = {"model": "Models", "member": "Members", "cell": "Cells", "month": "Months", "scenario": "Scenario"}
ARRANGE = {"side": "Side by side", "swipe": "Swipe", "difference": "Difference"}
TIME = re.compile(r"(\d{4}-)?(0[1-9]|1[0-2])")


class State(param.Parameterized):
    """The view a person has in front of them. Filters combine with AND; an empty filter lets every cell through."""

    page = param.Selector(default="explore", objects=list(PAGES), doc="The page that is open.")

    model = param.String("", doc="Id of the source: a model, the twin or a data set; empty means the first there is.")
    variable = param.String("tws", doc="Name of the quantity on the map, from hdlcore.variables.")
    departure = param.Boolean(
        True, doc="Show the departure from the cell's own yearly mean, where the quantity has a season."
    )
    time = param.String(
        "05", regex=rf"^{TIME.pattern}$", doc="Climatological month 'MM', or a month of a year 'YYYY-MM'."
    )
    projection = param.Selector(default="equal_earth", objects=list(PROJECTIONS), doc="Map projection.")
    color_range = param.Parameter(None, doc="None: the fixed range; 'auto': what is shown; (low, high): set by hand.")

    cell = param.Integer(
        DEFAULT_CELL, bounds=(0, 180 * 360 - 1), doc="Chosen cell: row * 360 + column of the 1 degree grid."
    )
    focus = param.Selector(
        default="cell", objects=["cell", "filter"], doc="Curves of the chosen cell, or of all cells left."
    )

    climate_zones = param.Parameter((), doc="Main Köppen groups let through (1 tropical ... 5 polar).")
    land_covers = param.Parameter((), doc="Dominant IGBP classes let through (1 ... 17).")
    latitude = param.Parameter(None, doc="(south, north) in degrees, or None.")
    values = param.Parameter(None, doc="(low, high) of the quantity on the map, in its units, or None.")
    region = param.String("", doc="Named region, country or river basin, or empty.")
    polygon = param.Parameter((), doc="Drawn region: ((lon, lat), ...) in degrees, or empty.")

    series = param.Selector(default="season", objects=list(SERIES), doc="Which view of the components.")
    many = param.Selector(default="mean", objects=list(MANY), doc="Of many cells: their mean, or every cell's curve.")
    method = param.Selector(
        default="integrated_gradients", objects=list(METHODS), doc="Attribution method of the heatmap."
    )
    rows = param.Selector(default="driver", objects=list(ROWS), doc="Memory page: what the heatmap's rows are.")
    quarter = param.Selector(default="", objects=list(QUARTERS), doc="Memory page: months of the target days.")
    reach = param.Selector(default="year", objects=list(REACH), doc="Memory page: how far back a live answer looks.")
    measure = param.Selector(default="memory_time", objects=list(MEASURES), doc="Memory page: what the map shows.")
    day = param.String("2005-05-15", regex=r"^\d{4}-\d{2}-\d{2}$", doc="Why page: the day that is asked about.")
    target = param.String("tws", doc="Why page: the output that is asked about.")
    way = param.Selector(default="integrated_gradients", objects=list(METHODS), doc="Why page: method of the story.")
    trial = param.Boolean(False, doc="Why page: the answer is tried out by deletion and insertion.")
    pulsed = param.String("precipitation", doc="Why page: the driver that is given a pulse.")
    memory_box = param.Parameter(
        None, doc="(rows, names, first day back, last day back) of a heatmap's box that cells must show, or None."
    )

    signed = param.Boolean(False, doc="Heatmap: signed contributions instead of their size.")

    scenario = param.String("", doc="Change of the forcing, as hdlcore.runtime.scenarios writes it; empty for none.")
    pulse = param.Number(50.0, bounds=(1, 300), doc="Water of the pulse whose way is followed, mm.")

    compare = param.Selector(default="model", objects=list(COMPARE), doc="Compare page: in what L and R differ.")
    arrange = param.Selector(default="side", objects=list(ARRANGE), doc="Compare page: how the two maps stand.")
    other_model = param.String("", doc="Compare page: source of R; empty means the first that is not L's.")
    member = param.Integer(1, bounds=(1, 99), doc="Compare page: member of the model shown as L.")
    other_member = param.Integer(2, bounds=(1, 99), doc="Compare page: member shown as R.")
    other_cell = param.Integer(OTHER_CELL, bounds=(0, 180 * 360 - 1), doc="Compare page: cell of R.")
    other_time = param.String("11", regex=rf"^{TIME.pattern}$", doc="Compare page: month of R.")

    dataset = param.String("", doc="Data page: id of the data set; empty means the first there is.")
    site = param.Integer(None, allow_None=True, bounds=(0, None), doc="Data page: cell or site of that data set.")
    quantity = param.String("", doc="Data page: name of the quantity; empty means the first the data set has.")
    step = param.Selector(
        default="", objects=["", *STEPS], doc="Data page: time step; empty means the finest there is."
    )
    river = param.String("", doc="Data page: model of rivers that is run (L); empty means the first there is.")
    beside = param.String("", doc="Data page: model of rivers that is run beside it (R), or empty.")
    years = param.Parameter(None, doc="(first, last) year of the series shown, or None for all.")

    tour = param.String("", doc="Guided tour that is under way, or empty.")
    stop = param.Integer(1, bounds=(1, 40), doc="Its step.")
    presenting = param.Boolean(False, doc="Large type for a class.")

    @property
    def month(self) -> int:
        """Month of the year, 1 to 12."""
        return int(self.time[-2:])

    @property
    def filtered(self) -> bool:
        """Whether any filter is set."""
        return any(getattr(self, name) not in (None, (), "") for name in FILTERS)

    def snapshot(self) -> dict[str, Any]:
        """Every field and its value, as plain hashable values."""
        return {name: getattr(self, name) for name in FIELDS}

    def clear_filters(self) -> None:
        """Remove every filter and go back to the chosen cell."""
        self.param.update(**{name: State.param[name].default for name in FILTERS}, focus="cell")


FILTERS = ("climate_zones", "land_covers", "latitude", "values", "region", "polygon", "memory_box")
OF_DATA = ("dataset", "site", "quantity", "step", "years", "river", "beside")  # what the Data page looks at
FIELDS = tuple(name for name in State.param if name != "name")


def defaults() -> dict[str, Any]:
    """The view the app opens on."""
    return {name: State.param[name].default for name in FIELDS}


class History:
    """Undo for a `State`: remembers the snapshot before each change; runs of one playing control count once."""

    RUNS = frozenset({"time"})  # stepping through months is one thing to undo, not twelve

    def __init__(self, state: State, depth: int = 100) -> None:
        self._state = state
        self._depth = depth
        self._past: list[dict[str, Any]] = []
        self._now = state.snapshot()
        self._last: frozenset[str] = frozenset()
        self._silent = False
        state.param.watch(self._remember, list(FIELDS))

    def __len__(self) -> int:
        return len(self._past)

    def _remember(self, *events: param.parameterized.Event) -> None:
        before, self._now = self._now, self._state.snapshot()
        changed = frozenset(name for name in FIELDS if before[name] != self._now[name])
        if self._silent or not changed:
            return
        if not (changed == self._last and changed <= self.RUNS):
            self._past = [*self._past, before][-self._depth :]
        self._last = changed

    def undo(self) -> bool:
        """Go back one step; False when there is nothing to undo."""
        if not self._past:
            return False
        with self.silently():
            self._state.param.update(**self._past.pop())
        self._last = frozenset()
        return True

    @contextmanager
    def silently(self) -> Iterator[None]:
        """Changes made inside are not remembered (undo itself, the address bar going back)."""
        self._silent = True
        try:
            yield
        finally:
            self._silent = False


def apply(state: State, values: Mapping[str, Any]) -> None:
    """Set many fields at once: watchers run once, on the finished view."""
    state.param.update(**{name: value for name, value in values.items() if name in FIELDS})
