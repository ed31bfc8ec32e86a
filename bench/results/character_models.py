"""The character models of the chapter on reading cells: trains an RNN, a GRU and an LSTM, writes their weights.

They read The Time Machine as printed, capitals and line ends kept; a character that occurs less than five times is
folded into one sign for the unknown. The last tenth of the text is held out. (The settings come from ten trial runs
that were watched on it, so its perplexity flatters a little.) Perplexities are those of the weights that are kept,
rounded to float16. Takes about ten minutes on one core:

    python bench/results/character_models.py --json data/character-models.json
"""
import argparse
import os
from collections import Counter
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import record

from d2l_utils.character_models import CELLS, PATH, UNKNOWN, fold, from_text, to_text
from d2l_utils.datasets.text import Vocab, load_time_machine
from d2l_utils.losses import cross_entropy, perplexity
from d2l_utils.optim import Adam
from d2l_utils.training import LanguageModel, train

SETTINGS = {"num_hiddens": 64, "num_steps": 100, "batch_size": 8, "num_epochs": 40, "lr": {"RNN": 0.005, "GRU": 0.01,
            "LSTM": 0.01}, "last_lr": 0.02, "clip": 1.0, "sigma": 0.2, "forget_bias": 1.0, "held_out": 0.1, "seed": 0}


def folded_text(text):
    """(vocab, training part, held-out part), both parts folded strings. text: the whole text as printed."""
    counts = Counter(text)
    vocab = Vocab("".join(c for c in counts if counts[c] >= 5) + UNKNOWN)
    folded = fold(text, vocab)
    cut = round(len(folded) * (1 - SETTINGS["held_out"]))
    return vocab, folded[:cut], folded[cut:]


def held_out_perplexity(model, corpus):
    """Perplexity of each next character, in reading order, from a zero state. corpus: indices."""
    scores, _ = model.scores(corpus[:-1, None], model.begin_state(1))
    return perplexity(cross_entropy(scores.astype(np.float64), corpus[1:, None])[0])


def table_perplexities(corpus, unseen, vocab_size):
    """What tables of the training text's counts reach: of single characters, and of pairs. One is added to each count."""
    single = np.bincount(corpus, minlength=vocab_size) + 1.0
    pairs = np.ones((vocab_size, vocab_size))
    np.add.at(pairs, (corpus[:-1], corpus[1:]), 1)
    given = pairs / pairs.sum(axis=1, keepdims=True)
    return {"characters": perplexity(-np.log((single / single.sum())[unseen[1:]]).mean()),
            "pairs": perplexity(-np.log(given[unseen[:-1], unseen[1:]]).mean())}


def new_model(kind, vocab_size):
    s = SETTINGS
    rng = np.random.default_rng(s["seed"])
    more = {"forget_bias": s["forget_bias"]} if kind == "LSTM" else {}
    cell = CELLS[kind](vocab_size, s["num_hiddens"], dtype=np.float32, rng=rng, sigma=s["sigma"], **more)
    return LanguageModel(cell, sigma=s["sigma"])


def run(kind, num_epochs, vocab, corpus, unseen):
    """Train one model; the learning rate falls from lr to last_lr times lr, by the same factor after each epoch."""
    s, model = SETTINGS, new_model(kind, len(vocab))
    optimizer = Adam(s["lr"][kind])

    def cool(epoch):
        optimizer.lr = s["lr"][kind] * s["last_lr"] ** (epoch.epoch / s["num_epochs"])

    history = train(model, corpus, num_epochs=num_epochs, num_steps=s["num_steps"], batch_size=s["batch_size"],
                    optimizer=optimizer, clip=s["clip"], on_epoch=cool)
    weights = {name: to_text(w) for name, w in model.params.items()}
    kept = LanguageModel(CELLS[kind](len(vocab), s["num_hiddens"]))
    for name, w in kept.params.items():
        w[...] = from_text(weights[name], w.shape)
    return {"model": kind, "num_weights": sum(w.size for w in kept.params.values()),
            "training_perplexity": [round(e.perplexity, 4) for e in history],
            "held_out_perplexity": round(held_out_perplexity(kept, unseen), 4),
            "start_perplexity": round(held_out_perplexity(kept, unseen[:1000]), 6),
            "seconds": round(sum(e.seconds for e in history)), "weights": weights}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help=f"where to write the weights, such as {PATH.name}")
    parser.add_argument("--epochs", type=int, default=SETTINGS["num_epochs"])
    arguments = parser.parse_args()
    text = load_time_machine(as_printed=True)
    vocab, training_part, held_out = folded_text(text.characters)
    corpus, unseen = vocab.encode(training_part), vocab.encode(held_out)
    tables = table_perplexities(corpus, unseen, len(vocab))
    print(f"{len(vocab)} characters; {len(corpus):,} to train on, {len(unseen):,} held out; tables: {tables}", flush=True)
    runs = []
    for kind in CELLS:
        runs.append(run(kind, arguments.epochs, vocab, corpus, unseen))
        print({name: value for name, value in runs[-1].items() if name != "weights"}, flush=True)
        if arguments.json:
            record.write(arguments.json, SETTINGS, runs, text=text.source.split(",")[0],
                         characters="".join(vocab.characters), table_perplexities=tables)


if __name__ == "__main__":
    main()
