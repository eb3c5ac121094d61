"""One pulse of weather and the answer of every store and flux, with a flag where the answer is not plausible."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from hdlcore.attribution.contract import Subject, driver_index
from hdlcore.attribution.views import SEEN, WARMTH_WETS
from hdlcore.errors import RequestError
from hdlcore.models.kernels import fast
from hdlcore.models.kernels.fast import trajectory
from hdlcore.variables import VARIABLES

#: What a day brings more, in the driver's unit.
PULSES = {"precipitation": 10.0, "air_temperature": 5.0}
#: Water that may appear or vanish of a pulse before it is flagged, as a share of it (single precision leaves less).
LOST = 0.01
#: A total that moves the wrong way by more than this share of the pulse is flagged.
WRONG_WAY = 0.05


def pulse_size(subject: Subject, driver: str) -> Tensor:
    """How large a pulse of a driver is in each cell: that of `PULSES`, or its standard deviation in the record."""
    values = subject.forcing[:, 0, :, driver_index(subject.model, driver)]
    return torch.full_like(values[0], PULSES[driver]) if driver in PULSES else values.std(0, correction=0)


def pulse_unit(driver: str) -> str:
    """A pulse in words."""
    if driver not in PULSES:
        return f"one standard deviation of {VARIABLES[driver].long_name.lower()}"
    unit = {"mm d-1": "mm", "degC": "K"}[VARIABLES[driver].units]
    return f"{PULSES[driver]:g} {unit} of {VARIABLES[driver].long_name.lower()}"


def impulse(subject: Subject, driver: str, day: int, lags: int, size: float | None = None) -> xr.Dataset:
    """Response of every output to a pulse of `driver` on day number `day` of the record, over the `lags` days from it.

    Returns
    -------
    Dataset (cell, lag) of each output's response, mean over members, in its unit; ``water_unaccounted`` (cell, lag):
    water that went in, less what came out, less what stays (mm), for models with stores; ``implausible`` (flag, cell):
    whether the sentence ``flag`` is true of the cell, for each check the model and driver allow (see `views.flags_of`);
    ``pulse`` (cell): how large it was.

    Raises `RequestError` for an unknown driver or days outside the record.
    """
    k = driver_index(subject.model, driver)
    if not 0 <= day <= subject.n_days - lags or lags < 1:
        raise RequestError(
            f"A pulse on {subject.days[min(max(day, 0), subject.n_days - 1)]} followed over {lags} days leaves the "
            f"record, which ends {subject.days[-1]}; choose an earlier day or fewer days."
        )
    amount = pulse_size(subject, driver) if size is None else torch.full((subject.n_cells,), size)
    model = subject.model
    state = trajectory(model, subject.prepared, subject.forcing[: day + 1], subject.state)[day]
    weather = subject.forcing[day : day + lags]
    moved = weather.clone()
    moved[0, ..., k] += amount
    with torch.no_grad():
        runs = [fast.run(model, subject.prepared, days.contiguous(), state)[0] for days in (moved, weather)]
    both = torch.cat([runs[0] - runs[1], moved - weather], -1)  # of outputs, and what was changed
    response = both.double().mean(1).transpose(0, 1).numpy()  # (cell, lag, output or driver)
    data: dict[str, tuple[tuple[str, ...], NDArray, dict[str, str]]] = {
        name: (("cell", "lag"), response[..., i], VARIABLES[name].attributes()) for i, name in enumerate(model.outputs)
    }
    sizes = amount.double().numpy()
    checks = _checks(subject, driver, sizes, response)
    told = np.array([*checks.values()], bool).reshape(-1, sizes.size)
    data["implausible"] = (("flag", "cell"), told, {"long_name": "whether a sentence is true of the cell"})
    data["pulse"] = (("cell",), sizes, {"long_name": f"pulse of {driver}", "units": VARIABLES[driver].units})
    if model.stores:
        about = {"long_name": "water of the pulse that neither left nor stayed", "units": "mm"}
        data["water_unaccounted"] = (("cell", "lag"), _unaccounted(subject, response), about)
    return xr.Dataset(
        data,
        {
            "cell": subject.cells,
            "lag": ("lag", np.arange(lags), {"units": "d", "long_name": "days after the pulse"}),
            "flag": list(checks),
        },
        {"driver": driver, "day": str(subject.days[day])},
    )


def _sum(subject: Subject, response: NDArray, names: tuple[str, ...]) -> NDArray:
    known = (*subject.model.outputs, *subject.model.forcing)
    at = [known.index(name) for name in names]
    return response[..., at].sum(-1)


def _unaccounted(subject: Subject, response: NDArray) -> NDArray:
    """In less out, summed since the pulse, less the change of all stores, (cell, lag), mm."""
    model = subject.model
    net = _sum(subject, response, model.inflow) - _sum(subject, response, model.outflow)
    return net.cumsum(1) - _sum(subject, response, model.store_names)


def _checks(subject: Subject, driver: str, amount: NDArray, response: NDArray) -> dict[str, NDArray[np.bool_]]:
    """What is not plausible, sentence -> whether it is true (cell,); `amount` (cell,) is the size of the pulse."""
    model, outputs = subject.model, subject.model.outputs
    checks: dict[str, Any] = {}
    water = np.abs(amount) if driver == "precipitation" else np.full_like(amount, 10.0)
    if model.stores:
        lost = np.abs(_unaccounted(subject, response)).max(1) > LOST * water
        checks["Water of the pulse appears or vanishes: the model's balance does not close."] = lost
    if driver == "precipitation" and (amount > 0).all():
        out = _sum(subject, response, tuple(n for n in ("evapotranspiration", "runoff") if n in outputs)).cumsum(1)
        checks["More water leaves than the pulse brought."] = out.max(1) > (1 + WRONG_WAY) * amount * _most_water(
            subject
        )
        for name in ("runoff", "tws"):
            if name in outputs:
                total = _sum(subject, response, (name,))
                total = total.cumsum(1) if name == "runoff" else total
                checks[f"{VARIABLES[name].long_name} falls after rain was added."] = total.min(1) < -WRONG_WAY * amount
    if driver == "air_temperature" and "swe" in outputs:
        snow = _sum(subject, response, ("swe",))
        checks["Snow grows after a warmer day."] = (snow > WRONG_WAY * water[:, None]).any(1)
        if {"runoff", "tws"} <= set(outputs):
            checks[WARMTH_WETS] = _grows_without_snow(subject, response, snow)
    return checks


def _grows_without_snow(subject: Subject, response: NDArray, snow: NDArray) -> NDArray[np.bool_]:
    """Whether more runs off in all after a warmer day where warmth can only dry, (cell,).

    Where the pulse moves no snow, more warmth evaporates more or, short of water, the same, and runoff does not grow
    (Wi and Steinschneider 2022, doi 10.1029/2022WR032123).
    """
    moved = np.abs(_sum(subject, response, ("tws",))).max(1)
    rises = _sum(subject, response, ("runoff",)).sum(1) > np.maximum(WRONG_WAY * moved, SEEN)
    return rises & (np.abs(snow).max(1) < SEEN)  # type: ignore[no-any-return]


def _most_water(subject: Subject) -> float:
    """How much of a millimetre of rain a model with a correction of precipitation may count."""
    found = [subject.prepared.parameters.get(n) for n in ("snow_correction", "precipitation_correction")]
    product = 1.0
    for value in found:
        if value is not None:
            product *= max(1.0, float(value.max()))
    return product
