"""Tagged requests: the grammar, the reader, padding, spans and their F1, and the models that label words."""
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from d2l_utils.cells import LSTM
from d2l_utils.datasets import tagging
from d2l_utils.datasets.tagging import (
    GRAMMAR,
    KINDS,
    LABELS,
    UNKNOWN,
    Request,
    check_labels,
    generate,
    generate_many,
    load_news_requests,
    pad,
    read_tagged,
    score,
    spans,
    word_index,
)
from d2l_utils.layers import Bidirectional
from d2l_utils.losses import softmax
from d2l_utils.optim import Adam
from d2l_utils.tagging import Tagger, WindowTagger, WordLookup, evaluate, loss_and_grads, predict, train

REQUESTS = generate_many(60, np.random.default_rng(0))


def request(text):
    """A Request from "word/label word/label"."""
    return Request(*zip(*(pair.split("/") for pair in text.split())))


def test_the_grammar_names_only_what_it_has_and_every_part_of_it_is_reached():
    reached, waiting = set(), ["request"]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += [part for line in GRAMMAR[name] for part in line.replace(">", "<").split("<")[1::2]]
    assert reached == set(GRAMMAR)


def test_requests_repeat_with_their_seed_are_distinct_and_well_labelled():
    again = generate_many(60, np.random.default_rng(0))
    assert again == REQUESTS
    assert generate_many(60, np.random.default_rng(1)) != REQUESTS
    assert len({r.words for r in REQUESTS}) == 60
    for r in generate_many(500, np.random.default_rng(2)):
        assert len(r.words) == len(r.labels) > 0
        check_labels(r.labels, "a generated request")
        assert not any(" " in word or "<" in word or not word for word in r.words)


def test_no_request_can_be_labelled_in_two_ways_but_words_can():
    rng = np.random.default_rng(3)
    meanings, words = {}, {}
    for _ in range(4000):
        r = generate(rng)
        meanings.setdefault(r.words, set()).add(r.labels)
        for word, label in zip(r.words, r.labels):
            words.setdefault(word, set()).add(label)
    assert max(map(len, meanings.values())) == 1
    assert words["star"] >= {"I-PROVIDER", "I-KEYWORDS"}
    assert words["evening"] >= {"B-NEWSTYPE", "I-PROVIDER", "I-KEYWORDS"}
    assert words["lake"] >= {"B-PROVIDER", "B-KEYWORDS", "B-SECTION"}
    assert {kind for labels in words.values() for label in labels for kind in [label[2:]] if kind} == set(KINDS)


@pytest.mark.parametrize("num_requests", [0, -1, 2.5])
def test_generate_many_refuses(num_requests):
    with pytest.raises(ValueError, match="num_requests must be a whole number of at least 1"):
        generate_many(num_requests, np.random.default_rng(0))


def test_a_file_is_read_as_it_is_written(tmp_path):
    path = tmp_path / "some.txt"
    path.write_text("\n" + "\n\n".join("\n".join(f"{w}\t{label}" for w, label in zip(r.words, r.labels)) for r in REQUESTS))
    assert read_tagged(path) == REQUESTS


@pytest.mark.parametrize(("text", "message"), [
    ("news\tO\nnow\n", "line 2: a line must be a word, a tab and a label, got 'now'"),
    ("news O\n", "line 1: a line must be"),
    ("news\tO\tO\n", "line 1: a line must be"),
    ("\tO\n", "line 1: a line must be"),
    ("news\tB-NEWS\n", "'B-NEWS' at position 0 is not one of O, B-NEWSTYPE"),
    ("a\tO\n\nnews\tI-NEWSTYPE\n", "before line 4: 'I-NEWSTYPE' at position 0 goes on"),
    ("a\tB-PROVIDER\nb\tI-SECTION\n", "'I-SECTION' at position 1 goes on with a span that nothing began"),
    ("\n \n", "holds no request"),
])
def test_a_wrong_file_is_refused_with_its_line(tmp_path, text, message):
    path = tmp_path / "some.txt"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_tagged(path)


def test_the_real_set_is_asked_for_by_name(tmp_path, monkeypatch):
    monkeypatch.delenv("D2L_DATA", raising=False)
    with pytest.raises(FileNotFoundError, match=r"not set\).*recurrent-net-lstm"):
        load_news_requests()
    monkeypatch.setenv("D2L_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=str(tmp_path)):
        load_news_requests()
    (tmp_path / tagging.REAL_SET).write_text("news\tB-NEWSTYPE\n")
    assert load_news_requests() == [request("news/B-NEWSTYPE")]


@pytest.mark.skipif(not (Path(os.environ.get("D2L_DATA", "/nowhere")) / tagging.REAL_SET).is_file(),
                    reason="the real set is not part of the book")
def test_the_real_set_is_the_one_that_the_book_describes():
    requests = load_news_requests()
    labels = [label for r in requests for label in r.labels]
    assert len(requests) == len({r.words for r in requests}) == 1000
    assert (len(labels), labels.count("O")) == (11_100, 5037)
    assert set(labels) == set(LABELS)


def test_padding_and_unknown_words():
    index = word_index([request("top/O news/O"), request("a/O post/O")])
    assert index == {UNKNOWN: 0, "a": 1, "news": 2, "post": 3, "top": 4}
    batch = pad([request("news/B-NEWSTYPE"), request("top/B-NEWSTYPE new/I-NEWSTYPE a/O")], index)
    np.testing.assert_array_equal(batch.X, [[2, 4], [0, 0], [0, 1]])
    np.testing.assert_array_equal(batch.Y, [[LABELS.index("B-NEWSTYPE")] * 2, [0, LABELS.index("I-NEWSTYPE")], [0, 0]])
    np.testing.assert_array_equal(batch.mask, [[True, True], [False, True], [False, True]])
    with pytest.raises(ValueError, match="at least one request"):
        pad([], index)


@pytest.mark.parametrize(("labels", "wanted"), [
    ("O O", set()),
    ("B-SECTION", {(0, 1, "SECTION")}),
    ("O B-SECTION I-SECTION O", {(1, 3, "SECTION")}),
    ("B-SECTION B-SECTION I-SECTION", {(0, 1, "SECTION"), (1, 3, "SECTION")}),
    ("B-SECTION I-PROVIDER I-PROVIDER", {(0, 1, "SECTION"), (1, 3, "PROVIDER")}),
    ("I-SECTION I-SECTION O I-SECTION", {(0, 2, "SECTION"), (3, 4, "SECTION")}),
    ("I-SECTION B-SECTION", {(0, 1, "SECTION"), (1, 2, "SECTION")}),
])
def test_spans(labels, wanted):
    assert spans(labels.split()) == wanted


@given(st.lists(st.sampled_from(LABELS), max_size=12))
def test_spans_are_disjoint_and_cover_all_but_o(labels):
    covered = [t for start, stop, _ in spans(labels) for t in range(start, stop)]
    assert sorted(covered) == [t for t, label in enumerate(labels) if label != "O"]
    assert all({label[2:] for label in labels[start:stop]} == {kind} for start, stop, kind in spans(labels))


@given(st.lists(st.tuples(st.sampled_from((None, *KINDS)), st.integers(1, 3))))
def test_what_was_marked_is_what_spans_finds(pieces):
    labels, wanted = [], set()
    for kind, length in pieces:
        if kind is not None:
            wanted.add((len(labels), len(labels) + length, kind))
        labels += ["O"] * length if kind is None else [f"B-{kind}", *[f"I-{kind}"] * (length - 1)]
    assert spans(labels) == wanted


def test_the_score_counted_by_hand():
    true = [["O", "B-NEWSTYPE", "I-NEWSTYPE", "O", "B-PROVIDER"], ["B-SECTION", "O"]]
    said = [["O", "B-NEWSTYPE", "O", "O", "B-PROVIDER"], ["B-KEYWORDS", "B-SECTION"]]
    found = score(true, said)                                   # 4 of 7 words; 1 right of 3 that are there and 4 said
    assert (found.accuracy, found.f1) == (pytest.approx(4 / 7), pytest.approx(2 / 7))
    assert score(true, true) == tagging.Score(1.0, 1.0)
    assert score([["O"]], [["O"]]).f1 == 1.0
    assert score([["O"]], [["B-SECTION"]]).f1 == 0.0
    for wrong in (said[:1], [said[1], said[0]]):
        with pytest.raises(ValueError, match="the same words"):
            score(true, wrong)
    with pytest.raises(ValueError, match="at least one"):
        score([], [])


def models(index, rng):
    cells = [LSTM(5, 4, "diagonal", rng=rng, sigma=0.5), LSTM(5, 4, "diagonal", rng=rng, sigma=0.5),
             LSTM(8, 3, rng=rng, sigma=0.5), LSTM(8, 3, rng=rng, sigma=0.5)]
    return {"one way": Tagger(len(index), [LSTM(5, 4, "diagonal", rng=rng, sigma=0.5)], rng, sigma=0.5),
            "both ways, stacked": Tagger(len(index), [Bidirectional(*cells[:2]), Bidirectional(*cells[2:])], rng, sigma=0.5),
            "window": WindowTagger(len(index))}


@pytest.mark.parametrize("kind", ["one way", "both ways, stacked", "window"])
def test_the_gradient_of_the_masked_loss_in_every_parameter(kind, rng):
    """Central differences in float64 along a random direction of each array, on requests of different lengths."""
    few = sorted(REQUESTS, key=lambda r: len(r.words))[:8:3]
    index = word_index(few)
    model, batch = models(index, rng)[kind], pad(few, index)
    assert len(set(batch.lengths)) > 1
    for w in model.params.values():
        w += 0.3 * rng.standard_normal(w.shape)
    loss, grads = loss_and_grads(model, batch)
    scores, _ = model.forward(batch.X, batch.lengths)
    words = [-np.log(softmax(scores[t, n])[batch.Y[t, n]]) for n, length in enumerate(batch.lengths) for t in range(length)]
    assert loss == pytest.approx(np.mean(words), rel=1e-12)
    assert grads.keys() == model.params.keys()
    for name, w in model.params.items():
        v, kept, h = rng.standard_normal(w.shape) + grads[name] / np.abs(grads[name]).max(), w.copy(), 1e-5
        around = []
        for step in (h, -h):
            w[...] = kept + step * v
            around.append(loss_and_grads(model, batch)[0])
        w[...] = kept
        assert (grads[name] * v).sum() == pytest.approx((around[0] - around[1]) / (2 * h), rel=1e-6), name


@pytest.mark.parametrize("kind", ["one way", "both ways, stacked", "window"])
def test_labels_do_not_depend_on_who_else_is_in_the_minibatch(kind, rng):
    index = word_index(REQUESTS)
    model = models(index, rng)[kind]
    for w in model.params.values():
        w += 0.5 * rng.standard_normal(w.shape)
    together = predict(model, index, REQUESTS)
    assert together == predict(model, index, REQUESTS, batch_size=7)
    assert together == [labels for r in REQUESTS for labels in predict(model, index, [r])]
    assert [len(labels) for labels in together] == [len(r.words) for r in REQUESTS]


def test_a_window_sees_two_words_on_either_side_and_the_ends(rng):
    index = {word: k for k, word in enumerate("abcde")}
    model = WindowTagger(5)
    model.params["W_hq"] += rng.standard_normal(model.params["W_hq"].shape)
    W = model.params["W_hq"].reshape(5, 6, len(LABELS))         # place, word or outside, label
    X = np.array([[0, 4], [1, 3], [2, 0], [3, 0]])              # a b c d, and e d with padding
    Y, _ = model.forward(X, np.array([4, 2]))
    out = len(index)
    np.testing.assert_allclose(Y[1, 0], W[0, out] + W[1, 0] + W[2, 1] + W[3, 2] + W[4, 3], rtol=1e-12)
    np.testing.assert_allclose(Y[1, 1], W[0, out] + W[1, 4] + W[2, 3] + W[3, out] + W[4, out], rtol=1e-12)


def test_a_lookup_counts_words_and_not_padding():
    training = [request("news/B-NEWSTYPE from/O lake/B-PROVIDER news/I-PROVIDER news/I-PROVIDER please/O"), request("lake/O")]
    index = word_index(training)
    assert predict(WordLookup(index, training), index, [request("please/O news/O lake/O fog/O")]) == [
        ["O", "I-PROVIDER", "O", "O"]]                      # lake: a tie, the first of LABELS; fog: O is commonest of all
    table = WordLookup(index, [request("a/B-SECTION"), *training])
    assert table.counts[index[UNKNOWN], LABELS.index("O")] == 3     # the padding of the short requests is not among them
    assert predict(WordLookup({UNKNOWN: 0}, training), {UNKNOWN: 0}, training[:1]) == [["O"] * 6]


def test_the_learning_rate_falls_in_a_straight_line_and_another_loss_is_asked(rng):
    index, rates = word_index(REQUESTS), []
    model, optimizer = models(index, rng)["window"], Adam(0.4)

    def watched(model, batch, X):
        rates.append(optimizer.lr)
        return loss_and_grads(model, batch, X)
    train(model, index, REQUESTS[:20], num_epochs=4, batch_size=10, optimizer=optimizer, rng=rng, loss_and_grads=watched)
    assert rates == pytest.approx([0.4, 0.4, 0.3, 0.3, 0.2, 0.2, 0.1, 0.1])


def test_training_learns_what_only_the_next_word_tells_and_repeats(rng):
    """Each word's label is that of the next one's letter: the way back is needed, and the way forward is not enough."""
    letters = np.random.default_rng(0).integers(0, 2, (40, 6))
    requests = [Request(tuple("ab"[k] for k in row), tuple(["O", "B-SECTION"][k] for k in (*row[1:], 0))) for row in letters]
    index = word_index(requests)

    def trained(both, num_epochs=40):
        rng = np.random.default_rng(1)
        new = [LSTM(4, 8, "diagonal", rng=rng, sigma=0.3) for _ in range(2)]
        model = Tagger(len(index), [Bidirectional(*new)] if both else new[:1], rng, sigma=1.0)
        losses = train(model, index, requests, num_epochs=num_epochs, batch_size=10, optimizer=Adam(0.03),
                       rng=np.random.default_rng(2), clip=5.0)
        return losses, evaluate(model, index, requests)

    assert trained(True, 2) == trained(True, 2)
    losses, found = trained(True)
    assert found == tagging.Score(1.0, 1.0)
    assert losses[-1] < 0.1 < losses[0]
    assert trained(False)[1].accuracy < 0.8


def test_training_stops_when_the_loss_is_no_number(rng):
    index = word_index(REQUESTS)
    model = models(index, rng)["window"]
    model.params["b_q"][0] = np.nan
    with pytest.raises(FloatingPointError, match="epoch 1: lower lr"):
        train(model, index, REQUESTS, num_epochs=1, batch_size=20, optimizer=Adam(0.1), rng=rng)


def test_word_dropout_trains_the_vector_of_unknown_words(rng):
    index = word_index(REQUESTS)
    for share in (0.0, 0.5):
        model = models(index, np.random.default_rng(0))["one way"]
        before = model.params["W_e"][index[UNKNOWN]].copy()
        train(model, index, REQUESTS[:20], num_epochs=1, batch_size=20, optimizer=Adam(0.1), rng=rng, word_dropout=share)
        assert (model.params["W_e"][index[UNKNOWN]] != before).any() == (share > 0)
