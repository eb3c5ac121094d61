"""GPCP precipitation: daily (1DD v1.3, v3.2) and monthly (v2.3, v3.2) means in mm per day.

Layout (https://doi.org/10.5067/MEASURES/GPCP/DATA304): ``precip`` (daily; monthly v2.3) or ``sat_gauge_precip``
(monthly v3.2) on (time, lat, lon), longitudes 0 to 360 in v1 and v2, fill -9999 or -99999.
"""

from __future__ import annotations

from hdlcore.data.ingest.grid_files import Field, Product
from hdlcore.data.ingest.products.kind import kind_of

GPCP = Product(
    id="gpcp",
    title="GPCP precipitation",
    attribution="GPCP, NASA GSFC, University of Maryland and NOAA, free (Huffman et al. 2023, "
    "doi:10.1175/JCLI-D-23-0123.1; Adler et al. 2018, doi:10.3390/atmos9040138).",
    fields=(
        Field(
            "precipitation",
            ("precip", "sat_gauge_precip"),
            ("lwe_precipitation_rate",),
            units="mm/day",
            valid=(0, 3000),
        ),
    ),
    notes=("Satellites merged with gauges.",),
)
KIND = kind_of(GPCP, "NetCDF files of GPCP, daily (1DD, v3.2) or monthly.")
