"""One or two LSTM cells that have to keep time without any input, with and without peepholes, over many seeds.

After Gers, Schraudolph & Schmidhuber (2002): periodic functions and timed spikes, and their tolerances. The networks,
their training and the count are those of the chapter on peepholes. Two ways to start: forget bias 1 and output bias 0,
or -2 and 2 as in 2002. One case more asks whether a plain cell ever learns the cosine: 400 seeds, and twice the updates.
Takes about seven minutes on one core. Writes the record that the chapter shows:

    python bench/results/one_cell_timing.py --json bench/results/one_cell_timing.json
"""
import itertools
import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import record

from d2l_utils.datasets.synthetic import periodic

SETTINGS = {"lr": 0.02, "clip": 1.0}
TASKS = (("cosine", 10), ("triangle", 10), ("rectangle", 10), ("spikes", 5))
STARTS = {"ours": {"b_f": 1.0, "b_o": 0.0}, "2002": {"b_f": -2.0, "b_o": 2.0}}
CASES = [(kind, period, num_hiddens, peepholes, start, 400 if kind == "spikes" else 100, 2000)
         for (kind, period), num_hiddens, start, peepholes in itertools.product(TASKS, (1, 2), STARTS, ("diagonal", None))]
CASES.append(("cosine", 10, 1, None, "2002", 400, 4000))


def run(kind, period, num_hiddens, peepholes, start, num_seeds, num_updates):
    """The update after which each seed kept time for 100 periods (0: never), and how many keep it for 1,000."""
    chapter, began = record.definitions("10-peepholes.md"), time.process_time()
    cell, dense = chapter["networks"](num_hiddens, peepholes, range(num_seeds), **STARTS[start])
    solved = chapter["train"](cell, dense, kind, period, num_updates)
    seconds = time.process_time() - began
    target = periodic(kind, period, 1000 * period)
    _, Y = chapter["generate"](cell, dense, kind, len(target))
    lasting = chapter["steps_right"](Y, target, kind) == len(target)
    return {"kind": kind, "period": period, "num_hiddens": num_hiddens, "peepholes": peepholes, "start": start,
            "num_updates": num_updates, "solved": solved.tolist(), "lasting": int(lasting.sum()), "seconds": round(seconds, 1)}


def main():
    path, runs = record.path_from(__doc__), []
    for case in CASES:
        runs.append(run(*case))
        r = runs[-1]
        print(f"{r['kind']:9s} of period {r['period']:2d}, cells: {r['num_hiddens']}, peepholes {r['peepholes'] or 'none':8s}, "
              f"start {r['start']:4s}: {np.count_nonzero(r['solved']):3d} of {len(r['solved'])} keep time for 100 periods, "
              f"{r['lasting']:3d} for 1,000; {r['seconds']:.0f} s", flush=True)
        if path:
            record.write(path, SETTINGS, runs)


if __name__ == "__main__":
    main()
