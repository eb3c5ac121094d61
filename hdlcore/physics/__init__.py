"""Pure step functions of physical processes, one file each.

Every function maps values of one day (and the stores of the day before) to fluxes and new stores. They use only
arithmetic and `hdlcore.physics.ops`, so the same source runs on torch tensors of any shape and on numpy arrays.
"""
