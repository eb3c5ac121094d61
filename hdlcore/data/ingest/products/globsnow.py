"""GlobSnow snow water equivalent (v2, v3): northern hemisphere, EASE-Grid 25 km, daily or monthly.

Layout (Luojus et al. 2021, https://doi.org/10.1038/s41597-021-00939-2): ``swe`` (y, x) in mm on 721 x 721 cells of
25.07 km; -1 is mountains, -2 is water; one file for each day or month with the date in its name; latitude and longitude
in two dimensions, or only ``x`` and ``y`` in metres.
"""

from __future__ import annotations

from hdlcore.data.ingest.grid_files import Field, Product
from hdlcore.data.ingest.products.kind import kind_of

GLOBSNOW = Product(
    id="globsnow",
    title="GlobSnow snow water equivalent",
    attribution="GlobSnow v3.0 SWE, Finnish Meteorological Institute and ESA (Luojus et al. 2021, "
    "doi:10.1038/s41597-021-00939-2; CC BY 4.0).",
    fields=(
        Field(
            "swe_observed",
            ("swe", "SWE", "swe_average", "SWE_avg"),
            ("lwe_thickness_of_surface_snow_amount", "surface_snow_amount"),
            units="mm",
            valid=(0.0, 5000.0),
        ),
    ),
    time_in_name=r"(?<!\d)((?:19|20)\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])?(?!\d)",
    notes=("Flags (-1 mountains, -2 water) are missing. Microwaves saturate near 150 mm, and summers have no files.",),
)
KIND = kind_of(GLOBSNOW, "Daily (L3A) or monthly (L3B) NetCDF, one file each with the date in its name.")
