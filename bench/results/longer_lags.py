"""Two more rows of long_lags.py: adding with the biases of 1997, and temporal order with three symbols instead of two.

- adding: T = 100, no forgetting, and input gate biases -3 and -6 in turn, as the paper has them for its two blocks.
- temporal order 6b: three symbols count, at steps 10 to 20, 33 to 43 and 66 to 76; each is X or Y, and there are 8 classes.

Networks, training and criteria are those of long_lags.py; at most 96,000 sequences. Takes about a minute on one core.
Writes the record that the appendix on results shows, after each row; rows that it holds already are not run again:

    python bench/results/longer_lags.py --json bench/results/longer_lags.json
"""
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import long_lags
import numpy as np

from d2l_utils.datasets.synthetic import SYMBOLS, TEMPORAL_ORDER

SETTINGS = {**long_lags.SETTINGS, "most_updates": 6000}
ROWS = [("adding", 100, (long_lags.INFINITE, [-3, -6])), ("temporal order 6b", 100, (long_lags.INFINITE, -3))]


def temporal_order_6b(rng, batch_size, min_steps):
    """X: (num_steps, batch_size, 8), one-hot, and the classes, 0 to 7 for XXX, XXY to YYY; min_steps is 100."""
    num_steps, columns = int(rng.integers(min_steps, min_steps + 11)), np.arange(batch_size)
    symbols = rng.integers(0, 4, (num_steps, batch_size))
    symbols[0], symbols[-1] = SYMBOLS.index("E"), SYMBOLS.index("B")
    classes = rng.integers(0, 8, batch_size)
    for earliest, power in ((10, 4), (33, 2), (66, 1)):
        symbols[rng.integers(earliest, earliest + 11, batch_size), columns] = SYMBOLS.index("X") + classes // power % 2
    return np.eye(len(SYMBOLS))[symbols], classes


long_lags.TASKS["temporal order 6b"] = (temporal_order_6b, TEMPORAL_ORDER, 8, 8)


if __name__ == "__main__":
    long_lags.fill(__doc__, SETTINGS, ROWS, most_updates=SETTINGS["most_updates"])
