"""The engine: the one door to models, twin and data. Asked with small hashable requests, it answers with read-only
datasets."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
import xarray as xr

from hdlcore.analysis.decomposition import PartitionCurve
from hdlcore.assets import assets_dir
from hdlcore.data.cube import open_world, positions
from hdlcore.errors import Cancelled, DataError, HDLError, ModelError, RequestError
from hdlcore.models.checkpoint import CARD, read_card
from hdlcore.models.registry import model_kind
from hdlcore.progress import CancelToken, Progress
from hdlcore.runtime.cache import DatasetCache
from hdlcore.runtime.code_version import code_version
from hdlcore.runtime.datasets import DataSource, is_places, is_world, shipped_cubes
from hdlcore.runtime.disk_cache import DiskCache, entry_name
from hdlcore.runtime.domains import recipe_of
from hdlcore.runtime.ensemble import Ensemble
from hdlcore.runtime.estimate import PROBE_CELLS, Estimate, Rate, Request, estimate, measure_rate
from hdlcore.runtime.grade_file import read_grades
from hdlcore.runtime.model_source import ModelInfo, ModelSource
from hdlcore.runtime.report import Report
from hdlcore.runtime.requests import ExplanationRequest, Frequency, ImpulseRequest, SimulationRequest
from hdlcore.runtime.scenarios import first_changed_day, parse_scenario
from hdlcore.runtime.simulate import simulate_members
from hdlcore.runtime.site_series import site_series
from hdlcore.runtime.sources import Source, SourceInfo, free_id, id_of, refuse_explanation
from hdlcore.runtime.turns import SOMEONE, Asker, Turns
from hdlcore.runtime.twin_source import TwinSource
from hdlcore.variables import with_derived

__all__ = ["Engine", "ModelInfo", "SourceInfo"]

logger = logging.getLogger(__name__)

CACHE_BYTES = 400_000_000


class Engine:
    """Runs and explains what is at hand on one world cube.

    At hand are the models in `models` (folders of model folders) beside the shipped ones, the twin Earth, and the cubes
    in `data`; a cube of kind "world" among these is the world itself. Thread-safe. What cannot be trusted is left out
    with a logged sentence; `problems` keeps it for the screen. Answers are kept in memory within `cache_bytes` and, if
    `disk` is given, on disk; what two ask for at once is computed once; as many compute at a time as there are
    processors, clicks before the background (`hdlcore.runtime.turns`). One BLAS thread serves a step best (two are
    slower on steps this small), so torch is set to one thread.
    """

    def __init__(
        self, models: Sequence[Path] = (), data: Sequence[Path] | Path | None = None,
        cache_bytes: int = CACHE_BYTES, disk: DiskCache | None = None,
    ) -> None:  # fmt: skip
        torch.set_num_threads(1)
        cubes = [data] if isinstance(data, Path) else list(data or ())
        for path in cubes:
            if not path.exists():
                raise DataError(f"There is nothing at {path}; check --data.")
        worlds = [path for path in cubes if is_world(path)]
        self._world_path = worlds[-1] if worlds else None
        self.world = open_world(self._world_path)
        self.problems: list[str] = []
        self._sources: dict[str, Source] = {}
        #: models of gauged places: their cells are those of a cube of places, not of the world
        self._places: dict[str, ModelSource] = {}
        self._cube_of_places = next((path for path in cubes if is_places(path)), None)
        self._cache, self._turns = DatasetCache(cache_bytes, disk), Turns()
        self._rates: dict[Hashable, Rate] = {}
        self._evaluations: dict[tuple[str, str], tuple[dict[str, Any], Report]] = {}
        self._partitions: dict[tuple[str, str], dict[str, PartitionCurve]] = {}
        self._lock = threading.Lock()
        self._find([*models, assets_dir() / "models"])
        twin = TwinSource(self.world)
        self._sources[twin.info.id] = twin
        for path in [*shipped_cubes(), *(path for path in cubes if path not in worlds)]:
            try:
                self.add_data(path)
            except HDLError as error:
                self._problem(str(error))

    # -- sources ------------------------------------------------------------------------------------------------

    def _find(self, places: Sequence[Path]) -> None:
        for place in places:
            if not place.is_dir():
                self._problem(f"The model folder {place} does not exist; check --models.")
                continue
            folders = [place] if (place / CARD).is_file() else sorted(p.parent for p in place.glob(f"*/{CARD}"))
            for folder in folders:
                try:
                    self._add_model(folder)
                except HDLError as error:
                    self._problem(str(error))

    def _add_model(self, folder: Path) -> None:
        """Put a model beside the others; raises `ModelError` for a card, kind or recipe this version cannot read."""
        card = read_card(folder)
        try:
            model_kind(card.kind)
        except ModelError as error:
            raise ModelError(f"{folder / CARD}: {error}") from None
        info, of_places = ModelInfo(card.id, card.title, folder, card), recipe_of(card).data == "catchments"
        held = self._places if of_places else self._sources
        if card.id not in held:
            held[card.id] = ModelSource(info, self.world, self._cube_of_places if of_places else None)
        elif folder.parent != assets_dir() / "models":  # one's own may stand in for a shipped one
            raise ModelError(f"{folder / CARD} has the id '{card.id}', as another model has; give it one of its own.")

    def _problem(self, sentence: str) -> None:
        logger.warning(sentence)
        self.problems.append(sentence)

    def add_data(self, path: Path) -> SourceInfo:
        """Put a cube beside the models; raises `DataError` when it cannot be opened."""
        source = DataSource(path, self.world, free_id(id_of(path), lambda name: name in self._sources))
        with self._lock:
            self._sources[source.info.id] = source
        return source.info

    def sources(self) -> list[SourceInfo]:
        """Everything that can be looked at on the world: models (the user's own first), the twin, data."""
        return [source.info for source in self._sources.values()]

    def source(self, source_id: str) -> Source:
        """One source by id; raises `ModelError` naming those there are."""
        try:
            return self._places.get(source_id) or self._sources[source_id]
        except KeyError:
            known = ", ".join(dict.fromkeys([*self._sources, *self._places]))
            raise ModelError(f"No model or data set is called '{source_id}'; at hand: {known}.") from None

    def data(self) -> list[DataSource]:
        """The cubes at hand, beside the world."""
        return [source for source in self._sources.values() if isinstance(source, DataSource)]

    def models(self) -> list[ModelInfo]:
        """The trained models of land at hand, the user's own first."""
        return [source.model for source in self._sources.values() if isinstance(source, ModelSource)]

    def models_of_places(self) -> list[ModelInfo]:
        """The trained models of gauged places at hand, the user's own first."""
        return [source.model for source in self._places.values()]

    def cells_of(self, source_id: str) -> xr.Dataset:
        """The cells a source runs on: those of the world, or the places of a cube."""
        source = self._places.get(source_id)
        return source.ensemble().world if source else self.world

    def _model_source(self, model_id: str) -> ModelSource:
        source = self._places.get(model_id) or self._sources.get(model_id)
        if not isinstance(source, ModelSource):
            known = ", ".join(info.id for info in [*self.models(), *self.models_of_places()])
            known = known or "none; train one with 'hdl train'"
            raise ModelError(f"No model is called '{model_id}'; at hand: {known}.")
        return source

    def model(self, model_id: str) -> ModelInfo:
        """One trained model by id; raises `ModelError` naming those there are."""
        return self._model_source(model_id).model

    def ensemble(self, model_id: str) -> Ensemble:
        """The loaded ensemble of a model; weights are checked by hash the first time."""
        return self._model_source(model_id).ensemble()

    def fields(self, source_id: str) -> xr.Dataset:
        """What is known of all land at once (see `hdlcore.runtime.publish`), read once and kept.

        Raises `ModelError` or `DataError` when the source brings none or they cannot be read.
        """
        return self.source(source_id).fields()

    # -- requests -----------------------------------------------------------------------------------------------

    def simulate(
        self, request: SimulationRequest, progress: Progress | None = None, cancel: CancelToken | None = None,
        asker: Asker = SOMEONE,
    ) -> xr.Dataset:  # fmt: skip
        """Run a model or the twin: (time, cell) of every output and forcing, and of what the table makes of them.

        For an ensemble these are member means, and ``<name>_spread`` over members; means are of whole runs, so the
        mean's water balance closes as each member's does. Under a scenario only what follows its first change is run
        anew. Raises `ModelError`, `RequestError`, `Cancelled`.
        """
        return with_derived(self._simulate(request, progress, cancel, asker))

    def _simulate(
        self, request: SimulationRequest, progress: Progress | None, cancel: CancelToken | None, asker: Asker
    ) -> xr.Dataset:
        source = self.source(request.model)
        if source.info.kind != "data":
            positions(self.cells_of(request.model), request.cells)  # refuse unknown cells before any work
        plain = None
        if request.scenario and first_changed_day(parse_scenario(request.scenario), request.start) > request.start:
            plain = self._simulate(replace(request, scenario=""), progress, cancel, asker)
        return self._answer(
            source, request, lambda turn: source.simulate(request, progress, turn, plain), cancel, asker
        )

    def members(
        self, request: SimulationRequest, progress: Progress | None = None, cancel: CancelToken | None = None,
        asker: Asker = SOMEONE,
    ) -> xr.Dataset:  # fmt: skip
        """Monthly means of every member of a model, (member, time, cell); raises as `simulate` does."""
        source = self._model_source(request.model)
        positions(self.cells_of(request.model), request.cells)
        return self._answer(
            source, ("members", request),
            lambda turn: simulate_members(source.ensemble(), request, progress, turn), cancel, asker,
        )  # fmt: skip

    def site(
        self, model_id: str, cell: int, progress: Progress | None = None, cancel: CancelToken | None = None,
        asker: Asker = SOMEONE,
    ) -> xr.Dataset:  # fmt: skip
        """A model of places at one of them, day by day (see `hdlcore.runtime.site_series`); raises as it does."""
        source = self._model_source(model_id)
        return self._answer(
            source, ("site", model_id, cell),
            lambda turn: site_series(source.ensemble(), source.model.folder, cell, progress, turn), cancel, asker,
        )  # fmt: skip

    def evaluate(
        self, model_id: str, progress: Progress | None = None, cancel: CancelToken | None = None,
        asker: Asker = SOMEONE,
    ) -> tuple[dict[str, Any], Report]:  # fmt: skip
        """Score a model of land anew on what its members never saw: minutes; kept until its weights change.

        Gives way to whoever looks at a screen between its blocks of cells. Raises `Cancelled`, `ModelError`.
        """
        from hdlcore.runtime.evaluate import evaluate  # brings training, which no other question needs

        source = self._model_source(model_id)
        key = (model_id, source.version)
        if key not in self._evaluations:
            with self._turns.turn(asker, cancel) as turn:

                def told(fraction: float, message: str) -> None:
                    if turn.is_set():
                        raise Cancelled("The evaluation was cancelled; nothing was kept.")
                    if progress:
                        progress(fraction, message)

                told(0.0, "preparing")
                model = source.model
                data = {"grace": self._world_path, "catchments": source.places}.get(str(model.card.recipe.get("data")))
                self._evaluations[key] = evaluate(model.folder, model.card, self.world, data, None, told, turn)
        return self._evaluations[key]

    def partition(
        self, model_id: str, cancel: CancelToken | None = None, asker: Asker = SOMEONE
    ) -> dict[str, PartitionCurve]:
        """How a model splits incoming water against the soil's deficit (see `hdlcore.runtime.partition`), kept; empty
        for a model that does not learn the split."""
        from hdlcore.runtime.partition import partition_of

        source = self._model_source(model_id)
        key = (model_id, source.version)
        if key not in self._partitions:
            with self._turns.turn(asker, cancel) as turn:
                self._partitions[key] = partition_of(source.model.folder, source.model.card, self.world, turn)
        return self._partitions[key]

    def series(
        self, source_id: str, cells: Sequence[int], start: str, end: str, frequency: Frequency = "daily"
    ) -> xr.Dataset:
        """What a data cube holds for some of its cells and a period, (time, cell); missing days are NaN.

        A cube may bear the name of a model that learned from it; here the cube is meant.
        """
        source = next((held for held in self.data() if held.info.id == source_id), None)
        if source is None:
            known = ", ".join(held.info.id for held in self.data()) or "none; add one with --data"
            raise ModelError(f"No data set is called '{source_id}'; at hand: {known}.")
        request = SimulationRequest(source_id, tuple(cells), start, end, frequency)
        return self._answer(
            source, ("series", request), lambda turn: source.simulate(request, None, turn), None, SOMEONE
        )

    def explain(
        self, request: ExplanationRequest, progress: Progress | None = None, cancel: CancelToken | None = None,
        asker: Asker = SOMEONE,
    ) -> xr.Dataset:  # fmt: skip
        """Attribute a target to past forcing (see `hdlcore.runtime.explain`). Raises as `simulate` does."""
        source = self.source(request.model)
        refuse_explanation(source, request)
        positions(self.cells_of(request.model), (request.cell,))
        return self._answer(source, request, lambda turn: source.explain(request, progress, turn), cancel, asker)

    def curves(
        self, request: ExplanationRequest, progress: Progress | None = None, cancel: CancelToken | None = None,
        asker: Asker = SOMEONE,
    ) -> xr.Dataset:  # fmt: skip
        """Deletion and insertion of the answer to a request for one day (see `hdlcore.attribution.faithfulness`)."""
        answer, source = self.explain(request, progress, cancel, asker), self._model_source(request.model)
        work = partial(source.curves, request, answer, progress)
        return self._answer(source, ("curves", request), work, cancel, asker)

    def impulse(self, request: ImpulseRequest, cancel: CancelToken | None = None, asker: Asker = SOMEONE) -> xr.Dataset:
        """Follow one pulse through every store and flux (`hdlcore.attribution.pulse`); raises as `simulate` does."""
        source = self.source(request.model)
        if source.info.kind != "data":
            positions(self.cells_of(request.model), request.cells)
        return self._answer(source, request, lambda turn: source.impulse(request, turn), cancel, asker)

    def grades(self, model_id: str) -> dict[str, Any] | None:
        """Grades of every attribution method on a model (see `hdlcore.runtime.grade`); None when it brings none."""
        return read_grades(self.model(model_id).folder)

    def estimate(self, request: Request, n_cells: int = 0, workers: int = 0) -> Estimate:
        """Seconds, memory and disk that a request will take, from a rate measured once per model and kind of request.

        `n_cells` is how many cells share the question (default: those of the request), `workers` how many workers of
        one core do it in blocks (default: this process). Raises what the request itself would.
        """
        source = self.source(request.model)
        if source.info.kind == "data":
            raise RequestError(f"'{request.model}' is data and only read, which costs next to nothing.")
        cells: tuple[int, ...]
        if isinstance(request, ExplanationRequest):
            refuse_explanation(source, request)
            cells, kind = (request.cell,), request.method
        else:
            cells, kind = request.cells, str(request.frequency)
        positions(self.cells_of(request.model), cells)
        n = n_cells or len(cells)
        key = (request.model, source.version, kind, min(n, PROBE_CELLS))
        if key not in self._rates:
            self._rates[key] = measure_rate(source, request, len(cells))
        return estimate(source, request, n, self._rates[key], workers)

    def _answer(
        self, source: Source, request: Hashable, work: Callable[[CancelToken], xr.Dataset],
        cancel: CancelToken | None, asker: Asker,
    ) -> xr.Dataset:  # fmt: skip
        """From the cache, or computed in a turn of its own; data are read where they lie and not kept on disk again."""

        def compute() -> xr.Dataset:
            with self._turns.turn(asker, cancel) as turn:
                return work(turn)

        lasting = source.info.kind != "data"
        name = entry_name(request, source.version, code_version()) if lasting and self._cache.disk else ""
        return self._cache.get(request, compute, cancel, name)

    def warm_up(self) -> None:
        """Load every model and the twin and run one cell, then ask each model why, so that no click pays for it."""
        month, cell = ("2002-01-01", "2002-01-31"), int(self.world["cell"][0])
        sources = [info for info in self.sources() if info.kind != "data"]
        for info in sources:
            try:
                self.fields(info.id)
            except ModelError as error:
                logger.info("%s: %s", info.id, error)
            self._warm(info.id, partial(self.simulate, SimulationRequest(info.id, (cell,), *month)))
        for place_model in self.models_of_places():
            with suppress(HDLError):  # a user's own places may be too few for it, which its page says
                self.cells_of(place_model.id)
        for info in sources:
            if info.kind == "model":
                asked = ExplanationRequest(info.id, cell, lags=31, start=month[0], end=month[1])
                self._warm(f"why of {info.id}", partial(self.explain, asked))

    def _warm(self, what: str, work: Callable[[], Any]) -> None:
        start = time.perf_counter()
        try:
            work()
        except HDLError as error:
            self._problem(str(error))
        except Exception:
            logger.exception("%s could not be warmed up", what)  # whoever looks at it is told; the others go on
        else:
            logger.info("%s is warm after %.1f s", what, time.perf_counter() - start)
