"""Attribution is exact: against plain autograd, against reservoirs known on paper, and in what it adds up to."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients, Saliency

from hdlcore.attribution import attribute as asking
from hdlcore.attribution import banded
from hdlcore.attribution.attribute import attribute, every_day
from hdlcore.attribution.banded import banded_gradients, lag_gradients, pulled_gradients, window_gradients
from hdlcore.attribution.contract import Question, Subject
from hdlcore.attribution.oracle import RATE, Cascade, Reservoir, oracle_error
from hdlcore.attribution.pulse import impulse
from hdlcore.attribution.registry import METHODS
from hdlcore.attribution.views import flags_of
from hdlcore.errors import Cancelled, RequestError
from hdlcore.models.hybrid import HybridModel, Named, stack_members
from hdlcore.models.kernels.fast import trajectory
from hdlcore.models.kinds.h2m import H2M
from hdlcore.models.kinds.lstm import LSTM
from hdlcore.models.registry import KINDS

DAYS, CELLS, LAGS, MEMBERS = 24, 2, 9, 2
#: A permutation is drawn, the decomposition is of an LSTM, and carriers are tried below.
NOT_ON_PAPER = ("permutation", "additive_decomposition", "carriers")


def subject(kind: type[HybridModel] = H2M, members: int = MEMBERS, cells: int = CELLS, days: int = DAYS) -> Subject:
    """A small float64 ensemble with random weights under made-up weather."""
    models = []
    for seed in range(members):
        torch.manual_seed(seed)
        model = kind(["a", "b"], hidden=5).double().requires_grad_(False)
        for parameter in model.parameters():
            parameter.add_(0.5 * torch.randn_like(parameter))
        models.append(model)
    model, generator = models[0], torch.Generator().manual_seed(7)
    statics = torch.randn(cells, 2, dtype=torch.float64, generator=generator)
    scale = {"precipitation": (12.0, 0.0), "air_temperature": (20.0, -5.0), "net_radiation": (150.0, 0.0)}
    scales = torch.tensor([scale.get(name, (5.0, 0.0)) for name in model.forcing])

    def weather() -> torch.Tensor:
        drawn = torch.rand(days, 1, cells, len(model.forcing), dtype=torch.float64, generator=generator)
        return (drawn * scales[:, 0] + scales[:, 1]).expand(-1, members, -1, -1).contiguous()

    forcing, others = weather(), [weather() for _ in range(3)]
    state = model.initial_state(cells).expand(members, -1, -1).clone()
    usual = state.expand(days, -1, -1, -1) * 1.1 + 0.2
    return Subject(
        model=model,
        prepared=stack_members([m.prepare(statics) for m in models]),
        forcing=forcing,
        baseline=forcing.mean(0, keepdim=True).expand_as(forcing),
        state=state,
        days=np.arange("2001-01-01", np.datetime64("2001-01-01") + days, dtype="datetime64[D]"),
        cells=np.arange(cells),
        usual=lambda: usual,
        other_years=lambda i: others[i % len(others)],
    )


def question(target: str = "tws", lags: int = LAGS, days: int = DAYS, **more: int) -> Question:
    """Every day of the record that has `lags` days of weather."""
    return Question(target, every_day(days, lags), lags, **more)


def plain_gradients(made: Subject, target: str) -> torch.Tensor:
    """One backward pass per target day: (n_target, member, cell, lag, n_forcing)."""
    x = made.forcing.clone().requires_grad_()
    series, _ = made.model.run(made.prepared, x, made.state, (target,))
    rows = []
    for day in range(LAGS - 1, DAYS):
        (gradient,) = torch.autograd.grad(series[day].sum(), x, retain_graph=True)
        rows.append(gradient[day - LAGS + 1 : day + 1].flip(0).permute(1, 2, 0, 3))
    return torch.stack(rows)


@pytest.mark.parametrize("target", ["tws", "evapotranspiration", "runoff", "swe"])
def test_banded_and_window_gradients_equal_plain_autograd(target: str) -> None:
    made, truth = subject(), plain_gradients(subject(), target)
    assert truth.abs().max() > 1e-4
    states = trajectory(made.model, made.prepared, made.forcing, made.state)
    for way in (banded_gradients, window_gradients):
        gradients = way(made.model, made.prepared, made.forcing, states, question(target))
        torch.testing.assert_close(gradients, truth, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("kind", [k for k in KINDS.values() if k.networks], ids=lambda kind: kind.__name__)
def test_going_back_without_a_graph_gives_the_same_gradients(kind: type[HybridModel]) -> None:
    """In single precision, for every output, and for as many target days as do not fill the lanes."""
    made = subject(kind, cells=1, days=30)
    truth_states = trajectory(made.model, made.prepared, made.forcing, made.state)
    model = subject(kind, members=1).model.float()
    prepared, forcing, states = made.prepared.map(torch.Tensor.float), made.forcing.float(), truth_states.float()
    for target in made.model.outputs:
        asked = Question(target, np.array([*range(8, 30), 12]), 9)
        truth = banded_gradients(made.model, made.prepared, made.forcing, truth_states, asked)
        found = pulled_gradients(model, prepared, forcing, states, asked)
        scale = truth.abs().amax((0, 1, 2, 3)).clamp(min=1e-6)
        assert ((found - truth).abs() / scale).max() < 1e-4, target


def test_chunks_of_cells_and_days_do_not_change_the_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    made, some = subject(), replace(question(), targets=np.array([9, 23]))
    whole, few = lag_gradients(made, made.forcing, question()), lag_gradients(made, made.forcing, some)
    torch.testing.assert_close(few, whole[[1, 15]], rtol=1e-12, atol=1e-14)
    monkeypatch.setattr(banded, "MAX_ROWS", DAYS * MEMBERS)  # one cell at a time
    monkeypatch.setattr(banded, "WINDOW_ROWS", LAGS)  # one window at a time
    torch.testing.assert_close(lag_gradients(made, made.forcing, question()), whole, rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(lag_gradients(made, made.forcing, some), few, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", METHODS)
def test_parts_of_an_answer_do_not_change_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = subject(LSTM) if name == "additive_decomposition" else subject()
    whole = attribute(made, question(samples=2), name)
    monkeypatch.setattr(asking, "PART_BYTES", 1)  # one cell and member at a time
    parts = attribute(made, question(samples=2), name)
    tolerance = {"rtol": 1e-5, "atol": 1e-6 * float(abs(whole["attribution"]).max())}
    np.testing.assert_allclose(parts["attribution"], whole["attribution"], **tolerance)
    assert whole["attribution"].dims[:3] == ("cell", "time", "lag")
    assert abs(whole["attribution"]).max() > 0 and whole.attrs["claim"]


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_kind_of_model_can_be_asked_by_every_method(kind: type[HybridModel]) -> None:
    made = subject(kind, members=1, cells=1)
    target = "runoff"
    for name, method in METHODS.items():
        if said := method.refuses(made.model, target):
            with pytest.raises(RequestError, match=said[:20]):
                attribute(made, question(target, lags=5), name)
            continue
        answer = attribute(made, question(target, lags=5, samples=2), name)
        assert np.isfinite(answer["attribution"]).all()
        assert tuple(answer[method.axis].values) == method.entries(made.model)


def linear(kind: type[HybridModel], days: int = 60) -> Subject:
    made = subject(kind, members=1, cells=1, days=days)
    return replace(made, baseline=torch.zeros_like(made.forcing))


@pytest.mark.parametrize("name", [name for name in METHODS if name not in NOT_ON_PAPER])
def test_reservoirs_and_cascades_remember_as_on_paper(name: str) -> None:
    error = oracle_error(METHODS[name])
    assert error is not None and error < 1e-6


def test_where_paper_says_nothing_no_grade_is_given() -> None:
    assert [oracle_error(METHODS[name]) for name in NOT_ON_PAPER] == [None] * len(NOT_ON_PAPER)


def test_each_reservoir_of_a_cascade_carries_its_own_memory() -> None:
    """Water d above the usual adds r (1-r)^l d to the flow from the lower store, r^2 l (1-r)^(l-1) d from the upper."""
    made, asked = linear(Cascade), question("baseflow", 40, 60)
    states = trajectory(made.model, made.prepared, made.forcing, made.state)[:, 0, 0].numpy()
    above = states - made.usual()[:, 0, 0].numpy()  # type: ignore[misc]
    lag, _ = asked.windows
    slopes = np.stack([RATE**2 * lag * (1 - RATE) ** (lag - 1.0), RATE * (1 - RATE) ** lag], -1)
    truth = slopes * above[asked.targets[:, None] - lag]
    found = attribute(made, asked, "carriers")["attribution"]
    assert list(found["store"].values) == ["soil_moisture", "groundwater"]
    np.testing.assert_allclose(found.values[0], truth, atol=1e-5)
    together = attribute(made, asked, "truncated_history")["attribution"].values[0, :, :, 0]
    np.testing.assert_allclose(together, truth.sum(-1), atol=1e-5)


def test_contributions_of_a_linear_model_add_up_exactly() -> None:
    made = linear(Reservoir, 40)
    for name in ("gradient_x_input", "integrated_gradients", "expected_gradients"):
        result = attribute(made, question("baseflow", 40, 40, samples=3), name)
        assert abs(result["completeness_gap"]).max() < 1e-5 and abs(result["difference"]).max() > 0.1


def test_integrated_gradients_add_up_better_than_gradient_x_input() -> None:
    """Over the whole record the sum of integrated gradients is F(x) - F(b); a single gradient is only tangent."""
    made = subject(members=1, cells=1)
    tangent = attribute(made, question(lags=DAYS), "gradient_x_input")["completeness_gap"]
    coarse, fine = (attribute(made, question(lags=DAYS, samples=n), "integrated_gradients") for n in (4, 40))
    assert abs(fine["completeness_gap"]).max() < 0.02 * abs(fine["difference"]).max()
    gaps = [float(abs(gap).mean()) for gap in (fine["completeness_gap"], coarse["completeness_gap"], tangent)]
    assert gaps[0] < gaps[1] < gaps[2]


def test_the_additive_decomposition_of_an_lstm_adds_up() -> None:
    """From a cold start over the whole record nothing is left over but the quadrature of the head."""
    result = attribute(subject(LSTM), question("runoff", DAYS), "additive_decomposition")
    assert abs(result["difference"]).max() > 1e-3
    assert abs(result["completeness_gap"]).max() < 1e-6


def test_gradients_are_those_of_captum() -> None:
    made = subject(members=1, cells=1)

    def last_day(x: torch.Tensor) -> torch.Tensor:  # (batch, time, n_forcing)
        outputs, _ = made.model.run(
            made.prepared.member(0).cells(torch.zeros(len(x), dtype=torch.long)), x.transpose(0, 1),
            made.state[0].expand(len(x), -1), ("tws",),
        )  # fmt: skip
        return outputs[-1, :, 0]

    x, b = made.forcing[:, 0].transpose(0, 1), made.baseline[:, 0].transpose(0, 1)
    asked = question(lags=DAYS, samples=16)
    theirs = Saliency(last_day).attribute(x, abs=False)
    ours = attribute(made, asked, "saliency")["attribution"].values[0, 0]
    np.testing.assert_allclose(ours, theirs[0].flip(0), rtol=1e-5, atol=1e-7)
    theirs = IntegratedGradients(last_day).attribute(x, b, n_steps=16, method="gausslegendre")
    ours = attribute(made, asked, "integrated_gradients")["attribution"].values[0, 0]
    np.testing.assert_allclose(ours, theirs[0].flip(0), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("driver", ["precipitation", "air_temperature"])
def test_a_pulse_of_water_comes_out_or_stays(driver: str) -> None:
    made = subject()
    response = impulse(made, driver, 3, 20)
    assert abs(response["water_unaccounted"]).max() < 1e-9
    assert "balance" not in " ".join(flags_of(response))
    assert abs(response["tws"]).max() > 0
    assert (response["pulse"] == {"precipitation": 10, "air_temperature": 5}[driver]).all()


class Leaky(Reservoir):
    """A reservoir that makes water and turns rain round: nothing about it is plausible."""

    @staticmethod
    def physics(forcing: Named, stores: Named, parameters: Named) -> tuple[Named, Named]:
        """Rain empties the store."""
        groundwater = stores["groundwater"] - forcing["precipitation"]
        return {"groundwater": groundwater}, {"baseflow": 0.0 * groundwater}


def test_what_is_not_plausible_is_flagged() -> None:
    answer = impulse(linear(Leaky), "precipitation", 3, 20)
    assert any("balance does not close" in flag for flag in flags_of(answer))
    assert answer["implausible"].dims == ("flag", "cell") and answer["implausible"].any("flag").all()


def test_what_cannot_be_asked_is_refused_in_a_sentence() -> None:
    made, asked = subject(), question()
    for name, wrong, said in (
        ("gradient_x_input", question(lags=DAYS + 1), "do not fit a record"),
        ("gradient_x_input", replace(asked, target="gpp"), "no output 'gpp'"),
        ("gradient_x_inputs", asked, "did you mean 'gradient_x_input'"),
        ("saliency", replace(asked, targets=np.array([3])), "ask for days from 2001-01-09 to 2001-01-24"),
        ("saliency", replace(asked, targets=np.array([], int)), "No target day"),
        ("additive_decomposition", asked, "carriers instead"),
    ):
        with pytest.raises(RequestError, match=said):
            attribute(made, wrong, name)
    with pytest.raises(RequestError, match="no driver 'wind_speed'"):
        impulse(made, "wind_speed", 3, 5)
    with pytest.raises(RequestError, match="leaves the record"):
        impulse(made, "precipitation", 20, 10)
    with pytest.raises(RequestError, match="other years"):
        attribute(replace(made, other_years=None), asked, "expected_gradients")
    with pytest.raises(RequestError, match="usual course"):
        attribute(replace(made, usual=None), asked, "carriers")


def test_weather_that_cannot_tell_is_said_or_refused() -> None:
    made = subject()
    flat = made.forcing.clone()
    flat[..., 2] = 80.0
    result = attribute(replace(made, forcing=flat, baseline=flat.mean(0, keepdim=True).expand_as(flat)), question(),
                       "integrated_gradients")  # fmt: skip
    assert result.attrs["notes"].startswith("net_radiation never changes")
    assert abs(result["attribution"].sel(forcing="net_radiation")).max() < 1e-9
    still = flat[:1].expand_as(flat)
    with pytest.raises(RequestError, match="No driver changes"):
        attribute(replace(made, forcing=still), question(), "occlusion")
    gaps = made.forcing.clone()
    gaps[3, ..., 1] = torch.nan
    with pytest.raises(RequestError, match="gaps in air_temperature"):
        attribute(replace(made, forcing=gaps), question(), "saliency")
    with pytest.raises(RequestError, match="not finite"):
        attribute(replace(made, state=made.state * torch.inf), question(), "saliency")


def test_too_large_a_question_is_answered_by_its_cost_and_what_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    made = subject()
    monkeypatch.setattr(asking, "MAX_BYTES", 3000)
    with pytest.raises(RequestError, match=r"would take .* ask for 1 cells at a time"):
        attribute(made, question(), "saliency")
    monkeypatch.setattr(asking, "MAX_BYTES", 1000)
    with pytest.raises(RequestError, match=r"every \d+th day"):
        attribute(made, question(), "saliency")
    monkeypatch.setattr(asking, "MAX_SECONDS", 1e-12)
    with pytest.raises(RequestError, match="fewer lags"):
        attribute(made, question(), "saliency")


@pytest.mark.parametrize("name", METHODS)
def test_work_is_cancelled_midway_and_tells_how_far_it_is(name: str) -> None:
    made = subject(LSTM) if name == "additive_decomposition" else subject()
    token, seen = threading.Event(), []

    def progress(fraction: float, message: str) -> None:
        seen.append(fraction)
        if len(seen) == 3:
            token.set()

    with pytest.raises(Cancelled):
        attribute(made, question("tws"), name, progress, token)
    assert len(seen) == 3 and seen == sorted(seen) and seen[0] >= 0 and seen[-1] <= 1
