"""Words and characters of The Time Machine: what a stacked LSTM makes of a part that it has not read, beside n-grams.

The text is cut into three parts that follow one another: 80 % to learn from, 10 % to choose with, 10 % to judge by. What
occurs once or never in the first is <unk>, for all models alike. All perplexities are per token of the same part.

- n-grams: interpolated, modified Kneser-Ney (d2l_utils.ngrams), of orders 1 to 8.
- LSTMs: d2l_utils.language_model, two layers, uniform parameters but for the forget bias, Adam, clipped; training stops
  when the validation part gets no better (`fit`). The rows differ in the dropout and, between words and characters, in size.
- The mixture of an LSTM with the 5-gram: its share is the tenth that is best on the validation part.

Takes half an hour on one core. Writes the record that chapter 14 shows:

    python bench/results/stacked_language_model.py --json bench/results/stacked_language_model.json
"""
import argparse
import os
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import record

from d2l_utils.datasets.text import load_time_machine, split, words
from d2l_utils.language_model import StackedLanguageModel, fit, losses
from d2l_utils.losses import perplexity
from d2l_utils.ngrams import KneserNey
from d2l_utils.optim import Adam
from d2l_utils.training import train

ORDERS = range(1, 9)
TRAINING = {"lr": 0.008, "clip": 1.0, "batch_size": 10, "num_steps": 35, "patience": 6}
WORDS: dict = {"level": "words", "num_seeds": 3, "num_epochs": 20, "num_hiddens": 100, "tied": True}
CHARACTERS: dict = {"level": "characters", "num_seeds": 3, "num_epochs": 24, "num_hiddens": 128}
ROWS = {
    "words, no dropout": {**WORDS, "dropout": 0.0},
    "words, a mask a step": {**WORDS, "dropout": 0.4},
    "words, a mask a sequence": {**WORDS, "dropout": 0.2, "variational": True},
    "characters, a mask a step": {**CHARACTERS, "dropout": 0.15},
}


def parts(level, text):
    """The text in three parts, as words or as characters."""
    return split(words(text.characters) if level == "words" else text.characters)


def model_for(row, seed, vocab_size):
    options = {name: value for name, value in row.items() if name not in ("level", "num_seeds", "num_epochs")}
    return StackedLanguageModel(vocab_size, forget_bias=1.0, dtype=np.float32, rng=np.random.default_rng(seed), **options)


def first_steps(row, seed, cut):
    """The perplexity in training, of a fresh model on 2,500 tokens: cheap to repeat."""
    model = model_for(row, seed, len(cut.vocab))
    epoch, = train(model, cut.train[:2500], num_epochs=1, num_steps=TRAINING["num_steps"],
                   batch_size=TRAINING["batch_size"], optimizer=Adam(TRAINING["lr"]), clip=TRAINING["clip"])
    return epoch.perplexity


def ngrams(level, cut):
    """A record for each order."""
    runs = []
    for order in ORDERS:
        model = KneserNey(cut.train, len(cut.vocab), order)
        found = [round(perplexity(model.losses(part).mean()), 3) for part in (cut.train, cut.validation, cut.test)]
        runs.append({"model": f"{level}, {order}-gram", "order": order, **dict(zip(("train", "validation", "test"), found))})
    return runs


def mixture(model, ngram, cut):
    """The share of the LSTM that is best on the validation part, and the perplexity of the mixture on the test part."""
    def both(part):
        return np.exp([-losses(model, part)[:, 0], -ngram.losses(part)])

    def mixed(P, share):
        return perplexity(-np.log(share * P[0] + (1 - share) * P[1]).mean())
    P = both(cut.validation)
    share = min(np.arange(11) / 10, key=lambda share: mixed(P, share))
    return {"share": float(share), "mixed": round(mixed(both(cut.test), share), 3)}


def run(name, seed, cut, ngram):
    """Train one model and judge it."""
    row, start = ROWS[name], time.process_time()
    model = model_for(row, seed, len(cut.vocab))
    history = fit(model, cut.train, cut.validation, num_epochs=row["num_epochs"], optimizer=Adam(TRAINING["lr"]),
                  **{key: value for key, value in TRAINING.items() if key != "lr"})
    seconds = time.process_time() - start
    best = min(history, key=lambda judged: judged.validation)
    return {"model": name, "seed": seed, "num_params": sum(w.size for w in model.params.values()),
            "training": [round(judged.training, 3) for judged in history],
            "validation": [round(judged.validation, 3) for judged in history], "best_epoch": best.epoch,
            "train": round(perplexity(losses(model, cut.train, batch_size=10).mean()), 3),
            "test": round(perplexity(losses(model, cut.test).mean()), 3), **mixture(model, ngram, cut),
            "first_steps": first_steps(row, seed, cut), "seconds": round(seconds)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="where to write the record")
    arguments = parser.parse_args()
    text = load_time_machine()
    cuts = {level: parts(level, text) for level in ("words", "characters")}
    runs = [found for level, cut in cuts.items() for found in ngrams(level, cut)]
    fives = {level: KneserNey(cut.train, len(cut.vocab), 5) for level, cut in cuts.items()}
    sizes = {level: {"vocab_size": len(cut.vocab), "num_tokens": [len(cut.train), len(cut.validation), len(cut.test)]}
             for level, cut in cuts.items()}
    for name, row in ROWS.items():
        for seed in range(row["num_seeds"]):
            r = run(name, seed, cuts[row["level"]], fives[row["level"]])
            runs.append(r)
            print(f"{name:26s} seed {seed}: best after {r['best_epoch']} epochs, train {r['train']}, validation "
                  f"{min(r['validation'])}, test {r['test']}, mixed {r['mixed']} ({r['share']}), {r['seconds']} s", flush=True)
            if arguments.json:
                record.write(arguments.json, {**TRAINING, "rows": ROWS, "sizes": sizes}, runs,
                             text=text.source.split(",")[0])


if __name__ == "__main__":
    main()
