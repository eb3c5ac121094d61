"""Scores of faithfulness tell a true attribution from a wrong one on a model that is known on paper."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr

from hdlcore.attribution import sanity
from hdlcore.attribution.attribute import attribute
from hdlcore.attribution.contract import Question, Subject
from hdlcore.attribution.faithfulness import Masked, day_curves, faithfulness, features_of
from hdlcore.attribution.oracle import Cascade, Reservoir, reservoir_subject
from hdlcore.errors import Cancelled
from hdlcore.models.hybrid import stack_members
from hdlcore.models.kinds.lstm import LSTM

QUESTION = Question("baseflow", np.array([60, 80, 110]), 40)


@pytest.fixture(scope="module")
def made() -> Subject:
    """A cascade under made-up rain."""
    return reservoir_subject(Cascade)


@pytest.fixture(scope="module")
def answer(made: Subject) -> xr.Dataset:
    """Its exact contributions."""
    return attribute(made, QUESTION, "gradient_x_input").isel(cell=0)


def test_a_true_attribution_beats_chance_and_a_false_one_does_not(made: Subject, answer: xr.Dataset) -> None:
    true = features_of(answer, QUESTION)
    features = {"true": true, "false": replace(true, values=1 / (np.abs(true.values) + 1e-3))}
    scores = faithfulness(made, features, {"true": True, "false": True})
    assert scores["true"]["infidelity"] < 1e-9 < scores["false"]["infidelity"]
    assert scores["true"]["cpd"] > 1 > scores["false"]["cpd"]
    assert scores["true"]["cpp"] < 1 < scores["false"]["cpp"]
    assert scores["true"]["deletion"] > 1 > scores["false"]["deletion"]
    assert scores["true"]["insertion"] < 1 < scores["false"]["insertion"]


def test_masks_put_exactly_their_features_to_the_baseline(made: Subject, answer: xr.Dataset) -> None:
    """For a linear model what a mask takes away is the sum of the contributions behind it."""
    masked, features = Masked(made, QUESTION), features_of(answer, QUESTION)
    masks = np.random.default_rng(3).random((3, 5, masked.n_features)) < 0.4
    full = masked.predict(np.zeros((3, 1, masked.n_features), bool))
    taken = np.einsum("trf,tf->tr", masks, features.values)
    np.testing.assert_allclose(full - masked.predict(masks), taken, atol=1e-6)


def test_noise_moves_a_linear_models_contributions_as_much_as_its_weather(made: Subject, answer: xr.Dataset) -> None:
    sensitivity = sanity.max_sensitivity(made, QUESTION, "gradient_x_input", answer)
    assert 0 < sensitivity < 3 * sanity.NOISE
    assert sanity.max_sensitivity(made, QUESTION, "saliency", attribute(made, QUESTION, "saliency").isel(cell=0)) == 0


def test_shuffled_weights_change_the_attribution_and_keep_the_scaling() -> None:
    torch.manual_seed(1)
    model = LSTM(["a"], hidden=8).requires_grad_(False)
    for parameter in model.parameters():
        parameter.add_(0.3 * torch.randn_like(parameter))
    statics, generator = torch.randn(1, 1), torch.Generator().manual_seed(1)
    forcing = torch.rand(50, 1, 1, 3, generator=generator) * 10
    subject = Subject(
        model, stack_members([model.prepare(statics)]), forcing, forcing.mean(0, keepdim=True).expand_as(forcing),
        model.initial_state(1)[None], np.arange("2001-01-01", "2001-02-20", dtype="datetime64[D]"), np.zeros(1, int),
    )  # fmt: skip
    other = sanity.shuffled(model, torch.Generator().manual_seed(2))
    for name, parameter in model.named_parameters():
        mixed = other.get_parameter(name)
        torch.testing.assert_close(mixed.flatten().sort().values, parameter.flatten().sort().values)
    torch.testing.assert_close(other.forcing_std, model.forcing_std)
    double = replace(
        subject, model=model.double(), forcing=forcing.double(), baseline=subject.baseline.double(),
        state=subject.state.double(), prepared=subject.prepared.map(torch.Tensor.double),
    )  # fmt: skip
    asked = Question("runoff", np.array([30, 49]), 20)
    mixed_up = sanity.randomised(double, statics.double())
    own, other_ = (sanity.signed(attribute(s, asked, "saliency").isel(cell=0)) for s in (double, mixed_up))
    assert abs(sanity.rank_correlation(own, other_)) < 0.9 and sanity.rank_correlation(own, own) == pytest.approx(1)


def test_members_that_agree_have_one_and_one_member_has_no_agreement() -> None:
    heat = np.array([3.0, 1.0, 2.0])
    assert sanity.agreement([heat, heat * 2, heat + 1]) == pytest.approx(1)
    assert sanity.agreement([heat]) is None
    assert sanity.rank_correlation(heat, np.ones(3)) == 0


def test_the_reservoir_is_what_it_says() -> None:
    assert attribute(reservoir_subject(Reservoir), QUESTION, "saliency")["attribution"].sum("lag").max() < 1


def test_deletion_ends_at_the_baseline_and_insertion_at_the_prediction(made: Subject, answer: xr.Dataset) -> None:
    """Whatever the order: nothing gone is the prediction, all gone the run under the baseline; and the reverse."""
    one = Question(QUESTION.target, QUESTION.targets[-1:], QUESTION.lags)
    told = answer.isel(time=[-1])
    found = day_curves(made, one, told)
    masked = Masked(made, one)
    n = masked.n_features
    full, base = masked.predict(np.stack([[np.zeros(n, bool), np.ones(n, bool)]]))[0]
    assert found.sizes["step"] == n + 1 and abs(full - base) > 0
    for name, first, last in (("deletion", full, base), ("insertion", base, full)):
        np.testing.assert_allclose(found[name].values[[0, -1]], [first, last], rtol=1e-6)
    np.testing.assert_allclose(found["random"].values[:, [0, -1]], [[full, base]] * found.sizes["order"], rtol=1e-6)
    half = np.zeros((1, 1, n), bool)
    windows, drivers = list(one.windows[0]), list(told["forcing"].values)
    for step in range(1, n // 2 + 1):  # the features it names are those that are gone
        at = windows.index(int(found["first_lag"].values[step])) * len(drivers)
        half[0, 0, at + drivers.index(str(found["driver"].values[step]))] = True
    np.testing.assert_allclose(found["deletion"].values[n // 2], masked.predict(half)[0, 0], rtol=1e-6)


def test_areas_of_a_true_attribution_beat_chance_and_those_of_its_reverse_do_not(
    made: Subject, answer: xr.Dataset
) -> None:
    one = Question(QUESTION.target, QUESTION.targets[-1:], QUESTION.lags)
    told = answer.isel(time=[-1])
    good = day_curves(made, one, told).attrs
    size = abs(told["attribution"])
    bad = day_curves(made, one, told.assign(attribution=size.max() - size)).attrs
    assert good["deletion_area"] > good["random_area"] > good["insertion_area"]
    assert bad["insertion_area"] > good["insertion_area"] and bad["random_area"] == good["random_area"]


def test_curves_stop_when_told(made: Subject, answer: xr.Dataset) -> None:
    one, stop = Question(QUESTION.target, QUESTION.targets[-1:], QUESTION.lags), threading.Event()
    with pytest.raises(Cancelled):
        day_curves(made, one, answer.isel(time=[-1]), lambda fraction, _: stop.set(), stop)
