"""The cosine of one_cell_timing.py, one cell, with three times the updates, with and without peepholes: a hundred seeds each.

Tried on 50 other seeds, without a record: a rate of 0.01, and one of 0.05 that is halved every 1,500 updates; with 30 and
28 they learn it no more often than with the chapter's 0.02, by which 32 do.

Takes about a minute on one core. Writes the record that the appendix on results shows:

    python bench/results/one_cell_longer.py --json bench/results/one_cell_longer.json
"""
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import one_cell_timing
import record

CASES = [("cosine", 10, 1, peepholes, "ours", 100, 6000) for peepholes in ("diagonal", None)]


def main():
    path, runs = record.path_from(__doc__), []
    for case in CASES:
        runs.append(one_cell_timing.run(*case))
        print(f"peepholes {runs[-1]['peepholes']}: {np.count_nonzero(runs[-1]['solved'])} of 100", flush=True)
        if path:
            record.write(path, one_cell_timing.SETTINGS, runs)


if __name__ == "__main__":
    main()
