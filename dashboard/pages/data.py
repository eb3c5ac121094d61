"""Data: the data sets at hand and one's own on the left; the chosen one, its series and its review on the right."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from html import escape
from io import BytesIO

from dashboard import data_export as export
from dashboard import pictures
from dashboard.pages.data_list import ListPart
from dashboard.pages.data_report import HeadPart, ReportPart
from dashboard.pages.data_series import CurvePart, SitePart
from dashboard.pages.data_simulated import SimulatedPart
from dashboard.pages.data_view import DataView
from dashboard.pages.page import Files, Page, Pictures
from dashboard.pages.parts import column, skeleton
from dashboard.pages.view import View
from dashboard.state import History

HELP = """
<p>Every data set of this server, what its reviewer says of it, and its series one site at a time.</p>
<dl class="help">
<dt>Choose a data set</dt>
<dd>Click its card, or walk through the cards with the arrow keys. What is generated says so.</dd>
<dt>Choose a site</dt>
<dd>Click it on the map, choose its name, or write its latitude and longitude.</dd>
<dt>Look at a series</dt>
<dd>Choose quantity, time step and years. Shaded stretches are missing; the table gives the numbers.</dd>
<dt>Observed and simulated</dt>
<dd>Where a model knows the place it is run beside the record; the shaded days were never trained on.</dd>
<dt>Read the report</dt>
<dd>As of a reviewer: major remarks must be mended before the data can be used, minor ones should be known.</dd>
<dt>Bring your own</dt>
<dd>A CSV of daily series (one column a quantity, a column of dates) with a JSON of attributes, NetCDF, or a zip.
Your data are read on this server, seen only by you, and deleted when you leave. For larger data run
<kbd>hdl ingest</kbd> and <kbd>hdl serve --data CUBE</kbd> on your own machine.</dd>
</dl>"""


class DataPage(Page):
    """List on the left, the chosen data set on the right."""

    help = HELP
    picks = False

    def __init__(self, view: View, history: History) -> None:
        self.view = view
        self.layout = column("columns dataset", skeleton("the data sets"))
        self._data: DataView | None = None
        self._sites: SitePart | None = None
        self._curve: CurvePart | None = None
        self._report: ReportPart | None = None
        self._simulated: SimulatedPart | None = None

    def steps(self) -> list[Callable[[], None]]:
        """What is seen first, then what stands under it."""
        return [self._left, self._series, self._modelled, self._reviewed]

    @property
    def data(self) -> DataView:
        """What is chosen; made when first needed."""
        if self._data is None:
            self._data = DataView(self.view)
        return self._data

    def _left(self) -> None:
        """The list, and what the chosen one is."""
        right = column("chosen", HeadPart(self.data).layout)
        self.layout[:] = [ListPart(self.data).layout, right]

    def _series(self) -> None:
        """Sites and series."""
        self._sites = sites = SitePart(self.data)
        self._curve = CurvePart(self.data, sites.card)
        self.layout[1].append(column("look", sites.layout, self._curve.layout))

    def _modelled(self) -> None:
        """Models at the site."""
        self._simulated = SimulatedPart(self.data)
        self.layout[1].append(self._simulated.layout)

    def _reviewed(self) -> None:
        """The review."""
        self._report = ReportPart(self.data)
        self.layout[1].append(self._report.layout)

    # -- to take away -------------------------------------------------------------------------------------------

    def exported(self) -> str:
        """What the files hold."""
        about = self.data.data.about
        mark = " Generated: nothing in it was observed." if about.generated else ""
        return f"The series on the screen, and the review of {about.title}.{mark}"

    def files(self) -> Files:
        """Series and report."""
        data, report = self.data, self._report
        found: Files = {}
        if data.series is not None:
            name = export.file_name(data)
            found["Series as CSV"] = (f"{name}.csv", "text/csv", lambda: export.series_csv(data))
            found["Series as NetCDF"] = (f"{name}.nc", "application/x-netcdf", lambda: export.series_netcdf(data))
        part = self._simulated
        for letter, info, run in zip("LR", part.chosen, part.shown, strict=False) if part is not None else ():
            if not run.sizes["time"]:
                continue
            which = f"Simulated{f' by {letter}' if len(part.shown) > 1 else ''}"  # type: ignore[union-attr]
            name = f"{data.data.about.id}-{data.site}-{info.id}-simulated"
            found[f"{which} as CSV"] = (f"{name}.csv", "text/csv", partial(export.simulated_csv, data, run))
            found[f"{which} as NetCDF"] = (
                f"{name}.nc", "application/x-netcdf", partial(export.simulated_netcdf, run),
            )  # fmt: skip
        if report is not None and report.review is not None:
            for which, label in (("text", "Report as text"), ("json", "Report as JSON")):
                file, mime, made = report.file(which)
                found[label] = (file, mime, lambda made=made: BytesIO(made))  # type: ignore[misc]
        return found

    def pictures(self) -> Pictures:
        """The series, and where the sites lie."""
        data, about, sites = self.data, self.data.data.about, self._sites
        title = data.quantity.long_name if data.quantity is not None else ""
        parts = {
            "Series as PNG": (f"{export.file_name(data)}.png", self._curve, title),
            "Hydrograph as PNG": (f"{about.id}-{data.site}-hydrograph.png", self._simulated, data.site_name),
        }
        foot = export.credit(data)
        found = pictures.drawn(parts, foot, about.generated)
        return found | (sites.pictures(foot) if sites is not None else {})

    def snippet(self) -> str:
        """The series in Python."""
        data = self.data
        if data.quantity is None:
            return "# There is no series on the screen.\n"
        return data.data.snippet(data.site, data.quantity.name, data.step) + self._simulated_snippet()

    def _simulated_snippet(self) -> str:
        """The model's run at the chosen place, where there is one."""
        part = self._simulated
        if part is None or not part.chosen:
            return ""
        cell = int(self.data.data.places["cell"].values[self.data.site])
        lines = ["from hdlcore.runtime.engine import Engine", "", "engine = Engine()"]
        lines += [f"print(engine.site({info.id!r}, {cell}))" for info in part.chosen]
        return "\n" + "\n".join(lines) + "\n"

    def provenance(self) -> str:
        """Of the chosen data set."""
        rows = export.provenance(self.data)
        for run in self._simulated.runs if self._simulated is not None else []:
            rows += [("Simulated by", str(run.attrs["model"])), ("Weights", str(run.attrs["model_weights_sha256"]))]
            rows += [("Its weather", str(run.attrs["weather"]))]
        return "<dl>" + "".join(f"<dt>{escape(term)}</dt><dd>{escape(text)}</dd>" for term, text in rows) + "</dl>"
