"""The engine: the one door to the models. Asked with small hashable requests, it answers with read-only datasets."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from hdlcore.assets import assets_dir
from hdlcore.data.cube import open_world, positions
from hdlcore.errors import HDLError, ModelError, RequestError
from hdlcore.models.checkpoint import CARD, Card, read_card
from hdlcore.progress import CancelToken, Progress
from hdlcore.runtime.cache import DatasetCache, read_only
from hdlcore.runtime.ensemble import Ensemble
from hdlcore.runtime.explain import explain_cell
from hdlcore.runtime.fields import FIELDS, equilibrium_of, read_fields
from hdlcore.runtime.requests import ExplanationRequest, SimulationRequest
from hdlcore.runtime.simulate import simulate_cells

logger = logging.getLogger(__name__)

CACHE_BYTES = 400_000_000


@dataclass(frozen=True)
class ModelInfo:
    """A model at hand: its id, title, folder, card, and number of members."""

    id: str
    title: str
    folder: Path
    card: Card

    @property
    def members(self) -> int:
        """Number of members of the ensemble."""
        return len(self.card.members)


class Engine:
    """Runs and explains the models in `models` (folders of model folders, beside the shipped ones) on one world cube.

    Thread-safe. A model that cannot be trusted is left out with a logged sentence; `problems` keeps it for the screen.
    One BLAS thread serves a step best (two are slower on steps this small), so torch is set to one thread.
    """

    def __init__(self, models: Sequence[Path] = (), data: Path | None = None, cache_bytes: int = CACHE_BYTES) -> None:
        torch.set_num_threads(1)
        self.world = open_world(data)
        self.problems: list[str] = []
        self._models = self._find([*models, assets_dir() / "models"])
        self._ensembles: dict[str, Ensemble] = {}
        self._fields: dict[str, xr.Dataset] = {}
        self._cache = DatasetCache(cache_bytes)
        self._lock, self._reading = threading.Lock(), threading.Lock()

    # -- models -------------------------------------------------------------------------------------------------

    def _find(self, places: Sequence[Path]) -> dict[str, ModelInfo]:
        found: dict[str, ModelInfo] = {}
        for place in places:
            if not place.is_dir():
                self._problem(f"The model folder {place} does not exist; check --models.")
                continue
            folders = [place] if (place / CARD).is_file() else sorted(p.parent for p in place.glob(f"*/{CARD}"))
            for folder in folders:
                try:
                    card = read_card(folder)
                except HDLError as error:
                    self._problem(str(error))
                    continue
                found.setdefault(card.id, ModelInfo(card.id, card.title, folder, card))
        return found

    def _problem(self, sentence: str) -> None:
        logger.warning(sentence)
        self.problems.append(sentence)

    def models(self) -> list[ModelInfo]:
        """The models at hand, the user's own first."""
        return list(self._models.values())

    def model(self, model_id: str) -> ModelInfo:
        """One model by id; raises `ModelError` naming those there are."""
        try:
            return self._models[model_id]
        except KeyError:
            known = ", ".join(self._models) or "none; train one with 'hdl train'"
            raise ModelError(f"No model is called '{model_id}'; at hand: {known}.") from None

    def ensemble(self, model_id: str) -> Ensemble:
        """The loaded ensemble of a model; weights are checked by hash the first time."""
        info = self.model(model_id)
        with self._lock:
            if model_id not in self._ensembles:
                self._ensembles[model_id] = Ensemble(info.folder, info.card, self.world, self._equilibrium(model_id))
            return self._ensembles[model_id]

    def fields(self, model_id: str) -> xr.Dataset:
        """Precomputed fields of a model over all land (see `hdlcore.runtime.publish`), read once and kept.

        Raises `ModelError` when the model folder brings none or they cannot be read.
        """
        info = self.model(model_id)
        with self._reading:
            if model_id not in self._fields:
                fields = read_fields(info.folder)
                if fields is None:
                    raise ModelError(f"Model '{model_id}' brings no precomputed fields; publish it with 'hdl train'.")
                if not np.array_equal(fields["cell"].values, self.world["cell"].values):
                    raise ModelError(
                        f"The fields of '{model_id}' are of another world cube; open that cube with --data, "
                        "or make them anew with 'hdl train'."
                    )
                self._fields[model_id] = read_only(fields)
            return self._fields[model_id]

    def _equilibrium(self, model_id: str) -> NDArray | None:
        """Ready-made equilibrium stores of a model, when its fields are of this world."""
        try:
            return equilibrium_of(self.fields(model_id), self.world)
        except ModelError:
            return None

    # -- requests -----------------------------------------------------------------------------------------------

    def simulate(
        self, request: SimulationRequest, progress: Progress | None = None, cancel: CancelToken | None = None
    ) -> xr.Dataset:
        """Run an ensemble: (time, cell) member mean of every output and forcing, and ``<name>_spread`` over members.

        Means are of whole runs, so the mean's water balance closes as each member's does. Raises `ModelError`,
        `RequestError`, `Cancelled`.
        """
        positions(self.world, request.cells)  # refuse unknown cells before any work
        ensemble = self.ensemble(request.model)
        return self._cache.get(request, lambda: simulate_cells(ensemble, request, progress, cancel))

    def explain(
        self, request: ExplanationRequest, progress: Progress | None = None, cancel: CancelToken | None = None
    ) -> xr.Dataset:
        """Attribute a target to past forcing (see `hdlcore.runtime.explain`). Raises as `simulate` does."""
        positions(self.world, (request.cell,))
        ensemble = self.ensemble(request.model)
        if request.target not in ensemble.model.outputs:
            raise RequestError(
                f"Model '{request.model}' has no output '{request.target}'; it has {', '.join(ensemble.model.outputs)}."
            )
        return self._cache.get(request, lambda: explain_cell(ensemble, request, progress, cancel))

    def warm_up(self) -> None:
        """Load every model and run one cell, so that the first click does not pay for it."""
        for info in self.models():
            start = time.perf_counter()
            try:
                if (info.folder / FIELDS).is_dir():
                    self.fields(info.id)
                self.simulate(SimulationRequest(info.id, (int(self.world["cell"][0]),), "2002-01-01", "2002-01-31"))
            except HDLError as error:
                self._problem(str(error))
            else:
                logger.info("model %s is warm after %.1f s", info.id, time.perf_counter() - start)
