"""The one way to write a hybrid model: declare stores, parameters and networks; write one pure step of the physics."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from hdlcore.errors import ModelError
from hdlcore.models.networks import RecurrentModule, StaticModule, lstm_step
from hdlcore.models.parameters import FIXED, GLOBAL, Network, Parameter, RecurrentNetwork, StaticNetwork, Store

Named = dict[str, Tensor]


class Prepared:
    """What a model needs for a set of cells, hoisted out of the daily loop; may carry a leading member dimension.

    `recurrent` holds per network the tensors of `RecurrentModule.prepare`; `parameters` the values that do not change
    in time, each (cell,) when learned from statics or (1,) when global or fixed.
    """

    def __init__(self, recurrent: dict[str, dict[str, Tensor]], parameters: Named) -> None:
        self.recurrent = recurrent
        self.parameters = parameters

    def map(self, change: Callable[[Tensor], Tensor]) -> Prepared:
        """Apply `change` to every tensor."""
        recurrent = {
            network: {name: change(t) for name, t in tensors.items()} for network, tensors in self.recurrent.items()
        }
        return Prepared(recurrent, {name: change(p) for name, p in self.parameters.items()})

    def detach(self) -> Prepared:
        """The same numbers without a graph."""
        return self.map(torch.Tensor.detach)

    def member(self, index: int) -> Prepared:
        """One member of a stack, without the member dimension."""
        return self.map(lambda tensor: tensor[index])

    def cells(self, index: Tensor) -> Prepared:
        """Select (or repeat) cells by position; shared tensors stay as they are."""
        recurrent = {
            network: {n: t.index_select(-2, index) if n == "gate_bias" else t for n, t in tensors.items()}
            for network, tensors in self.recurrent.items()
        }
        return Prepared(
            recurrent,
            {n: p.index_select(-1, index) if p.shape[-1] > 1 else p for n, p in self.parameters.items()},
        )


def stack_members(members: Sequence[Prepared]) -> Prepared:
    """Join members into one `Prepared` with a leading member dimension; stepping it steps them all as one batch."""
    first = members[0]
    recurrent = {
        network: {name: torch.stack([m.recurrent[network][name] for m in members]) for name in tensors}
        for network, tensors in first.recurrent.items()
    }
    return Prepared(recurrent, {n: torch.stack([m.parameters[n] for m in members]) for n in first.parameters})


class HybridModel(nn.Module):
    """Networks + physics.

    A subclass declares `forcing`, `stores`, `parameters`, `networks`, `fluxes` and the water balance, and writes
    `physics`, a pure function of one day. Everything else (stepping, carrying state, members, attribution) is here or
    stands on `step`, so a new model is a table and a function.

    State is one tensor (..., cell, n_state): the stores in order, then hidden and cell state of each recurrent
    network. Outputs are one tensor (..., cell, n_output) in the order of `outputs`.
    """

    forcing: ClassVar[tuple[str, ...]]
    stores: ClassVar[tuple[Store, ...]]
    parameters_table: ClassVar[tuple[Parameter, ...]]
    networks: ClassVar[tuple[Network, ...]]
    #: names that `physics` returns beside the stores
    fluxes: ClassVar[tuple[str, ...]]
    #: sum(inflow) - sum(outflow) - change of sum(stores) = 0, every day; both empty for a model without stores
    inflow: ClassVar[tuple[str, ...]]
    outflow: ClassVar[tuple[str, ...]]

    # scaling of inputs, kept with the weights
    forcing_mean: Tensor
    forcing_std: Tensor
    statics_mean: Tensor
    statics_std: Tensor

    def __init__(self, statics: Sequence[str], hidden: int | None = None) -> None:
        super().__init__()
        self.statics = tuple(statics)
        modules: dict[str, nn.Module] = {}
        for network in self.networks:
            learned = self._learned_by(network.name)
            if not learned:
                raise ModelError(f"Network '{network.name}' learns no parameter; name it in the table or drop it.")
            if isinstance(network, RecurrentNetwork):
                spec = network if hidden is None else RecurrentNetwork(**{**network.__dict__, "hidden": hidden})
                modules[network.name] = RecurrentModule(spec, len(statics), len(learned))
            else:
                modules[network.name] = StaticModule(network, len(statics), len(learned))
        self.network = nn.ModuleDict(modules)
        self.global_raw = nn.ParameterDict(
            {p.name: nn.Parameter(torch.zeros(1)) for p in self.parameters_table if p.source == GLOBAL}
        )
        for name, size in (("forcing", len(self.forcing)), ("statics", len(statics))):
            self.register_buffer(f"{name}_mean", torch.zeros(size))
            self.register_buffer(f"{name}_std", torch.ones(size))

    # -- names --------------------------------------------------------------------------------------------------

    def _learned_by(self, source: str) -> tuple[Parameter, ...]:
        return tuple(p for p in self.parameters_table if p.source == source)

    @property
    def store_names(self) -> tuple[str, ...]:
        """Names of the stores, in the order of the state."""
        return tuple(store.name for store in self.stores)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the columns of the output tensor: stores, fluxes, and parameters that vary in time."""
        daily = tuple(p.name for n in self._recurrent() for p in self._learned_by(n.spec.name))
        return self.store_names + self.fluxes + tuple(n for n in daily if n not in self.hidden_parameters)

    #: parameters that only make sense inside `physics` (such as weights before they are normalised)
    hidden_parameters: ClassVar[tuple[str, ...]] = ()

    def _recurrent(self) -> list[RecurrentModule]:
        return [m for m in self.network.values() if isinstance(m, RecurrentModule)]

    @property
    def n_state(self) -> int:
        """Length of the state vector of one cell."""
        return len(self.stores) + sum(2 * m.spec.hidden for m in self._recurrent())

    # -- running ------------------------------------------------------------------------------------------------

    @staticmethod
    @abstractmethod
    def physics(forcing: Named, stores: Named, parameters: Named) -> tuple[Named, Named]:
        """One day: forcing, yesterday's stores and today's parameters by name -> (stores, fluxes) by name."""

    def initial_state(self, n_cells: int) -> Tensor:
        """Cold start, (cell, n_state): each store at its `initial` amount, networks at zero."""
        state = self.forcing_mean.new_zeros(n_cells, self.n_state)
        for i, store in enumerate(self.stores):
            state[:, i] = store.initial
        return state

    def prepare(self, statics: Tensor) -> Prepared:
        """Hoist all that does not change in time for cells with `statics` (cell, n_statics), in physical units.

        Missing statics (NaN) count as the training mean.
        """
        z = torch.nan_to_num((statics - self.statics_mean) / self.statics_std)
        recurrent: dict[str, dict[str, Tensor]] = {}
        values: Named = {}
        for spec in self.networks:
            module = self.network[spec.name]
            if isinstance(module, RecurrentModule):
                index = torch.tensor([self.forcing.index(f) for f in module.spec.forcing])
                recurrent[spec.name] = module.prepare(z, self.forcing_mean[index], self.forcing_std[index])
            elif isinstance(spec, StaticNetwork):
                raw = module(z)
                values |= {p.name: p.value(raw[:, i]) for i, p in enumerate(self._learned_by(spec.name))}
        for p in self.parameters_table:
            if p.source == GLOBAL:
                values[p.name] = p.value(self.global_raw[p.name])
            elif p.source == FIXED:
                values[p.name] = self.forcing_mean.new_full((1,), p.default)
        return Prepared(recurrent, values)

    def step(
        self, forcing: Tensor, state: Tensor, prepared: Prepared, keep: Sequence[str] | None = None
    ) -> tuple[Tensor, Tensor]:
        """One day: forcing (..., cell, n_forcing), state (..., cell, n_state) -> (outputs, state).

        `keep` names the outputs wanted, in order (default all of `outputs`).
        """
        stores, *memory = state.split(self._state_sizes(), -1)
        weather = dict(zip(self.forcing, forcing.unbind(-1), strict=True))
        seen = self._seen_stores(stores)
        values, carried = dict(prepared.parameters), []
        for i, module in enumerate(self._recurrent()):
            inputs = self._inputs(module.spec, forcing, seen)
            tensors = prepared.recurrent[module.spec.name]
            raw, hidden, cell = lstm_step(inputs, memory[2 * i], memory[2 * i + 1], tensors)
            learned = self._learned_by(module.spec.name)
            values |= {p.name: p.value(r) for p, r in zip(learned, raw.unbind(-1), strict=True)}
            carried += [hidden, cell]
        named, fluxes = self.physics(weather, dict(zip(self.store_names, stores.unbind(-1), strict=True)), values)
        new_stores = torch.stack([named[name] for name in self.store_names], -1) if named else stores
        named = {**values, **fluxes, **named}
        shape = new_stores.shape[:-1]  # a global parameter is one number; as an output it is one per cell
        outputs = torch.stack([named[name].expand(shape) for name in (keep or self.outputs)], -1)
        return outputs, torch.cat([new_stores, *carried], -1)

    def _state_sizes(self) -> list[int]:
        return [len(self.stores)] + [m.spec.hidden for m in self._recurrent() for _ in range(2)]

    def _seen_stores(self, stores: Tensor) -> Tensor:
        """Stores as networks see them: x / (x + half), in [0, 1), so that no store however large saturates a gate."""
        half = stores.new_tensor([store.half for store in self.stores])
        return stores / (stores + half)

    def _inputs(self, spec: RecurrentNetwork, forcing: Tensor, seen: Tensor) -> Tensor:
        parts = []
        if spec.forcing:
            parts.append(forcing if spec.forcing == self.forcing else _columns(forcing, self.forcing, spec.forcing))
        if spec.stores:
            parts.append(seen if spec.stores == self.store_names else _columns(seen, self.store_names, spec.stores))
        return torch.cat(parts, -1)

    def run(
        self, prepared: Prepared, forcing: Tensor, state: Tensor, keep: Sequence[str] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Step through time: forcing (time, ..., cell, n_forcing) -> (outputs (time, ..., cell, n_output), state)."""
        series = []
        for day in forcing.unbind(0):
            outputs, state = self.step(day, state, prepared, keep)
            series.append(outputs)
        return torch.stack(series), state


def _columns(values: Tensor, names: tuple[str, ...], wanted: tuple[str, ...]) -> Tensor:
    return torch.stack([values[..., names.index(name)] for name in wanted], -1)
