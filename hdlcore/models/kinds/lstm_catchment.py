"""The plain LSTM for observed catchments: potential evapotranspiration for net radiation, and runoff alone."""

from __future__ import annotations

import math
from typing import ClassVar

from hdlcore.models.kinds.lstm import LSTM
from hdlcore.models.parameters import Network, Parameter, RecurrentNetwork


class LSTMCatchment(LSTM):
    """Weather and what is known of the basin in, daily runoff out (Kratzert et al. 2019, HESS 23, 5089)."""

    forcing: ClassVar[tuple[str, ...]] = ("precipitation", "air_temperature", "potential_evapotranspiration")
    networks: ClassVar[tuple[Network, ...]] = (RecurrentNetwork("daily", forcing=forcing, stores=()),)
    parameters_table: ClassVar[tuple[Parameter, ...]] = (Parameter("runoff", "mm d-1", 1.0, 0.0, math.inf, "daily"),)
