"""A trained model as a source: its ensemble, loaded when first needed, and the fields its folder brings."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import xarray as xr

from hdlcore.attribution.registry import METHODS
from hdlcore.errors import ModelError
from hdlcore.models.checkpoint import Card
from hdlcore.models.hybrid import HybridModel
from hdlcore.models.registry import model_kind
from hdlcore.progress import CancelToken, Progress
from hdlcore.runtime.cache import read_only
from hdlcore.runtime.domains import domain_of
from hdlcore.runtime.ensemble import Ensemble
from hdlcore.runtime.explain import curves_cell, explain_cell, impulse_cells
from hdlcore.runtime.fields import equilibrium_of, fields_of_world
from hdlcore.runtime.requests import ExplanationRequest, ImpulseRequest, SimulationRequest
from hdlcore.runtime.simulate import simulate_cells
from hdlcore.runtime.sources import SourceInfo


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


class ModelSource:
    """A model on a world cube, or on the cube of places at `places` (default: the shipped catchments) if it is one of
    places. Thread-safe; weights are read, and checked by hash, the first time they run."""

    def __init__(self, model: ModelInfo, world: xr.Dataset, places: Path | None = None) -> None:
        self.model, self.world, self.places = model, world, places
        self._fields: xr.Dataset | None = None
        self._reading, self._loading = threading.Lock(), threading.Lock()
        self._ensemble: Ensemble | None = None

    @cached_property
    def info(self) -> SourceInfo:
        """What the picker says of it."""
        note = f"trained on {self.model.card.data.get('target', 'the targets on its card')}"
        generated = self.model.card.recipe.get("data") == "twin"
        return SourceInfo(self.model.id, self.model.title, "model", generated, note, methods_of(self.model.card))

    @property
    def has_map(self) -> bool:
        """Whether it runs on all land, not at single places."""
        return self.model.card.recipe.get("data") != "catchments"

    @cached_property
    def outputs(self) -> tuple[str, ...]:
        """Names of the model's outputs, which its kind tells without its weights."""
        return _unfitted(self.model.card).outputs

    @property
    def version(self) -> str:
        """Hashes of the weights and of the world."""
        hashes = (member.sha256 for member in self.model.card.members)
        return " ".join([*hashes, str(self.world.attrs.get("version", "")), str(self.places or "")])

    def ensemble(self) -> Ensemble:
        """The loaded ensemble."""
        with self._loading:
            if self._ensemble is None:
                domain = domain_of(self.model.card, self.world, self.places)
                try:
                    ready = equilibrium_of(self.fields(), self.world, self.model.members)
                except ModelError:
                    ready = None  # a model without fields spins up for itself
                self._ensemble = Ensemble(self.model.folder, self.model.card, domain, ready)
            return self._ensemble

    def fields(self) -> xr.Dataset:
        """Precomputed fields (see `hdlcore.runtime.publish`), read once and kept; `ModelError` when there are none."""
        with self._reading:
            if self._fields is None:
                self._fields = read_only(fields_of_world(self.model.folder, self.model.id, self.world))
            return self._fields

    def simulate(
        self, request: SimulationRequest, progress: Progress | None, cancel: CancelToken | None,
        plain: xr.Dataset | None = None,
    ) -> xr.Dataset:  # fmt: skip
        """Member mean and spread of every output, (time, cell)."""
        return simulate_cells(self.ensemble(), request, progress, cancel, plain)

    def explain(self, request: ExplanationRequest, progress: Progress | None, cancel: CancelToken | None) -> xr.Dataset:
        """Contributions of past forcing by lag, mean over members."""
        return explain_cell(self.ensemble(), request, progress, cancel)

    def curves(
        self, request: ExplanationRequest, answer: xr.Dataset, progress: Progress | None, cancel: CancelToken | None
    ) -> xr.Dataset:
        """Deletion and insertion curves of the answer to a request for one day."""
        return curves_cell(self.ensemble(), request, answer, progress, cancel)

    def impulse(self, request: ImpulseRequest, cancel: CancelToken | None) -> xr.Dataset:
        """Response of every output to a pulse of a driver, mean over members."""
        return impulse_cells(self.ensemble(), request, cancel)


def methods_of(card: Card) -> tuple[str, ...]:
    """Methods of attribution that do not refuse a model of this kind."""
    model = _unfitted(card)
    return tuple(name for name, method in METHODS.items() if not all(method.refuses(model, t) for t in model.outputs))


def _unfitted(card: Card) -> HybridModel:
    """The model of a card before its weights are read."""
    return model_kind(card.kind)(card.statics, card.hidden)
