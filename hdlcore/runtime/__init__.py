"""The engine: simulation, explanation and precomputed fields of the models at hand."""
