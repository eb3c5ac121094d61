"""Units of foreign files to those of `hdlcore.variables`, by pint: water depths and masses, accumulations, carbon.

CF spellings ("kg m-2 s-1", "J m**-2", "mm/month") are read, and what a unit library cannot know is said here once:
1 kg of water on 1 m2 is 1 mm; evaporating it takes 2.45 MJ; an amount becomes a rate when it is divided by the time
over which it was gathered; a mole of CO2 holds 12.011 g of carbon; the length of a month is that of the very month.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pint
from numpy.typing import ArrayLike, NDArray

from hdlcore.errors import DataError

WATER_DENSITY = "1000 kg / m^3"
#: Latent heat of vaporisation near 20 degC (FAO-56, Allen et al. 1998): the constant of FLUXCOM and FAO.
LATENT_HEAT = "2.45e6 J / kg"
CARBON_MOLAR_MASS, CO2_MOLAR_MASS = 12.011, 44.009  # g mol-1, IUPAC 2021
DAY = 86_400.0  # s

_WORDS = [  # what products write, and what pint reads
    (r"\bof water equivalent\b|\bwater equivalent\b|\bw\.?e\.?\b|\bh2o\b", ""),
    (r"\bmillimet(?:er|re)s?\b", "mm"),
    (r"\bdeg(?:rees?)?[_ ]?(?:c|celsius)\b|\bcelsius\b|\bc\b|°\s?c\b", "degC"),
    (r"\bdeg(?:rees?)?[_ ]?(?:f|fahrenheit)\b|\bfahrenheit\b|°\s?f\b", "degF"),
    (r"\bkelvins?\b|\bdeg[_ ]?k\b", "kelvin"),
    (r"\bd\b", "day"),
    (r"\bh\b|\bhrs?\b", "hour"),
    (r"\bsec\b", "s"),
    (r"\bmonths?\b|\bmon\b", "hdl_month"),
    (r"\byears?\b|\byr\b|\ba\b", "year"),
    (r"%|\bper ?cent\b", "percent"),
]
_PARTS = re.compile(r"(?:ppmv?|[uµμ]mol\s?(?:co2)?\s?/?\s?mol(?:-1)?(?:\s?air)?)", re.IGNORECASE)
_NONE = {"", "1", "-", "none", "unitless", "dimensionless", "fraction", "m3 m-3", "m**3 m**-3", "m3/m3", "0-1", "ratio"}


@dataclass(frozen=True)
class Conversion:
    """``value * factor + offset`` in the wanted units; `says` is the line for the provenance, empty for no change.

    `per_month` and `per_year` powers stay open until the length of the month is known: divide by (days of the month)
    raised to `months`.
    """

    factor: float
    offset: float = 0.0
    months: int = 0
    says: str = ""

    def __call__(self, values: ArrayLike, month_days: ArrayLike | None = None) -> NDArray[np.float32]:
        """Convert; `month_days` (broadcastable to `values`) is needed where the units hold a month."""
        result = np.asarray(values, np.float64) * self.factor + self.offset
        if self.months:
            if month_days is None:
                raise DataError("These units count by the month but the values have no month; name other units.")
            result = result * np.asarray(month_days, np.float64) ** self.months
        return result.astype(np.float32)


@cache
def _registry() -> Any:
    registry: Any = pint.UnitRegistry(autoconvert_offset_to_baseunit=True)
    registry.define("gram_carbon = [carbon] = gC")
    registry.define("hdl_month = [hdl_month]")
    return registry


def conversion(units: str, wanted: str, seconds: float | None = None) -> Conversion:
    """How to go from `units` to `wanted`.

    Parameters
    ----------
    units : as a file states them.
    wanted : units of `hdlcore.variables`.
    seconds : the time over which an amount was gathered, where the file gives amounts and a rate is wanted (3600 for
        hourly totals, 86400 for daily ones).

    Raises
    ------
    DataError
        When a unit is unknown, or one cannot be turned into the other.
    """
    if _plain(units) == _plain(wanted):
        return Conversion(1.0)
    carbon = "gC" in wanted
    try:
        start, goal = _parse(units, carbon), _parse(wanted, carbon)
        factor, offset, bridge = _bridge(start, goal, seconds)
        months = int(start.dimensionality.get("[hdl_month]", 0))
    except DataError:
        raise
    except Exception as error:  # pint raises many kinds for a text that is not a unit
        raise DataError(
            f"The units '{units}' cannot be turned into '{wanted}' ({error}); mend them in the file."
        ) from error
    if factor == 1 and offset == 0 and not months:
        return Conversion(1.0)
    text = f"{units} -> {wanted}: x {factor:.8g}" + (f" {offset:+g}" if offset else "")
    text += f" x (days of the month)^{months}" if months else ""
    return Conversion(factor, offset, months, text + (f" ({bridge})" if bridge else ""))


def convert(values: ArrayLike, units: str, wanted: str, seconds: float | None = None) -> NDArray[np.float32]:
    """`conversion`, applied; float32. For units that hold no month."""
    return conversion(units, wanted, seconds)(values)


def can_convert(units: str, wanted: str, seconds: float | None = None) -> bool:
    """Whether `conversion` would succeed."""
    try:
        conversion(units, wanted, seconds)
    except DataError:
        return False
    return True


def _plain(units: str) -> str:
    return " ".join(units.replace("**", "").replace("^", "").split())


def _parse(text: str, carbon: bool) -> Any:
    """A pint quantity of one unit; `carbon` reads g and mol as those of carbon."""
    registry = _registry()
    low = text.strip()
    if low.casefold() in _NONE:
        return registry.Quantity(1.0, "")
    if _PARTS.fullmatch(low):
        return registry.Quantity(1e-6, "")
    if re.fullmatch(r"[\d.]+(?:e[-+]?\d+)?", low):
        return registry.Quantity(float(low), "")
    # Numbers raised to powers are arithmetic that a unit has no need of, and can be made to take for ever.
    powers = re.search(r"\d\s*(?:\*\*|\^)|(?:\*\*|\^)\s*(?:[^-\d\s]|-?\d{2})", re.sub(r"\b10(\*\*|\^)-?\d\b", "", low))
    if len(low) > 80 or powers or not low.isprintable():
        raise DataError(f"The units '{low[:80]}' are not readable; mend them in the file.")
    if carbon:
        low = _carbon(low)
    number, low = 1.0, low.strip()
    if match := re.match(r"([\d.]+(?:[eE][-+]?\d+)?)\s*\*?\s*(?=[A-Za-zµ%°])", low):
        number, low = float(match[1]), low[match.end() :]
    for pattern, word in _WORDS:
        low = re.sub(pattern, word, low, flags=re.IGNORECASE)
    low = low.replace("^", "**")
    # CF writes exponents against the unit: m-2, s-1, m2.
    low = re.sub(r"([A-Za-zµ])\s?\*{0,2}\s?(-?\d+)(?![\d.]*[A-Za-z])", r"\1**\2", low)
    low = re.sub(r"(?<=[A-Za-z0-9)])[\s.·]+(?=[A-Za-z(])", " * ", low)
    return registry(low) * number if re.match(r"[\d.]", low) else registry.Quantity(number, registry.parse_units(low))


def _carbon(text: str) -> str:
    """Grams and moles of carbon or of CO2 as the one unit gC."""
    text = re.sub(r"[µμ]mol", "umol", text)
    text = re.sub(r"\b(u|m|n)?mol(?:\s?(?:CO2|C))?\b", lambda m: f"{_PREFIX[m[1]] * CARBON_MOLAR_MASS:.12f} * gC", text)
    text = re.sub(
        r"\b(k|m|M|T|P|u)?g(?:\s?(?:CO2))\b",
        lambda m: f"{_PREFIX[m[1]] * CARBON_MOLAR_MASS / CO2_MOLAR_MASS:.12f} * gC",
        text,
    )
    return re.sub(r"\b(k|m|M|T|P|u)?g(?:\s?C)?\b(?!C)", lambda m: f"{_PREFIX[m[1]]:.12f} * gC", text)


_PREFIX: dict[str | None, float] = {
    None: 1.0, "": 1.0, "n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "T": 1e12, "P": 1e15,
}  # fmt: skip


def _bridge(start: Any, goal: Any, seconds: float | None) -> tuple[float, float, str]:
    """Factor and offset from one unit to another, over the bridges that water and time allow, and their names."""
    registry = _registry()
    months = int(start.dimensionality.get("[hdl_month]", 0))
    if months:
        # The day count of the month takes the place of the month itself.
        start = start * registry("hdl_month") ** -months * registry("day") ** months
    if goal.dimensionality == start.dimensionality:
        return *_linear(start, goal), ""
    water, heat = registry(WATER_DENSITY), registry(LATENT_HEAT)
    bridges = [
        ("1 kg m-2 of water is 1 mm", 1 / water),
        ("1 mm of water is 1 kg m-2", water),
        ("latent heat 2.45 MJ kg-1", 1 / (heat * water)),
        ("latent heat 2.45 MJ kg-1", heat * water),
    ]
    if seconds:
        rate = 1 / registry.Quantity(seconds, "s")
        gathered = f"over {seconds:g} s"
        bridges += [(gathered, rate), *((f"{name}, {gathered}", factor * rate) for name, factor in bridges)]
    for name, factor in bridges:
        if (start * factor).dimensionality == goal.dimensionality:
            return *_linear(start * factor, goal), name
    raise DataError(
        f"'{start.units:~}' and '{goal.units:~}' measure different things"
        + ("" if seconds else ", unless the time over which an amount was gathered is known")
        + "; mend the units in the file."
    )


def _linear(start: Any, goal: Any) -> tuple[float, float]:
    registry = _registry()
    if start.dimensionality == registry.kelvin.dimensionality:  # the zeros of temperatures differ
        zero = registry.Quantity(0.0, start.units).to(goal.units).magnitude
        one = registry.Quantity(start.magnitude, start.units).to(goal.units).magnitude
        return round(float(one - zero), 12), round(float(zero), 9)
    return float(start.to(goal.units).magnitude / goal.magnitude), 0.0
