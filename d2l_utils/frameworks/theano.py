"""Theano, in the version that the makers of PyMC kept alive, in pure Python and with few optimisations, like PyTensor."""
import builtins
import os

import numpy as np

for _name in ("bool", "int", "float", "object"):        # NumPy had these names once, and Theano asks for them
    if _name not in np.__dict__:
        setattr(np, _name, getattr(builtins, _name))
os.environ.setdefault("THEANO_FLAGS", "cxx=,blas__ldflags=,mode=FAST_COMPILE")
import theano  # noqa: E402
import theano.tensor  # noqa: E402

from d2l_utils.frameworks import scan  # noqa: E402
from d2l_utils.frameworks.scan import arrays, load  # noqa: E402, F401


def run(model, X, state, d_H, d_state, lengths=None):
    return scan.run(theano, model, X, state, d_H, d_state)
