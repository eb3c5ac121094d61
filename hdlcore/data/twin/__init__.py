"""The twin Earth: a process model whose every store, flux and lagged response is known, and what satellites see of it.

Its structure differs from the hybrids' on purpose, so that grading a hybrid on it is no exercise in self-agreement.
Everything is generated and says so. docs/twin.md tells the processes, the checks and the limits.
"""

from __future__ import annotations

from hdlcore.data.twin.make import make_twin
from hdlcore.data.twin.model import FLUXES, OUTPUTS, STORES
from hdlcore.data.twin.observe import OBSERVED, observe
from hdlcore.data.twin.response import CARRIERS, carrier_response, lagged_response
from hdlcore.data.twin.simulate import TWIN_ID, TwinSpec, simulate_twin

__all__ = [
    "CARRIERS",
    "FLUXES",
    "OBSERVED",
    "OUTPUTS",
    "STORES",
    "TWIN_ID",
    "TwinSpec",
    "carrier_response",
    "lagged_response",
    "make_twin",
    "observe",
    "simulate_twin",
]
