"""The package behind the book *Inside the LSTM*: cells with hand-written gradients, and what the chapters use around them."""
import numpy

__version__ = "0.1.0"

# MXNet 1.9.1 reads `numpy.bool` when it is imported; NumPy 1.24 removed the name. Importing d2l_utils first puts it back.
if "bool" not in numpy.__dict__:
    vars(numpy)["bool"] = bool
