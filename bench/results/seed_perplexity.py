"""Training perplexity of the same LSTM from scratch and in Gluon, as d2l's chapter printed it, and why the two differ.

The settings are d2l's: the first 10,000 characters of The Time Machine, 256 units, 35 steps, batch 32, SGD at a rate of
100 with the gradients clipped to a norm of 0.01, 160 epochs. For each seed all models start from the same weights.
Takes about seven minutes a seed on one core. Writes the record that the chapters show:

    python bench/results/seed_perplexity.py --json bench/results/seed_perplexity.json
"""
import argparse
import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import record

from d2l_utils.cells import LSTM
from d2l_utils.datasets.text import Vocab, consecutive_batches, load_time_machine
from d2l_utils.gluon import GluonModel, ScratchModel, to_gluon
from d2l_utils.losses import cross_entropy, perplexity
from d2l_utils.optim import SGD
from d2l_utils.training import LanguageModel, generate, train

import mxnet as mx  # isort: skip  (after d2l_utils, which puts numpy.bool back)

SETTINGS = {"max_chars": 10_000, "num_hiddens": 256, "num_steps": 35, "batch_size": 32, "lr": 100.0, "clip": 0.01}
PREFIXES = ("traveller", "time traveller")


def scratch(weights, vocab_size):
    chapter = record.definitions("07-from-scratch.md")
    params = chapter["get_params"](vocab_size, SETTINGS["num_hiddens"])
    for name, w in params.items():
        w[:] = weights[name]

    def init_state(batch_size):
        return chapter["init_lstm_state"](batch_size, SETTINGS["num_hiddens"])

    return ScratchModel(chapter["lstm"], params, init_state, vocab_size)


def in_numpy(weights, vocab_size, model=LanguageModel):
    made = model(LSTM(vocab_size, SETTINGS["num_hiddens"], dtype=np.float32))
    for name, w in made.params.items():
        if name in weights:
            w[...] = weights[name]
    return made


def in_gluon(weights, vocab_size, one_bias=False):
    layer = to_gluon(in_numpy(weights, vocab_size).cell)
    dense = mx.gluon.nn.Dense(vocab_size, flatten=False, in_units=SETTINGS["num_hiddens"])
    dense.initialize()
    dense.weight.set_data(mx.nd.array(weights["W_hq"].T))
    if one_bias:
        layer.l0_h2h_bias.grad_req = "null"
    return GluonModel(layer, dense, vocab_size)


MODELS = {
    "scratch nd": scratch,
    "NumPy": in_numpy,
    "NumPy, two biases": lambda weights, vocab_size: in_numpy(
        weights, vocab_size, record.definitions("08-gluon.md")["TwoBiases"]),
    "Gluon": in_gluon,
    "Gluon, one bias": lambda weights, vocab_size: in_gluon(weights, vocab_size, one_bias=True),
}


def first_weights(seed, vocab_size):
    """Gaussian with standard deviation 0.01, biases zero, as d2l draws them; the same for all models of a seed."""
    rng = np.random.default_rng(seed)
    model = LanguageModel(LSTM(vocab_size, SETTINGS["num_hiddens"], dtype=np.float32, rng=rng), rng=rng)
    return {name: w.copy() for name, w in model.params.items()}


def held_out_perplexity(model, corpus):
    """Perplexity on a text that the model has not seen, state carried through."""
    losses, state = [], model.begin_state(SETTINGS["batch_size"])
    for X, Y in consecutive_batches(corpus, SETTINGS["batch_size"], SETTINGS["num_steps"]):
        scores, state = model.scores(X, state)
        losses.append(cross_entropy(scores.astype(np.float64), Y)[0])
    return perplexity(np.mean(losses))


def run(name, seed, num_epochs, text, unseen):
    vocab = Vocab(text.characters)
    model = MODELS[name](first_weights(seed, len(vocab)), len(vocab))
    generated = {}

    def write(epoch):
        if epoch.epoch in (40, 80, 120, 160):
            generated[str(epoch.epoch)] = [generate(model, vocab, prefix, 50) for prefix in PREFIXES]

    history = train(model, vocab.encode(text.characters), num_epochs=num_epochs, num_steps=SETTINGS["num_steps"],
                    batch_size=SETTINGS["batch_size"], optimizer=SGD(SETTINGS["lr"]), clip=SETTINGS["clip"], on_epoch=write)
    known = "".join(c for c in unseen if c in vocab.characters)
    return {"model": name, "seed": seed, "perplexity": [round(e.perplexity, 4) for e in history],
            "held_out_perplexity": round(held_out_perplexity(model, vocab.encode(known)), 2),
            "generated": generated}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=160)
    parser.add_argument("--json", type=Path, help="where to write the record")
    arguments = parser.parse_args()
    text = load_time_machine(SETTINGS["max_chars"])
    unseen = load_time_machine().characters[SETTINGS["max_chars"]:2 * SETTINGS["max_chars"]]
    runs = []
    for seed in range(arguments.seeds):
        for name in MODELS:
            runs.append(run(name, seed, arguments.epochs, text, unseen))
            r = runs[-1]
            marks = ", ".join(f"{r['perplexity'][e - 1]:.2f}" for e in (40, 80, 120, 160) if e <= arguments.epochs)
            print(f"seed {seed}, {name:18s} perplexity after 40, 80, 120, 160 epochs: {marks}; "
                  f"on the next 10,000 characters {r['held_out_perplexity']}", flush=True)
            if arguments.json:
                record.write(arguments.json, {**SETTINGS, "num_epochs": arguments.epochs}, runs,
                             packages=("numpy", "mxnet", "d2l_utils"), text=text.source.split(",")[0])


if __name__ == "__main__":
    main()
