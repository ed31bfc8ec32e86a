"""How many seeds of which network learn the embedded Reber grammar, and after how many strings.

The task is that of Hochreiter & Schmidhuber (1997), experiment 1, in two sizes: with one inner Reber string, and with
four. A network is trained to predict the next symbol. It has solved the task when on every held-out string, at every
step, each legal symbol has a higher score than each illegal one; every POLL strings this is looked up. The held-out
strings are 1,000 distinct ones, on the other side of a split by hash. All weights are Gaussian, gradients of each seed
are clipped to a norm of 5, the optimizer is Adam, the loss softmax and cross entropy.

One row repeats the recipe of 1997 instead: plain gradient descent at 0.5 after each string, sigmoid outputs and squared
error, no forget gate, weights uniform in [-0.2, 0.2], output gate biases -1, -2, -3, 256 training strings, the paper's
squashing functions; solved means right on these and on 256 others, none of which is among them. It deviates from the
paper in six cells with gates of their own (there, three blocks of two cells that share their gates), in gates that do not
see gates, in biases of the cells and the output layer, and in the whole gradient through time where the paper truncates it.

Takes three to five minutes on one core. Writes the record that chapter 11 shows:

    python bench/results/reber.py --json bench/results/reber.json
"""
import argparse
import os
import time
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import record

from d2l_utils.cells import LSTM, RNN, sigmoid
from d2l_utils.datasets.reber import SYMBOLS, embedded, generate_many, pack
from d2l_utils.ensemble import Ensemble, EnsembleDense, clip_each
from d2l_utils.layers import Dense
from d2l_utils.losses import softmax
from d2l_utils.optim import SGD, Adam

POLL = 200
USUAL = {"num_inner": 1, "batch_size": 4, "num_train": 5000, "num_test": 1000, "most": 20_000, "num_seeds": 20}
LONG = {**USUAL, "num_inner": 4, "most": 8000, "num_seeds": 10}
ROWS = {
    "RNN": {**USUAL, "num_hiddens": 32, "lr": 0.01},
    "LSTM": {**USUAL, "num_hiddens": 16, "lr": 0.02, "forget_bias": 3.0},
    "LSTM, diagonal peepholes": {**USUAL, "num_hiddens": 16, "lr": 0.02, "forget_bias": 3.0, "peepholes": "diagonal"},
    "LSTM, full peepholes": {**USUAL, "num_hiddens": 16, "lr": 0.02, "forget_bias": 3.0, "peepholes": "full"},
    "cell of 1997": {**USUAL, "num_hiddens": 16, "lr": 0.02, "forget_bias": "inf"},
    "recipe of 1997": {**USUAL, "num_hiddens": 6, "lr": 0.5, "forget_bias": "inf", "recipe": 1997, "batch_size": 1,
                       "num_train": 256, "num_test": 256},
    "RNN, four inner strings": {**LONG, "num_hiddens": 64, "lr": 0.01},
    "RNN, four inner strings, smaller rate": {**LONG, "num_hiddens": 64, "lr": 0.003},
    "LSTM, four inner strings": {**LONG, "num_hiddens": 32, "lr": 0.02, "forget_bias": 3.0},
}


def network(row, seed):
    """A plain cell and its output layer, from one seed; and the Generator that goes on to choose the strings."""
    rng, size = np.random.default_rng(seed), row["num_hiddens"]
    sigma = (3 * size) ** -0.5                          # as wide as a uniform distribution in +-1 / sqrt(num_hiddens)
    kind = {"rng": rng, "sigma": sigma, "dtype": row.get("dtype", "float64")}
    if "forget_bias" in row:
        cell = LSTM(7, size, row.get("peepholes"), forget_bias=float(row["forget_bias"]), **kind)
        if "longest_lag" in row:                        # a memory of 1 to longest_lag steps: Tallec & Ollivier (2018)
            cell.params["b_f"][:] = np.log(rng.uniform(1, row["longest_lag"], size))
            cell.params["b_i"][:] = -cell.params["b_f"]
    else:
        cell = RNN(7, size, **kind)
    dense = Dense(size, 7, **kind)
    if row.get("recipe") == 1997:
        for w in (*cell.params.values(), *dense.params.values()):
            w[...] = rng.uniform(-0.2, 0.2, w.shape)
        cell.params["b_f"][:] = float(row["forget_bias"])
        cell.params["b_o"][:] = np.repeat([-1, -2, -3], size // 3)
        for name in ("W_xc", "W_hc", "b_c"):            # see as_squashed
            cell.params[name] *= 0.5 if name != "b_c" or row.get("cell_biases", True) else 0
    return cell, dense, rng


def gradient(row, scores, batch):
    """What the loss of the row asks of the scores, a mean over the strings of the minibatch."""
    if row.get("recipe") == 1997:
        Y = sigmoid(scores)
        d = (Y - batch.Y) * Y * (1 - Y)                 # half the squared error
    else:
        d = softmax(scores) - batch.Y
    return d * batch.mask[..., None] / row["batch_size"]


def as_squashed(row, grads):
    """Change gradients in place, so that a step is one of a network with the squashing functions of 1997.

    There, what enters a cell is squashed to 2 tanh(z / 2), and its content to tanh(c / 2). With half the content and half
    the weights of the candidate, both are tanh: the same network. A step on these weights is then a quarter: half for
    the gradient, by the chain rule, and half again since half of the step is to be made.
    """
    for name in ("W_x", "W_h", "b"):
        candidate = np.split(grads[name], 4, axis=-1)[2]
        candidate *= row.get("candidate_rate", 1) / 4 if name != "b" or row.get("cell_biases", True) else 0


def right(scores, packed):
    """Which strings are right at every step: Boolean, like scores without its first and last axis."""
    lowest_legal = np.where(packed.legal, scores, np.inf).min(axis=-1)
    highest_illegal = np.where(packed.legal, -np.inf, scores).max(axis=-1)
    return ((lowest_legal > highest_illegal) | ~packed.mask).all(axis=0)


def long_range_right(scores, packed):
    """Which strings have the second-to-last symbol right, the one that the second symbol decides: two Boolean arrays.

    The first asks that it has the highest score of all seven, the second that it has the higher one of T and P.
    """
    steps, columns = packed.mask.sum(axis=0) - 2, np.arange(packed.mask.shape[1])
    scores, wanted = scores[steps, columns], packed.Y[steps, columns]
    two = [SYMBOLS.index("T"), SYMBOLS.index("P")]
    return [scores[:, of].argmax(axis=-1) == wanted[:, of].argmax(axis=-1) for of in (slice(None), two)]


def scores_of(cell, dense, packed):
    return dense.forward(cell.forward(packed.X, cell.begin_state(packed.X.shape[1]))[0].H)


def data(row, pair=0):
    """What is trained on, what has to be right, and 1,000 distinct held-out strings, all as Packed. pair: which draw."""
    grammar, rng = embedded(row["num_inner"]), np.random.default_rng(1997 + pair)
    if row.get("recipe") == 1997:
        train = generate_many(grammar, row["num_train"], rng)
        new = [s for s in generate_many(grammar, 20 * row["num_test"], rng) if s not in train]
        distinct = generate_many(grammar, 1000 + row["num_train"], rng, distinct=True)
        test, held_out = train + new[:row["num_test"]], [s for s in distinct if s not in train][:1000]
    else:
        train = generate_many(grammar, row["num_train"], rng, split="train")
        test = held_out = generate_many(grammar, 1000, rng, split="test", distinct=True)
    packed = [pack(grammar, strings) for strings in (train, test, held_out)]
    return [replace(p, **{name: getattr(p, name).astype(row.get("dtype", "float64")) for name in ("X", "Y")}) for p in packed]


def run(row, seeds, pair=0):
    """Train the seeds side by side until all have solved the task, or to the row's limit. Returns one dict a seed."""
    train, test, held_out = data(row, pair)
    cells, layers, rngs = zip(*(network(row, seed) for seed in seeds))
    ensemble, dense = Ensemble(list(cells)), EnsembleDense(list(layers))
    params = {**ensemble.params, **dense.params}
    optimizer = SGD(row["lr"]) if row.get("recipe") == 1997 else Adam(row["lr"])
    few = test.take(np.arange(40)[None])                # an axis for the seeds: all read the same
    runs = [{"seed": seed, "solved_after": None} for seed in seeds]
    for seen in range(row["batch_size"], row["most"] + 1, row["batch_size"]):
        batch = train.take(np.stack([rng.integers(0, row["num_train"], row["batch_size"]) for rng in rngs]))
        trace, _ = ensemble.forward(batch.X, ensemble.begin_state(row["batch_size"]))
        dense_grads, d_H = dense.backward(trace.H, gradient(row, dense.forward(trace.H), batch))
        grads = {**ensemble.backward(trace, d_H)[0], **dense_grads}
        if row.get("recipe") == 1997:
            as_squashed(row, grads)
        else:
            clip_each(grads, 5.0)
        optimizer.step(params, grads)
        if seen % POLL < row["batch_size"]:
            state = ensemble.begin_state(few.X.shape[2])
            passed = right(dense.forward(ensemble.forward(few.X, state)[0].H), few).all(axis=-1)
            for k, found in enumerate(runs):            # all strings only for those that pass on few
                if passed[k] and found["solved_after"] is None:
                    cell, layer = ensemble.cell(k), dense.dense(k)
                    if right(scores_of(cell, layer, test), test).all():
                        found["solved_after"] = seen
                        found.update(on_held_out(cell, layer, held_out))
            if all(found["solved_after"] for found in runs):
                break
    for k, found in enumerate(runs):
        if found["solved_after"] is None:
            found.update(on_held_out(ensemble.cell(k), dense.dense(k), held_out))
    return runs


def on_held_out(cell, dense, held_out):
    """Shares of the 1,000 held-out strings: right at every step, right at the second-to-last symbol, T or P right."""
    scores = scores_of(cell, dense, held_out)
    shares = (right(scores, held_out), *long_range_right(scores, held_out))
    return {name: round(float(share.mean()), 3) for name, share in zip(("right", "second_to_last", "T_or_P"), shares)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="*", default=list(ROWS), help="names of rows; all by default")
    parser.add_argument("--json", type=Path, help="where to write the record")
    arguments = parser.parse_args()
    runs, seconds = [], {}
    for name in arguments.rows:
        start = time.process_time()
        found = run(ROWS[name], range(ROWS[name]["num_seeds"]))
        seconds[name] = round(time.process_time() - start)
        runs += [{"net": name, **one} for one in found]
        solved = [one["solved_after"] for one in found if one["solved_after"]]
        print(f"{name:38s} {len(solved):2d} of {len(found)} solved"
              + (f", after {np.median(solved):,.0f} strings (median), {max(solved):,} at most" if solved else "")
              + f"; second to last right {min(one['second_to_last'] for one in found):.3f} to "
              f"{max(one['second_to_last'] for one in found):.3f}; {seconds[name]} s", flush=True)
        if arguments.json:
            record.write(arguments.json, {"poll": POLL, "rows": ROWS}, runs, seconds=seconds)


if __name__ == "__main__":
    main()
