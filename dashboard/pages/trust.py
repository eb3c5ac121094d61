"""Trust: where and how far the model can be believed: scores, zones, pairs, bands, members, limits, all linked."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from dashboard import export, map_picture, pictures, trust_export
from dashboard.pages.page import Files, Page, Pictures
from dashboard.pages.parts import column, html, show, skeleton
from dashboard.pages.selecting import FilterPart, PlacePart
from dashboard.pages.trust_density import DensityPart
from dashboard.pages.trust_evaluate import EvaluatePart
from dashboard.pages.trust_map import ScoreMapPart, ZonesPart
from dashboard.pages.trust_members import EachMemberPart
from dashboard.pages.trust_memory import MemoryTruthPart
from dashboard.pages.trust_scores import CalibrationPart, LimitsPart, MembersPart, ScoresPart
from dashboard.pages.trust_split import SplitPart
from dashboard.pages.trust_truth import TruthPart
from dashboard.pages.trust_view import Trust
from dashboard.pages.view import View
from dashboard.state import History, apply
from dashboard.widgets import Buttons

HELP = """
<p>How far the model at the top can be believed, and where not. Scores are of cells that the scored members never
saw.</p>
<dl class="help">
<dt>Read the scores</dt>
<dd>The filled dot is the model, the open marks are what simpler things reach on the same cells. 1 is perfect, 0 no
better than the observed mean.</dd>
<dt>Look where</dt>
<dd>The map shows one score; the list above it has them all. Drag over the histogram beside it, or press a climate zone:
every view follows.</dd>
<dt>Known and simulated</dt>
<dd>On the dashed line the model is right. Rings are the months of the chosen cell.</dd>
<dt>Bands</dt>
<dd>A 90 % band is honest when it holds nine tenths of what was held out.</dd>
<dt>Members</dt>
<dd>The model was trained several times. Where the members fit alike and differ in what is behind, the data do not say
which is right.</dd>
<dt>Memory, for a model of the twin</dt>
<dd>How far back the past matters, in truth and as attributed to the model, on one scale; the numbers say how
alike.</dd>
</dl>"""


class TrustPage(Page):
    """Map and zones on the left, scores on the right; below, what stands behind them."""

    help = HELP
    picks = True

    def __init__(self, view: View, history: History) -> None:
        self.view, self.history = view, history
        self.layout = column("trustpage", skeleton("the scores"))
        self._trust: Trust | None = None
        self._map: ScoreMapPart | None = None
        #: Button's text -> name of the file, the part, the title of the picture.
        self._drawn: dict[str, tuple[str, pictures.Drawn | None, str]] = {}
        self._truths: tuple[TruthPart | MemoryTruthPart, ...] = ()

    @property
    def trust(self) -> Trust:
        """What is judged; made when first needed."""
        if self._trust is None:
            self._trust = Trust(self.view)
        return self._trust

    def steps(self) -> list[Callable[[], None]]:
        """What is seen first, then what stands behind it."""
        behind = [self._true, self._pairs, self._members, self._each_member, self._evaluated]
        return [self._top, self._zones, self._scores, *behind]

    def _top(self) -> None:
        """Map."""
        held = self.trust
        self._problem = html("plotnote")
        self._models = Buttons(lambda name: apply(self.view.state, {"model": name}), label="Models")
        self._map = ScoreMapPart(held)
        left = column("left", self._map.layout)
        self._whole = column("columns", left, column("right", PlacePart(self.view).layout))
        self.layout[:] = [self._problem, self._models, self._whole]
        held.follow(self._tell)

    def _zones(self) -> None:
        """What is let through, under the map."""
        self._whole[0].extend([FilterPart(self.view, self.history).chips, ZonesPart(self.trust).layout])

    def _scores(self) -> None:
        """Scores and bands."""
        scores, bands = ScoresPart(self.trust), CalibrationPart(self.trust)
        self._whole[1].extend([scores.layout, bands.layout])
        self._drawn |= {
            "Scores as PNG": ("scores.png", scores, "Scores on held-out cells"),
            "Bands as PNG": ("bands.png", bands, "How often what was held out lies in the bands"),
        }

    def _true(self) -> None:
        """Where the truth is known: stores and memory beside it."""
        self._truths = TruthPart(self.trust), MemoryTruthPart(self.trust)
        self.layout.extend([part.layout for part in self._truths])

    def _pairs(self) -> None:
        """Known and simulated."""
        pairs = DensityPart(self.trust)
        self._grid = column("trustgrid", pairs.layout)
        self.layout.append(self._grid)
        self._drawn["Known and simulated as PNG"] = ("pairs.png", pairs, "Known and simulated")

    def _members(self) -> None:
        """What the members disagree on, and what they learned of the split of water."""
        parameters, split = MembersPart(self.trust), SplitPart(self.trust)
        self._grid.append(column("trustcolumn", parameters.layout, split.layout))
        self._drawn |= {
            "Parameters as PNG": ("parameters.png", parameters, "What the members disagree on"),
            "Split of water as PNG": ("split.png", split, "How incoming water is split"),
        }

    def _each_member(self) -> None:
        """Every member at the place."""
        members = EachMemberPart(self.trust)
        self._grid.append(members.layout)
        self._drawn["Members as PNG"] = ("members.png", members, "Every member")

    def _evaluated(self) -> None:
        """The button to score anew, and the limits."""
        evaluated = EvaluatePart(self.trust)
        self.layout.extend([evaluated.layout, LimitsPart(self.trust).layout])
        said = "Where observations fall in their predicted distributions"
        self._drawn["PIT as PNG"] = ("pit.png", evaluated, said)

    def _tell(self, names: frozenset[str]) -> None:
        """Why there is nothing to judge."""
        problem = self.trust.problem
        self._problem.object = f'<p class="lead" role="status">{escape(problem)}</p>' if problem else ""
        show(self._problem, bool(problem))
        nothing = self.trust.info is None
        models = {name: info for name, info in self.view.sources().items() if info.kind == "model"} if nothing else {}
        self._models.items = [
            {"id": name, "label": info.title, "hint": f"Show {info.title}", "kind": "outlined"}
            for name, info in models.items()
        ]
        show(self._models, nothing)
        show(self._whole, not nothing)

    # -- to take away -------------------------------------------------------------------------------------------

    def exported(self) -> str:
        """What the files hold."""
        what = "The scores of the card beside those of simpler models, and every score of the cells left."
        return f"{what} {self.view.label}"

    def files(self) -> Files:
        """Scores of the card and by cell."""
        held, found = self.trust, {}
        if held.info is not None:
            found["Scores as CSV"] = ("scores.csv", "text/csv", lambda: trust_export.scores_csv(held))
        if held.names:
            found["Scores by cell as CSV"] = ("scores-by-cell.csv", "text/csv", lambda: trust_export.cells_csv(held))
            found["Scores by cell as NetCDF"] = (
                "scores-by-cell.nc", "application/x-netcdf", lambda: trust_export.cells_netcdf(held),
            )  # fmt: skip
        return found

    def pictures(self) -> Pictures:
        """Every plot that shows something, and the maps."""
        foot, generated, part = pictures.credit(self.view), self.view.generated, self._map
        found = pictures.drawn(self._drawn, foot, generated)
        if part is not None and self.trust.layer is not None:
            found |= map_picture.worlds("score-map.png", {"": part.map}, part.legend, foot, generated)
        for truth in self._truths:
            found |= truth.pictures(foot)
        return found

    def snippet(self) -> str:
        """Card and scores in Python."""
        return trust_export.snippet(self.trust)

    def provenance(self) -> str:
        """Of the model."""
        return export.provenance_html(self.view)
