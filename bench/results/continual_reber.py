"""Why forget gates were invented: the embedded Reber grammar as one stream without resets (Gers et al. 2000).

The cell with a forget gate and the cell of 1997, ten seeds a row, learn to predict the next symbol of a stream of
strings, with the gradient cut every 40 symbols and the state carried on. After every 240 updates each reads ten fresh
streams of 10,000 symbols. A network is perfect if in one of these tests every legal symbol always scores higher than
every illegal one. Takes about two minutes on one core. Writes the record that chapter 12 shows, after each row:

    python bench/results/continual_reber.py --json bench/results/continual_reber.json
"""
import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import record

from d2l_utils.cells import LSTM
from d2l_utils.datasets.reber import SYMBOLS, embedded, generate_many, legal_next
from d2l_utils.ensemble import Ensemble, EnsembleDense, clip_each
from d2l_utils.layers import Dense
from d2l_utils.losses import softmax
from d2l_utils.optim import Adam

SETTINGS = {"num_hiddens": 16, "sigma": 0.144, "batch_size": 8, "num_steps": 40, "steps_between_resets": 480,
            "num_seeds": 10, "lr": 0.02, "decay_per_1000_updates": 0.36, "clip": 1.0, "tests": 10, "updates_between_tests": 240,
            "dtype": "float32", "test_streams": 10, "test_symbols": 10_000}
ROWS = {"forget bias 1": (1.0, 0.0), "forget bias 3": (3.0, 0.0), "1997": (np.inf, 0.0), "1997, input bias -3": (np.inf, -3.0)}
LOOKS = [10, 30, 100, 300, 1000, 3000, 10_000]      # after so many symbols of the test streams we look at the cells


def stream(rng, strings, num_symbols):
    """Strings drawn at random, one after the other, cut to num_symbols."""
    drawn = rng.choice(strings, num_symbols // 9 + 1)           # the shortest has nine symbols
    return "".join(drawn)[:num_symbols]


def one_hot(streams):
    """(num_symbols, streams, 7) in float32."""
    numbers = np.array([[SYMBOLS.index(symbol) for symbol in s] for s in streams]).T
    return np.eye(len(SYMBOLS), dtype=np.float32)[numbers]


def legal_after(rng, grammar, strings, num_symbols):
    """A stream and what may follow each of its symbols, (num_symbols, 7): after a string the next one begins."""
    drawn = rng.choice(strings, num_symbols // 9 + 1)
    legal = np.concatenate([legal_next(grammar, s) for s in drawn])
    legal[~legal.any(axis=1), SYMBOLS.index("B")] = True
    return "".join(drawn)[:num_symbols], legal[:num_symbols]


def networks(biases, num_seeds):
    """The networks of one row, seeds 0 to num_seeds - 1, as an ensemble."""
    cells, layers = [], []
    for seed in range(num_seeds):
        common = {"dtype": np.float32, "rng": np.random.default_rng(seed), "sigma": SETTINGS["sigma"]}
        cells.append(LSTM(7, SETTINGS["num_hiddens"], forget_bias=biases[0], **common))
        cells[-1].params["b_i"] += biases[1]
        layers.append(Dense(SETTINGS["num_hiddens"], 7, **common))
    return Ensemble(cells), EnsembleDense(layers)


def train(cells, layers):
    """Truncated backpropagation through time, for ever; all seeds read the same streams.

    Yields the mean loss of each seed since the last time, (seeds,), whenever it is time for a test.
    """
    s, rng = SETTINGS, np.random.default_rng(1)
    strings = generate_many(embedded(), 4000, rng, split="train")
    params, optimizer, losses = {**cells.params, **layers.params}, Adam(s["lr"]), []
    while True:
        symbols = one_hot([stream(rng, strings, s["steps_between_resets"] + 1) for _ in range(s["batch_size"])])[:, None]
        state = cells.begin_state(s["batch_size"])
        for start in range(0, s["steps_between_resets"], s["num_steps"]):
            X, Y = symbols[start:start + s["num_steps"]], symbols[start + 1:start + s["num_steps"] + 1]
            optimizer.lr = s["lr"] * s["decay_per_1000_updates"] ** (len(losses) / 1000)
            trace, state = cells.forward(X, state)
            P = softmax(layers.forward(trace.H))
            losses.append(-np.log((P * Y).sum(axis=-1)).mean(axis=(0, 2)))
            d_scores = (P - Y) / (P.shape[0] * P.shape[2])      # each seed's own mean, over steps and streams
            layer_grads, d_H = layers.backward(trace.H, d_scores)
            grads = {**cells.backward(trace, d_H)[0], **layer_grads}
            clip_each(grads, s["clip"])
            optimizer.step(params, grads)
            if len(losses) % s["updates_between_tests"] == 0:
                yield np.mean(losses[-s["updates_between_tests"]:], axis=0)


def test_of(cells, layers, number, num_symbols):
    """Read fresh streams, those of this test. Returns the wrong answers of each seed, (seeds,), and its largest |C|.

    The latter is (looks, seeds): over all streams and cells, up to each of LOOKS.
    """
    grammar, num_streams = embedded(), SETTINGS["test_streams"]
    strings = generate_many(grammar, 4000, np.random.default_rng(2), split="test")
    streams, legal = zip(*(legal_after(np.random.default_rng([3, number, k]), grammar, strings, num_symbols)
                           for k in range(num_streams)))
    X, legal = one_hot(streams)[:, None], np.stack(legal, axis=1)[:, None]
    state, wrong, largest = cells.begin_state(num_streams), [], []
    for start in range(0, num_symbols, 500):
        trace, state = cells.forward(X[start:start + 500], state)
        scores, may = layers.forward(trace.H), legal[start:start + 500]
        wrong.append(np.where(may, scores, np.inf).min(axis=-1) <= np.where(may, -np.inf, scores).max(axis=-1))
        largest.append(np.abs(trace.C).max(axis=(2, 3)))
    wrong, largest = np.concatenate(wrong), np.maximum.accumulate(np.concatenate(largest))
    return wrong.sum(axis=(0, 2)), largest[[look - 1 for look in LOOKS if look <= num_symbols]]


def run(row, tests=SETTINGS["tests"], num_seeds=SETTINGS["num_seeds"], num_symbols=SETTINGS["test_symbols"]):
    """Train and test one row; returns one dict a seed, with the loss before and the wrong answers in each test."""
    start = time.perf_counter()
    cells, layers = networks(ROWS[row], num_seeds)
    losses, wrong = [], []
    for number, loss in zip(range(tests), train(cells, layers)):
        losses.append(loss)
        wrong_now, largest = test_of(cells, layers, number, num_symbols)
        wrong.append(wrong_now)
    seconds = round((time.perf_counter() - start) / num_seeds, 1)
    return [{"row": row, "seed": seed, "perfect": bool(np.min(wrong, axis=0)[seed] == 0),
             "wrong": [int(w[seed]) for w in wrong], "largest_c": [float(f"{c:.3g}") for c in largest[:, seed]],
             "loss": [round(float(e[seed]), 4) for e in losses], "seconds": seconds} for seed in range(num_seeds)]


def main():
    path, runs = record.path_from(__doc__), []
    for row in ROWS:
        runs += run(row)
        last = runs[-SETTINGS["num_seeds"]:]
        print(f"{row}: {sum(r['perfect'] for r in last)} of {len(last)} perfect; wrong at last "
              f"{[r['wrong'][-1] for r in last]}; largest |C| {[r['largest_c'][-1] for r in last]}; "
              f"{last[0]['seconds']} s a seed", flush=True)
        if path:
            record.write(path, {**SETTINGS, "looks": LOOKS}, runs)


if __name__ == "__main__":
    main()
