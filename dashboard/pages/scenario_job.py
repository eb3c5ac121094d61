"""Running a scenario, or every member, on all cells left, block by block, with what is known so far at hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dashboard import engine, scenario_fields
from dashboard.jobs import Lane, together
from dashboard.pages.view import View
from dashboard.scenario_fields import Fields
from dashboard.series import STORES
from hdlcore.runtime.requests import SimulationRequest
from hdlcore.runtime.turns import Asker, Priority


class ScenarioJob:
    """The fields of the present scenario; `start` runs what is lacking and calls `told` after each block."""

    def __init__(self, view: View, told: Callable[[], None]) -> None:
        self.view, self.state, self._told = view, view.state, told
        self.lane = Lane()
        self.fields: Fields | None = None
        self._text = ""
        self.lane.param.watch(self._heard, "message")

    @property
    def possible(self) -> bool:
        """Whether there is a scenario and something that can be run under it."""
        return bool(self.state.scenario) and self.view.kind in ("model", "twin")

    @property
    def asked(self) -> str:
        """What the fields are of."""
        return str(self.state.scenario)

    def refresh(self) -> None:
        """Another scenario, source or selection: stop, and take what is known of the new one."""
        self.lane.cancel()
        self.lane.error = ""
        self.fields = None
        if self.possible:
            source = engine.get_engine().source(self.view.model)
            self.fields = scenario_fields.fields_of(
                self.view.model, self.asked, source.version, self.view.world.sizes["cell"]
            )

    @property
    def lacking(self) -> int:
        """Cells left by the filters that have not been run."""
        mask = self.view.selection.mask
        return int((mask & ~self.fields.known).sum()) if self.fields is not None else int(mask.sum())

    def difference(self, name: str) -> NDArray[np.float32] | None:
        """Mean season of the difference of a quantity, (month, cell), NaN where unknown; None before anything is."""
        held = self.fields
        return held.values.get(name) if held is not None and held.known.any() else None

    def start(self) -> None:
        """Run what is lacking, one block after the other; the bar of the lane stays from the first to the last."""
        held, world, mask = self.fields, self.view.world, self.view.selection.mask
        if held is None:
            return
        self._text = self.asked
        wanted = np.flatnonzero(mask & ~held.known)
        blocks = list(scenario_fields.order(world["lat"].values, world["lon"].values, wanted))
        total = int(mask.sum())

        def words() -> str:
            return f"{int((held.known & mask).sum()):,} of {total:,} cells"

        def work(progress: Any, cancel: Any) -> None:
            for block in blocks:
                done, said = int((held.known & mask).sum()), words()

                def tell(part: float, _: str = "", done: int = done, size: int = block.size, said: str = said) -> None:
                    progress((done + part * size / 2) / total, said)

                self.fill(held, block, tuple(int(cell) for cell in world["cell"].values[block]), tell, cancel)

        self.lane.start(words(), work, lambda _: self._told())

    def _heard(self, event: Any) -> None:
        """Another block is begun: the one before can be shown."""
        if event.new and self.fields is not None and self.fields.known.any():
            with together():
                self._told()

    def fill(self, held: Fields, block: NDArray[np.intp], cells: tuple[int, ...], tell: Any, cancel: Any) -> None:
        """Put one block of cells into the fields; in a thread."""

        def run(some: tuple[int, ...], scenario: str) -> Any:
            return self.view.run(some, "monthly", tell, cancel, scenario, background=True)

        scenario_fields.add(held, block, cells, run, self._text)


class MemberJob(ScenarioJob):
    """The mean seasons of the stores in every member of the model; `named` says under which name each is kept."""

    @property
    def possible(self) -> bool:
        """Whether members are compared, and there are at least two."""
        return self.state.compare == "member" and member_count(self.view.model) > 1

    @property
    def asked(self) -> str:
        """Not a scenario: all members as they are."""
        return "every member"

    @staticmethod
    def named(name: str, member: int) -> str:
        """Key of a quantity of one member, counted from 1."""
        return f"{name} of member {member}"

    def fill(self, held: Fields, block: NDArray[np.intp], cells: tuple[int, ...], tell: Any, cancel: Any) -> None:
        """Run all members on a block of cells."""
        request = SimulationRequest(self.view.model, cells, frequency="monthly")
        asker = Asker(self.view.asker.user, Priority.BACKGROUND)
        data = engine.get_engine().members(request, tell, cancel, asker)
        month = data["time"].dt.month.values - 1
        for name in STORES:
            if name in data:
                values = data[name].transpose("member", "time", "cell").values
                for number, series in enumerate(values, 1):
                    season = np.stack([series[month == m].mean(0) for m in range(12)])
                    held.put(self.named(name, number), block, season)
        held.done(block)


def member_count(model: str) -> int:
    """Members of a model; 0 for what is not one."""
    return next((info.members for info in engine.get_engine().models() if info.id == model), 0)
