"""Models whose memory is known on paper, and how far a method is from it.

one linear reservoir of rate r:   dQ_t / dP_{t-l} = r (1 - r)^(l-1)              for l >= 1
two equal ones in a row:          dQ_t / dP_{t-l} = r^2 (l - 1) (1 - r)^(l-2)    for l >= 2
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from hdlcore.attribution.attribute import attribute, every_day
from hdlcore.attribution.contract import Method, Question, Subject
from hdlcore.attribution.pulse import PULSES
from hdlcore.models.hybrid import HybridModel, Named, stack_members
from hdlcore.models.parameters import FIXED, Network, Parameter, Store
from hdlcore.physics.groundwater import linear_reservoir

#: Rate of the reservoirs, d-1; days of made-up rain; lags asked for.
RATE, DAYS, LAGS = 0.07, 120, 60


class Reservoir(HybridModel):
    """One linear reservoir fed by rain."""

    forcing: ClassVar[tuple[str, ...]] = ("precipitation",)
    stores: ClassVar[tuple[Store, ...]] = (Store("groundwater", 50.0, 100.0),)
    networks: ClassVar[tuple[Network, ...]] = ()
    parameters_table: ClassVar[tuple[Parameter, ...]] = (Parameter("baseflow_rate", "d-1", RATE, 0.0, 1.0, FIXED),)
    fluxes: ClassVar[tuple[str, ...]] = ("baseflow",)
    inflow: ClassVar[tuple[str, ...]] = ("precipitation",)
    outflow: ClassVar[tuple[str, ...]] = ("baseflow",)

    @staticmethod
    def physics(forcing: Named, stores: Named, parameters: Named) -> tuple[Named, Named]:
        """Rain in, baseflow out."""
        groundwater, baseflow = linear_reservoir(
            stores["groundwater"], forcing["precipitation"], parameters["baseflow_rate"]
        )
        return {"groundwater": groundwater}, {"baseflow": baseflow}


class Cascade(Reservoir):
    """Two equal linear reservoirs, one feeding the other."""

    stores: ClassVar[tuple[Store, ...]] = (Store("soil_moisture", 50.0, 100.0), Store("groundwater", 50.0, 100.0))

    @staticmethod
    def physics(forcing: Named, stores: Named, parameters: Named) -> tuple[Named, Named]:
        """Rain in, through two reservoirs, baseflow out."""
        rate = parameters["baseflow_rate"]
        upper, passed = linear_reservoir(stores["soil_moisture"], forcing["precipitation"], rate)
        lower, baseflow = linear_reservoir(stores["groundwater"], passed, rate)
        return {"soil_moisture": upper, "groundwater": lower}, {"baseflow": baseflow}


def response(kind: type[HybridModel], lags: int) -> NDArray[np.float64]:
    """The response on paper of the flow to a unit of rain, by lag."""
    lag = np.arange(lags, dtype=float)
    if kind is Reservoir:
        return np.where(lag >= 1, RATE * (1 - RATE) ** (lag - 1), 0.0)
    return np.where(lag >= 2, RATE**2 * (lag - 1) * (1 - RATE) ** (lag - 2), 0.0)


def reservoir_subject(kind: type[HybridModel], days: int = DAYS) -> Subject:
    """A reservoir under made-up rain in double precision, compared with no rain, from an empty start."""
    model = kind([]).double()
    prepared = stack_members([model.prepare(torch.empty(1, 0, dtype=torch.float64))])
    draw = np.random.default_rng(1)
    rain = torch.from_numpy(draw.gamma(0.4, 9.0, (days, 1, 1, 1)))
    empty = torch.zeros(1, 1, model.n_state, dtype=torch.float64)
    dates = np.arange("2001-01-01", np.datetime64("2001-01-01") + days, dtype="datetime64[D]")
    return Subject(
        model, prepared, rain, torch.zeros_like(rain), empty, dates, np.zeros(1, np.int64),
        usual=lambda: torch.zeros(days, 1, 1, model.n_state, dtype=torch.float64),
        other_years=lambda i: torch.zeros_like(rain),
    )  # fmt: skip


def on_paper(method: Method, kind: type[HybridModel], question: Question) -> NDArray[np.float64] | None:
    """What a method must give for `reservoir_subject`, (target day, lag or window); None when paper does not say."""
    unit, subject = response(kind, question.lags), reservoir_subject(kind)
    rain = subject.forcing[:, 0, 0, 0].numpy()
    windows = np.lib.stride_tricks.sliding_window_view(rain, question.lags)[question.targets - question.lags + 1, ::-1]
    start, _ = question.windows
    if method.name in ("saliency", "impulse_response"):
        pulse = PULSES["precipitation"] if method.name == "impulse_response" else 1.0
        return np.broadcast_to(pulse * unit, windows.shape)
    if method.additive and method.name != "additive_decomposition":
        return windows * unit  # type: ignore[no-any-return]
    if method.name == "occlusion":
        return np.add.reduceat(windows * unit, start, axis=1)
    if method.name == "truncated_history":  # all rain older than the lag is forgotten
        whole = np.array(
            [sum(rain[t - lag] * response(kind, t + 1)[lag] for lag in range(t + 1)) for t in question.targets]
        )
        recent = np.concatenate([np.zeros((len(windows), 1)), (windows * unit).cumsum(1)], 1)
        return whole[:, None] - recent[:, start + 1]  # type: ignore[no-any-return]
    return None


def oracle_error(method: Method) -> float | None:
    """Largest error over both models, as a share of the largest contribution; None when paper does not say."""
    errors = []
    for kind in (Reservoir, Cascade):
        question = Question("baseflow", every_day(DAYS, LAGS), LAGS)
        truth = on_paper(method, kind, question)
        if truth is None:
            return None
        found = attribute(reservoir_subject(kind), question, method.name)["attribution"].values[0, ..., 0]
        errors.append(float(np.abs(found - truth).max() / np.abs(truth).max()))
    return max(errors)
