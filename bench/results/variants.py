"""The search space odyssey in small: the LSTM of Greff et al. (2017) and its eight variants on three tasks of this book.

All have the same width, the same learning rate and the same forget bias, tuned for none of them; ten seeds each. What is
measured, smaller being better:

- Reber: how many strings of the embedded Reber grammar are read until on each of 1,000 held-out strings, at every step,
  every legal symbol has a higher score than every illegal one; null where that has not happened after `most_strings`.
- adding: the mean error on 2,560 fresh sequences of the adding problem, after `num_updates`.
- characters: the loss on held-out characters of The Time Machine, in nats a character, after `num_epochs`; with it the
  largest |H| of each seed, in the last epoch of training (strips of 600 steps) and on the held-out text (999 steps).

"early" in the record is the same after 50 updates, or one epoch: a test repeats some of these.

Takes about four minutes on one core. Writes the record that chapter 16 shows, after each row; rows that it holds already
are not run again:

    python bench/results/variants.py --json bench/results/variants.json
"""
import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import reber
import record

from d2l_utils.cells import VARIANTS, LSTMVariant, sigmoid
from d2l_utils.cells.base import sigmoid_prime, tanh_prime
from d2l_utils.datasets.reber import embedded, generate_many, pack
from d2l_utils.datasets.synthetic import adding, adding_error
from d2l_utils.datasets.text import Vocab, consecutive_batches, load_time_machine, one_hot
from d2l_utils.ensemble import EnsembleDense, clip_each
from d2l_utils.layers import Dense
from d2l_utils.losses import cross_entropy, softmax
from d2l_utils.optim import Adam

SETTINGS: dict = {
    "num_seeds": 10, "forget_bias": 1.0, "clip": 1.0, "lr": 0.02, "dtype": "float32",
    "Reber": {"num_hiddens": 12, "batch_size": 4, "num_train": 5000, "most_strings": 8000, "poll": 200},
    "adding": {"num_hiddens": 8, "batch_size": 16, "min_steps": 20, "num_updates": 800},
    "characters": {"num_hiddens": 16, "batch_size": 32, "num_steps": 25, "num_epochs": 16, "num_train": 20_000,
                   "num_test": 10_000},
}


class SideBySide:
    """Cells of one variant as one cell with an axis for the seeds, as `d2l_utils.ensemble` has it for the LSTM.

    cells: LSTMVariants, whose parameters are copied and joined: W_x, W_h and b over I, F, O and C_tilde, peepholes V over
    the three gates, and for FGR U from gates to gates. What a variant lacks is zero, and so is its gradient.
    """

    def __init__(self, cells):
        self.variant, self.num_hiddens = cells[0].variant, cells[0].num_hiddens
        h, d = self.num_hiddens, cells[0].num_inputs

        def joined(prefix, parts, shape):
            none = np.zeros(shape, cells[0].dtype)
            return np.stack([np.concatenate([cell.params.get(prefix + part, none).reshape(shape) for part in parts], axis=-1)
                             for cell in cells])

        self.params = {"W_x": joined("W_x", "ifoc", (d, h)), "W_h": joined("W_h", "ifoc", (h, h)),
                       "b": joined("b_", "ifoc", (1, h)), "V": joined("W_c", "ifo", (1, h))}
        if self.variant == "FGR":
            self.params["U"] = np.concatenate([joined(f"W_{gate}", "ifo", (h, h)) for gate in "ifo"], axis=1)

    def begin_state(self, batch_size):
        """Zeros: H, C and the three gates, joined."""
        b, h = self.params["b"], self.num_hiddens
        return tuple(np.zeros((len(b), batch_size, n * h), b.dtype) for n in (1, 1, 3))

    def forward(self, X, state):
        """X: (num_steps, seeds or 1, batch_size, num_inputs). Returns (memory for `backward`, state); H is memory[-1]."""
        p, h, variant = self.params, self.num_hiddens, self.variant
        Z = X @ p["W_x"] + p["b"]
        I, F, O, C_tilde = np.split(Z, 4, axis=-1)              # views: each gate takes the place of its weighted sum
        G, C, H = Z[..., :3 * h], np.empty(I.shape, Z.dtype), np.empty(I.shape, Z.dtype)
        V_i, V_f, V_o = np.split(p["V"], 3, axis=-1)
        H_t, C_t, G_t = state
        for t, Z_t in enumerate(Z):
            Z_t += H_t @ p["W_h"]
            if variant == "FGR":
                G[t] += G_t @ p["U"]
            I[t] = 1 if variant == "NIG" else sigmoid(I[t] + C_t * V_i)
            F[t] = 1 if variant == "NFG" else 1 - I[t] if variant == "CIFG" else sigmoid(F[t] + C_t * V_f)
            if variant != "NIAF":
                np.tanh(C_tilde[t], out=C_tilde[t])
            C_t = np.add(F[t] * C_t, I[t] * C_tilde[t], out=C[t])
            O[t] = 1 if variant == "NOG" else sigmoid(O[t] + C_t * V_o)
            H_t = np.multiply(O[t], C_t if variant == "NOAF" else np.tanh(C_t), out=H[t])
            G_t = G[t]
        return (X, state, G, C_tilde, C, H), (H_t, C_t, G_t)

    def backward(self, memory, d_H):
        """memory: from `forward`. d_H: like its H. Returns gradients like `params`."""
        X, (H_0, C_0, G_0), G, C_tilde, C, H = memory
        h, variant = self.num_hiddens, self.variant
        back = {name: np.ascontiguousarray(w.swapaxes(1, 2)) for name, w in self.params.items() if name in ("W_h", "U")}
        V_i, V_f, V_o = np.split(self.params["V"], 3, axis=-1)
        slope = sigmoid_prime(G)                                # zero where a gate is fixed at 1
        slope[..., h:2 * h] *= variant != "CIFG"
        d_Z = np.empty((*H.shape[:3], 4 * h), H.dtype)
        d_Z_i, d_Z_f, d_Z_o, d_Z_c = np.split(d_Z, 4, axis=-1)
        d_H_next, d_C_next, d_G = np.zeros_like(H_0), np.zeros_like(C_0), np.zeros_like(G_0)
        for t in reversed(range(len(H))):
            (I, F, O), (slope_i, slope_f, slope_o) = np.split(G[t], 3, axis=-1), np.split(slope[t], 3, axis=-1)
            d_I, d_F, d_O = np.split(d_G, 3, axis=-1)           # what the gates of the next step ask, for FGR
            squashed = C[t] if variant == "NOAF" else np.tanh(C[t])
            d_H_t = d_H[t] + d_H_next
            d_Z_o[t] = (d_O + d_H_t * squashed) * slope_o
            d_C = d_C_next + d_H_t * O * (1 if variant == "NOAF" else tanh_prime(squashed)) + d_Z_o[t] * V_o
            d_F = d_F + d_C * (C[t - 1] if t else C_0)
            d_I = d_I + d_C * C_tilde[t] - (d_F if variant == "CIFG" else 0)
            d_Z_i[t], d_Z_f[t] = d_I * slope_i, d_F * slope_f
            d_Z_c[t] = d_C * I * (1 if variant == "NIAF" else tanh_prime(C_tilde[t]))
            d_C_next = d_C * F + d_Z_i[t] * V_i + d_Z_f[t] * V_f
            d_H_next = d_Z[t] @ back["W_h"]
            if variant == "FGR":
                d_G = d_Z[t, ..., :3 * h] @ back["U"]

        def flat(A, first=None):                                # one row an example and step; or of the step before
            A = A if first is None else np.concatenate([first[None], A[:-1]])
            return np.broadcast_to(A, (*d_Z.shape[:3], A.shape[-1])).swapaxes(0, 1).reshape(len(H_0), -1, A.shape[-1])

        d, C_before = flat(d_Z), flat(C, C_0)
        grads = {"W_x": flat(X).swapaxes(1, 2) @ d, "W_h": flat(H, H_0).swapaxes(1, 2) @ d,
                 "b": d.sum(axis=1, keepdims=True),
                 "V": (d[..., :3 * h] * np.concatenate([C_before, C_before, flat(C)], axis=-1)).sum(axis=1, keepdims=True)}
        grads["V"] *= variant != "NP"
        if variant == "FGR":
            grads["U"] = flat(G, G_0).swapaxes(1, 2) @ d[..., :3 * h]
        return grads


def networks(task, variant, num_inputs, num_outputs):
    """The cells and output layers of one row, side by side, and for each seed the Generator that drew its weights."""
    size, rngs = SETTINGS[task]["num_hiddens"], [np.random.default_rng(seed) for seed in range(SETTINGS["num_seeds"])]
    cells, layers = [], []
    for rng in rngs:
        common = {"dtype": np.dtype(SETTINGS["dtype"]), "rng": rng, "sigma": (3 * size) ** -0.5}
        cells.append(LSTMVariant(num_inputs, size, variant, forget_bias=SETTINGS["forget_bias"], **common))
        layers.append(Dense(size, num_outputs, **common))
    return SideBySide(cells), EnsembleDense(layers), rngs


def update(optimizer, cells, layers, memory, d_Y):
    """One step of training. d_Y: the gradient of the scores, of all steps or of the last."""
    d_H = np.zeros_like(memory[-1])
    steps = slice(None) if d_Y.ndim == 4 else -1
    layer_grads, d_H[steps] = layers.backward(memory[-1][steps], d_Y.astype(d_H.dtype))
    grads = {**cells.backward(memory, d_H), **layer_grads}
    clip_each(grads, SETTINGS["clip"])
    optimizer.step({**cells.params, **layers.params}, grads)


def run_reber(variant, most_strings=None):
    """{"scores": for each seed, the strings until solved, or None}. most_strings: None for that of SETTINGS."""
    settings = SETTINGS["Reber"]
    grammar, data_rng, size = embedded(), np.random.default_rng(1997), settings["batch_size"]
    train = pack(grammar, generate_many(grammar, settings["num_train"], data_rng, split="train"), np.float32)
    test = pack(grammar, generate_many(grammar, 1000, data_rng, split="test", distinct=True), np.float32)
    cells, layers, rngs = networks("Reber", variant, 7, 7)
    optimizer, solved = Adam(SETTINGS["lr"]), [None] * len(rngs)

    def right(columns):
        part = test.take(columns[None])                     # an axis for the seeds: all read the same
        memory, _ = cells.forward(part.X, cells.begin_state(len(columns)))
        return reber.right(layers.forward(memory[-1]), part).all(axis=-1)

    for seen in range(size, (most_strings or settings["most_strings"]) + 1, size):
        batch = train.take(np.stack([rng.integers(0, settings["num_train"], size) for rng in rngs]))
        memory, _ = cells.forward(batch.X, cells.begin_state(size))
        update(optimizer, cells, layers, memory,
               (softmax(layers.forward(memory[-1])) - batch.Y) * batch.mask[..., None] / size)
        if seen % settings["poll"] == 0:
            passed = right(np.arange(40))
            if any(ok and when is None for ok, when in zip(passed, solved)):        # all strings only if few are right
                passed &= right(np.arange(1000))
                solved = [seen if ok and when is None else when for ok, when in zip(passed, solved)]
            if None not in solved:
                break
    return {"scores": solved}


def run_adding(variant, num_updates=None):
    """{"scores": for each seed, the mean error on fresh sequences}. num_updates: None for that of SETTINGS."""
    settings = SETTINGS["adding"]
    cells, layers, rngs = networks("adding", variant, 2, 1)
    optimizer, size, rng = Adam(SETTINGS["lr"]), settings["batch_size"], np.random.default_rng(1)

    def answers(rng, columns, seeds):
        X, wanted = adding(rng, seeds * columns, settings["min_steps"])
        X, wanted = X.reshape(len(X), seeds, columns, 2).astype(np.float32), wanted.reshape(seeds, columns)
        memory, _ = cells.forward(X, cells.begin_state(columns))
        return memory, layers.forward(memory[-1][-1])[..., 0], wanted

    for _ in range(num_updates or settings["num_updates"]):
        memory, Y, wanted = answers(rng, size, len(rngs))
        update(optimizer, cells, layers, memory, (2 * (Y - wanted) / size)[..., None])
    errors = []
    for k in range(5):                                      # lengths of its own, and all seeds read the same
        _, Y, wanted = answers(np.random.default_rng([2, k]), 512, 1)
        errors.append(adding_error(Y, np.broadcast_to(wanted, Y.shape)).mean(axis=-1))
    return {"scores": [round(float(error), 5) for error in np.mean(errors, axis=0)]}


def run_characters(variant, num_epochs=None):
    """{"scores": for each seed, nats a character on held-out text, and the largest |H|}. num_epochs: None for SETTINGS'."""
    settings = SETTINGS["characters"]
    text = load_time_machine(settings["num_train"] + settings["num_test"]).characters
    vocab, size = Vocab(text), settings["batch_size"]
    corpus, held_out = np.split(vocab.encode(text), [settings["num_train"]])
    cells, layers, _ = networks("characters", variant, len(vocab), len(vocab))
    optimizer = Adam(SETTINGS["lr"])

    def read(X, state):
        return cells.forward(one_hot(X, len(vocab), np.float32)[:, None], state)

    def largest_hidden(memory):
        return np.abs(memory[-1]).max(axis=(0, 2, 3)).astype(np.float64)

    for _ in range(num_epochs or settings["num_epochs"]):
        state, largest = cells.begin_state(size), np.zeros(SETTINGS["num_seeds"])
        for X, Y in consecutive_batches(corpus, size, settings["num_steps"]):
            memory, state = read(X, state)
            largest = np.maximum(largest, largest_hidden(memory))
            d_Y = softmax(layers.forward(memory[-1])) - one_hot(Y, len(vocab), np.float32)[:, None]
            update(optimizer, cells, layers, memory, d_Y / X.size)
    X = held_out.reshape(10, -1).T                          # ten strips, each read from a zero state
    memory, _ = read(X[:-1], cells.begin_state(10))
    scores = layers.forward(memory[-1]).astype(np.float64)
    return {"scores": [round(cross_entropy(scores[:, k], X[1:])[0], 5) for k in range(SETTINGS["num_seeds"])],
            "largest_in_training": largest.round(2).tolist(), "largest_held_out": largest_hidden(memory).round(2).tolist()}


TASKS = {"Reber": run_reber, "adding": run_adding, "characters": run_characters}
EARLY = {"adding": 50, "characters": 1}


def main():
    path = record.path_from(__doc__)
    runs = record.begun(path, SETTINGS)
    text = load_time_machine(100).source.split(",")[0]
    for task, run in TASKS.items():
        for variant in VARIANTS:
            if any((r["task"], r["variant"]) == (task, variant) for r in runs):
                continue
            start = time.process_time()
            early = run(variant, EARLY[task])["scores"] if task in EARLY else None
            runs.append({"task": task, "variant": variant, "early": early, **run(variant)})
            print(f"{task:10s} {variant:8s} {runs[-1]['scores']}; {time.process_time() - start:.0f} s", flush=True)
            if path:
                record.write(path, SETTINGS, runs, text=text)


if __name__ == "__main__":
    main()
