"""Whatever is done to a file of any kind, ingest gives a valid cube or refuses in one sentence and leaves nothing."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [] if str(ROOT) in sys.path else [str(ROOT)]

from scripts.fuzz_ingest import make_case, run_case  # noqa: E402
from scripts.ingest_samples import SAMPLES  # noqa: E402

#: Cases that once broke through: a sentence of two lines, a half-hourly file without any time, the year 9999.
REMEMBERED = (("swissfluxnet", 45), ("swissfluxnet", 431), ("fluxnet2015", 662), ("fluxnet2015_hh", 61571))


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_is_valid_before_it_is_broken(name: str, tmp_path: Path) -> None:
    kind, maker = SAMPLES[name]
    assert run_case(kind, maker(), tmp_path) == "accepted"


@pytest.mark.parametrize(("name", "seed"), REMEMBERED)
def test_what_once_broke_through_holds(name: str, seed: int, tmp_path: Path) -> None:
    kind, files = make_case(seed, (name,))
    run_case(kind, files, tmp_path)


@pytest.mark.parametrize("name", SAMPLES)
@settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32 - 1))
def test_broken_files_give_a_cube_or_one_sentence(name: str, seed: int) -> None:
    kind, files = make_case(seed, (name,))
    with tempfile.TemporaryDirectory() as folder:
        run_case(kind, files, Path(folder))


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(text=st.text(max_size=200), name=st.sampled_from(["a.csv", "a.txt", "a.json"]))
def test_any_text_at_all_is_answered(text: str, name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = {name: text.encode("utf-8", "surrogatepass")} | (
            {"b.csv": b"date,P\n2001-01-01,1\n"} if "json" in name else {}
        )
        run_case("catchments", files, Path(folder))


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    header=st.lists(
        st.sampled_from(["date", "P", "T", "Q(m3/s)", "year", "month", "day", "tmin", "tmax", "", "x"]), max_size=6
    ),
    rows=st.lists(
        st.lists(
            st.one_of(
                st.sampled_from(["2001-01-01", "2001-01-02", "01.02.2001", "1", "-9999", "NA", "", "1,5", "abc"]),
                st.floats(allow_nan=True).map(str),
            ),
            max_size=6,
        ),
        max_size=6,
    ),
    mark=st.sampled_from([",", ";", "\t", " ", "|"]),
)
def test_any_table_at_all_is_answered(header: list[str], rows: list[list[str]], mark: str) -> None:
    text = "\n".join(mark.join(cells) for cells in [header, *rows])
    with tempfile.TemporaryDirectory() as folder:
        run_case("catchments", {"a.csv": text.encode()}, Path(folder))
