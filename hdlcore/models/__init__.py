"""Hybrid models: networks + physics, written as a table of parameters and a pure step function."""
