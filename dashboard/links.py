"""State <-> address. Versioned; only what differs from the opening view is written; a bad value is dropped alone.

>>> encode({"variable": "swe", "time": "01"})
'v=1&var=swe&t=01'
>>> decode("v=1&var=swe&t=99").notices
("'99' is not a month; write t=05 or t=2005-05.",)
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any
from urllib.parse import parse_qsl, quote

from dashboard.scenario import read_scenario
from dashboard.state import (
    ARRANGE,
    COMPARE,
    MANY,
    MEASURES,
    METHODS,
    PAGES,
    PROJECTIONS,
    QUARTERS,
    REACH,
    ROWS,
    SERIES,
    STEPS,
    TIME,
    defaults,
)
from hdlcore.errors import RequestError
from hdlcore.variables import variable

VERSION = 1
MAX_LENGTH = 8000  # proxies commonly refuse longer addresses
MAX_POLYGON = 200
MOST_SAID = 4  # sentences about a link
MAX_SCENARIO = 600
FOREIGN = frozenset({"theme", "bokeh-session-id", "v"})  # read by the server or by `decode` itself
ZONES = {1: "tropical", 2: "arid", 3: "temperate", 4: "cold", 5: "polar"}
MAX_LAG = 1460
ROW_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
BOX_NAMES = {"month": tuple(str(month) for month in range(1, 13)), "zone": tuple(ZONES.values())}


@dataclass(frozen=True)
class Codec:
    """How one field of the state is written in an address; `read` raises ValueError with one clear sentence."""

    key: str
    name: str
    write: Callable[[Any], str]
    read: Callable[[str], Any]


@dataclass(frozen=True)
class Decoded:
    """The good parts of a link, and one sentence for each part that was dropped."""

    values: dict[str, Any] = field(default_factory=dict)
    notices: tuple[str, ...] = ()

    @property
    def said(self) -> str:
        """The notices in one paragraph; of many only the first, and how many more there are."""
        more = len(self.notices) - MOST_SAID
        rest = [f"{more} more parts of the link were left out too."] if more > 1 else self.notices[MOST_SAID:]
        return " ".join([*self.notices[:MOST_SAID], *rest])


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"'{text}' is not a number.") from None
    if not math.isfinite(value):
        raise ValueError(f"'{text}' is not a finite number.")
    return value


def _text(limit: int = 80) -> Callable[[str], str]:
    def read(text: str) -> str:
        if len(text) > limit or not text.isprintable():
            raise ValueError(f"a name of at most {limit} printable characters is expected.")
        return text

    return read


def _choice(options: Mapping[str, Any]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in options:
            raise ValueError(f"'{text}' is not one of {', '.join(options)}.")
        return text

    return read


def _flag(on: str, off: str) -> tuple[Callable[[bool], str], Callable[[str], bool]]:
    options = {on: True, off: False}
    return (lambda value: on if value else off), (lambda text: options[_choice(options)(text)])


def _read_variable(text: str) -> str:
    try:
        return variable(text).name
    except RequestError as error:
        raise ValueError(
            str(error).split("; known names")[0].rstrip(".") + ("" if "?" in str(error) else ".")
        ) from None


def _read_time(text: str) -> str:
    if not TIME.fullmatch(text) or not text.isascii():
        raise ValueError(f"'{text}' is not a month; write t=05 or t=2005-05.")
    return text


def _read_day(text: str) -> str:
    try:
        if not (len(text) == 10 and text.isascii()):
            raise ValueError
        return dt.date.fromisoformat(text).isoformat()
    except ValueError:
        raise ValueError(f"'{text}' is not a day; write day=2005-05-15.") from None


def _write_number(value: float) -> str:
    return repr(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))


def _write_pair(pair: tuple[float, float]) -> str:
    return ",".join(_write_number(value) for value in pair)


def _read_pair(lowest: float = -math.inf, highest: float = math.inf) -> Callable[[str], tuple[float, float]]:
    def read(text: str) -> tuple[float, float]:
        parts = text.split(",")
        if len(parts) != 2:
            raise ValueError(f"'{text}' is not two numbers with a comma between.")
        low, high = (_number(part) for part in parts)
        if not lowest <= low <= high <= highest:
            raise ValueError(
                f"'{text}' is not a range from low to high"
                + (f" within {lowest:g} to {highest:g}." if math.isfinite(lowest) else ".")
            )
        return low, high

    return read


def _write_range(value: Any) -> str:
    return "auto" if value == "auto" else _write_pair(value)


def _read_range(text: str) -> Any:
    if text == "auto":
        return text
    low, high = _read_pair()(text)
    if low == high:
        raise ValueError("a colour range needs two different numbers.")
    return low, high


def write_cell(cell: int) -> str:
    """Centre of a 1 degree cell, 'lat,lon'."""
    return f"{89.5 - cell // 360:g},{cell % 360 - 179.5:g}"


def read_cell(text: str) -> int:
    """Cell id holding the place 'lat,lon' (whether it is land is for the page to say)."""
    parts = text.split(",")
    if len(parts) != 2:
        raise ValueError(f"'{text}' is not a latitude and a longitude, as in -4.5,-62.5.")
    lat, lon = (_number(part) for part in parts)
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        raise ValueError(f"'{text}' is not a place; latitude goes from -90 to 90, longitude from -180 to 180.")
    return min(int(90 - lat), 179) * 360 + min(int(lon + 180), 359)


def _write_zones(zones: tuple[int, ...]) -> str:
    return ",".join(ZONES[zone] for zone in zones)


def _read_zones(text: str) -> tuple[int, ...]:
    codes = {name: code for code, name in ZONES.items()}
    return tuple(sorted({codes[_choice(codes)(part)] for part in text.split(",")}))


def _write_codes(codes: tuple[int, ...]) -> str:
    return ",".join(str(code) for code in codes)


def _read_covers(text: str) -> tuple[int, ...]:
    known = {str(code): code for code in range(1, 18)}
    return tuple(sorted({known[_choice(known)(part)] for part in text.split(",")}))


def _write_polygon(polygon: tuple[tuple[float, float], ...]) -> str:
    return "~".join(f"{_write_number(lon)},{_write_number(lat)}" for lon, lat in polygon)


def _read_polygon(text: str) -> tuple[tuple[float, float], ...]:
    corners = text.split("~")
    if not 3 <= len(corners) <= MAX_POLYGON:
        raise ValueError(f"a drawn region has 3 to {MAX_POLYGON} corners, not {len(corners)}.")
    points = []
    for corner in corners:
        parts = [_number(part) for part in corner.split(",")]
        if len(parts) != 2 or not (-180 <= parts[0] <= 180 and -90 <= parts[1] <= 90):
            raise ValueError(f"'{corner}' is not a corner; write lon,lat in degrees.")
        points.append((parts[0], parts[1]))
    return tuple(points)


def _read_site(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise ValueError(f"'{text}' is not the number of a site.")
    return int(text)


def _read_years(text: str) -> tuple[int, int]:
    first, last = _read_pair(0, 9999)(text)
    if not (first.is_integer() and last.is_integer()):
        raise ValueError(f"'{text}' is not two years, as in 2001,2010.")
    return int(first), int(last)


def _read_stop(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:4]) <= 40 and len(text) <= 2):
        raise ValueError(f"'{text}' is not the number of a step.")
    return int(text)


def _read_member(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 2 and int(text)):
        raise ValueError(f"'{text}' is not the number of a member.")
    return int(text)


def _read_scenario(text: str) -> str:
    if len(text) > MAX_SCENARIO:
        raise ValueError(f"a scenario is written in at most {MAX_SCENARIO} characters.")
    try:
        return read_scenario(text)
    except RequestError as error:
        raise ValueError(str(error)) from None


def _read_pulse(text: str) -> float:
    value = _number(text)
    if not 1 <= value <= 300:
        raise ValueError(f"a pulse has 1 to 300 mm, not {value:g}.")
    return value


def _write_box(box: tuple[str, tuple[str, ...], int, int]) -> str:
    rows, names, first, last = box
    return f"{rows},{'~'.join(names)},{first},{last}"


def _read_box(text: str) -> tuple[str, tuple[str, ...], int, int]:
    parts = text.split(",")
    if len(parts) != 4 or parts[0] not in ROWS or not all(part.isascii() and part.isdecimal() for part in parts[2:]):
        raise ValueError(f"'{text}' is not a box of a heatmap, as in driver,precipitation,90,364.")
    first, last = (int(part[:5]) for part in parts[2:])
    names = tuple(dict.fromkeys(parts[1].split("~")))
    if not first <= last <= MAX_LAG:
        raise ValueError(f"a box goes from few to many days back, at most {MAX_LAG}.")
    known = BOX_NAMES.get(parts[0])
    unknown = [name for name in names if (name not in known if known else not ROW_NAME.fullmatch(name))]
    if unknown:
        raise ValueError(f"'{unknown[0]}' is no row; rows are {', '.join(known or ('precipitation', 'and others'))}.")
    return parts[0], names, first, last


CODECS = (
    Codec("page", "page", str, _choice(PAGES)),
    Codec("model", "model", str, _text()),
    Codec("var", "variable", str, _read_variable),
    Codec("show", "departure", *_flag("departure", "value")),
    Codec("t", "time", str, _read_time),
    Codec("proj", "projection", str, _choice(PROJECTIONS)),
    Codec("range", "color_range", _write_range, _read_range),
    Codec("at", "cell", write_cell, read_cell),
    Codec("of", "focus", str, _choice({"cell": 0, "filter": 0})),
    Codec("zone", "climate_zones", _write_zones, _read_zones),
    Codec("cover", "land_covers", _write_codes, _read_covers),
    Codec("lat", "latitude", _write_pair, _read_pair(-90, 90)),
    Codec("val", "values", _write_pair, _read_pair()),
    Codec("region", "region", str, _text()),
    Codec("drawn", "polygon", _write_polygon, _read_polygon),
    Codec("series", "series", str, _choice(SERIES)),
    Codec("many", "many", str, _choice(MANY)),
    Codec("method", "method", str, _choice(METHODS)),
    Codec("rows", "rows", str, _choice(ROWS)),
    Codec("quarter", "quarter", str, _choice(QUARTERS)),
    Codec("reach", "reach", str, _choice(REACH)),
    Codec("day", "day", str, _read_day),
    Codec("target", "target", str, _read_variable),
    Codec("way", "way", str, _choice(METHODS)),
    Codec("trial", "trial", *_flag("on", "off")),
    Codec("pulsed", "pulsed", str, _read_variable),
    Codec("measure", "measure", str, _choice(MEASURES)),
    Codec("box", "memory_box", _write_box, _read_box),
    Codec("heat", "signed", *_flag("signed", "size")),
    Codec("if", "scenario", str, _read_scenario),
    Codec("pulse", "pulse", _write_number, _read_pulse),
    Codec("by", "compare", str, _choice(COMPARE)),
    Codec("look", "arrange", str, _choice(ARRANGE)),
    Codec("model2", "other_model", str, _text()),
    Codec("member", "member", str, _read_member),
    Codec("member2", "other_member", str, _read_member),
    Codec("at2", "other_cell", write_cell, read_cell),
    Codec("t2", "other_time", str, _read_time),
    Codec("set", "dataset", str, _text()),
    Codec("site", "site", str, _read_site),
    Codec("qty", "quantity", str, _text()),
    Codec("river", "river", str, _text()),
    Codec("beside", "beside", str, _text()),
    Codec("step", "step", str, _choice(STEPS)),
    Codec("years", "years", _write_codes, _read_years),
    Codec("tour", "tour", str, _text()),
    Codec("stop", "stop", str, _read_stop),
    Codec("screen", "presenting", *_flag("large", "normal")),
)
_BY_KEY = {codec.key: codec for codec in CODECS}


def encode(values: Mapping[str, Any]) -> str:
    """Query string (no leading '?') of the fields that differ from the opening view; empty for the opening view."""
    opening = defaults()
    parts = [
        f"{codec.key}={quote(codec.write(values[codec.name]), safe=',~-.')}"
        for codec in CODECS
        if codec.name in values and values[codec.name] != opening[codec.name] and values[codec.name] not in (None, ())
    ]
    return "&".join([f"v={VERSION}", *parts]) if parts else ""


def decode(query: str) -> Decoded:
    """Read a query string; never raises. Each bad or unknown part gives one sentence and is left out."""
    if len(query) > MAX_LENGTH:
        return Decoded(notices=(f"The link is longer than {MAX_LENGTH} characters, so the opening view is shown.",))
    values: dict[str, Any] = {}
    notices: list[str] = []
    for key, text in parse_qsl(query.lstrip("?"), keep_blank_values=True, errors="replace"):
        if key == "v" and text != str(VERSION):
            notices.append(f"The link was made by another version ({_short(text)}); what is still understood is shown.")
        if key in FOREIGN:
            continue
        codec = _BY_KEY.get(key)
        if codec is None:
            near = get_close_matches(key, _BY_KEY, n=1)
            notices.append(
                f"The link says '{_short(key)}', which is not known{f'; perhaps {near[0]}' if near else ''}."
            )
            continue
        try:
            values[codec.name] = codec.read(text)
        except (ValueError, OverflowError) as error:
            notices.append(f"Dropped from the link, {key}: {_short(str(error), 160)}")
    return Decoded(values, tuple(notices))


def _short(text: str, limit: int = 40) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
