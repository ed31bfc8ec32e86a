"""Who learns long lags: the adding problem and temporal order (Hochreiter & Schmidhuber 1997) with ten seeds a row.

A row is a network: an RNN, or an LSTM with its forget and input gate bias; forget bias infinity is the cell of 1997,
which never forgets. Training stops by the criterion of 1997, and the network of that moment is tested on fresh
sequences. Takes about a minute on one core. Writes a record after each row; what it holds already is not run again. The
appendix on results shows it, and with the rows of lags_and_biases.py it is the table of chapter 12:

    python bench/results/long_lags.py --json bench/results/long_lags.json
"""
import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import record

from d2l_utils.cells import LSTM, RNN
from d2l_utils.datasets.synthetic import (
    ADDING,
    TEMPORAL_ORDER,
    adding,
    adding_error,
    temporal_order,
)
from d2l_utils.ensemble import Ensemble, EnsembleDense, clip_each
from d2l_utils.layers import Dense
from d2l_utils.losses import softmax
from d2l_utils.optim import Adam

SETTINGS = {"num_hiddens": 8, "sigma": 0.2, "batch_size": 16, "num_seeds": 10, "lr": 0.02, "decay_per_1000_updates": 0.5,
            "clip": 1.0, "most_updates": 3000, "dtype": "float32"}
TASKS = {"adding": (adding, ADDING, 2, 1), "temporal order": (temporal_order, TEMPORAL_ORDER, 8, 4)}
INFINITE = float("inf")
RNN_ROW = (None, None)
# task, least number of steps, and (forget bias, input gate bias)
ROWS = [("adding", 100, (INFINITE, -3)), ("adding", 100, RNN_ROW), ("temporal order", 100, (INFINITE, -3))]


def networks(biases, num_inputs, num_outputs, num_seeds):
    """The networks of one row, seeds 0 to num_seeds - 1, as an ensemble."""
    cells, layers = [], []
    for seed in range(num_seeds):
        common = {"dtype": np.float32, "rng": np.random.default_rng(seed), "sigma": SETTINGS["sigma"]}
        if biases == RNN_ROW:
            cells.append(RNN(num_inputs, SETTINGS["num_hiddens"], **common))
        else:
            cells.append(LSTM(num_inputs, SETTINGS["num_hiddens"], forget_bias=biases[0], **common))
            cells[-1].params["b_i"] += np.resize(biases[1], SETTINGS["num_hiddens"])       # one bias, or several in turn
        layers.append(Dense(SETTINGS["num_hiddens"], num_outputs, **common))
    return Ensemble(cells), EnsembleDense(layers)


def errors_and_gradient(task, Y, wanted):
    """The error of each sequence as 1997 counts it, (seeds, batch_size), and the gradient of the loss, like Y.

    The loss is the squared error for adding, the cross entropy for temporal order.
    """
    if task == "adding":
        return adding_error(Y[..., 0], wanted), 2 * (Y - wanted[..., None]) / Y.shape[1]
    difference = softmax(Y) - np.eye(Y.shape[-1])[wanted]
    return np.abs(difference).max(axis=-1), difference / Y.shape[1]


def named(task, min_steps, biases):
    """How the record names a row; JSON knows no infinity."""
    forget_bias, input_bias = ("inf" if b == INFINITE else b for b in biases)
    return {"task": task, "min_steps": min_steps, "cell": "RNN" if biases == RNN_ROW else "LSTM", "forget_bias": forget_bias,
            "input_bias": input_bias}


def wrong_of_2560(task, min_steps, cell, dense):
    """How many of 2,560 sequences that training has not seen one network gets wrong."""
    make, criterion, *_ = TASKS[task]
    errors = []
    for k in range(10):                                     # ten lengths
        X, wanted = make(np.random.default_rng([2, k]), 256, min_steps)
        trace, _ = cell.forward(X.astype(np.float32), cell.begin_state(256))
        errors.append(errors_and_gradient(task, dense.forward(trace.H[-1])[None], wanted[None])[0][0])
    errors = np.concatenate(errors)
    return int(criterion.wrong(errors).sum()), bool(criterion.passes(errors))


def run(task, min_steps, biases, averaged=0.0, **changed):
    """Train one row; returns one dict a seed.

    averaged: from 0 to 1; the network that is tested has for its weights a running mean of those in training, which keeps
    this share of itself in each update. At 0 it is the network in training. changed: SETTINGS of training with other values.
    """
    start, s = time.perf_counter(), {**SETTINGS, **changed}
    make, criterion, num_inputs, num_outputs = TASKS[task]
    num_seeds = s["num_seeds"]
    cells, layers = networks(biases, num_inputs, num_outputs, num_seeds)
    tested, tested_layers = networks(biases, num_inputs, num_outputs, num_seeds) if averaged else (cells, layers)
    params, optimizer, rng = {**cells.params, **layers.params}, Adam(s["lr"]), np.random.default_rng(1)
    means = {**tested.params, **tested_layers.params}
    runs = [{**named(task, min_steps, biases), "seed": seed, "sequences": None, "test_wrong": None, "passed": False,
             "error": []} for seed in range(num_seeds)]
    batch_size, errors = s["batch_size"], []
    for update in range(1, s["most_updates"] + 1):
        optimizer.lr = s["lr"] * s["decay_per_1000_updates"] ** (update / 1000)
        X, wanted = make(rng, num_seeds * batch_size, min_steps)
        X, wanted = X.reshape(len(X), num_seeds, batch_size, -1).astype(np.float32), wanted.reshape(num_seeds, batch_size)
        trace, _ = cells.forward(X, cells.begin_state(batch_size))
        error, d_Y = errors_and_gradient(task, layers.forward(trace.H[-1]), wanted)
        errors.append(error.T)
        if update % 25 == 0:
            last = np.concatenate(errors[-2000 // batch_size:])
            for k in np.flatnonzero(criterion.stops(last)):
                if runs[k]["sequences"] is None:            # what follows is training that nobody asked for
                    wrong, passed = wrong_of_2560(task, min_steps, tested.cell(k), tested_layers.dense(k))
                    runs[k].update(sequences=update * batch_size, test_wrong=wrong, passed=passed)
            if update % 125 == 0:
                for r, e in zip(runs, last.mean(axis=0)):
                    r["error"].append(round(float(e), 4))
            if all(r["sequences"] for r in runs):
                break
        d_H = np.zeros_like(trace.H)
        layer_grads, d_H[-1] = layers.backward(trace.H[-1], d_Y.astype(np.float32))
        grads = {**cells.backward(trace, d_H)[0], **layer_grads}
        clip_each(grads, s["clip"])
        optimizer.step(params, grads)
        if averaged:
            for name, mean in means.items():
                mean[...] = averaged * mean + (1 - averaged) * params[name]     # an infinite forget bias stays what it is
    for r in runs:
        r["seconds"] = round((time.perf_counter() - start) / num_seeds, 1)
    return runs


def fill(description, settings, rows, **changed):
    """Run the rows that the record named on the command line does not hold yet, and write it after each.

    description: the script's own. changed: arguments of `run`.
    """
    path = record.path_from(description)
    runs = record.begun(path, settings)
    for row in rows:
        name = named(*row)
        if any(name == {key: r[key] for key in name} for r in runs):
            continue
        new = run(*row, **changed)
        runs += new
        print(f"{name}: {sum(r['passed'] for r in new)} of {len(new)} after "
              f"{sorted(r['sequences'] for r in new if r['passed'])} sequences; wrong {[r['test_wrong'] for r in new]}; "
              f"{new[0]['seconds']} s a seed", flush=True)
        if path:
            record.write(path, settings, runs)


if __name__ == "__main__":
    fill(__doc__, SETTINGS, ROWS)
