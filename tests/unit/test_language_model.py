"""The stacked language model: gradients through all of its layers, its two modes, its state, and the same in Gluon."""
import numpy as np
import pytest

from d2l_utils.datasets.text import consecutive_batches
from d2l_utils.language_model import StackedLanguageModel, fit, losses
from d2l_utils.losses import cross_entropy, perplexity
from d2l_utils.optim import SGD, Adam
from d2l_utils.training import train

VOCAB_SIZE, NUM_HIDDENS, NUM_STEPS, BATCH_SIZE = 6, 4, 5, 3
KINDS = {"plain": {}, "tied": {"tied": True}, "variational": {"variational": True},
         "variational, tied": {"variational": True, "tied": True}}


def small_model(dtype=np.float64, **changed):
    return StackedLanguageModel(VOCAB_SIZE, NUM_HIDDENS, dtype=dtype, bound=0.7, **{"dropout": 0.4, **changed})


def minibatch(rng):
    X, Y = rng.integers(0, VOCAB_SIZE, (2, NUM_STEPS, BATCH_SIZE))
    return X, Y


def random_state(model, rng):
    return tuple(0.5 * rng.standard_normal(s.shape) for s in model.begin_state(BATCH_SIZE))


def complex_loss(model, masks, X, Y, state):
    """The loss as `cross_entropy` has it, of scores that are complex numbers."""
    scores, _, _ = model.forward(X, state, masks)
    log_p = scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True))
    return -np.take_along_axis(log_p, Y[..., None], axis=-1).mean()


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_every_gradient_through_embedding_dropouts_lstms_and_dense_by_the_complex_step(kind, training, rng):
    model = small_model(**KINDS[kind])
    masks = model.draw_masks(NUM_STEPS, BATCH_SIZE) if training else None
    (X, Y), state = minibatch(rng), random_state(model, rng)
    _, grads, _ = model.loss_and_grads_with(masks, X, Y, state)
    twin = small_model(complex, **KINDS[kind])
    for name, w in twin.params.items():
        w[...] = model.params[name]
    assert grads.keys() == model.params.keys()
    for name, w in twin.params.items():
        wanted = np.empty(w.shape)
        for index in np.ndindex(w.shape):
            w[index] += 1e-30j
            wanted[index] = complex_loss(twin, masks, X, Y, state).imag / 1e-30
            w[index] = model.params[name][index]
        assert np.linalg.norm(grads[name] - wanted) < 1e-12 * np.linalg.norm(wanted), name


def test_the_masks_of_zaremba_are_fresh_at_each_step_and_spare_the_hidden_state_those_of_gal_are_one_a_sequence(rng):
    layer_masks, dense_mask = small_model(num_layers=2).draw_masks(200, BATCH_SIZE)
    for mask in (*(x_mask for x_mask, _ in layer_masks), dense_mask):
        assert mask.shape == (200, BATCH_SIZE, NUM_HIDDENS)
        assert set(np.unique(mask)) == {0.0, 1 / 0.6}
        assert mask.mean() == pytest.approx(1, abs=0.06)        # 2,400 draws with a spread of 0.82: 3.6 standard errors
    assert [h_mask for _, h_mask in layer_masks] == [None, None]
    layer_masks, dense_mask = small_model(variational=True).draw_masks(200, 50)
    for mask in (*(x_mask for x_mask, _ in layer_masks), dense_mask):
        assert mask.shape == (1, 50, NUM_HIDDENS)
        assert len(np.unique(mask, axis=1)[0]) > 1              # not the same for all sequences
    assert [h_mask.shape for _, h_mask in layer_masks] == [(50, NUM_HIDDENS)] * 2


def test_training_draws_new_masks_each_time_and_prediction_none(rng):
    model, (X, Y) = small_model(), minibatch(rng)
    state = model.begin_state(BATCH_SIZE)
    losses = [model.loss_and_grads(X, Y, state)[0] for _ in range(3)]
    assert len(set(losses)) == 3
    (scores, _), (again, _) = model.scores(X, state), model.scores(X, state)
    np.testing.assert_array_equal(scores, again)
    without = small_model(dropout=0.0)
    for name, w in model.params.items():
        without.params[name][...] = w
    loss, _, _ = without.loss_and_grads(X, Y, state)
    assert cross_entropy(scores, Y)[0] == pytest.approx(loss, rel=1e-13)


def test_a_hidden_state_that_is_masked_never_reaches_the_next_step(rng):
    model = small_model(variational=True)
    (x_mask, h_mask), above = model.draw_masks(NUM_STEPS, BATCH_SIZE)[0]
    h_mask[:, 2] = 0
    X, (H, *rest) = minibatch(rng)[0], random_state(model, rng)
    other = H + np.eye(NUM_HIDDENS)[2]
    found = [model.forward(X, (start, *rest), ([(x_mask, h_mask), above], None))[0] for start in (H, other)]
    np.testing.assert_array_equal(*found)


def test_the_state_is_carried_from_minibatch_to_minibatch_and_begin_state_resets(rng):
    model, X = small_model(), rng.integers(0, VOCAB_SIZE, (12, BATCH_SIZE))
    whole, last = model.scores(X, model.begin_state(BATCH_SIZE))
    first, state = model.scores(X[:5], model.begin_state(BATCH_SIZE))
    second, state = model.scores(X[5:], state)
    np.testing.assert_allclose(np.concatenate([first, second]), whole, rtol=1e-12)
    for found, wanted in zip(state, last):
        np.testing.assert_allclose(found, wanted, rtol=1e-12)
    reset, _ = model.scores(X[5:], model.begin_state(BATCH_SIZE))
    assert np.abs(reset - second).max() > 0.01


def test_every_parameter_is_drawn_from_the_interval_the_forget_bias_too_unless_it_is_set():
    model = StackedLanguageModel(50, 40)
    for name, w in model.params.items():
        assert 0.08 < np.abs(w).max() <= 0.1, name
        assert abs(w.mean()) < 0.05, name
    model = StackedLanguageModel(50, 40, forget_bias=1.0)
    assert [(w == 1).all() for name, w in model.params.items() if name.endswith("b_f")] == [True, True]
    assert np.abs(model.params["1.b_i"]).max() <= 0.1


def test_tied_weights_are_one_array_with_two_uses():
    model = small_model(tied=True)
    assert "W_hq" not in model.params
    model.params["W_e"][1] = 7.0
    np.testing.assert_array_equal(model.dense.params["W_hq"][:, 1], 7.0)


@pytest.mark.parametrize("batch_size", [1, 3])
def test_every_token_has_its_loss_however_the_text_is_read(batch_size, rng):
    model, corpus = small_model(), rng.integers(0, VOCAB_SIZE, 60)
    strips = corpus.reshape(batch_size, -1).T
    scores, _ = model.scores(strips[:-1], model.begin_state(batch_size))
    wanted = cross_entropy(scores, strips[1:])[0]
    for num_steps in (1, 7, 100):
        found = losses(model, corpus, batch_size, num_steps)
        assert found.shape == (60 // batch_size - 1, batch_size)
        assert found.mean() == pytest.approx(wanted, rel=1e-12)
    assert losses(model, corpus)[0, 0] == pytest.approx(cross_entropy(model.scores(corpus[:1, None], model.begin_state(1))[0],
                                                                      corpus[1:2, None])[0], rel=1e-12)


def test_training_stops_when_another_text_gets_worse_and_keeps_what_was_best_there(rng):
    """An endless repetition is learned, then known by heart; the other text is noise, so that soon each epoch harms."""
    model = small_model(dropout=0.0)
    corpus, noise = np.tile(rng.integers(0, VOCAB_SIZE, 10), 20), rng.integers(0, VOCAB_SIZE, 80)
    optimizer = Adam(0.03)
    history = fit(model, corpus, noise, num_epochs=30, num_steps=10, batch_size=4, optimizer=optimizer, clip=1.0, patience=3)
    assert optimizer.lr == pytest.approx(0.03 * (31 - len(history)) / 30)
    best = min(history, key=lambda judged: judged.validation)
    assert len(history) == best.epoch + 3 < 30
    assert history[-1].training < history[0].training
    assert perplexity(losses(model, noise, batch_size=8).mean()) == pytest.approx(best.validation, rel=1e-12)


def relative_error(found, wanted):
    return np.linalg.norm(found - wanted) / np.linalg.norm(wanted)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-6), ("float64", 1e-13)])
@pytest.mark.parametrize("num_layers", [1, 2])
def test_gluons_layers_give_the_same_scores_gradients_and_states(num_layers, dtype, tolerance, mx, rng):
    """Dropout off, over three minibatches, so that the state is carried. Every number is smaller than 1."""
    from d2l_utils.gluon import GluonStackedModel
    ours = StackedLanguageModel(20, 16, num_layers, dropout=0.0, dtype=dtype, bound=0.3)
    theirs = GluonStackedModel(ours, dtype)
    state, their_state = ours.begin_state(4), theirs.begin_state(4)
    if dtype == "float64":
        their_state = [s.astype(dtype) for s in their_state]
    for X, Y in consecutive_batches(rng.integers(0, 20, 100), 4, 7):
        scores, their_scores = ours.scores(X, state)[0], theirs.scores(X, their_state)[0]
        np.testing.assert_allclose(their_scores, scores, rtol=0, atol=tolerance)
        loss, grads, state = ours.loss_and_grads(X, Y, state)
        their_loss, their_grads, their_state = theirs.loss_and_grads(X, Y, their_state)
        assert their_loss == pytest.approx(loss, rel=tolerance)
        named = theirs.named(their_grads)
        assert named.keys() == grads.keys()
        pairs = [*((named[name], g) for name, g in grads.items()), *((s.asnumpy()[0], w) for s, w in zip(their_state, state))]
        for found, wanted in pairs:
            np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance)
            assert relative_error(found, wanted) < 10 * tolerance


def test_training_in_gluon_takes_our_steps(mx, rng):
    from d2l_utils.gluon import GluonStackedModel
    ours, corpus = small_model(np.float32, dropout=0.0), rng.integers(0, VOCAB_SIZE, 200)
    theirs = GluonStackedModel(ours)
    for model in (ours, theirs):
        train(model, corpus, num_epochs=2, num_steps=10, batch_size=4, optimizer=SGD(0.5), clip=0.5)
    for name, w in theirs.named(theirs.params).items():
        assert relative_error(w, ours.params[name]) < 1e-5, name


def test_gluons_dropout_works_in_training_and_not_in_prediction(mx, rng):
    from d2l_utils.gluon import GluonStackedModel
    theirs = GluonStackedModel(small_model(np.float32))
    X, Y = minibatch(rng)
    state = theirs.begin_state(BATCH_SIZE)
    assert len({theirs.loss_and_grads(X, Y, state)[0] for _ in range(3)}) == 3
    np.testing.assert_array_equal(theirs.scores(X, state)[0], theirs.scores(X, state)[0])
    with pytest.raises(ValueError, match="model must be a StackedLanguageModel that is not tied"):
        GluonStackedModel(small_model(tied=True))
