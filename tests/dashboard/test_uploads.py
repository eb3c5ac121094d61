"""Uploads: bounded, in order, inside their folder, private, gone afterwards; bad files give one sentence."""

from __future__ import annotations

import base64
import gc
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dashboard.datasets import Catalogue
from dashboard.ingest_job import GUESS, guesses, ingest_apart
from dashboard.report import report_html
from dashboard.uploads import MOST_SETS, OwnSet, Uploads, safe_names
from hdlcore.data.cubes import open_cube
from hdlcore.errors import Cancelled, DataError, RequestError


def _piece(file: int, start: int, content: bytes) -> dict:
    return {"file": file, "start": start, "content": base64.b64encode(content).decode()}


def _catchment(path: Path, days: int = 730, upside_down: bool = False) -> Path:
    """A catchment north of the equator; `upside_down`: with its warm months in winter."""
    rng = np.random.default_rng(1)
    table = pd.DataFrame(
        {
            "date": pd.date_range("2001-01-01", periods=days).strftime("%Y-%m-%d"),
            "precipitation": rng.gamma(0.5, 6, days).round(2),
            "air_temperature": (10 + (8 if upside_down else -8) * np.cos(np.arange(days) / 58)).round(2),
            "discharge": (1 + rng.random(days)).round(3),
        }
    )
    table.loc[100:130, "discharge"] = np.nan
    table.to_csv(path, index=False)
    path.with_suffix(".json").write_text('{"lat": 50.5, "lon": 8.5, "area_km2": 120.0}')
    return path


@pytest.fixture
def uploads(world):
    made = Uploads(world)
    yield made
    made.close()


@pytest.mark.parametrize(
    "names",
    [
        ["../../etc/passwd", "/root/x.csv", "..\\..\\boot.ini"],
        [".hidden", "..", ""],
        ["a b;c.csv", "a b;c.csv", "A_B_C.CSV"],
        ["x" * 500 + ".nc", "ü😀\n.csv", "nul\0.csv"],
    ],
)
def test_no_name_leaves_its_folder_and_none_hides_another(names: list[str], tmp_path: Path) -> None:
    safe = safe_names(names)
    assert len({name.lower() for name in safe}) == len(names)
    for name in safe:
        assert (tmp_path / name).resolve().parent == tmp_path.resolve()
        assert 0 < len(name) < 140
        (tmp_path / name).touch()


def test_pieces_make_the_file_again(uploads: Uploads) -> None:
    content = bytes(range(256)) * 10
    transfer = uploads.begin([{"name": "a.csv", "size": 0}, {"name": "b.nc", "size": len(content)}], "ticket")
    assert transfer.wanted() == {"type": "next", "ticket": "ticket", "file": 1, "start": 0}
    transfer.take(_piece(1, 0, content[:1000]))
    assert transfer.wanted()["start"] == 1000
    assert transfer.fraction == pytest.approx(1000 / 2560)
    transfer.take(_piece(1, 1000, content[1000:]))
    transfer.wanted()
    assert transfer.done
    assert [path.read_bytes() for path in transfer.paths] == [b"", content]


@pytest.mark.parametrize(
    "bad",
    [
        _piece(0, 5, b"late"),
        _piece(1, 0, b"other file"),
        _piece(0, 0, b"more than was announced"),
        _piece(0, 0, b""),
        {"file": 0, "start": 0, "content": "not base64!"},
        {},
    ],
)
def test_a_piece_that_was_not_asked_for_is_refused(uploads: Uploads, bad: dict) -> None:
    transfer = uploads.begin([{"name": "a.csv", "size": 10}], "ticket")
    transfer.wanted()
    with pytest.raises(RequestError, match="garbled"):
        transfer.take(bad)


def test_too_much_is_refused_before_a_byte_is_sent(uploads: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RequestError, match="up to 50 MB"):
        uploads.begin([{"name": "a.nc", "size": 30_000_000}, {"name": "b.nc", "size": 30_000_000}], "t")
    with pytest.raises(RequestError, match="too many"):
        uploads.begin([{"name": f"{i}.csv", "size": 1} for i in range(100)], "t")
    with pytest.raises(RequestError, match="No file"):
        uploads.begin([], "t")
    monkeypatch.setenv("HDL_UPLOAD_MB", "0")
    with pytest.raises(RequestError, match="takes no uploads"):
        uploads.begin([{"name": "a.csv", "size": 1}], "t")


def test_a_session_holds_a_few_sets_only(uploads: Uploads, tmp_path: Path) -> None:
    for number in range(MOST_SETS):
        uploads.keep(OwnSet(f"own-{number}", "x", tmp_path / str(number), None, None))  # type: ignore[arg-type]
    with pytest.raises(RequestError, match="remove one"):
        uploads.begin([{"name": "a.csv", "size": 1}], "t")
    uploads.remove("own-0")
    uploads.begin([{"name": "a.csv", "size": 1}], "t")


def test_a_csv_becomes_a_data_set_of_this_session_alone(uploads: Uploads, world, tmp_path: Path) -> None:
    file = _catchment(tmp_path / "brook.csv")
    heard = []
    uploads.param.watch(lambda event: heard.append(event), "changed")
    transfer = uploads.begin([{"name": file.name, "size": 1}], "t")
    for source, path in zip((file, file.with_suffix(".json")), (transfer.paths[0], None), strict=True):
        (path or transfer.folder / "brook.json").write_bytes(source.read_bytes())
    said: list[tuple[float, str]] = []
    own = uploads.read(
        [transfer.folder / "brook.csv", transfer.folder / "brook.json"],
        GUESS,
        lambda *step: said.append(step),
        threading.Event(),
    )
    uploads.keep(own)
    assert own.review.ok
    assert own.title == "brook.csv"
    assert own.source is not None
    flow = own.source.cube.daily["runoff_observed"].values[:, 0]
    assert int(np.isnan(flow).sum()) == 31
    assert len(heard) == 1
    assert said[-1][0] <= 1
    assert uploads.maps() == {}, "places have no map"
    assert Uploads(world).sets() == []
    folder = uploads.folder()
    assert own.path.is_relative_to(folder)
    uploads.close()
    assert not folder.exists()
    assert uploads.sets() == []


def test_what_has_major_remarks_says_so_wherever_it_is_listed(uploads: Uploads, tmp_path: Path) -> None:
    file = _catchment(tmp_path / "turned.csv", upside_down=True)
    uploads.folder()
    own = uploads.read([file, file.with_suffix(".json")], GUESS, lambda *_: None, threading.Event())
    uploads.keep(own)
    listed = Catalogue(uploads).sets()[own.id]
    assert listed.about.marks == ("yours", "major remarks")
    assert listed.quantities, "what is doubtful can be looked at"
    report = listed.review()
    assert report is not None
    assert "upside down" in report_html(report)
    assert "upside down" in report.text()


def test_the_folder_goes_with_a_session_that_is_forgotten(world) -> None:
    session = Uploads(world)
    folder = session.folder()
    assert folder.is_dir()
    del session
    gc.collect()
    assert not folder.exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("page.nc", b"<!DOCTYPE html><html><body>Not found</body></html>"),
        ("empty.csv", b""),
        ("short.nc", b"\x89HDF\r\n\x1a\n" + b"\0" * 40),
        ("noise.csv", bytes(np.random.default_rng(1).integers(0, 256, 3000, dtype=np.uint8))),
        ("words.csv", b"once,upon\na,time\n"),
    ],
)
def test_rubbish_gives_one_sentence_and_leaves_nothing(uploads: Uploads, name: str, content: bytes) -> None:
    transfer = uploads.begin([{"name": name, "size": 1}], "t")
    transfer.paths[0].write_bytes(content)
    with pytest.raises(DataError) as told:
        uploads.read(transfer.paths, GUESS, lambda *_: None, threading.Event())
    text = str(told.value)
    assert name.split(".")[0] in text
    assert str(uploads.folder()) not in text, "where a file was kept is nobody's business"
    assert "\n" not in text
    assert list(uploads.folder().glob("*.zarr*")) == []


def test_reading_can_be_cancelled_and_is_given_up_in_time(tmp_path: Path) -> None:
    file = _catchment(tmp_path / "brook.csv")
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        ingest_apart([file], "catchments", tmp_path / "a.zarr", lambda *_: None, cancel)
    with pytest.raises(DataError, match="took longer"):
        ingest_apart([file], "catchments", tmp_path / "b.zarr", lambda *_: None, threading.Event(), seconds=0.01)
    assert not (tmp_path / "a.zarr").exists()


def test_a_reader_that_dies_takes_nothing_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.ingest_job.WORK", _die)
    started = time.monotonic()
    with pytest.raises(DataError, match="broke the program that reads it"):
        ingest_apart([tmp_path / "x.csv"], GUESS, tmp_path / "x.zarr", lambda *_: None, threading.Event())
    assert time.monotonic() - started < 60


def _die(*_: object) -> None:
    import os

    os.abort()


def test_the_kind_is_guessed_from_the_endings() -> None:
    assert guesses([Path("a.csv"), Path("a.json")])[-1] == "catchments"
    assert guesses([Path("a.nc")]) == ["cf"]
    assert set(guesses([Path("a.zip")])) >= {"cf", "catchments"}
    assert guesses([Path("a.parquet")]) == ["swissfluxnet"]


def test_a_cube_made_by_the_page_is_the_cube_made_by_hand(tmp_path: Path) -> None:
    from hdlcore.data.ingest import ingest

    file = _catchment(tmp_path / "brook.csv")
    files = [file, file.with_suffix(".json")]
    assert ingest_apart(files, GUESS, tmp_path / "page.zarr", lambda *_: None, threading.Event()) == "catchments"
    ingest(files, "catchments", tmp_path / "hand.zarr")
    assert open_cube(tmp_path / "page.zarr").version == open_cube(tmp_path / "hand.zarr").version
