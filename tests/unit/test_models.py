"""The parameter table keeps its promises; members in a batch are the members alone."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hdlcore.errors import ModelError
from hdlcore.models.bucket import Bucket
from hdlcore.models.h2m import H2M
from hdlcore.models.hybrid import stack_members
from hdlcore.models.parameters import GLOBAL, Parameter
from hdlcore.models.registry import KINDS, model_kind
from hdlcore.variables import VARIABLES

PARAMETERS = [*H2M.parameters_table]


@pytest.mark.parametrize("parameter", PARAMETERS, ids=lambda p: p.name)
def test_a_raw_value_of_zero_means_the_default(parameter: Parameter) -> None:
    assert float(parameter.value(torch.zeros(1))) == pytest.approx(parameter.default, rel=1e-5)


@given(raw=st.floats(-30, 30), index=st.integers(0, len(PARAMETERS) - 1))
def test_values_stay_within_bounds_and_rise_with_the_raw_value(raw: float, index: int) -> None:
    parameter = PARAMETERS[index]
    low, high = parameter.value(torch.tensor([raw, raw + 1.0], dtype=torch.float64)).tolist()
    assert parameter.low <= low <= high <= parameter.high


def test_a_default_outside_its_bounds_is_refused() -> None:
    with pytest.raises(ModelError, match="outside"):
        Parameter("rate", "d-1", 2.0, 0.0, 1.0, GLOBAL)
    with pytest.raises(ModelError, match="bound"):
        Parameter("rate", "d-1", 0.0, 0.0, math.inf, GLOBAL)


@pytest.mark.parametrize("name", KINDS)
def test_every_output_has_a_line_in_the_table_of_variables(name: str) -> None:
    model = model_kind(name)(["a"])
    missing = [output for output in (*model.outputs, *model.forcing) if output not in VARIABLES]
    assert not missing


def test_an_unknown_kind_is_refused_by_name() -> None:
    with pytest.raises(ModelError, match="there are h2m"):
        model_kind("h3m")


def _run(model: H2M, prepared: object, forcing: torch.Tensor, state: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return model.run(prepared, forcing, state)[0]  # type: ignore[arg-type]


def test_members_stacked_are_the_members_alone() -> None:
    models, statics = [], torch.randn(5, 3)
    for seed in range(3):
        torch.manual_seed(seed)
        models.append(H2M(["a", "b", "c"], hidden=8))
    forcing = torch.rand(30, 5, 3) * 10
    prepared = [m.prepare(statics).detach() for m in models]
    state = models[0].initial_state(5)
    together = _run(models[0], stack_members(prepared), forcing[:, None].expand(-1, 3, -1, -1), state.expand(3, -1, -1))
    for i, model in enumerate(models):
        torch.testing.assert_close(together[:, i], _run(model, prepared[i], forcing, state), rtol=1e-5, atol=1e-4)


def test_a_cell_alone_is_the_cell_in_a_batch_in_any_order() -> None:
    torch.manual_seed(0)
    model, statics, forcing = H2M(["a", "b"]), torch.randn(7, 2), torch.rand(40, 7, 3) * 10
    state = model.initial_state(7)
    batch = _run(model, model.prepare(statics).detach(), forcing, state)
    order = torch.tensor([3, 0, 6, 2, 5, 1, 4])
    shuffled = _run(model, model.prepare(statics[order]).detach(), forcing[:, order], state)
    torch.testing.assert_close(shuffled, batch[:, order], rtol=1e-5, atol=1e-4)
    alone = _run(model, model.prepare(statics[2:3]).detach(), forcing[:, 2:3], state[2:3])
    torch.testing.assert_close(alone, batch[:, 2:3], rtol=1e-5, atol=1e-4)


def test_missing_statics_count_as_the_mean() -> None:
    torch.manual_seed(0)
    model = H2M(["a", "b"])
    model.statics_mean.copy_(torch.tensor([3.0, -1.0]))
    with torch.no_grad():
        missing = model.prepare(torch.tensor([[float("nan"), float("nan")]]))
        mean = model.prepare(torch.tensor([[3.0, -1.0]]))
    torch.testing.assert_close(missing.parameters["soil_capacity"], mean.parameters["soil_capacity"])


def test_asked_for_outputs_are_those_of_all() -> None:
    model, forcing = Bucket(["a"]), torch.rand(10, 3, 3)
    prepared, state = model.prepare(torch.zeros(3, 1)).detach(), model.initial_state(3)
    everything, _ = model.run(prepared, forcing, state)
    chosen, _ = model.run(prepared, forcing, state, ("runoff", "swe"))
    index = [model.outputs.index(name) for name in ("runoff", "swe")]
    torch.testing.assert_close(chosen, everything[..., index])
