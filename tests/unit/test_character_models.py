"""The models that travel with the book: whole, small, and as good as their file says."""
import json

import numpy as np
import pytest

from d2l_utils import character_models
from d2l_utils.cells import GRU, LSTM, RNN
from d2l_utils.character_models import UNKNOWN, fold, from_text, load, to_text
from d2l_utils.datasets.text import Vocab

MODELS, VOCAB, RECORD = load()


def test_the_file_holds_an_rnn_a_gru_and_an_lstm_of_one_size_and_vocabulary():
    assert {name: type(model.cell) for name, model in MODELS.items()} == {"RNN": RNN, "GRU": GRU, "LSTM": LSTM}
    assert {model.cell.num_hiddens for model in MODELS.values()} == {RECORD["settings"]["num_hiddens"]}
    assert {model.vocab_size for model in MODELS.values()} == {len(VOCAB)}
    assert len(VOCAB) <= 65
    assert set("\n 'TtEe.,;") | {UNKNOWN} <= set(VOCAB.characters)


def test_the_weights_travel_with_a_page():
    assert character_models.PATH.stat().st_size <= 250_000


def test_every_weight_is_one_that_a_float16_can_hold():
    for model in MODELS.values():
        for w in model.params.values():
            assert w.dtype == np.float64
            assert (w == w.astype(np.float16)).all()
            assert np.isfinite(w).all()
            assert w.std() > 0


def test_each_model_beats_the_table_of_pairs_on_text_it_has_not_seen():
    tables = RECORD["table_perplexities"]
    for run in RECORD["runs"]:
        assert 1 < run["held_out_perplexity"] < tables["pairs"] < tables["characters"]


def test_any_text_can_be_folded_and_what_the_vocabulary_holds_is_kept():
    assert fold("Time,\n'no' é😀<3", VOCAB) == f"Time,\n'no' {UNKNOWN * 4}"
    assert fold("", VOCAB) == ""
    assert VOCAB.decode(VOCAB.encode(fold("Æsop", VOCAB))) == f"{UNKNOWN}sop"


def test_an_array_is_kept_to_the_precision_of_a_float16(rng):
    w = rng.standard_normal((3, 5))
    again = from_text(to_text(w), (3, 5))
    assert (again == w.astype(np.float16)).all()
    with pytest.raises(ValueError, match="cannot reshape"):
        from_text(to_text(w), (3, 4))


def test_a_file_of_ones_own_is_read_as_the_books_is(tmp_path):
    record = {"settings": {"num_hiddens": 2}, "characters": "ab" + UNKNOWN, "runs": [
        {"model": "GRU", "weights": {**{name: to_text(w) for name, w in GRU(3, 2, sigma=1.0).params.items()},
                                     "W_hq": to_text(np.ones((2, 3))), "b_q": to_text(np.arange(3))}}]}
    path = tmp_path / "models.json"
    path.write_text(json.dumps(record))
    models, vocab, _ = load(path)
    assert vocab.characters == Vocab("ab" + UNKNOWN).characters
    assert models["GRU"].params["b_q"].tolist() == [0, 1, 2]
    assert (models["GRU"].params["W_hz"] == GRU(3, 2, sigma=1.0).params["W_hz"].astype(np.float16)).all()
