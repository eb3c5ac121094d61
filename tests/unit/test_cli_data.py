"""`hdl ingest` and `hdl review` as a user meets them: the review in words or JSON, mistakes in one sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Hdl = Callable[..., CompletedProcess[str]]

TABLE = "date,precipitation,air_temperature\n2001-01-01,1.5,4\n2001-01-02,0,5\n"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A small catchment."""
    path = tmp_path / "brook.csv"
    path.write_text(TABLE)
    return path


def test_ingest_prints_the_review_and_review_repeats_it(hdl: Hdl, table: Path, tmp_path: Path) -> None:
    out = tmp_path / "brook.zarr"
    made = hdl("ingest", table, "--as", "catchments", "--out", out)
    assert made.returncode == 0, made.stderr
    assert "2 days from 2001-01-01" in made.stdout and "Recommendation" in made.stdout
    assert "brook" in made.stdout
    named = [made.stdout.index(f"{name} (") for name in ("air_temperature", "precipitation")]
    assert named == sorted(named)  # by name: the order in which a store lists its variables is left to the disk
    again = hdl("review", out)
    assert again.returncode == 0 and again.stdout == made.stdout
    printed = json.loads(hdl("review", out, "--json").stdout)
    assert printed["ok"] is True and Path(printed["path"]) == out


def test_ingest_can_print_json_and_keep_one_quantity(hdl: Hdl, table: Path, tmp_path: Path) -> None:
    out = tmp_path / "brook.zarr"
    made = hdl("ingest", table, "--as", "catchments", "--out", out, "--variable", "air_temperature", "--json")
    assert made.returncode == 0, made.stderr
    assert "air_temperature" in json.loads(made.stdout)["statement"]
    assert (out / "daily" / "air_temperature").is_dir() and not (out / "daily" / "precipitation").exists()


def test_attributes_are_taken_from_the_file_that_is_named(hdl: Hdl, table: Path, tmp_path: Path) -> None:
    (tmp_path / "sites.json").write_text(json.dumps({"brook": {"lat": 47.5, "lon": 9.5, "area_km2": 12}}))
    out = tmp_path / "brook.zarr"
    made = hdl("ingest", table, "--as", "catchments", "--out", out, "--attributes", tmp_path / "sites.json")
    assert made.returncode == 0, made.stderr
    assert "47.5 N, 9.5 E" in made.stdout


@pytest.mark.parametrize(
    ("content", "kind", "said"),
    [
        ("<html><body>503</body></html>", "catchments", "web page"),
        ("", "catchments", "0 bytes"),
        (TABLE.replace("1.5", "wet"), "catchments", "line 2: 'wet' in column 'precipitation' is no number"),
        (TABLE, "catchment", "did you mean catchments"),
        (TABLE, "fluxnet2015", "is not FLUXNET2015"),
    ],
)
def test_a_mistake_ends_in_one_sentence_and_no_cube(
    hdl: Hdl, tmp_path: Path, content: str, kind: str, said: str
) -> None:
    path = tmp_path / "brook.csv"
    path.write_text(content)
    result = hdl("ingest", path, "--as", kind, "--out", tmp_path / "out.zarr")
    assert result.returncode == 1
    assert said in " ".join(result.stderr.split()), result.stderr
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == [path]


def test_a_cube_is_never_written_over(hdl: Hdl, table: Path, tmp_path: Path) -> None:
    out = tmp_path / "brook.zarr"
    assert hdl("ingest", table, "--as", "catchments", "--out", out).returncode == 0
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    result = hdl("ingest", table, "--as", "catchments", "--out", out)
    assert result.returncode == 1 and "is there already" in result.stderr
    assert before == {path: path.stat().st_mtime_ns for path in out.rglob("*")}


def test_a_damaged_cube_is_rejected_with_exit_code_1(hdl: Hdl, table: Path, tmp_path: Path) -> None:
    out = tmp_path / "brook.zarr"
    assert hdl("ingest", table, "--as", "catchments", "--out", out).returncode == 0
    (out / "daily" / "precipitation" / "zarr.json").write_text("{")
    result = hdl("review", out)
    assert result.returncode == 1 and "Traceback" not in result.stderr + result.stdout
    assert hdl("review", tmp_path / "none.zarr").returncode == 1


def test_help_lists_every_kind_with_its_title(hdl: Hdl) -> None:
    from hdlcore.data.ingest import KINDS

    text = " ".join(hdl("ingest", "--help").stdout.split())
    for kind in KINDS.values():
        assert f"{kind.id}: {kind.title}" in text, kind.id
