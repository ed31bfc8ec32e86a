"""RNN, GRU and LSTM on unseen text, at equal width and at equal parameters, with the functions of chapter 16: ten seeds.

Takes about two minutes on one core. Writes the record that the chapter shows:

    python bench/results/three_cells.py --json bench/results/three_cells.json
"""
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import record

from d2l_utils.cells import GRU, LSTM, RNN
from d2l_utils.datasets.text import Vocab, load_time_machine

SETTINGS = {"num_seeds": 10, "num_epochs": 16, "num_train": 20_000, "num_unseen": 10_000, "lr": 0.02, "batch_size": 32,
            "num_steps": 25, "forget_bias": 1.0, "clip": 1.0}
CONTESTANTS = [(RNN, 32), (GRU, 32), (LSTM, 32), (RNN, 79), (GRU, 39)]


def run(kind, num_hiddens, seed, num_epochs=SETTINGS["num_epochs"]):
    """Perplexities on unseen text after each epoch, as the page computes them."""
    page = record.definitions("16-variants.md")
    characters = load_time_machine(SETTINGS["num_train"] + SETTINGS["num_unseen"]).characters
    vocab = page["vocab"] = Vocab(characters)
    page["corpus"] = vocab.encode(characters[:SETTINGS["num_train"]])
    page["unseen"] = vocab.encode(characters[SETTINGS["num_train"]:])
    found = page["unseen_perplexities"](page["new_model"](kind, num_hiddens, seed), num_epochs)
    return {"cell": kind.__name__, "num_hiddens": num_hiddens, "seed": seed, "perplexity": [round(p, 3) for p in found]}


def main():
    path, runs = record.path_from(__doc__), []
    for kind, num_hiddens in CONTESTANTS:
        for seed in range(SETTINGS["num_seeds"]):
            runs.append(run(kind, num_hiddens, seed))
        print(kind.__name__, num_hiddens, [r["perplexity"][-1] for r in runs[-SETTINGS["num_seeds"]:]], flush=True)
    if path:
        record.write(path, SETTINGS, runs, text=load_time_machine(100).source.split(",")[0])


if __name__ == "__main__":
    main()
