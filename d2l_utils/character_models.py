"""Three character models that this book has trained, an RNN, a GRU and an LSTM: kept in a file, read by the widgets.

`bench/results/character_models.py` trains them on *The Time Machine* as printed, capitals and line ends kept, and
writes `data/character-models.json`. Each weight is kept as a float16; what it decodes to, in float64, is the model.
"""
import base64
import json

import numpy as np

from d2l_utils.cells import GRU, LSTM, RNN
from d2l_utils.datasets.text import DATA_DIR, Vocab
from d2l_utils.training import LanguageModel

PATH = DATA_DIR / "character-models.json"
CELLS = {"RNN": RNN, "GRU": GRU, "LSTM": LSTM}
UNKNOWN = "\ufffd"          # stands for every character that the models have no number for


def fold(text, vocab):
    """text with UNKNOWN for every character outside the vocabulary, so that any text at all can be read."""
    return "".join(c if c in vocab.characters else UNKNOWN for c in text)


def to_text(w):
    """An array's values as base64 of little-endian float16, row by row."""
    return base64.b64encode(w.astype("<f2").tobytes()).decode("ascii")


def from_text(encoded, shape):
    """The float64 array of that shape that `to_text` has written. Raises ValueError if the size is another."""
    return np.frombuffer(base64.b64decode(encoded), "<f2").astype(np.float64).reshape(shape)


def load(path=PATH):
    """Read the models. Returns (models, vocab, record): a dict from "RNN", "GRU" and "LSTM" to a LanguageModel in
    float64, their vocabulary, and all that the file says (settings, date, perplexities).
    """
    record = json.loads(path.read_text(encoding="utf-8"))
    vocab, models = Vocab(record["characters"]), {}
    for run in record["runs"]:
        model = LanguageModel(CELLS[run["model"]](len(vocab), record["settings"]["num_hiddens"]))
        for name, w in model.params.items():
            w[...] = from_text(run["weights"][name], w.shape)
        models[run["model"]] = model
    return models, vocab, record
