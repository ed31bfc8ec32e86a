"""Where the forget bias shows: the LSTM of variants.py without peepholes, started with a forget bias of 0, 1 and 3.

Three tasks, ten seeds each, settings and scores as in variants.py, of which smaller is better. Takes about two minutes on
one core. Writes the record that the appendix on results shows, after each row; rows that it holds already are not run again:

    python bench/results/forget_bias.py --json bench/results/forget_bias.json
"""
import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import record
import variants

from d2l_utils.datasets.text import load_time_machine

FORGET_BIASES = (0.0, 1.0, 3.0)


def run(task, forget_bias, amount=None):
    """Ten seeds. amount: of training, as the task's function in variants.py takes it; None for all of it."""
    usual = variants.SETTINGS["forget_bias"]
    variants.SETTINGS["forget_bias"] = forget_bias
    began = time.process_time()
    try:
        scores = variants.TASKS[task]("NP", amount)["scores"]
    finally:
        variants.SETTINGS["forget_bias"] = usual
    return {"task": task, "forget_bias": forget_bias, "scores": scores, "seconds": round(time.process_time() - began)}


def main():
    path, settings = record.path_from(__doc__), {**variants.SETTINGS, "forget_bias": list(FORGET_BIASES)}
    runs = record.begun(path, settings)
    for task in variants.TASKS:
        for forget_bias in FORGET_BIASES:
            if any((r["task"], r["forget_bias"]) == (task, forget_bias) for r in runs):
                continue
            runs.append(run(task, forget_bias))
            print(runs[-1], flush=True)
            if path:
                record.write(path, settings, runs, text=load_time_machine(100).source.split(",")[0])


if __name__ == "__main__":
    main()
