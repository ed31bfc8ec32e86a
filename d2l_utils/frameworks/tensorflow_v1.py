"""BlockLSTM, the older kernel: input gate, candidate, forget gate, output gate."""
from functools import partial

from d2l_utils.frameworks.tensorflow import arrays, load_kernel, run  # noqa: F401

load = partial(load_kernel, "BlockLSTM", "tensorflow_v1")
