"""Running a scenario on all cells left, block by block, with what is known so far at hand; for any page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dashboard import engine, scenario_fields
from dashboard.jobs import Lane
from dashboard.pages.view import View


class ScenarioJob:
    """The fields of the present scenario; `start` runs what is lacking and calls `told` after each block."""

    def __init__(self, view: View, told: Callable[[], None]) -> None:
        self.view, self.state, self._told = view, view.state, told
        self.lane = Lane()
        self.fields: scenario_fields.Fields | None = None
        self._blocks: Iterator[NDArray[np.intp]] = iter(())

    @property
    def possible(self) -> bool:
        """Whether there is a scenario and something that can be run under it."""
        return bool(self.state.scenario) and self.view.kind in ("model", "twin")

    def refresh(self) -> None:
        """Another scenario, source or selection: stop, and take what is known of the new one."""
        self.lane.cancel()
        self.lane.error = ""
        self.fields = None
        if self.possible:
            source = engine.get_engine().source(self.view.model)
            self.fields = scenario_fields.fields_of(
                self.view.model, self.state.scenario, source.version, self.view.world.sizes["cell"]
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
        """Run what is lacking."""
        if self.fields is None:
            return
        world = self.view.world
        wanted = np.flatnonzero(self.view.selection.mask & ~self.fields.known)
        self._blocks = scenario_fields.order(world["lat"].values, world["lon"].values, wanted)
        self._next()

    def _next(self) -> None:
        """Run one more block; each is shown before the next is begun."""
        block, held, text, view = next(self._blocks, None), self.fields, self.state.scenario, self.view
        if block is None or held is None:
            return
        cells = tuple(int(cell) for cell in view.world["cell"].values[block])
        mask = view.selection.mask
        done, total = int((held.known & mask).sum()), int(mask.sum())
        words = f"{done:,} of {total:,} cells"

        def work(progress: Any, cancel: Any) -> None:
            def tell(part: float, _: str = "") -> None:
                progress((done + part * block.size / 2) / total, words)

            def run(some: tuple[int, ...], scenario: str) -> Any:
                return view.run(some, "monthly", tell, cancel, scenario, background=True)

            scenario_fields.add(held, block, cells, run, text)

        def finished(_: Any) -> None:
            self._told()
            self._next()

        self.lane.start(words, work, finished)
