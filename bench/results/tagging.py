"""Who labels the words of 1,000 news requests best: lookups, a linear window, LSTMs that read one way and both ways.

The data are the toy set of a C++ network of 2015 (d2l_utils.datasets.tagging says where it is to be had), which is not
part of this book: put news_tagged_data.txt into the folder that D2L_DATA names. Ten random splits, 800 requests for
training and 200 for testing. The settings were chosen before on the first split's training requests, of which the last
160 were held out for that: no test request of this split was looked at, but some of the 160 are test requests of others.
`choose` repeats the comparison, and its rows are in the record. Takes about seven minutes on one core:

    D2L_DATA=... python bench/results/tagging.py --json bench/results/tagging.json
"""
import copy
import itertools
import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import record

from d2l_utils.cells import LSTM
from d2l_utils.datasets.tagging import UNKNOWN, generate_many, load_news_requests, word_index
from d2l_utils.layers import Bidirectional
from d2l_utils.optim import Adam
from d2l_utils.tagging import Tagger, WindowTagger, WordLookup, evaluate, train

NETWORK = {"num_embedding": 64, "num_layers": 2, "peepholes": "diagonal", "sigma": 0.1, "forget_bias": 1.0,
           "num_epochs": 16, "batch_size": 32, "lr": 0.01, "word_dropout": 0.3}
SETTINGS: dict = {
    "linear window": {"reach": 2, "num_epochs": 30, "batch_size": 16, "lr": 0.03, "word_dropout": 0.0},
    "LSTM": {**NETWORK, "num_hiddens": 128},
    "bidirectional LSTM": {**NETWORK, "num_hiddens": 64},
}
MODELS = ("majority", "word lookup", *SETTINGS)
CANDIDATES: list = [
    ("linear window", {"word_dropout": 0.1}), ("linear window", {"num_epochs": 15}), ("linear window", {"lr": 0.01}),
    ("bidirectional LSTM", {"num_layers": 1}), ("bidirectional LSTM", {"word_dropout": 0.1}),
    *((name, {}) for name in SETTINGS)]
CASES = [*((name, k, None) for k, name in itertools.product(range(10), MODELS)),
         *((name, k, size) for size, k, name in itertools.product((100, 200, 400), range(5), list(SETTINGS)[::2]))]


def split(requests, k):
    """Training and test requests of split k."""
    order = np.random.default_rng(k).permutation(len(requests))
    cut = len(requests) * 4 // 5
    return [requests[i] for i in order[:cut]], [requests[i] for i in order[cut:]]


def network(num_words, rng, both_ways, num_embedding, num_hiddens, num_layers, peepholes, sigma, forget_bias):
    """An untrained tagger of stacked LSTMs, or of stacked bidirectional ones."""
    layers: list = []
    for _ in range(num_layers):
        num_inputs = layers[-1].num_hiddens if layers else num_embedding
        cells = [LSTM(num_inputs, num_hiddens, peepholes, np.float32, rng, sigma, forget_bias) for _ in range(1 + both_ways)]
        layers.append(Bidirectional(*cells) if both_ways else cells[0])
    return Tagger(num_words, layers, rng, sigma)


def fitted(name, training, seed, settings=None):
    """A model trained on requests, and its word index. seed: draws its weights, the order and the word dropout."""
    index = word_index(training)
    if name not in SETTINGS:
        index = index if name == "word lookup" else {UNKNOWN: 0}
        return WordLookup(index, training), index
    rng, settings = np.random.default_rng(seed), dict(settings or SETTINGS[name])
    how = {key: settings.pop(key) for key in ("num_epochs", "batch_size", "word_dropout")}
    optimizer = Adam(settings.pop("lr"))
    if name == "linear window":
        model = WindowTagger(len(index), dtype=np.float32, **settings)
    else:
        model = network(len(index), rng, name == "bidirectional LSTM", **settings)
    train(model, index, training, optimizer=optimizer, rng=rng, **how)
    return model, index


def assigned(model):
    """The model as the C++ program's prediction ran its second layer: what reads the other direction's hidden states replaces
    the sum of all that went before, instead of being added to it."""
    model = copy.deepcopy(model)
    for direction, cell in model.stacked.cells[1].cells.items():
        half = slice(None, cell.num_inputs // 2) if direction == "forward" else slice(cell.num_inputs // 2, None)
        for gate in "ifoc":
            cell.params[f"W_x{gate}"][half] = 0         # the own direction's hidden states of the layer below
            cell.params[f"W_h{gate}"][...] = 0
        for gate in "if":
            cell.params[f"W_c{gate}"][...] = 0          # the output gate's peephole is added afterwards, and stays
    return model


def run(name, k, requests, num_training=None):
    """Train on split k, or on num_training of its training requests; token accuracy and span F1 on both sides."""
    training, test = split(requests, k)
    training, began = training[:num_training], time.process_time()
    model, index = fitted(name, training, seed=k)
    seconds = time.process_time() - began
    scores = {"test": evaluate(model, index, test), "train": evaluate(model, index, training)}
    if name == "bidirectional LSTM" and num_training is None:
        scores["assigned"] = evaluate(assigned(model), index, test)
    figures = {f"{side}_{figure}": round(getattr(score, figure), 5) for side, score in scores.items()
               for figure in ("accuracy", "f1")}
    return {"model": name, "split": k, "num_training": len(training), **figures, "seconds": round(seconds, 1)}


def choose(name, changed, requests):
    """What a setting is worth on the last 160 of the first split's training requests, trained on the others."""
    training, _ = split(requests, 0)
    model, index = fitted(name, training[:-160], 0, {**SETTINGS[name], **changed})
    score = evaluate(model, index, training[-160:])
    return {"model": name, "changed": changed, "accuracy": round(score.accuracy, 5), "f1": round(score.f1, 5)}


def generated():
    """A small run on requests of the book's own grammar, which can be repeated without the real set."""
    return run("bidirectional LSTM", 0, generate_many(300, np.random.default_rng(0)), 120)


def save(path, runs, chosen):
    record.write(path, SETTINGS, runs, data="news_tagged_data.txt, 1,000 requests", generated=generated(), validation=chosen)


def main():
    path, requests, runs, chosen = record.path_from(__doc__), load_news_requests(), [], []
    for candidate in CANDIDATES:
        chosen.append(choose(*candidate, requests))
        print(chosen[-1], flush=True)
    for name, k, size in CASES:
        runs.append(run(name, k, requests, size))
        print(runs[-1], flush=True)
    if path:
        save(path, runs, chosen)


if __name__ == "__main__":
    main()
