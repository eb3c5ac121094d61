"""Attribution is exact: against plain autograd, against the analytic reservoir, and in what it adds up to."""

from __future__ import annotations

import threading
from typing import ClassVar

import numpy as np
import pytest
import torch

from hdlcore.attribution import banded
from hdlcore.attribution.banded import banded_gradients
from hdlcore.attribution.gradients import attribute
from hdlcore.attribution.world import window_gradients
from hdlcore.errors import Cancelled, RequestError
from hdlcore.models.hybrid import HybridModel, Named, stack_members
from hdlcore.models.kinds.h2m import H2M
from hdlcore.models.parameters import FIXED, Parameter, Store
from hdlcore.physics.groundwater import linear_reservoir

DAYS, CELLS, LAGS = 24, 2, 9
RATE = 0.07


class Reservoir(HybridModel):
    """One linear reservoir fed by rain: its memory is known on paper."""

    forcing: ClassVar = ("precipitation",)
    stores: ClassVar = (Store("groundwater", 50.0, 100.0),)
    networks: ClassVar = ()
    parameters_table: ClassVar = (Parameter("baseflow_rate", "d-1", RATE, 0.0, 1.0, FIXED),)
    fluxes: ClassVar = ("baseflow",)
    inflow: ClassVar = ("precipitation",)
    outflow: ClassVar = ("baseflow",)

    @staticmethod
    def physics(forcing: Named, stores: Named, parameters: Named) -> tuple[Named, Named]:
        """Rain in, baseflow out."""
        groundwater, baseflow = linear_reservoir(
            stores["groundwater"], forcing["precipitation"], parameters["baseflow_rate"]
        )
        return {"groundwater": groundwater}, {"baseflow": baseflow}


def ensemble(members: int = 2) -> tuple[H2M, object, torch.Tensor, torch.Tensor]:
    """A small float64 ensemble of random H2M, with forcing (time, member, cell, 3) and a warm-ish state."""
    models = []
    for seed in range(members):
        torch.manual_seed(seed)
        model = H2M(["a", "b"], hidden=5).double().requires_grad_(False)
        for parameter in model.parameters():
            parameter.add_(0.5 * torch.randn_like(parameter))
        models.append(model)
    generator = torch.Generator().manual_seed(7)
    statics = torch.randn(CELLS, 2, dtype=torch.float64, generator=generator)
    prepared = stack_members([m.prepare(statics) for m in models])
    forcing = torch.rand(DAYS, 1, CELLS, 3, dtype=torch.float64, generator=generator)
    forcing = forcing * torch.tensor([12.0, 20.0, 150.0]) + torch.tensor([0.0, -5.0, 0.0])
    state = models[0].initial_state(CELLS).expand(members, -1, -1).clone()
    return models[0], prepared, forcing.expand(-1, members, -1, -1).contiguous(), state


def plain_gradients(model, prepared, forcing, state, target) -> torch.Tensor:
    """One backward pass per target day: (n_target, member, cell, lag, n_forcing)."""
    x = forcing.clone().requires_grad_()
    series, _ = model.run(prepared, x, state, (target,))
    rows = []
    for day in range(LAGS - 1, DAYS):
        (gradient,) = torch.autograd.grad(series[day].sum(), x, retain_graph=True)
        rows.append(gradient[day - LAGS + 1 : day + 1].flip(0).permute(1, 2, 0, 3))
    return torch.stack(rows)


@pytest.mark.parametrize("target", ["tws", "evapotranspiration", "runoff", "swe"])
def test_banded_adjoint_equals_plain_autograd(target: str) -> None:
    model, prepared, forcing, state = ensemble()
    values, gradients = banded_gradients(model, prepared, forcing, state, target, LAGS)
    truth = plain_gradients(model, prepared, forcing, state, target)
    assert truth.abs().max() > 1e-4
    torch.testing.assert_close(gradients, truth, rtol=1e-9, atol=1e-11)
    series, _ = model.run(prepared, forcing, state, (target,))
    torch.testing.assert_close(values, series[LAGS - 1 :, ..., 0])


def test_chunks_of_cells_do_not_change_the_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    model, prepared, forcing, state = ensemble()
    _, whole = banded_gradients(model, prepared, forcing, state, "tws", LAGS)
    monkeypatch.setattr(banded, "MAX_ROWS", DAYS * 2)  # one cell at a time
    _, chunked = banded_gradients(model, prepared, forcing, state, "tws", LAGS)
    torch.testing.assert_close(chunked, whole, rtol=1e-12, atol=1e-14)


def test_window_gradients_equal_the_banded_adjoint() -> None:
    model, prepared, forcing, state = ensemble()
    _, gradients = banded_gradients(model, prepared, forcing, state, "tws", DAYS)
    for member in range(2):
        window = window_gradients(model, prepared.member(member), forcing[:, member], state[member], "tws")
        torch.testing.assert_close(window, gradients[0, member])


def test_a_linear_reservoir_remembers_as_on_paper() -> None:
    model = Reservoir([]).double()
    prepared = stack_members([model.prepare(torch.empty(1, 0, dtype=torch.float64))])
    forcing = torch.rand(60, 1, 1, 1, dtype=torch.float64)
    state = model.initial_state(1)[None]
    _, gradients = banded_gradients(model, prepared, forcing, state, "baseflow", 40)
    lags = np.arange(40)
    truth = np.where(lags > 0, RATE * (1 - RATE) ** (lags - 1), 0)
    for day in (0, 10, 20):
        np.testing.assert_allclose(gradients[day, 0, 0, :, 0], truth, atol=1e-14)


def test_contributions_of_a_linear_model_add_up_exactly() -> None:
    model = Reservoir([]).double()
    prepared = stack_members([model.prepare(torch.empty(1, 0, dtype=torch.float64))])
    forcing, state = torch.rand(40, 1, 1, 1, dtype=torch.float64), model.initial_state(1)[None]
    for method in ("gradient_x_input", "integrated_gradients"):
        result = attribute(method, model, prepared, forcing, torch.zeros_like(forcing), state, "baseflow", 40)
        assert result.gap.abs().max() < 1e-12


def test_integrated_gradients_add_up_better_than_gradient_x_input() -> None:
    """Over the whole record the sum of integrated gradients is F(x) - F(b); a single gradient is only tangent."""
    model, prepared, forcing, state = ensemble()
    baseline = forcing.mean(0, keepdim=True).expand_as(forcing)
    arguments = (model, prepared, forcing, baseline, state, "tws", DAYS)
    tangent = attribute("gradient_x_input", *arguments)
    coarse, fine = (attribute("integrated_gradients", *arguments, nodes=n) for n in (4, 128))
    assert fine.gap.abs().max() < 0.02 * fine.difference.abs().max()
    assert fine.gap.abs().mean() < coarse.gap.abs().mean() < tangent.gap.abs().mean()


def test_lags_longer_than_the_record_are_refused() -> None:
    model, prepared, forcing, state = ensemble()
    with pytest.raises(RequestError, match="do not fit a record"):
        attribute("gradient_x_input", model, prepared, forcing, forcing, state, "tws", DAYS + 1)
    with pytest.raises(RequestError, match="no output"):
        attribute("gradient_x_input", model, prepared, forcing, forcing, state, "gpp", 3)
    with pytest.raises(RequestError, match="No attribution method"):
        attribute("guess", model, prepared, forcing, forcing, state, "tws", 3)


def test_a_cancelled_attribution_stops() -> None:
    model, prepared, forcing, state = ensemble()
    token = threading.Event()
    token.set()
    with pytest.raises(Cancelled):
        banded_gradients(model, prepared, forcing, state, "tws", LAGS, cancel=token)
