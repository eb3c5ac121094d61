"""Towers, cameras and CO2 in their networks' own layouts: half hours to days, units, shares of measured data."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hdlcore.data.cubes import Cube, open_cube
from hdlcore.data.ingest import ingest
from hdlcore.data.review import review
from hdlcore.errors import DataError

GRAMS = 12.011e-6 * 86_400  # gC m-2 d-1 for 1 umol m-2 s-1
DAILY = "FLX_US-Xyz_FLUXNET2015_SUBSET_DD_2001-2001_1-3.csv"
HALF_HOURLY = "FLX_US-Xyz_FLUXNET2015_FULLSET_HH_2001-2001_1-3.csv"
BASE = "AMF_US-Xyz_BASE_HH_2-5.csv"
HEAD = "# Site: US-Xyz\n# Version: 2-5\n"


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., Cube]:
    """Write files, ingest them as a kind and open the cube."""

    def make(kind: str, files: dict[str, str | bytes], **options) -> Cube:
        for name, content in files.items():
            (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        ingest([tmp_path / name for name in files], kind, tmp_path / "out.zarr", **options)
        return open_cube(tmp_path / "out.zarr")

    return make


def refused(made: Callable[..., Cube], said: str, kind: str, files: dict[str, str | bytes]) -> None:
    with pytest.raises(DataError) as caught:
        made(kind, files)
    assert said in str(caught.value), str(caught.value)
    assert "\n" not in str(caught.value)


def half_hours(days: int = 2, minutes: int = 30) -> pd.DataFrame:
    starts = pd.date_range("2001-01-01", periods=days * 1440 // minutes, freq=f"{minutes}min")
    form = "%Y%m%d%H%M"
    ends = starts + pd.Timedelta(minutes=minutes)
    return pd.DataFrame({"TIMESTAMP_START": starts.strftime(form), "TIMESTAMP_END": ends.strftime(form)})


def series(cube: Cube, name: str, cell: int = 0) -> np.ndarray:
    return cube.daily[name].values[:, cell]


def test_fluxnet_days_keep_fluxes_of_good_quality_and_all_weather(made: Callable[..., Cube]) -> None:
    text = (
        "TIMESTAMP,TA_F,TA_F_QC,P_F,P_F_QC,VPD_F,LE_F_MDS,LE_F_MDS_QC,NEE_VUT_REF,NEE_VUT_REF_QC,GPP_NT_VUT_REF,"
        "SWC_F_MDS_1\n"
        "20010101,5,1,2,1,3,40,1,-1,1,4,25\n"
        "20010102,6,0,0,1,3,50,0.4,-2,0.4,5,-9999\n"
        "20010103,7,1,-9999,1,3,60,0.5,-3,0.5,6,30\n"
    )
    cube = made("fluxnet2015", {DAILY: text})
    assert list(cube.cells["name"].values) == ["US-Xyz"]
    np.testing.assert_array_equal(series(cube, "air_temperature"), [5, 6, 7])
    np.testing.assert_array_equal(series(cube, "precipitation"), np.float32([2, 0, np.nan]))
    np.testing.assert_array_equal(series(cube, "latent_heat_observed"), np.float32([40, np.nan, 60]))
    np.testing.assert_array_equal(series(cube, "nee_observed"), np.float32([-1, np.nan, -3]))
    np.testing.assert_array_equal(series(cube, "gpp_observed"), np.float32([4, np.nan, 6])), "GPP stands on NEE"
    np.testing.assert_allclose(series(cube, "soil_water_observed"), np.float32([0.25, np.nan, 0.3]))
    np.testing.assert_allclose(series(cube, "carbon_coverage"), [1, 0.4, 0.5])
    assert cube.daily["gpp_observed"].attrs["source"] == "derived"
    assert cube.daily["nee_observed"].attrs["units"] == "gC m-2 d-1"


def test_fluxnet_half_hours_become_days_where_enough_is_there(made: Callable[..., Cube]) -> None:
    table = half_hours(3)
    table["TA_F"] = np.arange(144) % 48
    table["P_F"] = 0.5
    table["NEE_VUT_REF"], table["NEE_VUT_REF_QC"] = 2.0, 0
    table.loc[48:60, ["TA_F", "P_F"]] = -9999  # 13 of 48: more than a quarter of the second day
    table.loc[96:107, ["TA_F", "P_F"]] = -9999  # 12 of 48 of the third
    table.loc[100:125, "NEE_VUT_REF_QC"] = 2
    cube = made("fluxnet2015", {HALF_HOURLY: table.to_csv(index=False)})
    np.testing.assert_allclose(series(cube, "air_temperature"), [23.5, np.nan, np.mean(range(12, 48))])
    np.testing.assert_allclose(series(cube, "precipitation"), [24, np.nan, 24]), "a lost hour is not a dry hour"
    np.testing.assert_allclose(series(cube, "nee_observed"), [2 * GRAMS, 2 * GRAMS, np.nan], rtol=1e-6)
    np.testing.assert_allclose(series(cube, "carbon_coverage"), [1, 1, 22 / 48], rtol=1e-6)


def test_hourly_fluxnet_sums_rain_over_hours(made: Callable[..., Cube]) -> None:
    table = half_hours(2, minutes=60).assign(P_F=0.5, TA_F=3.0)
    name = HALF_HOURLY.replace("_HH_", "_HR_")
    np.testing.assert_allclose(series(made("fluxnet2015", {name: table.to_csv(index=False)}), "precipitation"), 12)


def test_of_many_fluxnet_files_the_daily_one_is_taken(made: Callable[..., Cube]) -> None:
    files = {
        DAILY: "TIMESTAMP,TA_F\n20010101,5\n",
        HALF_HOURLY: half_hours(2).assign(TA_F=9.0).to_csv(index=False),
        DAILY.replace("_DD_", "_YY_"): "TIMESTAMP,TA_F\n2001,5\n",
        DAILY.replace("US-Xyz", "CH-DAV"): "TIMESTAMP,TA_F\n20010102,-4\n",
    }
    cube = made("fluxnet2015", files)
    assert list(cube.cells["name"].values) == ["CH-DAV", "US-Xyz"]
    assert float(cube.cells["lat"][0]) == pytest.approx(46.8153), "the place of a known tower"
    assert np.isnan(cube.cells["lat"][1])
    np.testing.assert_array_equal(cube.daily["air_temperature"].values, np.float32([[np.nan, 5], [-4, np.nan]]))
    assert "yearly" in cube.attrs["notes"]


def test_places_of_towers_come_from_attributes(made: Callable[..., Cube], tmp_path: Path) -> None:
    (tmp_path / "places.csv").write_text("site_id,lat,lon,elev\nUS-XYZ,40,-100,200\n")
    cube = made("fluxnet2015", {DAILY: "TIMESTAMP,TA_F\n20010101,5\n"}, attributes=tmp_path / "places.csv")
    assert [float(cube.cells[n][0]) for n in ("lat", "lon", "elevation")] == [40, -100, 200]


@pytest.mark.parametrize(
    ("said", "name", "text"),
    [
        (
            "is the weekly file",
            DAILY.replace("_DD_", "_WW_"),
            "TIMESTAMP_START,TIMESTAMP_END,TA_F\n20010101,20010107,1\n",
        ),
        ("is the ERAI file", "FLX_US-Xyz_FLUXNET2015_ERAI_DD_1989-2014_1-3.csv", "TIMESTAMP,TA_ERA\n20010101,1\n"),
        ("is not FLUXNET2015", "mine.csv", "date,P\n2001-01-01,1\n"),
        ("line 3: '2001010' in TIMESTAMP is no time", DAILY, "TIMESTAMP,TA_F\n20010101,1\n2001010,1\n"),
        ("line 2: 'x' in column 'TA_F' is no number", DAILY, "TIMESTAMP,TA_F\n20010101,x\n"),
        ("no value that can be used", DAILY, "TIMESTAMP,TA_F\n20010101,-9999\n"),
        ("is there twice with different", DAILY, "TIMESTAMP,TA_F\n20010101,1\n20010101,2\n"),
        ("not in the units of its format", DAILY, "TIMESTAMP,TA_F\n20010101,281\n20010102,282\n"),
    ],
)
def test_broken_fluxnet_files_are_refused(made: Callable[..., Cube], said: str, name: str, text: str) -> None:
    refused(made, said, "fluxnet2015", {name: text})


def test_ameriflux_base_takes_first_positions_filled_fluxes_and_team_units(made: Callable[..., Cube]) -> None:
    table = half_hours(2)
    table["TA_1_2_1"], table["TA_1_1_1"], table["TA_1_1_2"] = 99.0, 10.0, 98.0
    table["RH"], table["P"], table["SWC_1_1_1"] = 50.0, 0.25, 30.0
    table["FC"] = np.where(np.arange(96) < 58, 1.0, -9999)  # all of the first day, 10 of 48 of the second
    table["FC_PI_F"] = np.where(np.arange(96) < 58, 1.0, 3.0)
    table["GPP_PI_F"] = 2.0
    cube = made("ameriflux_base", {BASE: HEAD + table.to_csv(index=False)})
    np.testing.assert_array_equal(series(cube, "air_temperature"), [10, 10])
    np.testing.assert_allclose(series(cube, "precipitation"), 12)
    np.testing.assert_allclose(series(cube, "soil_water_observed"), 0.3, rtol=1e-6)
    np.testing.assert_allclose(series(cube, "vapour_pressure_deficit"), 6.13, atol=0.03)  # es(10 degC) = 12.27 hPa
    np.testing.assert_allclose(series(cube, "nee_observed"), [GRAMS, np.nan], rtol=1e-6)
    np.testing.assert_allclose(series(cube, "gpp_observed"), [2 * GRAMS, np.nan], rtol=1e-6)
    np.testing.assert_allclose(series(cube, "carbon_coverage"), [1, 10 / 48], rtol=1e-6)


def test_unfilled_fluxes_need_three_quarters_of_the_day(made: Callable[..., Cube]) -> None:
    table = half_hours(2).assign(LE=50.0, TA=1.0)
    table.loc[50:70, "LE"] = -9999
    cube = made("ameriflux_base", {BASE: HEAD + table.to_csv(index=False)})
    np.testing.assert_array_equal(series(cube, "latent_heat_observed"), np.float32([50, np.nan]))


@pytest.mark.parametrize(
    ("said", "change"),
    [
        ("is not on a step", lambda t: t.replace({"TIMESTAMP_START": {t.TIMESTAMP_START[5]: "200101010231"}})),
        ("is there twice with different TA", lambda t: pd.concat([t, t.iloc[[3]].assign(TA=7.0)])),
        ("steps by 10 minutes", lambda t: half_hours(1, 10).assign(TA=1.0)),
        ("lacks TIMESTAMP_START", lambda t: t.rename(columns={"TIMESTAMP_START": "start"})),
        ("none of TA", lambda t: t.rename(columns={"TA": "nothing"})),
    ],
)
def test_broken_base_files_are_refused(
    made: Callable[..., Cube], said: str, change: Callable[[pd.DataFrame], pd.DataFrame]
) -> None:
    table = change(half_hours(2).assign(TA=1.0))
    refused(made, said, "ameriflux_base", {BASE: HEAD + table.to_csv(index=False)})


def swiss(**columns: object) -> bytes:
    middles = pd.date_range("2001-01-01T00:15", periods=96, freq="30min", name="TIMESTAMP_MIDDLE")
    buffer = io.BytesIO()
    pd.DataFrame(columns, index=middles).to_parquet(buffer)
    return buffer.getvalue()


def test_stamps_at_the_middle_belong_to_their_own_day(made: Callable[..., Cube]) -> None:
    content = swiss(Tair_f=np.repeat([1.0, 5.0], 48), LE_f=20.0, LE_orig=np.where(np.arange(96) < 60, 20.0, np.nan))
    cube = made("swissfluxnet", {"CH-XYZ_30min.parquet": content})
    assert cube.daily.sizes["time"] == 2, "no stamp spills into a third day"
    np.testing.assert_array_equal(series(cube, "air_temperature"), [1, 5])
    np.testing.assert_allclose(series(cube, "energy_coverage"), [1, 0.25])
    assert list(cube.cells["name"].values) == ["CH-XYZ"]


@pytest.mark.parametrize(("stated", "factor"), [("hPa", 1.0), ("kPa", 0.1)])
def test_the_unit_of_vapour_pressure_deficit_is_told_from_humidity(
    made: Callable[..., Cube], stated: str, factor: float
) -> None:
    worked_out = 6.112 * np.exp(17.62 * 10 / 253.12) * 0.4
    content = swiss(Tair_f=10.0, RH=60.0, VPD_f=worked_out * factor)
    cube = made("swissfluxnet", {"CH-XYZ_30min.parquet": content})
    np.testing.assert_allclose(series(cube, "vapour_pressure_deficit"), worked_out, rtol=1e-5)


def test_a_deficit_in_no_known_unit_is_refused(made: Callable[..., Cube]) -> None:
    content = swiss(Tair_f=10.0, RH=60.0, VPD_f=490.0)
    refused(made, "neither hPa nor kPa", "swissfluxnet", {"CH-XYZ_30min.parquet": content})


def test_a_parquet_of_another_layout_is_refused(made: Callable[..., Cube]) -> None:
    buffer = io.BytesIO()
    pd.DataFrame({"a": [1.0]}).to_parquet(buffer)
    refused(made, "no column TIMESTAMP_MIDDLE", "swissfluxnet", {"a.parquet": buffer.getvalue()})
    refused(made, "none of the columns", "swissfluxnet", {"b.parquet": swiss(foo=1.0)})
    refused(made, "where numbers are needed", "swissfluxnet", {"c.parquet": swiss(Tair_f="warm")})


CAMERA = "#\n# Site: wood\n# Veg Type: DB\n# ROI ID Number: 1000\n# Lat: 35.9\n# Lon: -79.1\n# Elev: 400\n"


def test_phenocam_leaves_out_outliers_and_snow(made: Callable[..., Cube]) -> None:
    text = CAMERA + (
        "# Aggregation Period: 3# Time of Day Min: 00:00:00\n#\n"
        "date,year,gcc_90,ndvi_90,snow_flag,outlierflag_ndvi_90\n"
        "2013-06-01,2013,0.41,0.33,NA,NA\n2013-06-04,2013,0.42,0.40,NA,1\n2013-06-07,2013,NA,0.38,1,NA\n"
        "2013-06-10,2013,0.43,0.39,0,0\n"
    )
    cube = made("phenocam", {"wood_DB_1000_ndvi_3day.csv": text})
    ndvi = series(cube, "ndvi_observed")
    assert ndvi.size == 10
    np.testing.assert_allclose(ndvi[[0, 3, 6, 9]], np.float32([0.33, np.nan, np.nan, 0.39]))
    assert np.isnan(np.delete(ndvi, [0, 3, 6, 9])).all(), "nothing is invented between"
    np.testing.assert_allclose(series(cube, "gcc_observed")[[0, 3, 6, 9]], np.float32([0.41, 0.42, np.nan, 0.43]))
    assert float(cube.cells["lat"][0]) == pytest.approx(35.9) and float(cube.cells["elevation"][0]) == 400


def test_of_two_periods_of_one_camera_the_shorter_is_taken(made: Callable[..., Cube]) -> None:
    rows = "date,gcc_90\n2013-06-01,0.4\n2013-06-02,0.41\n"
    files = {f"wood_{n}day.csv": f"{CAMERA}# Aggregation Period: {n}\n{rows}" for n in (3, 1)}
    cube = made("phenocam", files)
    assert cube.cells.sizes["cell"] == 1 and len(cube.provenance) == 1
    assert cube.provenance[0]["file"] == "wood_1day.csv"


def test_a_file_that_is_no_camera_is_refused(made: Callable[..., Cube]) -> None:
    refused(made, "not a PhenoCam summary", "phenocam", {"a.csv": "date,P\n2001-01-01,1\n"})


def test_annual_co2_keeps_observed_years_only(made: Callable[..., Cube]) -> None:
    text = (
        "%% -- observations 1959-1961 & projections -- %%\nYear\tCO2(ppm)\n1959\t315.98\n1960\t316.91\n1961\t317.64\n"
    )
    cube = made("co2", {"co2.txt": text + "1970\t400\n1980\t420"})
    assert cube.monthly.sizes["time"] == 36
    np.testing.assert_allclose(cube.monthly["co2"].values[[0, 11, 12, 35], 0], [315.98, 315.98, 316.91, 317.64])
    assert "projections and left out" in cube.attrs["notes"]


def test_monthly_co2_of_noaa(made: Callable[..., Cube]) -> None:
    text = "# NOAA\n1958 3 1958.2027 315.71 314.44 -1 -9.99 -0.99\n1958 4 1958.2877 -99.99 315.16 -1 -9.99 -0.99\n"
    cube = made("co2", {"co2_mm_mlo.txt": text + "1958 5 1958.37 317.5 314.7 -1 -9.99 -0.99\n"})
    np.testing.assert_allclose(cube.monthly["co2"].values[:, 0], np.float32([315.71, np.nan, 317.5]))


def test_outlines_are_refused_with_where_they_are_built(made: Callable[..., Cube]) -> None:
    refused(made, "scripts.build_assets", "outlines", {"land.json": '{"type": "Topology", "objects": {}, "arcs": []}'})


def test_the_shipped_towers_hold_what_they_say() -> None:
    from hdlcore.assets import assets_dir

    path = assets_dir() / "data" / "towers.zarr"
    cube = open_cube(path)
    assert list(cube.cells["name"].values) == ["US-AR1", "CH-DAV"]
    assert review(path).ok
    davos = cube.daily.sel(cell=1).load()
    assert 3 < float(davos["air_temperature"].mean()) < 6  # a subalpine forest
    assert 800 < float(davos["precipitation"].mean()) * 365 < 1200
    assert float(davos["nee_observed"].mean()) < 0, "the forest takes up carbon"
    assert float(davos["vapour_pressure_deficit"].max()) < 25, "hPa, whatever a heading says"
    grass = cube.daily.sel(cell=0).load()
    budget = grass[["net_radiation", "latent_heat_observed", "sensible_heat_observed", "ground_heat_observed"]].dropna(
        "time"
    )
    out = budget["latent_heat_observed"] + budget["sensible_heat_observed"] + budget["ground_heat_observed"]
    # This site's fluxes exceed its available energy by an eighth; a slip of units would miss by far more.
    assert 0.7 < float(out.mean() / budget["net_radiation"].mean()) < 1.3
