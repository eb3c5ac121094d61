"""Catchment tables as people write them: right numbers, or one sentence with the line that is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hdlcore.data.cubes import Cube, open_cube
from hdlcore.data.ingest import ingest
from hdlcore.data.ingest.sites.columns import read_column
from hdlcore.errors import DataError, RequestError

ISO = "date,precipitation,air_temperature,potential_evapotranspiration,discharge\n"
AREA = {"lat": 50.0, "lon": 8.0, "area_km2": 86.4}  # 1 m3 s-1 over it is 1 mm d-1


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., Cube]:
    """Write files and attributes, ingest them and open the cube."""

    def make(files: dict[str, str | bytes], **options) -> Cube:
        paths = []
        for name, content in files.items():
            (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
            if name.endswith((".csv", ".txt")) and "attributes" not in name:
                paths.append(tmp_path / name)
        ingest(paths, "catchments", tmp_path / "out.zarr", **options)
        return open_cube(tmp_path / "out.zarr")

    return make


@pytest.fixture
def refused(made: Callable[..., Cube], tmp_path: Path) -> Callable[..., str]:
    """Ingest what must be refused in one sentence, with no cube left behind."""

    def refuse(said: str, files: dict[str, str | bytes], error: type[Exception] = DataError, **options) -> str:
        with pytest.raises(error) as caught:
            made(files, **options)
        message = str(caught.value)
        assert said in message, message
        assert "\n" not in message
        assert not [path for path in tmp_path.iterdir() if path.name.startswith("out")]
        return message

    return refuse


def series(cube: Cube, name: str, cell: int = 0) -> np.ndarray:
    return cube.daily[name].values[:, cell]


def test_a_plain_table_becomes_a_cube_with_its_place_and_area(made: Callable[..., Cube]) -> None:
    rows = "2001-01-01,1.5,-3,0,0.5\n2001-01-02,0,,0.1,0.4\n2001-01-04,-9999,2,NA,0.3\n"
    cube = made({"a.csv": ISO + rows, "a.json": json.dumps(AREA | {"elevation": 300, "source": "gauge office"})})
    assert cube.kind == "points" and list(cube.cells["name"].values) == ["a"]
    assert float(cube.cells["area"][0]) == pytest.approx(86.4e6)
    assert float(cube.cells["elevation"][0]) == 300
    np.testing.assert_array_equal(series(cube, "precipitation"), np.float32([1.5, 0, np.nan, np.nan]))
    np.testing.assert_array_equal(series(cube, "air_temperature"), np.float32([-3, np.nan, np.nan, 2]))
    np.testing.assert_array_equal(series(cube, "runoff_observed"), np.float32([0.5, 0.4, np.nan, 0.3]))
    assert cube.daily["potential_evapotranspiration"].attrs["source"] == "derived"
    assert cube.daily["runoff_observed"].attrs["source"] == "observed"
    assert "1 days are left out" in cube.attrs["notes"]
    assert "gauge office" in cube.attrs["attribution"] and len(cube.provenance[0]["sha256"]) == 64


@pytest.mark.parametrize(
    "text",
    [
        "date,P\n2001-01-01,1.5\n2001-01-02,2.5\n",
        "\ufeffdate;P\r\n2001-01-01;1,5\r\n2001-01-02;2,5\r\n",
        "Datum\tNiederschlag\n01.01.2001\t1,5\n02.01.2001\t2,5\n",
        "year month day precip\n2001 1 1 1.5\n2001 1 2 2.5\n",
        "# made by hand\n# units: mm\n\ndate|rainfall\n20010101|1.5\n\n20010102|2.5\n",
        "date,prcp(mm/day)\n2001/01/01,1.5\n2001/01/02,2.5",
        "date,P\n(yyyy-mm-dd),(mm)\n2001-01-01,1.5\n2001-01-02,2.5\n",
        "date,pr(kg/m2/s)\n2001-01-01,1.7361111e-5\n2001-01-02,2.8935185e-5\n",
        "Date,Precipitation [cm]\n01-Jan-2001,0.15\n02-Jan-2001,0.25\n",
        '"date","P","remark"\n"2001-01-01","1.5","rain, then sun"\n"2001-01-02","2.5",""\n',
        "date,P,\n2001-01-01 09:00,1.5,\n2001-01-02 09:00,2.5,\n",
        "year,doy,P\n2001,1,1.5\n2001,2,2.5\n",
        "date,P\n2001-01-02,2.5\n2001-01-01,1.5\n2001-01-01,1.5\n",
    ],
    ids=range(13),
)
def test_every_usual_way_of_writing_gives_the_same_numbers(made: Callable[..., Cube], text: str) -> None:
    cube = made({"a.csv": text})
    np.testing.assert_allclose(series(cube, "precipitation"), [1.5, 2.5], rtol=1e-6)
    assert [str(day)[:10] for day in cube.daily["time"].values] == ["2001-01-01", "2001-01-02"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252"])
def test_encodings_are_told_apart(made: Callable[..., Cube], encoding: str) -> None:
    cube = made({"a.csv": "date,T (°C)\n2001-01-01,1.5\n2001-01-02,2.5\n".encode(encoding)})
    np.testing.assert_allclose(series(cube, "air_temperature"), [1.5, 2.5])


def test_days_that_can_mean_only_one_thing_are_read(made: Callable[..., Cube]) -> None:
    rows = "".join(f"{day}/01/2001,1\n" for day in range(1, 16))
    assert made({"a.csv": f"date,P\n{rows}"}).daily.sizes["time"] == 15


def test_month_first_is_read_where_it_is_the_only_reading(made: Callable[..., Cube]) -> None:
    rows = "".join(f"01/{day:02d}/2001,1\n" for day in range(1, 16))
    assert made({"a.csv": f"date,P\n{rows}"}).daily.sizes["time"] == 15


@pytest.mark.parametrize(
    ("header", "units", "value", "wanted"),
    [
        ("discharge_m3s", None, 2.0, 2.0),
        ("discharge(L/s)", None, 2000.0, 2.0),
        ("streamflow_cfs", None, 2 / 0.028316846592, 2.0),
        ("Q [m³/s]", None, 2.0, 2.0),
        ("qobs_mm_d", None, 2.0, 2.0),
        ("q", {"q": "m3/s"}, 2.0, 2.0),
        ("q", {"runoff_observed": "m3/s"}, 2.0, 2.0),
        ("tmean(K)", None, 280.15, 7.0),
        ("temperature_F", None, 50.0, 10.0),
        ("srad(MJ/m2/d)", None, 8.64, 100.0),
        ("vpd(kPa)", None, 0.5, 5.0),
    ],
)
def test_units_of_the_header_or_the_attributes_are_converted(
    made: Callable[..., Cube], header: str, units: dict[str, str] | None, value: float, wanted: float
) -> None:
    about = AREA | ({"units": units} if units else {})
    cube = made({"a.csv": f"date,{header}\n2001-01-01,{value}\n2001-01-02,{value}\n", "a.json": json.dumps(about)})
    name = read_column(header).name
    np.testing.assert_allclose(series(cube, name), wanted, rtol=1e-5)
    if value != wanted:
        assert any("->" in line for line in cube.provenance[0]["conversions"])


def test_the_middle_of_tmin_and_tmax_stands_in_for_the_mean(made: Callable[..., Cube]) -> None:
    cube = made({"a.csv": "date,tmin(C),tmax(C)\n2001-01-01,-2,4\n2001-01-02,0,8\n"})
    np.testing.assert_array_equal(series(cube, "air_temperature"), [1, 4])
    assert "middle of" in cube.attrs["notes"]


def test_many_catchments_share_one_axis_and_one_table_of_attributes(made: Callable[..., Cube]) -> None:
    table = "gauge_id;gauge_lat;gauge_lon;area\n007;50,5;8,5;10\nb;-20;300;20\n"
    cube = made(
        {
            "007.csv": "date,P,Q\n2001-01-01,1,1\n2001-01-02,2,1\n",
            "b.csv": "date,P,T\n2001-01-02,3,20\n2001-01-04,4,21\n",
            "all_attributes.csv": table,
        },
        attributes=None,
    )
    assert np.isnan(cube.cells["lat"].values).all(), "no file beside, nothing given"
    assert "place is not known" in cube.attrs["notes"]
    np.testing.assert_array_equal(series(cube, "precipitation", 0), np.float32([1, 2, np.nan, np.nan]))
    np.testing.assert_array_equal(series(cube, "precipitation", 1), np.float32([np.nan, 3, np.nan, 4]))
    assert np.isnan(series(cube, "runoff_observed", 1)).all(), "a column may be missing in one of them"


def test_attributes_are_found_in_the_table_that_is_given(made: Callable[..., Cube], tmp_path: Path) -> None:
    (tmp_path / "sites_attributes.csv").write_text("gauge_id;gauge_lat;gauge_lon;area\n7;50,5;8,5;10\nb;-20;300;20\n")
    cube = made(
        {"007.csv": "date,P\n2001-01-01,1\n", "b.csv": "date,P\n2001-01-01,1\n"},
        attributes=tmp_path / "sites_attributes.csv",
    )
    np.testing.assert_allclose(cube.cells["lat"].values, [50.5, -20])
    np.testing.assert_allclose(cube.cells["lon"].values, [8.5, -60])
    np.testing.assert_allclose(cube.cells["area"].values, [10e6, 20e6])


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("line 3: 'wet' in column 'P' is no number", "date,P\n2001-01-01,1\n2001-01-02,wet\n"),
        ("line 3: -3 mm d-1 in column 'P' cannot be Precipitation", "date,P\n2001-01-01,1\n2001-01-02,-3\n"),
        ("line 2: 281.2 degC in column 'T' cannot be Air temperature", "date,T\n2001-01-01,281.2\n2001-01-02,282\n"),
        ("kelvins seem to be mixed", "date,T\n2001-01-01,5\n2001-01-02,6\n2001-01-03,7\n2001-01-04,281\n"),
        (
            "there twice with different precipitation (lines 2 and 4)",
            "date,P\n2001-01-01,1\n2001-01-02,1\n2001-01-01,2\n",
        ),
        ("day and month cannot be told apart", "date,P\n01/02/2001,1\n02/02/2001,1\n"),
        ("line 3: '2001-02-30' in column 'date' is no date", "date,P\n2001-02-28,1\n2001-02-30,1\n"),
        ("line 2: '36892' in column 'date' is no date that can be read (a spreadsheet's", "date,P\n36892,1\n36893,1\n"),
        (
            "line 3 has 2 columns where the header has 3; is the file cut short?",
            "date,P,T\n2001-01-01,1,2\n2001-01-02,1",
        ),
        ("no date column", "when,P\n2001-01-01,1\n"),
        ("no column that is known here (it has 'foo')", "date,foo\n2001-01-01,1\n"),
        ("a single column", "hello\nworld\n"),
        ("starts with numbers", "20010101,1,2\n20010102,1,2\n"),
        ("has a header but no rows", "date,P\n"),
        ("no value at all", "date,P\n2001-01-01,-9999\n2001-01-02,\n"),
        ("names the column 'P' twice", "date,P,P\n2001-01-01,1,2\n"),
        ("both seem to be precipitation", "date,P,rain\n2001-01-01,1,2\n"),
        (
            "several values a day",
            "date,P\n" + "".join(f"2001-01-0{d} {h:02d}:00,1\n" for d in (1, 2) for h in range(24)),
        ),
        ("needs the area", "date,Q(m3/s)\n2001-01-01,1\n"),
        ("cannot be turned into mm d-1", "date,P(degC)\n2001-01-01,1\n"),
        ("the year 201 cannot be", "date,P\n0201-01-01,1\n"),
        ("web page", "<!DOCTYPE html><html><body>Not found</body></html>"),
        ("0 bytes", ""),
    ],
    ids=range(23),
)
def test_what_is_wrong_is_said_with_its_line(refused: Callable[..., str], said: str, text: str) -> None:
    assert "a.csv" in refused(said, {"a.csv": text})


def test_a_volume_without_units_is_not_taken_for_a_depth(refused: Callable[..., str]) -> None:
    days = np.arange("2001-01-01", "2002-06-01", dtype="datetime64[D]")
    rows = "".join(f"{day},3,20\n" for day in days)
    message = refused("more would run off than rained", {"a.csv": f"date,P,Q\n{rows}"})
    assert "Q(m3/s)" in message


@pytest.mark.parametrize(
    ("said", "about"),
    [
        ("lat = 91 is out of range", '{"lat": 91, "lon": 0}'),
        ("is not readable JSON", '{"lat": 5,'),
        ("cannot be the area", '{"area_km2": -4}'),
        ("'wide' is not a number", '{"area_km2": "wide"}'),
        ("TopoJSON", '{"type": "Topology", "objects": {}}'),
    ],
)
def test_attributes_that_cannot_be_are_refused(refused: Callable[..., str], said: str, about: str) -> None:
    refused(said, {"a.csv": "date,P\n2001-01-01,1\n", "a.json": about})


def test_asking_for_what_no_file_holds_says_what_they_hold(refused: Callable[..., str]) -> None:
    files = {"a.csv": "date,P\n2001-01-01,1\n"}
    message = refused("No file holds swe_observed", files, RequestError, variables=("swe_observed",))
    assert "precipitation" in message


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.csv").write_text("date,P\n2001-01-01,1\n")
    with pytest.raises(DataError, match="Two files give the site 'a'"):
        ingest([tmp_path / "x" / "a.csv", tmp_path / "y" / "a.csv"], "catchments", tmp_path / "out.zarr")


def test_a_folder_with_its_json_files_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_text("date,P\n2001-01-01,1\n")
    (tmp_path / "in" / "a.json").write_text(json.dumps(AREA))
    ingest([tmp_path / "in"], "catchments", tmp_path / "out.zarr")
    assert float(open_cube(tmp_path / "out.zarr").cells["lat"][0]) == 50


CAMELS_HEAD = (
    "  47.24\n 250.31\n 86400000\n"
    "Year Mnth Day Hr\tDayl(s)\tPRCP(mm/day)\tSRAD(W/m2)\tSWE(mm)\tTmax(C)\tTmin(C)\tVp(Pa)\n"
)


def camels(tmp_path: Path, forcing: str, flow: str) -> Cube:
    (tmp_path / "01013500_lump_cida_forcing_leap.txt").write_text(CAMELS_HEAD + forcing)
    (tmp_path / "01013500_streamflow_qc.txt").write_text(flow)
    ingest(sorted(tmp_path.glob("*.txt")), "camels", tmp_path / "out.zarr")
    return open_cube(tmp_path / "out.zarr")


def test_camels_forcing_and_streamflow_of_a_basin_come_together(tmp_path: Path) -> None:
    forcing = "1980 01 01 12\t43200\t2.5\t200\t9\t8\t2\t600\n1980 01 02 12\t21600\t0\t200\t9\t6\t2\t600\n"
    flow = "01013500 1980 01 02   35.314666721489 A\n01013500 1980 01 03  -999.00 M\n"  # 1 m3 s-1 over 86.4 km2
    cube = camels(tmp_path, forcing, flow)
    assert list(cube.cells["name"].values) == ["01013500"] and float(cube.cells["area"][0]) == pytest.approx(86.4e6)
    np.testing.assert_allclose(series(cube, "precipitation"), np.float32([2.5, 0, np.nan]))
    np.testing.assert_allclose(series(cube, "air_temperature"), np.float32([5, 4, np.nan]))
    np.testing.assert_allclose(series(cube, "shortwave_radiation"), np.float32([100, 50, np.nan]))
    np.testing.assert_allclose(series(cube, "runoff_observed"), np.float32([np.nan, 1, np.nan]), rtol=1e-6)


def test_a_cut_camels_file_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"line 6: there should be 11 columns; is the file cut short"):
        camels(
            tmp_path, "1980 01 01 12\t43200\t2.5\t200\t9\t8\t2\t600\n1980 01 02 12\t432", "01013500 1980 01 01 1 A\n"
        )


def test_the_shipped_catchments_hold_what_they_say() -> None:
    from hdlcore.assets import assets_dir

    cube = open_cube(assets_dir() / "data" / "catchments.zarr")
    names = list(cube.cells["name"].values)
    assert names == [
        "baskatong",
        "lahn_dill_asslar",
        "lahn_kalkofen",
        "lahn_leun",
        "lahn_marburg",
        "leaf_river",
        "lumod_2",
    ]
    full = cube.daily.sel(time=slice("1990", "2017")).load()
    for cell in range(5):  # water balances of real basins: what runs off has rained, and not all of it
        rain, flow = (float(full[n].isel(cell=cell).mean()) for n in ("precipitation", "runoff_observed"))
        assert 0.2 * rain < flow < 0.95 * rain, names[cell]
    assert np.isnan(cube.daily["air_temperature"].values[:, names.index("leaf_river")]).all()
    assert np.isnan(cube.cells["lon"].values[names.index("lumod_2")])
    assert cube.daily["runoff_observed"].attrs["units"] == "mm d-1"
