"""The training loop and generation: the carried state, what a tiny model learns, and how it is asked to write."""
import numpy as np
import pytest

from d2l_utils.cells import LSTM, RNN
from d2l_utils.datasets.text import Vocab, consecutive_batches
from d2l_utils.losses import perplexity
from d2l_utils.optim import SGD, Adam, clip_by_global_norm
from d2l_utils.training import LanguageModel, generate, train

VOCAB = Vocab("the time traveller ")
CORPUS = VOCAB.encode("the time traveller " * 40)


def tiny_model(kind=LSTM, num_hiddens=16, **kw):
    return LanguageModel(kind(len(VOCAB), num_hiddens, rng=np.random.default_rng(1), sigma=0.3, **kw), sigma=0.3)


@pytest.fixture(scope="module")
def trained():
    """A tiny model that has read its text twenty times, and the Epochs of it."""
    model = tiny_model()
    return model, train(model, CORPUS, num_epochs=20, num_steps=10, batch_size=4, optimizer=Adam(0.02), clip=1.0)


class Recorder:
    """A model that writes down what the loop asks of it."""

    def __init__(self, model):
        self.model, self.calls = model, []
        self.begin_state = model.begin_state

    @property
    def params(self):
        return self.model.params

    def loss_and_grads(self, X, Y, state):
        loss, grads, last = self.model.loss_and_grads(X, Y, state)
        self.calls.append({"X": X, "state": state, "last": last, "loss": loss})
        return loss, grads, last


class NoSteps:
    """An optimizer that leaves everything as it is."""

    lr = 0.0

    def step(self, params, grads):
        """Do nothing."""


@pytest.mark.parametrize("kind", [RNN, LSTM])
def test_the_carried_state_makes_minibatches_one_long_forward_pass(kind):
    recorder = Recorder(tiny_model(kind))
    history = train(recorder, CORPUS, num_epochs=2, num_steps=10, batch_size=4, optimizer=NoSteps())
    first, second = np.split(np.array(recorder.calls), 2)
    X = np.concatenate([call["X"] for call in first])
    _, whole, last = recorder.model.forward(X, recorder.begin_state(4))
    for part, wanted in zip(first[-1]["last"], last):
        np.testing.assert_allclose(part, wanted, rtol=1e-12)
    for before, after in zip(first, first[1:]):
        assert after["state"] is before["last"]
    assert all((part == 0).all() for part in second[0]["state"])          # a new epoch starts from nothing
    assert len(X) == len(whole.H) == (len(CORPUS) // 4 - 1) // 10 * 10
    assert history[0].perplexity == history[1].perplexity == perplexity(np.mean([call["loss"] for call in first]))


def test_the_gradients_of_the_whole_model_agree_with_differences(rng):
    model = tiny_model(num_hiddens=5)
    X, Y = next(consecutive_batches(CORPUS, 3, 7))
    state = tuple(rng.standard_normal(s.shape) for s in model.begin_state(3))
    _, grads, _ = model.loss_and_grads(X, Y, state)
    assert grads.keys() == model.params.keys()
    for name, w in model.params.items():
        v, h, start = rng.standard_normal(w.shape), 1e-3, w.copy()
        v += grads[name] / np.linalg.norm(grads[name])
        v /= np.linalg.norm(v)

        def loss(step, w=w, v=v, start=start):
            w[...] = start + step * v
            return model.loss_and_grads(X, Y, state)[0]
        slope = (8 * (loss(h) - loss(-h)) - (loss(2 * h) - loss(-2 * h))) / (12 * h)
        w[...] = start
        assert (grads[name] * v).sum() == pytest.approx(slope, rel=1e-7), name


def test_an_epoch_is_clipped_steps_down_the_gradient():
    """The loop written out: what `train` does in one epoch, by its parts."""
    model, by_hand = tiny_model(), tiny_model()
    train(model, CORPUS, num_epochs=1, num_steps=10, batch_size=4, optimizer=SGD(5.0), clip=0.1)
    state, norms = by_hand.begin_state(4), []
    for X, Y in consecutive_batches(CORPUS, 4, 10):
        _, grads, state = by_hand.loss_and_grads(X, Y, state)
        norms.append(clip_by_global_norm(grads, 0.1))
        for name, w in by_hand.params.items():
            w -= 5.0 * grads[name]
    assert max(norms) > 0.1                                 # clipping had something to do
    for name, w in model.params.items():
        assert (w == by_hand.params[name]).all()


def test_a_tiny_model_learns_more_than_how_often_each_character_comes(trained):
    _, history = trained
    p = np.bincount(CORPUS) / len(CORPUS)
    unigram = perplexity(-(p * np.log(p)).sum())
    assert unigram > 7
    assert history[-1].perplexity < 1.2
    assert history[0].perplexity == pytest.approx(unigram, rel=0.5)


def test_each_epoch_is_reported_as_it_ends():
    reported = []
    history = train(tiny_model(), CORPUS, num_epochs=3, num_steps=10, batch_size=4, optimizer=SGD(1.0),
                    on_epoch=reported.append)
    assert reported == history
    assert [epoch.epoch for epoch in history] == [1, 2, 3]
    num_chars = (len(CORPUS) // 4 - 1) // 10 * 10 * 4
    for epoch in history:
        assert epoch.seconds * epoch.chars_per_second == pytest.approx(num_chars)


def test_params_are_the_cells_own_arrays():
    model = tiny_model()
    model.cell.params["b_f"] = np.ones(16)                  # a reader may put in another array: it is the one trained
    assert model.params["b_f"] is model.cell.params["b_f"]


def test_cell_and_dense_layer_of_a_model_start_from_different_draws():
    model = LanguageModel(RNN(6, 6), sigma=0.01)
    assert (model.params["W_hq"] != model.params["W_xh"]).all()


def test_a_loss_that_is_no_number_stops_the_training():
    model = tiny_model()
    model.dense.params["b_q"][0] = np.nan
    with pytest.raises(FloatingPointError, match=r"loss is nan in epoch 1, minibatch 1: lower lr \(now 3\) or clip"):
        train(model, CORPUS, num_epochs=1, num_steps=10, batch_size=4, optimizer=SGD(3))


def test_greedy_generation_continues_what_was_learned_and_is_the_same_each_time(trained):
    model, _ = trained
    written = generate(model, VOCAB, "the time", 60)
    assert written == ("the time traveller " * 4)[:68]
    assert generate(model, VOCAB, "the time", 60) == written


def test_generation_feeds_each_character_back_with_the_state_carried():
    model = tiny_model()                                    # untrained: nothing but the numbers decide
    written = generate(model, VOCAB, "the", 20)
    for length in range(3, 23):
        Y, _ = model.scores(VOCAB.encode(written[:length])[:, None], model.begin_state(1))
        assert VOCAB.decode([Y[-1, 0].argmax()]) == written[length]


def test_temperature_draws_are_reproducible_and_differ_between_seeds():
    model = tiny_model()

    def written(seed):
        return generate(model, VOCAB, "time", 40, temperature=1.0, rng=np.random.default_rng(seed))
    assert written(1) == written(1)
    assert written(1) != written(2)
    assert generate(model, VOCAB, "time", 40, temperature=1.0) == written(0)
    assert len(written(1)) == 44
    assert written(1).startswith("time")


def test_a_low_temperature_is_greedy_and_a_high_one_is_a_guess_at_random(trained):
    model, _ = trained
    assert generate(model, VOCAB, "the", 40, temperature=1e-3) == generate(model, VOCAB, "the", 40)
    drawn = VOCAB.encode(generate(model, VOCAB, "t", 2000, temperature=1e6))
    counts = np.bincount(drawn, minlength=len(VOCAB))
    assert (np.abs(counts / len(drawn) - 1 / len(VOCAB)) < 0.03).all()    # 4.5 standard deviations


def test_no_characters_more_is_the_prefix_alone(trained):
    assert generate(trained[0], VOCAB, "time", 0) == "time"


def run(**changed):
    sizes = {"num_epochs": 1, "num_steps": 10, "batch_size": 4, "optimizer": SGD(1.0), **changed}
    return train(tiny_model(), sizes.pop("corpus", CORPUS), **sizes)


@pytest.mark.parametrize(("refused", "message"), [
    (lambda: run(num_epochs=0), r"num_epochs must be at least 1, got 0"),
    (lambda: run(clip=0), r"clip must be greater than 0 .*, got 0"),
    (lambda: run(optimizer=SGD(-1)), r"lr must be greater than 0, got -1"),
    (lambda: run(num_steps=190), r"num_steps = 190 does not fit"),
    (lambda: run(batch_size=0), r"batch_size must be a whole number of at least 1, got 0"),
    (lambda: run(corpus=[]), r"corpus must be a non-empty"),
    (lambda: run(corpus=CORPUS + 1), r"indices must lie between 0 and vocab_size - 1"),
    (lambda: generate(tiny_model(), VOCAB, "", 5), r"prefix must hold at least one character"),
    (lambda: generate(tiny_model(), VOCAB, "Time", 5), r"the character 'T' at position 0 is not in the vocabulary"),
    (lambda: generate(tiny_model(), VOCAB, "time", -1), r"num_chars must be at least 0, got -1"),
    (lambda: generate(tiny_model(), VOCAB, "time", 5, temperature=0), r"temperature must be greater than 0 .* got 0"),
    (lambda: generate(tiny_model(), VOCAB, "time", 5, temperature=float("nan")), r"temperature .* got nan"),
])
def test_what_does_not_fit_is_refused_by_name(refused, message):
    with pytest.raises(ValueError, match=message):
        refused()
