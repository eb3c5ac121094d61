"""Real parts wherever they run: the shipped world and maps; a made-up season where a plot is tested alone."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from hdlcore.data.cube import open_world
from tests.dashboard.opening_server import live as live  # a fixture of two files


@pytest.fixture(scope="session")
def world() -> xr.Dataset:
    """The shipped world cube."""
    return open_world()


@pytest.fixture(scope="session")
def season() -> xr.Dataset:
    """A mean seasonal cycle with all components, parts adding up to the total."""
    month = np.arange(1, 13)
    wave = np.sin((month - 2) / 12 * 2 * np.pi)
    parts = {"swe": 20 * np.cos(month / 12 * 2 * np.pi), "soil_moisture": 200 * wave, "groundwater": 80 * wave}
    data = {name: ("month", values - values.mean()) for name, values in parts.items()}
    data["tws"] = ("month", sum(values - values.mean() for values in parts.values()))
    data["tws_spread"] = ("month", np.full(12, 15.0))
    data["tws_observed"] = ("month", 250 * wave)
    data["tws_smoothed"] = ("month", 240 * wave)
    data["precipitation"] = ("month", 6 + 4 * wave)
    return xr.Dataset(data, coords={"month": month})
