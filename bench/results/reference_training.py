"""The training that d2l's chapter prints, with the fast model, and the shortest road to a perplexity of 1.3.

The text is the first 10,000 characters of The Time Machine, 256 units, 35 steps, batch 32. "SGD" is d2l's training: a rate
of 100, gradients clipped to a norm of 0.01, weights drawn with a standard deviation of 0.01, 160 epochs, from the weights
that seed_perplexity.py starts from, whose record has the plain cell's curves. "Adam, falling" is the short road: a rate of 0.01
that after 24 epochs falls in a straight line, norm 1, weights drawn with 0.06, 40 epochs; "Adam" keeps that rate
for 160 epochs. `perplexity` is what d2l prints, each minibatch under the weights before its update. `clean` is that of the
same minibatches under the weights at the end, and `whole` that of the text under those weights when one reader reads it from
first to last, and not 32 readers a piece each. Takes about 5 minutes on one core.

    python bench/results/reference_training.py --json bench/results/reference_training.json
"""
import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import record

from d2l_utils.cells import LSTM
from d2l_utils.datasets.text import Vocab, consecutive_batches, load_time_machine
from d2l_utils.fused import ClippedAdam, ClippedSGD, FusedModel
from d2l_utils.losses import cross_entropy, perplexity
from d2l_utils.training import LanguageModel, train

SETTINGS = {"max_chars": 10_000, "num_hiddens": 256, "num_steps": 35, "batch_size": 32}
ROADS = {
    "SGD": {"lr": 100.0, "clip": 0.01, "sigma": 0.01, "num_epochs": 160, "num_seeds": 3},
    "Adam, falling": {"lr": 0.01, "clip": 1.0, "sigma": 0.06, "num_epochs": 40, "num_seeds": 5, "falls_after": 24},
    "Adam": {"lr": 0.01, "clip": 1.0, "sigma": 0.06, "num_epochs": 160, "num_seeds": 3},
}


def first_model(seed, vocab_size, sigma):
    """The plain model that a run starts from: of "SGD", with the weights of seed_perplexity.py."""
    cell = LSTM(vocab_size, SETTINGS["num_hiddens"], dtype=np.float32, rng=np.random.default_rng(seed), sigma=sigma)
    return LanguageModel(cell, sigma=sigma)


def perplexity_of(model, batches, batch_size):
    """Perplexity over minibatches, the state carried along and the weights left alone."""
    state, losses, sizes = model.begin_state(batch_size), [], []
    for X, Y in batches:
        scores, state = model.scores(X, state)
        losses.append(cross_entropy(scores.astype(np.float64), Y)[0])
        sizes.append(X.size)
    return round(perplexity(np.average(losses, weights=sizes)), 4)


def in_one_go(corpus, num_steps=500):
    """All of a text as minibatches of one sequence."""
    for start in range(0, len(corpus) - 1, num_steps):
        end = min(start + num_steps, len(corpus) - 1)
        yield corpus[start:end, None], corpus[start + 1:end + 1, None]


def run(name, seed, corpus, vocab_size, num_epochs=None):
    """Train one model. num_epochs: stop after so many of the road's epochs; None goes to its end."""
    road = ROADS[name]
    model = FusedModel(first_model(seed, vocab_size, road["sigma"]))
    optimizer = (ClippedSGD if name == "SGD" else ClippedAdam)(road["lr"], road["clip"])
    falls_after, cpu = road.get("falls_after", road["num_epochs"]), time.process_time()

    def follow(epoch):
        if epoch.epoch > falls_after:
            optimizer.lr = road["lr"] * (road["num_epochs"] - epoch.epoch) / (road["num_epochs"] - falls_after)

    history = train(model, corpus, num_epochs=num_epochs or road["num_epochs"], num_steps=SETTINGS["num_steps"],
                    batch_size=SETTINGS["batch_size"], optimizer=optimizer, on_epoch=follow)
    seconds, batches = time.process_time() - cpu, consecutive_batches(corpus, SETTINGS["batch_size"], SETTINGS["num_steps"])
    return {"road": name, "seed": seed, "cpu_seconds": round(seconds, 1),
            "clean": perplexity_of(model, batches, SETTINGS["batch_size"]),
            "whole": perplexity_of(model, in_one_go(corpus), 1), "perplexity": [round(e.perplexity, 4) for e in history]}


def main():
    path = record.path_from(__doc__)
    text = load_time_machine(SETTINGS["max_chars"])
    vocab, runs = Vocab(text.characters), []
    for name, road in ROADS.items():
        for seed in range(road["num_seeds"]):
            runs.append(run(name, seed, vocab.encode(text.characters), len(vocab)))
            r = runs[-1]
            reached = next((k for k, p in enumerate(r["perplexity"], start=1) if p <= 1.3), None)
            marks = ", ".join(f"{r['perplexity'][e - 1]:.2f}" for e in (40, 80, 120, 160) if e <= road["num_epochs"])
            print(f"{name}, seed {seed}: perplexity {marks}; 1.3 in epoch {reached}; least {min(r['perplexity']):.3f}; "
                  f"clean {r['clean']:.3f}; whole {r['whole']:.3f}; {r['cpu_seconds']:.0f} s of CPU", flush=True)
            if path:
                record.write(path, {**SETTINGS, "roads": ROADS}, runs, text=text.source.split(",")[0])


if __name__ == "__main__":
    main()
