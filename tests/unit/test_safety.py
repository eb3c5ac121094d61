"""What comes from outside is looked at first: every bad file is refused in one sentence, every good one passes."""

from __future__ import annotations

import gzip
import io
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import netCDF4
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hdlcore.data.ingest.probe import probe
from hdlcore.data.ingest.safety import Limits, check_file, is_archive, unpack
from hdlcore.errors import DataError

CSV = b"date,precipitation\n2001-01-01,1.5\n2001-01-02,0.0\n"
PAGE = b"<!DOCTYPE html>\n<html><head><title>Log in</title></head></html>"
SMALL = Limits(total=4 << 20, ratio=50, ratio_from=1 << 20, files=20, depth=1)


def netcdf(path: Path, form: str, unlimited: bool = False) -> Path:
    """A small file in one of the NetCDF formats."""
    with netCDF4.Dataset(path, "w", format=form) as file:
        file.createDimension("time", None if unlimited else 40)
        file.createDimension("x", 5)
        file.title = "a small file"
        for name in ("one", "two"):
            variable = file.createVariable(name, "f4", ("time", "x"))
            variable.units = "mm"
            variable[:] = np.arange(200, dtype="f4").reshape(40, 5)
    return path


def parquet(path: Path) -> Path:
    pq.write_table(pa.table({"a": np.arange(1000.0)}), path)
    return path


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def tarred(path: Path, items: list[tuple[tarfile.TarInfo, bytes]], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:
        for item, content in items:
            item.size = len(content)
            archive.addfile(item, io.BytesIO(content))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    item = tarfile.TarInfo(name)
    item.type, item.linkname = kind, link
    return item


def refused(action: Callable[[], object], said: str) -> str:
    """The one sentence in which something is refused."""
    with pytest.raises(DataError) as caught:
        action()
    message = str(caught.value)
    assert said in message, message
    assert "\n" not in message and len(message) < 500
    return message


@pytest.mark.parametrize("form", ["NETCDF4", "NETCDF4_CLASSIC"])
def test_a_whole_netcdf4_passes_and_a_cut_one_does_not(tmp_path: Path, form: str) -> None:
    path = netcdf(tmp_path / "a.nc", form)
    assert check_file(path) == "hdf5"
    content = path.read_bytes()
    for share in (0.02, 0.3, 0.7, 0.99):
        path.write_bytes(content[: int(len(content) * share)])
        refused(lambda: check_file(path), "fetch it again")


@pytest.mark.parametrize("form", ["NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET", "NETCDF3_64BIT_DATA"])
@pytest.mark.parametrize("unlimited", [False, True])
def test_a_whole_netcdf3_passes_and_a_cut_one_does_not(tmp_path: Path, form: str, unlimited: bool) -> None:
    path = netcdf(tmp_path / "a.nc", form, unlimited)
    assert check_file(path) == "netcdf3"
    content = path.read_bytes()
    for length in (5, 40, 120, len(content) // 2, len(content) - 8):
        path.write_bytes(content[:length])
        refused(lambda: check_file(path), "fetch it again")


def test_a_cut_parquet_is_refused(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet")
    assert check_file(path) == "parquet"
    path.write_bytes(path.read_bytes()[:-20])
    refused(lambda: check_file(path), "cut short")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.nc", b"", "0 bytes"),
        ("a.nc", PAGE, "web page"),
        ("a.csv", b"\n  <html lang='en'><body>503</body></html>", "web page"),
        ("a.nc", b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "XML"),
        ("a.nc", b'{"error": "token expired"}', "JSON"),
        ("a.nc", CSV, "ends in .nc but holds text"),
        ("a.nc", b"CDF\x01" + b"\xff" * 28, "damaged"),
        ("a.nc", b"GRIB" + bytes(100), "cdo"),
        ("a.nc", b"\x0e\x03\x13\x01" + bytes(100), "HDF4"),
        ("a.csv", b"\xd0\xcf\x11\xe0" + bytes(100), "save the sheet as CSV"),
        ("a.csv", b"\x80\x04\x95" + bytes(100), "pickle"),
        ("a.csv", b"abc\x00def", "no format"),
        ("a.zip", b"PK\x03\x04" + bytes(60), "cut short"),
    ],
)
def test_what_is_no_data_is_named_for_what_it_is(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert str(path) in refused(lambda: check_file(path), said)


def test_a_netcdf_named_csv_says_how_to_rename_it(tmp_path: Path) -> None:
    refused(lambda: check_file(netcdf(tmp_path / "a.csv", "NETCDF4")), "rename it to a.nc")


def test_a_spreadsheet_is_to_be_saved_as_csv(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.xlsx", {"[Content_Types].xml": b"<Types/>"})
    refused(lambda: check_file(path), "save its sheet as CSV")


def test_places_that_hold_no_file_are_refused(tmp_path: Path) -> None:
    refused(lambda: check_file(tmp_path / "none.csv"), "no file")
    refused(lambda: check_file(tmp_path), "is a folder")
    os.mkfifo(tmp_path / "pipe")
    refused(lambda: check_file(tmp_path / "pipe"), "not a plain file")
    (tmp_path / "gone.csv").symlink_to(tmp_path / "nowhere")
    refused(lambda: check_file(tmp_path / "gone.csv"), "no file")
    refused(lambda: check_file("a\0b.csv"), "cannot be looked at")


@pytest.mark.skipif(not hasattr(os, "seteuid") or os.getuid() != 0, reason="only root can take another user's place")
def test_a_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret.csv"
    path.write_bytes(CSV)
    path.chmod(stat.S_IRUSR)
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(folder.stat().st_mode | 0o055)
    os.seteuid(65534)
    try:
        refused(lambda: check_file(path), "permissions")
    finally:
        os.seteuid(0)


def test_size_is_bounded_where_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(CSV)
    assert check_file(path, largest=len(CSV)) == "text"
    refused(lambda: check_file(path, largest=len(CSV) - 1), "cut it into parts")


def test_archives_are_unpacked_with_their_nested_ones(tmp_path: Path) -> None:
    inner = zipped(tmp_path / "inner.zip", {"b.csv": CSV}).read_bytes()
    path = zipped(tmp_path / "a.zip", {"deep/a.csv": CSV, "__MACOSX/a.csv": b"x", "inner.zip": inner, "dir/": b""})
    assert is_archive(path)
    files = unpack(path, tmp_path / "out")
    assert [file.name for file in files] == ["a.csv", "b.csv"]
    assert all(file.read_bytes() == CSV and file.is_relative_to(tmp_path / "out") for file in files)


def test_gzip_and_tar_are_unpacked(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(CSV))
    assert unpack(tmp_path / "a.csv.gz", tmp_path / "one")[0].name == "a.csv"
    path = tarred(tmp_path / "a.tar.gz", [(member("x/a.csv"), CSV)])
    assert unpack(path, tmp_path / "two")[0].read_bytes() == CSV
    path = tarred(tmp_path / "b.tar", [(member("x/a.csv"), CSV)], "w")
    assert unpack(path, tmp_path / "three")[0].read_bytes() == CSV


@pytest.mark.parametrize("name", ["../a.csv", "/etc/a.csv", "x/../../a.csv", "..\\a.csv", "C:\\a.csv", "x" * 300])
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_path_outside_is_refused_and_nothing_lands_there(tmp_path: Path, name: str, kind: str) -> None:
    if kind == "zip":
        path = zipped(tmp_path / "a.zip", {name: CSV})
    else:
        path = tarred(tmp_path / "a.tar.gz", [(member(name), CSV)])
    refused(lambda: unpack(path, tmp_path / "deep" / "out"), "outside")
    assert not list(tmp_path.rglob("*.csv"))


def test_links_and_devices_in_archives_are_refused(tmp_path: Path) -> None:
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
        path = tarred(tmp_path / "a.tar.gz", [(member("a.csv", kind, "/etc/passwd"), b"")])
        refused(lambda path=path: unpack(path, tmp_path / "out"), "link or device")
    info = zipfile.ZipInfo("a.csv")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    refused(lambda: unpack(tmp_path / "a.zip", tmp_path / "out"), "link")


def test_a_bomb_stops_at_its_bounds_whatever_it_claims(tmp_path: Path) -> None:
    zeros = bytes(3 << 20)
    path = zipped(tmp_path / "bomb.zip", {"a.csv": zeros})
    refused(lambda: unpack(path, tmp_path / "one", SMALL), "zip bomb")
    (tmp_path / "bomb.csv.gz").write_bytes(gzip.compress(zeros))
    refused(lambda: unpack(tmp_path / "bomb.csv.gz", tmp_path / "two", SMALL), "zip bomb")
    inner = zipped(tmp_path / "inner.zip", {"a.csv": os.urandom(1000) + zeros}).read_bytes()
    nested = zipped(tmp_path / "nested.zip", {f"{n}.zip": inner for n in range(10)})
    refused(lambda: unpack(nested, tmp_path / "three", SMALL), "zip bomb")
    written = sum(file.stat().st_size for file in tmp_path.rglob("*.csv"))
    assert written <= 12 << 20, "what is written before the stop is bounded too"


def test_too_many_files_and_too_deep_archives_are_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "many.zip", {f"{n}.csv": CSV for n in range(30)})
    refused(lambda: unpack(path, tmp_path / "one", SMALL), "more than 20 files")
    content = CSV
    for depth in range(4):
        content = zipped(tmp_path / f"{depth}.zip", {"a.csv" if depth == 0 else "a.zip": content}).read_bytes()
    refused(lambda: unpack(tmp_path / "3.zip", tmp_path / "two", SMALL), "too deep")


def test_damage_inside_an_archive_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.csv": os.urandom(4000)})
    content = bytearray(path.read_bytes())
    content[500] ^= 0xFF
    path.write_bytes(content)
    refused(lambda: unpack(path, tmp_path / "one"), "damaged")
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(os.urandom(4000))[:2000])
    refused(lambda: unpack(tmp_path / "b.csv.gz", tmp_path / "two"), "damaged")
    refused(lambda: unpack(zipped(tmp_path / "c.zip", {}), tmp_path / "three"), "holds no files")
    page, manual = unpack(zipped(tmp_path / "d.zip", {"a.nc": PAGE, "b.xlsx": b"PK\x03\x04 cut"}), tmp_path / "four")
    refused(lambda: check_file(page), "web page")
    assert manual.name == "b.xlsx", "what stands beside the data does no harm"
    doubled = tarred(tmp_path / "e.tar.gz", [(member("a.csv"), CSV), (member("a.csv"), CSV)])
    refused(lambda: unpack(doubled, tmp_path / "five"), "twice")


def test_a_zarr_folder_passes(tmp_path: Path) -> None:
    (tmp_path / "a.zarr").mkdir()
    (tmp_path / "a.zarr" / "zarr.json").write_text("{}")
    assert check_file(tmp_path / "a.zarr") == "zarr"


def test_a_file_that_blocks_the_library_is_named_and_does_not_block_us(tmp_path: Path) -> None:
    good = netcdf(tmp_path / "with\na new line.nc", "NETCDF4")
    broken = tmp_path / "broken.nc"
    broken.write_bytes(good.read_bytes()[:3000])
    probe([good, broken])  # what merely fails to open is left to its reader
    os.mkfifo(tmp_path / "blocks.nc")
    refused(lambda: probe([good, tmp_path / "blocks.nc"], seconds=3), "blocks.nc")
