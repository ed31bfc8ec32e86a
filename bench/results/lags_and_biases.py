"""The rest of chapter 12's table of long lags: other forget and input gate biases, T = 50 and 200, and more RNNs.

Networks, training and criteria are those of long_lags.py. Takes about fifteen minutes on one core. Writes a record after
each row; rows that it holds already are not run again:

    python bench/results/lags_and_biases.py --json bench/results/lags_and_biases.json
"""
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import long_lags
from long_lags import INFINITE, RNN_ROW, SETTINGS

ROWS = [
    *(("adding", 100, biases) for biases in [(5, -3), (3, -3), (1, -3), (INFINITE, 0), (3, 0), (1, 0)]),
    *(("temporal order", 100, biases) for biases in [(3, -3), (1, -3), (INFINITE, 0), (3, 0), RNN_ROW]),
    *(("adding", 50, biases) for biases in [(INFINITE, -3), (3, -3), (1, -3), (INFINITE, 0), (3, 0), RNN_ROW]),
    ("adding", 100, (5, 0)), ("adding", 100, (INFINITE, -6)), ("adding", 100, (0, 0)),
    *(("adding", 200, biases) for biases in [(INFINITE, -3), (3, -3), (INFINITE, 0)]),
]


if __name__ == "__main__":
    long_lags.fill(__doc__, SETTINGS, ROWS)
