"""The embedded Reber grammar with more seeds, and with fewer weights, than reber.py has; training and judging are its own.

A hundred LSTMs; thirty networks after the recipe of 1997, with 30,000 strings each, ten for each of three pairs of training
and test sets, as in the paper; and three hundred with 295 weights, a hundred for each pair. Takes about five minutes on
one core. Writes the record that the appendix on results shows, after each row; rows that it holds already are not run
again.

Tried without a record, by a program that is not kept here, on other seeds: the blocks of 1997 as printed, three of two
cells that share gates, gates that feed gates, 276 weights. By 30,000 strings 96 of 180 seeds succeed with the whole
gradient, and with our reading of the truncated one 13; six cells with gates of their own, else as in the recipe, succeed
with the truncated one in 163. The recipe itself succeeds in 887 of 900 trials; in 857 when its strings are split by hash,
as those of the first row are.

Run it with

    python bench/results/reber_seeds.py --json bench/results/reber_seeds.json
"""
import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import reber
import record

ROWS = {
    "LSTM": {**reber.USUAL, "num_hiddens": 32, "lr": 0.02, "forget_bias": 5.0, "most": 8400, "num_seeds": 100},
    "recipe of 1997": {**reber.ROWS["recipe of 1997"], "most": 30_000, "num_seeds": 30, "num_pairs": 3},
    "recipe of 1997, 295 weights": {**reber.ROWS["recipe of 1997"], "lr": 0.6, "candidate_rate": 2, "cell_biases": False,
                                    "most": 8440, "num_seeds": 300, "num_pairs": 3},
}


def main():
    path, settings = record.path_from(__doc__), {"poll": reber.POLL, "rows": ROWS}
    runs = record.begun(path, settings)
    for name, row in ROWS.items():
        if any(r["net"] == name for r in runs):
            continue
        began = time.process_time()
        pairs = row.get("num_pairs", 1)
        seeds = np.split(np.arange(row["num_seeds"]), pairs)
        found = [one for pair in range(pairs) for one in reber.run(row, seeds[pair].tolist(), pair)]
        seconds = round((time.process_time() - began) / len(found), 2)
        runs += [{"net": name, **one, "seconds": seconds} for one in found]
        solved = sorted(one["solved_after"] for one in found if one["solved_after"])
        print(f"{name}: {len(solved)} of {len(found)} solved, after {solved}; {seconds} s a seed", flush=True)
        if path:
            record.write(path, settings, runs)


if __name__ == "__main__":
    main()
