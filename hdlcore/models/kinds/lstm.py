"""A plain LSTM: no stores, no physics, no balance. What a hybrid model must be worth its physics against.

Its daily parameters are its outputs. The level of its total storage means nothing, only the departures do, as for
GRACE, so that output is a straight line through the range; the others cannot be negative.
"""

from __future__ import annotations

import math
from typing import ClassVar

from hdlcore.models.hybrid import HybridModel, Named
from hdlcore.models.parameters import Network, Parameter, RecurrentNetwork, Store


class LSTM(HybridModel):
    """Weather and statics in, storage, snow, evapotranspiration and runoff out, each day."""

    forcing: ClassVar[tuple[str, ...]] = ("precipitation", "air_temperature", "net_radiation")
    stores: ClassVar[tuple[Store, ...]] = ()
    networks: ClassVar[tuple[Network, ...]] = (RecurrentNetwork("daily", forcing=forcing, stores=()),)
    parameters_table: ClassVar[tuple[Parameter, ...]] = (
        Parameter("tws", "mm", 300.0, -math.inf, math.inf, "daily", scale=100.0),
        Parameter("swe", "mm", 10.0, 0.0, math.inf, "daily", scale=20.0),
        Parameter("evapotranspiration", "mm d-1", 1.5, 0.0, math.inf, "daily"),
        Parameter("runoff", "mm d-1", 1.0, 0.0, math.inf, "daily"),
    )
    fluxes: ClassVar[tuple[str, ...]] = ()
    inflow: ClassVar[tuple[str, ...]] = ()
    outflow: ClassVar[tuple[str, ...]] = ()

    @staticmethod
    def physics(forcing: Named, stores: Named, parameters: Named) -> tuple[Named, Named]:
        """Nothing: what the network says is the answer."""
        return {}, {}
