"""The parameter table keeps its promises; members in a batch are the members alone."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hdlcore.errors import ModelError
from hdlcore.models import kinds
from hdlcore.models.hybrid import stack_members
from hdlcore.models.kinds.bucket import Bucket
from hdlcore.models.kinds.h2m import H2M
from hdlcore.models.parameters import GLOBAL, Parameter
from hdlcore.models.registry import KINDS, find_kinds, model_kind
from hdlcore.variables import VARIABLES

PARAMETERS = list({p: None for kind in KINDS.values() for p in kind.parameters_table})


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
    with pytest.raises(ModelError, match="no lower one"):
        Parameter("rate", "d-1", 0.0, -math.inf, 1.0, GLOBAL)
    with pytest.raises(ModelError, match="scale 0"):
        Parameter("rate", "d-1", 1.0, 0.0, math.inf, GLOBAL, scale=0)


def test_a_parameter_without_bounds_is_a_straight_line_and_a_large_default_no_overflow() -> None:
    raw = torch.tensor([-2.0, 0.0, 3.0])
    storage = Parameter("tws", "mm", 300.0, -math.inf, math.inf, GLOBAL, scale=100.0)
    assert storage.value(raw).tolist() == [100.0, 300.0, 600.0]
    large = Parameter("capacity", "mm", 5000.0, 0.0, math.inf, GLOBAL)
    torch.testing.assert_close(large.value(raw), 5000 + raw)


@pytest.mark.parametrize("name", KINDS)
def test_every_forcing_output_and_parameter_is_explained_in_the_table_of_variables(name: str) -> None:
    """With units, a long name and a range to draw it in; in the units that the kind's own table says."""
    model = model_kind(name)(["a"])
    parameters = {p.name: p for p in model.parameters_table if p.name not in model.hidden_parameters}
    named = {*model.outputs, *model.forcing, *model.store_names, *parameters}
    assert sorted(named - set(VARIABLES)) == []
    for entry in (VARIABLES[name] for name in named):
        assert entry.units and entry.long_name, entry.name
        assert entry.low < entry.high and entry.cmap, entry.name
        assert set(entry.attributes()) >= {"long_name", "units"}
    assert {n: p.units for n, p in parameters.items()} == {n: VARIABLES[n].units for n in parameters}


def test_the_documents_name_every_kind() -> None:
    page = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")
    assert [name for name in KINDS if f"\n| `{name}` |" not in page] == []


@pytest.mark.parametrize("name", KINDS)
def test_what_closes_the_balance_is_water(name: str) -> None:
    """Stores in mm, fluxes in and out of them in mm a day: else their sum means nothing."""
    kind = model_kind(name)
    assert {VARIABLES[store.name].units for store in kind.stores} <= {"mm"}
    assert {VARIABLES[flux].units for flux in (*kind.inflow, *kind.outflow)} <= {"mm d-1"}


def test_a_file_in_the_folder_of_kinds_is_a_kind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(kinds, "__path__", [*kinds.__path__, str(tmp_path)])
    source = "from hdlcore.models.kinds.bucket import Bucket\nclass Pail(Bucket):\n    pass\n"
    (tmp_path / "leaking_pail.py").write_text(source)
    found = find_kinds()
    assert set(found) - set(KINDS) == {"leaking-pail"} and found["leaking-pail"].__name__ == "Pail"
    (tmp_path / "two_pails.py").write_text(source + "class Other(Pail):\n    pass\n")
    with pytest.raises(ModelError, match=r"two_pails.py must define one HybridModel and defines Pail, Other"):
        find_kinds()


def test_an_unknown_kind_is_refused_by_name() -> None:
    with pytest.raises(ModelError, match="did you mean 'h2m'\\? there are bucket"):
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
