"""Address = state: whatever the state holds comes back from its link, and a bad part is dropped alone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard import links
from dashboard.state import (
    ARRANGE,
    COMPARE,
    DEFAULT_CELL,
    FIELDS,
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
    State,
    apply,
    defaults,
)
from hdlcore.variables import VARIABLES

number = st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: value + 0.0)
pair = st.tuples(number, number).map(lambda ends: (min(ends), max(ends)))
two = pair.filter(lambda ends: ends[0] < ends[1])
degrees = st.tuples(st.floats(-90, 90), st.floats(-90, 90)).map(lambda ends: (min(ends), max(ends)))
corner = st.tuples(st.floats(-180, 180), st.floats(-90, 90))
name = st.text(st.characters(categories=("L", "N", "P", "Zs", "S")), max_size=60).filter(str.isprintable)
states = st.fixed_dictionaries(
    {
        "page": st.sampled_from(list(PAGES)),
        "model": name,
        "variable": st.sampled_from(sorted(VARIABLES)),
        "departure": st.booleans(),
        "time": st.from_regex(r"\A([0-9]{4}-)?(0[1-9]|1[0-2])\Z"),
        "projection": st.sampled_from(list(PROJECTIONS)),
        "color_range": st.one_of(st.none(), st.just("auto"), two),
        "cell": st.integers(0, 180 * 360 - 1),
        "focus": st.sampled_from(["cell", "filter"]),
        "climate_zones": st.sets(st.integers(1, 5)).map(lambda codes: tuple(sorted(codes))),
        "land_covers": st.sets(st.integers(1, 17)).map(lambda codes: tuple(sorted(codes))),
        "latitude": st.one_of(st.none(), degrees),
        "values": st.one_of(st.none(), pair),
        "region": name,
        "polygon": st.one_of(st.just(()), st.lists(corner, min_size=3, max_size=20).map(tuple)),
        "series": st.sampled_from(list(SERIES)),
        "many": st.sampled_from(list(MANY)),
        "method": st.sampled_from(list(METHODS)),
        "signed": st.booleans(),
        "rows": st.sampled_from(list(ROWS)),
        "quarter": st.sampled_from(list(QUARTERS)),
        "reach": st.sampled_from(list(REACH)),
        "measure": st.sampled_from(list(MEASURES)),
        "day": st.dates().map(lambda day: day.isoformat()),
        "target": st.sampled_from(sorted(VARIABLES)),
        "way": st.sampled_from(list(METHODS)),
        "trial": st.booleans(),
        "pulsed": st.sampled_from(sorted(VARIABLES)),
        "memory_box": st.one_of(
            st.none(), st.just(("zone", ("arid", "cold"), 90, 364)), st.just(("driver", ("wind_speed",), 0, 0))
        ),
        "scenario": st.sampled_from(
            ["", "all>>30", "precipitation*0.5@2003-06-01..2003-08-31;air_temperature-2@winter"]
        ),
        "pulse": st.floats(1, 300),
        "compare": st.sampled_from(list(COMPARE)),
        "arrange": st.sampled_from(list(ARRANGE)),
        "other_model": name,
        "member": st.integers(1, 99),
        "other_member": st.integers(1, 99),
        "other_cell": st.integers(0, 180 * 360 - 1),
        "other_time": st.from_regex(r"\A([0-9]{4}-)?(0[1-9]|1[0-2])\Z"),
        "tour": name,
        "stop": st.integers(1, 40),
        "presenting": st.booleans(),
        "dataset": name,
        "site": st.one_of(st.none(), st.integers(0, 999_999_999)),
        "quantity": name,
        "river": name,
        "beside": name,
        "step": st.sampled_from(["", *STEPS]),
        "years": st.one_of(st.none(), st.tuples(st.integers(0, 9999), st.integers(0, 9999)).map(sorted).map(tuple)),
    }
)


@given(states)
@settings(max_examples=300, deadline=None)
def test_every_state_comes_back_from_its_link(values: dict) -> None:
    state = State()
    apply(state, values)
    found = links.decode(links.encode(state.snapshot()))
    assert found.notices == ()
    assert {**defaults(), **found.values} == state.snapshot() == values


@given(st.text(max_size=300))
@settings(max_examples=300, deadline=None)
def test_no_text_breaks_the_reader(text: str) -> None:
    found = links.decode(text)
    state = State()
    apply(state, found.values)
    assert set(found.values) <= set(FIELDS)
    assert all(notice.endswith((".", "?")) or "…" in notice for notice in found.notices)


def test_every_field_of_the_state_has_a_place_in_the_link() -> None:
    assert {codec.name for codec in links.CODECS} == set(FIELDS)
    assert len({codec.key for codec in links.CODECS}) == len(links.CODECS)


def test_the_opening_view_has_the_short_address() -> None:
    assert links.encode(defaults()) == ""
    assert links.read_cell("-4.5,-62.5") == DEFAULT_CELL


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("t=13", "not a month"),
        ("t=٠٥", "not a month"),
        ("var=soil_moistur", "soil_moisture"),
        ("at=91,0", "latitude"),
        ("at=nan,0", "finite"),
        ("at=1", "latitude and a longitude"),
        ("zone=boreal", "tropical"),
        ("cover=18", "not one of"),
        ("lat=50,10", "low to high"),
        ("lat=-100,10", "low to high"),
        ("val=1e999,2", "finite"),
        ("range=5,5", "two different"),
        ("proj=mercator", "equal_earth"),
        ("drawn=0,0~1,1", "3 to"),
        ("drawn=0,0~1,1~400,0", "not a corner"),
        ("series=", "not one of"),
        ("regon=Europe", "perhaps region"),
        ("v=2", "another version"),
    ],
)
def test_a_bad_part_is_dropped_alone_with_a_notice(bad: str, said: str) -> None:
    found = links.decode(f"v=1&var=swe&{bad}&method=integrated_gradients&zone=arid")
    kept = {"variable": "swe", "method": "integrated_gradients", "climate_zones": (2,)}
    spoilt = {"var=": "variable", "zone=": "climate_zones"}
    for key, field in spoilt.items():
        if bad.startswith(key):
            assert found.values[field] == kept[field]
    assert kept.items() <= found.values.items()
    assert len(found.notices) == 1
    assert said in found.notices[0]


def test_a_monstrous_link_is_refused_in_one_sentence() -> None:
    found = links.decode("region=" + "x" * 100_000)
    assert found.values == {}
    assert len(found.notices) == 1
    assert len(found.notices[0]) < 200


def test_of_many_bad_parts_only_some_are_told_and_how_many_more() -> None:
    every = links.decode("&".join(f"k{number}=1" for number in range(100)))
    assert len(every.notices) == 100
    assert every.said.endswith("96 more parts of the link were left out too.")
    assert len(every.said) < 300
    assert links.decode("t=99").said == links.decode("t=99").notices[0]
    five = links.decode("&".join(f"k{number}=1" for number in range(5)))
    assert five.said == " ".join(five.notices), "one more is told, not counted"
