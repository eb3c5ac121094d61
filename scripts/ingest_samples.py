"""Small valid files of every kind that `hdl ingest` takes, in each product's published layout: seeds to be broken."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

Files = dict[str, bytes]
DAYS = pd.date_range("2001-01-01", periods=24)


def _csv(table: pd.DataFrame, head: str = "", **options: object) -> bytes:
    return (head + table.to_csv(index=False, float_format="%.4g", **options)).encode()  # type: ignore[call-overload]


def catchments() -> Files:
    """Two catchments: ISO dates and commas, with JSON; German dates, semicolons and decimal commas, with units."""
    wave = np.sin(np.arange(DAYS.size))
    one = pd.DataFrame({"date": DAYS.strftime("%Y-%m-%d"), "P": 2 + 2 * wave, "tmean": 10 * wave, "pet": 1 + wave,
                        "discharge": 1.5 + wave})  # fmt: skip
    two = pd.DataFrame({"Datum": DAYS.strftime("%d.%m.%Y"), "Niederschlag (mm)": 2 + 2 * wave, "T [K]": 280 + 10 * wave,
                        "Q (m3/s)": 1.5 + wave})  # fmt: skip
    about = {"name": "one", "lat": 50.1, "lon": 8.2, "area_km2": 120}
    return {
        "one.csv": _csv(one),
        "one.json": json.dumps(about).encode(),
        "two.csv": two.to_csv(index=False, sep=";", decimal=",", float_format="%.4g").encode(),
        "two.json": json.dumps(about | {"name": "two", "units": {"Q (m3/s)": "m3/s"}}).encode(),
    }


def camels() -> Files:
    """Daymet forcing and streamflow of one basin."""
    names = "Year Mnth Day Hr\tDayl(s)\tPRCP(mm/day)\tSRAD(W/m2)\tSWE(mm)\tTmax(C)\tTmin(C)\tVp(Pa)"
    forcing = [f"{day:%Y %m %d} 12\t43200.00\t2.50\t300.00\t0.00\t8.00\t2.00\t600.00" for day in DAYS]
    flow = [f"01013500 {day:%Y %m %d} {655 + day.day:8.2f} A" for day in DAYS]
    return {
        "01013500_lump_cida_forcing_leap.txt": "\n".join(
            ["  47.24", " 250.31", "2252696192", names, *forcing]
        ).encode(),
        "01013500_streamflow_qc.txt": "\n".join([*flow[:-1], flow[-1].replace("A", "M"), ""]).encode(),
    }


def fluxnet2015() -> Files:
    """A daily file with the columns of a SUBSET."""
    n = DAYS.size
    table = pd.DataFrame({"TIMESTAMP": DAYS.strftime("%Y%m%d")})
    for at, name in enumerate(("TA_F", "SW_IN_F", "LW_IN_F", "VPD_F", "P_F", "WS_F", "NETRAD", "G_F_MDS", "LE_F_MDS",
                               "H_F_MDS", "SWC_F_MDS_1", "NEE_VUT_REF")):  # fmt: skip
        table[name] = (300 if name == "LW_IN_F" else 1 + at) + np.cos(np.arange(n) + at)
        table[f"{name}_QC"] = np.where(np.arange(n) % 5 == at % 5, 0.2, 0.9)
    table["GPP_NT_VUT_REF"], table["RECO_NT_VUT_REF"] = 3.0, 2.5
    table.loc[3, "LE_F_MDS"] = -9999
    return {"FLX_XX-Abc_FLUXNET2015_SUBSET_DD_2001-2001_1-3.csv": _csv(table)}


def fluxnet2015_hh() -> Files:
    """Half hours of three days."""
    starts = pd.date_range("2001-01-01", periods=144, freq="30min")
    table = pd.DataFrame({"TIMESTAMP_START": starts.strftime("%Y%m%d%H%M"),
                          "TIMESTAMP_END": (starts + pd.Timedelta("30min")).strftime("%Y%m%d%H%M")})  # fmt: skip
    for name in ("TA_F", "P_F", "LE_F_MDS", "NEE_VUT_REF"):
        table[name], table[f"{name}_QC"] = 1.5, np.arange(144) % 2
    return {"FLX_XX-Abc_FLUXNET2015_FULLSET_HH_2001-2001_1-3.csv": _csv(table)}


def ameriflux_base() -> Files:
    """Half hours of three days under the two lines of BASE."""
    starts = pd.date_range("2001-01-01", periods=144, freq="30min")
    table = pd.DataFrame({"TIMESTAMP_START": starts.strftime("%Y%m%d%H%M"),
                          "TIMESTAMP_END": (starts + pd.Timedelta("30min")).strftime("%Y%m%d%H%M")})  # fmt: skip
    for name in ("TA_1_1_1", "TA_1_2_1", "RH", "P", "FC", "LE", "H", "NETRAD_1_1_1", "SWC_1_1_1", "GPP_PI_F"):
        table[name] = np.where(np.arange(144) % 11 == 0, -9999, 2.25)
    return {"AMF_XX-Abc_BASE_HH_1-5.csv": _csv(table, "# Site: XX-Abc\n# Version: 1-5\n")}


def swissfluxnet() -> Files:
    """Half hours of three days in Parquet, stamped at their middle."""
    middles = pd.date_range("2001-01-01T00:15", periods=144, freq="30min", name="TIMESTAMP_MIDDLE")
    table = pd.DataFrame({"Tair_f": 5.0, "RH": 60.0, "VPD_f": 3.5, "Rg_f": 100.0, "LE_f": 20.0, "LE_orig": 20.0,
                          "NEE_CUT_REF_f": -1.0, "NEE_CUT_REF_orig": -1.0, "GPP_CUT_REF_f": 2.0,
                          "PREC_TOT_T1_25+20_1": 0.1}, index=middles)  # fmt: skip
    buffer = io.BytesIO()
    table.to_parquet(buffer)
    return {"CH-XYZ_30min.parquet": buffer.getvalue()}


def phenocam() -> Files:
    """A three-day NDVI summary."""
    head = "#\n# 3-day NDVI summary timeseries for somewhere\n#\n# Site: somewhere\n# Veg Type: DB\n"
    head += "# ROI ID Number: 1000\n"
    head += "# Lat: 35.97\n# Lon: -79.10\n# Elev: 400\n# Aggregation Period: 3\n#\n"
    table = pd.DataFrame({"date": DAYS[::3].strftime("%Y-%m-%d"), "year": 2001, "gcc_90": 0.4, "ndvi_90": 0.3,
                          "snow_flag": "NA", "outlierflag_ndvi_90": "NA"})  # fmt: skip
    return {"somewhere_DB_1000_ndvi_3day.csv": _csv(table, head)}


def co2() -> Files:
    """Annual means with projections."""
    years = "".join(f"{year}\t{300 + year - 1959:.2f}\n" for year in range(1959, 1975))
    return {
        "co2.txt": f"%% ---- observations 1959-1973 & projections ---- %%\nYear\tCO2(ppm)\n{years}1980\t400\n".encode()
    }


def _netcdf(ds: xr.Dataset, form: str, encoding: dict[str, dict[str, object]] | None = None) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sample.nc"
        ds.to_netcdf(path, format=form, encoding=encoding or {})  # type: ignore[call-overload]
        return path.read_bytes()


def _grid(names: dict[str, str], step: float = 30.0, periods: int = 5, freq: str = "D") -> xr.Dataset:
    lat, lon = np.arange(90 - step / 2, -90, -step), np.arange(step / 2, 360, step)
    time = pd.date_range("2001-01-01", periods=periods, freq=freq)
    values = np.broadcast_to(np.linspace(0.1, 1, periods)[:, None, None], (periods, lat.size, lon.size)).astype("f4")
    return xr.Dataset(
        {name: (("time", "lat", "lon"), values.copy(), {"units": units}) for name, units in names.items()},
        {"time": time, "lat": ("lat", lat, {"units": "degrees_north"}), "lon": ("lon", lon, {"units": "degrees_east"})},
    )


def cf() -> Files:
    """A daily CF grid in NetCDF-4."""
    return {"cf.nc": _netcdf(_grid({"pr": "mm d-1", "tas": "degC"}), "NETCDF4")}


def cf_classic() -> Files:
    """The same in NetCDF-3, packed as scaled integers."""
    encoding = {"pr": {"dtype": "i2", "scale_factor": 0.001, "_FillValue": -32767}}
    return {"cf3.nc": _netcdf(_grid({"pr": "mm d-1"}), "NETCDF3_CLASSIC", encoding)}


def era5() -> Files:
    """Hourly ERA5 of two days."""
    ds = _grid({"tp": "m", "t2m": "K"}, periods=49, freq="h").rename({"lat": "latitude", "lon": "longitude"})
    ds["tp"], ds["t2m"] = ds["tp"] * 1e-3, (ds["t2m"] + 280).assign_attrs(units="K")
    ds["tp"].attrs["units"] = "m"
    return {"era5.nc": _netcdf(ds, "NETCDF3_64BIT")}


#: Name -> (kind, maker of valid files).
SAMPLES: dict[str, tuple[str, Callable[[], Files]]] = {
    "catchments": ("catchments", catchments),
    "camels": ("camels", camels),
    "fluxnet2015": ("fluxnet2015", fluxnet2015),
    "fluxnet2015_hh": ("fluxnet2015", fluxnet2015_hh),
    "ameriflux_base": ("ameriflux_base", ameriflux_base),
    "swissfluxnet": ("swissfluxnet", swissfluxnet),
    "phenocam": ("phenocam", phenocam),
    "co2": ("co2", co2),
    "cf": ("cf", cf),
    "cf_classic": ("cf", cf_classic),
    "era5": ("era5", era5),
}
