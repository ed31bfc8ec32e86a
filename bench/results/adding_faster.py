"""The adding problem in fewer sequences than long_lags.py needs, and over 1,000 steps.

Task, networks, criterion for stopping and test are those of long_lags.py, with four changes:

- The input gate bias is -6 for 100 steps and -8 for 1,000: ten times the length asks for 2.3 less, says chapter 12.
- Adam begins at 0.05 instead of 0.02.
- The learning rate falls to a quarter every 1,000 updates instead of to a half.
- The network that is tested has a running mean of the weights, over some fifty updates. The last 2,000 sequences of
  training can all be right by luck: at this learning rate, about one network in thirty then failed the test as it was.

The settings were chosen with seeds from 100 on and then run once with seeds 0 to 9. Tried on 20 seeds, and worse:
biases of -3 and -6 in turn (at 0.02 a few seeds do not stop, at 0.05 all do by 30,000 sequences), of -5, and of -3 to
-6 in turn. As good: beginning at 0.08, and a rate that is halved instead of quartered.

Takes three minutes on one core. Writes the record that the appendix on results and chapter 12 show, after each row;
rows that it holds already are not run again:

    python bench/results/adding_faster.py --json bench/results/adding_faster.json
"""
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import long_lags

CHANGED = {"lr": 0.05, "decay_per_1000_updates": 0.25, "averaged": 0.98}
SETTINGS = {**long_lags.SETTINGS, **CHANGED}
ROWS = [("adding", 100, (long_lags.INFINITE, -6)), ("adding", 1000, (long_lags.INFINITE, -8))]


if __name__ == "__main__":
    long_lags.fill(__doc__, SETTINGS, ROWS, **CHANGED)
