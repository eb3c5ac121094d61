"""GRUN: monthly runoff 1902 to 2014 reconstructed from gauges by machine learning, 0.5 degree.

Layout (Ghiggi et al. 2019, https://doi.org/10.5194/essd-11-1655-2019): ``Runoff`` (time, Y, X) in mm per day, in
``GRUN_v1_GSWP3_WGS84_05_1902_2014.nc``, with coordinates X and Y.
"""

from __future__ import annotations

from hdlcore.data.ingest.grid_files import Field, Product
from hdlcore.data.ingest.products.kind import kind_of

GRUN = Product(
    id="grun",
    title="GRUN runoff reconstruction",
    attribution="GRUN v1 (Ghiggi et al. 2019, doi:10.5194/essd-11-1655-2019; CC BY 4.0).",
    fields=(Field("runoff_observed", ("Runoff",), ("runoff_flux",), units="mm/day", source="derived"),),
    notes=("Reconstructed from gauged catchments by machine learning: derived, not observed.",),
)
KIND = kind_of(GRUN, "The NetCDF of GRUN or of a member of G-RUN ENSEMBLE.")
