"""How sure five LSTMs with full peepholes are of the second-to-last symbol of 1,000 held-out embedded Reber strings.

The experiment of chapter 11, which follows lecture slides, with its functions, strings and network, for five seeds side by
side and 18 epochs instead of 8. Takes about a minute on one core. Writes the record that the appendix on results
shows:

    python bench/results/slide_probabilities.py --json bench/results/slide_probabilities.json
"""
import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import record

from d2l_utils.cells import LSTM, sigmoid
from d2l_utils.datasets.reber import embedded, generate_many, pack
from d2l_utils.ensemble import Ensemble, EnsembleDense, clip_each
from d2l_utils.layers import Dense
from d2l_utils.optim import Adam

SETTINGS = {"num_hiddens": 16, "sigma": 0.14, "forget_bias": 3.0, "peepholes": "full", "lr": 0.02, "falls_for": 14,
            "clip": 5.0, "batch_size": 8, "num_epochs": 18, "num_seeds": 5}
EARLY = (1, 1, 20)      # one seed, twenty minibatches: "early" in the record, which a test repeats


def strings():
    """The training strings and the held-out ones of chapter 11, as Packed."""
    grammar, rng = embedded(), np.random.default_rng(1)
    train = (generate_many(grammar, 1000, rng, split="train")
             + generate_many(grammar, 2000, rng, split="train", distinct=True))
    return pack(grammar, train), pack(grammar, generate_many(grammar, 1000, rng, split="test", distinct=True))


def probabilities(cells, layers, test):
    """What each seed gives to the right second-to-last symbol of each string, (seeds, strings)."""
    every = np.arange(test.mask.shape[1])
    trace, _ = cells.forward(test.X[:, None], cells.begin_state(len(every)))
    steps = test.mask.sum(axis=0) - 2
    p = sigmoid(layers.forward(trace.H)[steps, :, every])           # (strings, seeds, 7)
    return np.take_along_axis(p, test.Y[steps, every].argmax(axis=-1)[:, None, None], axis=-1)[..., 0].T


def run(num_epochs=SETTINGS["num_epochs"], num_seeds=SETTINGS["num_seeds"], num_batches=None):
    """One dict a seed: mean and least probability of all strings, and the least of the first ten, after each epoch.

    num_batches: after so many minibatches each epoch ends; None for all of them.
    """
    s, (train, test), cells, layers, rngs = SETTINGS, strings(), [], [], []
    for seed in range(num_seeds):
        rngs.append(np.random.default_rng(seed))
        common = {"rng": rngs[-1], "sigma": s["sigma"]}
        cells.append(LSTM(7, s["num_hiddens"], s["peepholes"], forget_bias=s["forget_bias"], **common))
        layers.append(Dense(s["num_hiddens"], 7, **common))
    ensemble, dense, optimizer = Ensemble(cells), EnsembleDense(layers), Adam(s["lr"])
    params, runs = {**ensemble.params, **dense.params}, [{"seed": seed, "epochs": []} for seed in range(num_seeds)]
    for epoch in range(num_epochs):
        optimizer.lr = s["lr"] * min(1, (s["num_epochs"] - epoch) / s["falls_for"])
        orders = np.stack([rng.permutation(train.mask.shape[1]) for rng in rngs])
        for columns in orders.reshape(num_seeds, -1, s["batch_size"]).swapaxes(0, 1)[:num_batches]:
            batch = train.take(columns)
            trace, _ = ensemble.forward(batch.X, ensemble.begin_state(s["batch_size"]))
            d_Y = (sigmoid(dense.forward(trace.H)) - batch.legal) * batch.mask[..., None] / s["batch_size"]
            grads, d_H = dense.backward(trace.H, d_Y)
            grads.update(ensemble.backward(trace, d_H)[0])
            clip_each(grads, s["clip"])
            optimizer.step(params, grads)
        for found, p in zip(runs, probabilities(ensemble, dense, test)):
            figures = {"mean": p.mean(), "least": p.min(), "least_of_ten": p[:10].min()}
            found["epochs"].append({name: round(float(value), 5) for name, value in figures.items()})
    return runs


def main():
    path, began = record.path_from(__doc__), time.process_time()
    runs = run()
    for found in runs:
        print(found["seed"], found["epochs"][-1], flush=True)
    if path:
        seconds = round(time.process_time() - began)
        record.write(path, SETTINGS, runs, seconds=seconds, early=run(*EARLY))


if __name__ == "__main__":
    main()
