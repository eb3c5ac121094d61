"""Energy: what net radiation, or the air's demand, can evaporate."""

from __future__ import annotations

from hdlcore.physics.ops import Array, maximum

#: Latent heat of vaporisation, MJ kg-1, and W m-2 -> MJ m-2 d-1 (Kraft et al. 2022, HESS 26, 1579).
LATENT_HEAT, MEGAJOULE_PER_DAY = 2.45, 0.0864


def equivalent_evaporation(net_radiation: Array) -> Array:
    """Water that net radiation (W m-2) could evaporate, mm d-1; zero where the surface loses energy."""
    return maximum(net_radiation, 0.0) * (MEGAJOULE_PER_DAY / LATENT_HEAT)


def evaporative_demand(potential_evapotranspiration: Array) -> Array:
    """Potential evapotranspiration, mm d-1, without the negative values (dew) that some formulas give in winter."""
    return maximum(potential_evapotranspiration, 0.0)
