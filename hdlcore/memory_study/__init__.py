"""Memory that retraining finds, on the twin Earth: networks trained anew with parts of the past withheld.

Two published experiments, run on a generated world:

* the memory of vegetation of Kraft et al. (2019, https://doi.org/10.3389/fdata.2019.00031): a network that sees n
  months of past weather against one that sees none, and, beyond the paper, one driver's past at a time;
* the emulation of a process model's evapotranspiration of Kraft, Besnard and Koirala (2021, chapter 18 of "Deep
  Learning for the Earth Sciences", Wiley): with and without recurrence, with and without soil moisture as an input.

What is found belongs to networks trained for the question. It is shown beside gradients of a trained model, never mixed
with them. docs/memory_study.md tells the definitions and the numbers.
"""
