"""Spin-up ends where another year changes nothing, and says so where there is no such place."""

from __future__ import annotations

import threading

import pytest
import torch

from hdlcore.errors import Cancelled
from hdlcore.models.hybrid import Prepared, stack_members
from hdlcore.models.kinds.bucket import Bucket
from hdlcore.runtime.spinup import TOLERANCE, spin_up


def setting(warmth: float) -> tuple[Bucket, Prepared, torch.Tensor, torch.Tensor]:
    """Two members, three cells, a year of weather around `warmth` degC."""
    model = Bucket(["a"]).requires_grad_(False)
    prepared = stack_members([model.prepare(torch.zeros(3, 1)) for _ in range(2)])
    day = torch.arange(365) / 365 * 6.283
    rain = 3 + 2 * torch.cos(day)
    weather = torch.stack([rain, warmth + 10 * torch.sin(day), 80 + 60 * torch.sin(day)], -1)
    year = weather[:, None, None].expand(-1, 2, 3, -1)
    return model, prepared, year, model.initial_state(3).expand(2, -1, -1)


def test_another_year_changes_nothing() -> None:
    model, prepared, year, state = setting(12.0)
    settled, drift = spin_up(model, prepared, year, state)
    _, again = model.run(prepared, year, settled, ("swe",))
    assert drift.abs().max() <= TOLERANCE
    assert (again - settled)[..., :3].abs().max() <= TOLERANCE
    assert (settled - state)[..., :3].abs().max() > 5  # it did move from the cold start


def test_snow_that_never_melts_is_told_by_its_drift() -> None:
    model, prepared, year, state = setting(-30.0)
    _, drift = spin_up(model, prepared, year, state)
    assert drift[..., 0].min() > 500


def test_it_can_be_cancelled() -> None:
    token = threading.Event()
    token.set()
    with pytest.raises(Cancelled):
        spin_up(*setting(12.0), cancel=token)
