"""Memory and attribution: how far back, through which driver, and held by which store the past still matters.

One contract: a `Subject` (a model at some cells under their weather) and a `Question` (target, target days, lags) give
an `xarray.Dataset`; every file of `hdlcore.attribution.methods` is one way to answer (docs/attribution.md).
"""
