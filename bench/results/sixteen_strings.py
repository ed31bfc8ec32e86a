"""The embedded Reber grammar with sixteen inner strings, whose shortest lag is 81 steps: ten LSTMs, 60,000 strings each.

Training and judging are those of reber.py, but in float32, which takes half the time. Forget and input biases are drawn so
that cells start with memories of 1 to 100 steps, after Tallec & Ollivier (2018); settings were chosen on seeds from 100 on.
Tried first, the same ten seeds in float64, with at most 40,000 strings: nine. With a forget bias of 5 for all, a rate of
0.02, minibatches of 4 and 8,000 strings, as on four inner strings: none.

Takes about three minutes on one core. Writes the record that the appendix on results shows:

    python bench/results/sixteen_strings.py --json bench/results/sixteen_strings.json
"""
import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import reber
import record

ROW = {**reber.LONG, "num_inner": 16, "num_hiddens": 32, "lr": 0.03, "forget_bias": 0.0, "longest_lag": 100, "batch_size": 8,
       "most": 60_000, "dtype": "float32"}
EARLY = {**ROW, "most": 1600, "dtype": "float64"}      # the tests repeat it; in float32, rounding would show


def main():
    path = record.path_from(__doc__)
    early = reber.run(EARLY, [0])
    runs = reber.run(ROW, range(ROW["num_seeds"]))
    solved = sorted(run["solved_after"] for run in runs if run["solved_after"])
    print(f"{len(solved)} of {len(runs)} solved, after {solved}; {time.process_time():.0f} s")
    if path:
        record.write(path, {"poll": reber.POLL, "row": ROW}, runs, seconds={"all": round(time.process_time())},
                     early=early)


if __name__ == "__main__":
    main()
