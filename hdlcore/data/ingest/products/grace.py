"""GRACE and GRACE-FO mascons of JPL (RL06, v3 and v4, with or without CRI) and CSR.

Layout (seen in GRCTellus.JPL.*.MSCNv04CRI.nc): ``lwe_thickness`` (time, lat, lon) in cm with fill -99999, ``time`` in
days since 2002-01-01 with ``time_bounds``, in the middle of solutions that are about a month long and not always one
to a month, with a gap between the two missions; longitudes 0 to 360; ``scale_factor`` and ``land_mask`` (lat, lon).
CSR keeps the same without factor, and writes "Units" with a capital.
"""

from __future__ import annotations

from hdlcore.data.ingest.grid_files import Field, Product
from hdlcore.data.ingest.products.kind import kind_of

GRACE = Product(
    id="grace",
    title="GRACE and GRACE-FO mascons",
    attribution="GRACE and GRACE-FO land mass grids, NASA/JPL or CSR, free (Watkins et al. 2015, "
    "doi:10.1002/2014JB011547; Save et al. 2016, doi:10.1002/2016JB013007).",
    fields=(
        Field(
            "tws_observed",
            ("lwe_thickness",),
            ("Liquid_Water_Equivalent_Thickness",),
            units="cm",
            scale=("scale_factor", "SCALE_FACTOR"),
            mask=("land_mask", "LAND_MASK", "LO_val"),
        ),
    ),
    position="middle",
    irregular=True,
    notes=(
        "Anomalies are from the mean that the file is given against (JPL: 2004 to 2009); mascons resolve about 300 km.",
        "Each solution is put into the month of its middle; of two in one month, one moves to an empty neighbour month "
        "or both are averaged. Months without a solution, and the gap 2017-07 to 2018-05, are missing.",
        "The scale factor and the land mask are applied where the file, or one given with it, holds them.",
    ),
)
KIND = kind_of(GRACE, "JPL or CSR mascon NetCDF; a file with scale_factor or land_mask may be given beside it.")
