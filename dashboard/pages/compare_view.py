"""What follows from the state on the Compare page: both sides, their common range, their difference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from dashboard import compare, engine, series, sources
from dashboard.compare import Side
from dashboard.jobs import Lane
from dashboard.layers import Layer, field, layer, yearly_mean
from dashboard.pages.experiment import Experiment
from dashboard.pages.member_runs import MemberRuns
from dashboard.pages.scenario_job import MemberJob, ScenarioJob, member_count
from dashboard.pages.told import Told
from dashboard.pages.view import View
from dashboard.scenario_fields import filled, round_limit
from dashboard.selection import Selection, cell_label
from dashboard.series import STORES
from hdlcore.errors import HDLError, RequestError
from hdlcore.runtime.sources import SourceInfo
from hdlcore.variables import variable

Update = Callable[[frozenset[str]], None]
CURVES = (*series.STORES, "precipitation")


class Comparison(Told):
    """L is the view as everywhere; R differs from it in what `state.compare` says. Parts subscribe with `follow`."""

    def __init__(self, view: View) -> None:
        super().__init__()
        self.view, self.state = view, view.state
        self.experiment: Experiment | None = None  # made when a scenario is first compared
        told = lambda: self.tell(frozenset({"fields"}))  # noqa: E731
        self.scenario_job, self.member_job = ScenarioJob(view, told), MemberJob(view, told)
        self.members: MemberRuns | None = None  # made when members are first compared
        self.left: Side
        self.right: Side
        self._missed = ""
        self.refresh()
        view.follow(self._changed)

    def _changed(self, names: frozenset[str]) -> None:
        if names & {"scenario", "model"}:
            self.scenario_job.refresh()
        if names & {"compare", "model"}:
            self.member_job.refresh()
        self.tell(names)

    def tell(self, names: frozenset[str]) -> None:
        """Make both sides anew, and tell every part."""
        self.refresh()
        super().tell(names)

    @property
    def job(self) -> ScenarioJob:
        """What computes the maps that are not at hand."""
        return self.member_job if self.state.compare == "member" else self.scenario_job

    @property
    def lanes(self) -> list[Lane]:
        """Where curves are run live, as far as any have been."""
        return [part.lane for part in (self.experiment, self.members) if part is not None]

    # -- the two sides ------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Make both sides anew."""
        view, by = self.view, self.state.compare
        self._miss()
        title = {
            "model": view.source.title if view.source is not None else "Observed",
            "member": f"Member {self.state.member}",
            "cell": view.place,
            "month": compare.month_title(self.state.month),
            "scenario": "As it was",
        }[by]
        at = view.selection.position
        self.left = self._own(title)
        make = {
            "model": self._model, "member": self._members, "cell": self._cell, "month": self._month,
            "scenario": self._scenario,
        }[by]  # fmt: skip
        try:
            self.right = make()
        except HDLError as error:
            self.right = Side("", None, xr.Dataset(), at, self.state.month, str(error))

    def _miss(self) -> None:
        """Say, once, that R is not the source that the link names."""
        wanted, known = self.state.other_model, self.view.sources()
        if wanted != self._missed and wanted not in (*known, compare.OBSERVED.id, ""):
            self.view.notice = sources.unknown(wanted, known, engine.get_data())
        self._missed = wanted

    def _own(self, title: str) -> Side:
        """L. A model that brings no maps has none: what is observed is no map of it."""
        view = self.view
        at, month = view.selection.position, self.state.month
        if view.kind == "model" and view.fields is None and self.state.compare not in ("cell", "month"):
            return Side(title, None, xr.Dataset(), at, month, view.fields_problem, view.generated)
        return Side(title, view.layer, view.season(), at, month, generated=view.generated)

    def others(self) -> dict[str, SourceInfo]:
        """What R can be, beside L: other sources, and for a model of the real world what was observed."""
        view = self.view
        found = {name: info for name, info in view.sources().items() if name != view.model}
        real = view.kind == "model" and not view.generated
        return found | ({compare.OBSERVED.id: compare.OBSERVED} if real else {})

    def choices(self) -> dict[str, dict[str, str]]:
        """Quantities that can be compared, by group; the shown one is always among them."""
        view, by = self.view, self.state.compare
        shown = view.shown_variable

        def offered(name: str) -> bool:
            if by == "member":
                return name in STORES
            if by == "month":
                values = field(name, view.observed, view.fields)
                return values is not None and values.ndim == 2
            if by == "scenario":
                return variable(name).kind in ("store", "flux")
            return by != "model" or not self._incomparable(name)

        kept = {
            group: {title: name for title, name in entries.items() if name == shown or offered(name)}
            for group, entries in view.choices.items()
        }
        return {group: entries for group, entries in kept.items() if entries}

    @property
    def other_model(self) -> str:
        """Source of R: the chosen one where it is there, else the first that is not L's; empty when there is none."""
        others = self.others()
        return self.state.other_model if self.state.other_model in others else next(iter(others), "")

    def _fields_of_r(self) -> tuple[xr.Dataset | None, str]:
        """Maps of R, or why there are none."""
        own = self.view.uploads.find(self.other_model)
        return own.fields() if own is not None else engine.get_fields(self.other_model)

    def _incomparable(self, name: str) -> str:
        """Why L and R, two sources, cannot be compared in a quantity; empty when they can."""
        view, what = self.view, variable(name).long_name
        left = view.source.title if view.source is not None else "L"
        if self.other_model == compare.OBSERVED.id:
            if name not in compare.KNOWN:
                known = ", ".join(variable(one).long_name.lower() for one in compare.KNOWN)
                return f"Nothing was observed of {what.lower()}; observed are {known}."
            return (
                "" if compare.gives(view.fields, name) else f"{left} gives no {what.lower()}; choose another quantity."
            )
        fields, problem = self._fields_of_r()
        info = self.others()[self.other_model]
        has = compare.gives(view.fields, name), compare.gives(fields, name)
        if all(has):
            return ""
        if not any(has) and view.kind == info.kind == "model":
            return problem or f"{what} was observed and is the same beside both; choose a quantity that both give."
        lacking = left if not has[0] else info.title
        return problem or f"{lacking} has no {what.lower()}; choose another quantity."

    def _model(self) -> Side:
        view, state, name = self.view, self.state, self.other_model
        info = self.others().get(name)
        if info is None:
            raise RequestError(
                "There is only one model here; add one with 'hdl serve --models DIR'. Models of rivers are compared at "
                "their gauges, on the page Data."
            )
        at, month, shown = view.selection.position, state.month, view.layer.variable.name
        if name == compare.OBSERVED.id:
            return self._observed()
        fields, _ = self._fields_of_r()
        world = sources.observed_with(info, view.world)
        season = series.season(world, fields, view.selection) if fields is not None else xr.Dataset()
        problem = self._incomparable(shown)
        if problem:
            return Side(info.title, None, season, at, month, problem, info.generated)
        found = layer(shown, month, state.departure, world, fields, info.generated)
        return Side(info.title, found, season, at, month, generated=info.generated)

    def _observed(self) -> Side:
        """What was observed of the quantity of a model."""
        view, month, at = self.view, self.state.month, self.view.selection.position
        season = series.season(view.world, None, view.selection)
        title, name = compare.OBSERVED.title, view.layer.variable.name
        problem = self._incomparable(name)
        if not problem and name == "tws" and not view.layer.departure:
            problem = "GRACE sees only departures from the yearly mean; show those, by the switch on the page Explore."
        if problem:
            return Side(title, None, season, at, month, problem)
        found = layer(compare.KNOWN[name], month, self.state.departure, view.world, None)
        return Side(title, found, season, at, month)

    @property
    def numbers(self) -> tuple[int, int]:
        """The members compared, from 1."""
        count = member_count(self.view.model)
        return min(self.state.member, count), min(self.state.other_member, count)

    def _members(self) -> Side:
        view, state = self.view, self.state
        count, shown = member_count(view.model), view.layer.variable
        if count < 2:
            raise RequestError("Only a model has members to compare; choose one that has at least two at the top.")
        if self.members is None:
            self.members = MemberRuns(view, lambda: self.tell(frozenset({"runs"})))
        chosen = self.numbers
        seasons = [self.members.season(number) for number in chosen]
        fields = [self.member_job.difference(self.member_job.named(shown.name, number)) for number in chosen]
        if shown.name not in STORES:
            problem = f"Members are compared in their stores, not in {shown.long_name.lower()}; choose one above."
        else:
            problem = "" if fields[0] is not None else "Press Compute the map: every member is run, coarse first."
        sides = [
            Side(
                f"Member {number} of {count}", self._member_layer(field), season, view.selection.position, state.month,
                problem, view.generated, self.members.lack,
            )
            for number, field, season in zip(chosen, fields, seasons, strict=True)
        ]  # fmt: skip
        self.left = sides[0]
        return sides[1]

    def _member_layer(self, season: NDArray[np.float32] | None) -> Layer | None:
        """The map of one member's season (month, cell), as far as it is known."""
        held = self.member_job.fields
        if season is None or held is None:
            return None
        world, shown = self.view.world, self.view.layer
        values = season[self.state.month - 1] - (yearly_mean(season) if shown.departure else 0)
        return replace(shown, values=filled(values, held.known, world["lat"].values, world["lon"].values))

    def _cell(self) -> Side:
        view, ids = self.view, self.view.world["cell"].values
        at = int(np.searchsorted(ids, self.state.other_cell))
        if at >= ids.size or ids[at] != self.state.other_cell:
            raise RequestError("The cell of R is in the sea; click a land cell on the right map.")
        mask = np.ones(ids.size, bool)
        chosen = Selection(mask, None, at, np.array([at]), cell_label(view.world, at))
        season = series.season(view.observed, view.fields, chosen)
        mark = " (generated)" if view.generated else ""
        return Side(chosen.label + mark, view.layer, season, at, self.state.month, generated=view.generated)

    def _month(self) -> Side:
        view, month = self.view, int(self.state.other_time[-2:])
        name = view.layer.variable.name
        shown = layer(name, month, self.state.departure, view.observed, view.fields, view.generated)
        title = compare.month_title(month)
        if not shown.seasonal:
            title += " (no season)"
        return Side(title, shown, view.season(), view.selection.position, month, generated=view.generated)

    def _scenario(self) -> Side:
        view, state = self.view, self.state
        titles = compare.scenario_titles(state.scenario)
        at = view.selection.position
        if self.experiment is None:
            self.experiment = Experiment(view, lambda: self.state.compare == "scenario")
            self.experiment.follow(lambda names: self._told(names))
        runs, season = self.experiment.runs, xr.Dataset()
        lack = "" if runs is not None else self.experiment.empty or "Both runs of this place are on their way."
        if runs is not None and state.scenario:
            plain, season = compare.season_of_runs(runs.plain, runs.changed, CURVES)
            self.left = Side(titles[0], view.layer, plain, at, state.month, generated=view.generated)
        if not state.scenario:
            problem = "No change is set; choose one above, or make one on the page What if."
            return Side(titles[1], None, season, at, state.month, problem)
        gained = self.scenario_job.difference(view.layer.variable.name)
        if gained is None:
            problem = "The map of R takes minutes; press Compute the map, and the coarse one is soon there."
            return Side(titles[1], None, season, at, state.month, problem, view.generated, lack)
        assert self.scenario_job.fields is not None
        world, known = view.world, self.scenario_job.fields.known
        taken = gained - yearly_mean(gained) if view.layer.departure else gained
        added = filled(taken[state.month - 1], known, world["lat"].values, world["lon"].values)
        shown = compare.with_difference(view.layer, added)
        return Side(titles[1], shown, season, at, state.month, generated=view.generated, lack=lack)

    def _told(self, names: frozenset[str]) -> None:
        if "runs" in names and self._parts:
            self.tell(frozenset({"runs"}))

    # -- both together ------------------------------------------------------------------------------------------

    def difference(self) -> NDArray[np.float32] | None:
        """R minus L, (cell)."""
        return compare.difference(self.left, self.right)

    def limit(self) -> float:
        """Half-range of the difference's colours."""
        gap = self.difference()
        return round_limit(gap[self.view.selection.mask]) if gap is not None else 1.0

    def agreement(self) -> dict[str, float]:
        """How far the maps differ over the cells left."""
        return compare.agreement(self.left, self.right, self.view.selection.mask, self.view.world["area"].values)

    def origins(self) -> list[str]:
        """Where the numbers of L come from, and of R where it is another source."""
        own = self.view.label
        other = self.others().get(self.other_model) if self.state.compare == "model" else None
        label = sources.label(other) if other is not None else own
        return [own] if label == own else [f"L: {own}", f"R: {label}"]

    def sentence(self) -> str:
        """What is seen, in words."""
        view, area = self.view, self.view.world["area"].values
        of = view.selection.of
        other = np.array([self.right.position]) if self.state.compare == "cell" else of
        here = self.left.at_place(of, area), self.right.at_place(other, area)
        if self.state.compare == "cell":
            return compare.places_sentence(self.left, self.right, here)
        said = compare.sentence(self.left, self.right, self.agreement(), here, view.place)
        lacking = self.job.lacking
        if self.state.compare in ("member", "scenario") and not self.right.problem and lacking:
            said += f" {lacking:,} cells still show their nearest neighbour."
        return said
