"""PyTensor, which goes on where Theano ended, in pure Python: no C compiler is needed. Most of its optimisations are left
out, since on cells as small as ours they take longer than they save.
"""
import os

os.environ.setdefault("PYTENSOR_FLAGS", "cxx=,mode=FAST_COMPILE")
import pytensor
import pytensor.tensor

from d2l_utils.frameworks import scan
from d2l_utils.frameworks.scan import arrays, load  # noqa: F401


def run(model, X, state, d_H, d_state, lengths=None):
    return scan.run(pytensor, model, X, state, d_H, d_state)
