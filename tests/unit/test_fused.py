"""The fast model is the plain one: values, gradients, carried state, updates, text, and no allocation in its loops."""
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from d2l_utils.cells import GRU, LSTM, RNN
from d2l_utils.datasets.text import Vocab, consecutive_batches
from d2l_utils.fused import ClippedAdam, ClippedSGD, FusedModel
from d2l_utils.optim import SGD, Adam, clip_by_global_norm
from d2l_utils.training import LanguageModel, generate, train

VOCAB = Vocab("the time traveller ")
CORPUS = VOCAB.encode("the time traveller " * 40)


def plain_model(vocab_size=10, num_hiddens=16, seed=1, dtype=np.float64, sigma=0.5):
    """A LanguageModel none of whose parameters is zero."""
    rng = np.random.default_rng(seed)
    model = LanguageModel(LSTM(vocab_size, num_hiddens, dtype=dtype, rng=rng, sigma=sigma), sigma=sigma)
    for name, w in model.params.items():
        if name.startswith("b_"):
            w[...] = rng.standard_normal(w.shape)
    return model


def equal(found, wanted, tolerance):
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance)


SIZES = st.tuples(*(st.integers(1, n) for n in (9, 5, 12, 7)), st.integers(0, 99))


@given(SIZES)
def test_values_and_gradients_are_the_plain_cells_over_several_minibatches(sizes):
    num_steps, batch_size, num_hiddens, vocab_size, seed = sizes
    rng, plain = np.random.default_rng(seed), plain_model(vocab_size, num_hiddens, seed)
    fused = FusedModel(plain)
    state, fused_state = plain.begin_state(batch_size), fused.begin_state(batch_size)
    for _ in range(3):
        X, Y = rng.integers(vocab_size, size=(2, num_steps, batch_size))
        scores, _ = plain.scores(X, state)
        fused_scores, _ = fused.scores(X, fused_state)
        equal(fused_scores, scores, 1e-12)
        loss, grads, state = plain.loss_and_grads(X, Y, state)
        fused_loss, fused_grads, fused_state = fused.loss_and_grads(X, Y, fused_state)
        assert fused_loss == pytest.approx(loss, rel=1e-12)
        for s, wanted in zip(fused_state, state):
            equal(s, wanted, 1e-12)
        blocks = fused.blocks(fused_grads["W"])
        assert blocks.keys() == grads.keys()
        for name, block in blocks.items():
            equal(block.T, grads[name], 1e-10)
        assert np.square(fused_grads["W"]).sum() == pytest.approx(sum(np.square(g).sum() for g in grads.values()), rel=1e-10)


def test_float32_stays_float32_and_close(rng):
    plain, X, Y = plain_model(dtype=np.float32), *rng.integers(len(VOCAB), size=(2, 20, 4))
    fused = FusedModel(plain)
    _, grads, _ = plain.loss_and_grads(X, Y, plain.begin_state(4))
    _, fused_grads, state = fused.loss_and_grads(X, Y, fused.begin_state(4))
    one = fused.one_by_one(fused.begin_state(1))(0)
    buffers = [a for a in (fused.W_of_H, *vars(fused.buffers).values()) if isinstance(a, np.ndarray) and a.dtype.kind == "f"]
    assert {a.dtype for a in buffers} == {np.dtype(np.float32)}
    assert {a.dtype for a in (*state, fused_grads["W"], fused.scores(X, state)[0], one)} == {np.dtype(np.float32)}
    for name, block in fused.blocks(fused_grads["W"]).items():
        equal(block.T, grads[name], 1e-5)


@pytest.mark.parametrize(("small", "blocks"), [(0, (1, 1)), (10 ** 6, (8, 2)), (5000, (16, 16))])
def test_products_in_blocks_are_the_whole_products(small, blocks, rng, monkeypatch):
    """small: the most multiplications of a product that its BLAS calls small."""
    monkeypatch.setattr("d2l_utils.fused._small_products", lambda: small)
    plain = plain_model(num_hiddens=64, sigma=0.1)
    fused, (X, Y) = FusedModel(plain), rng.integers(10, size=(2, 7, 4))
    loss, grads, _ = plain.loss_and_grads(X, Y, plain.begin_state(4))
    assert fused.loss_and_grads(X, Y, fused.begin_state(4))[0] == pytest.approx(loss, rel=1e-12)
    assert (len(fused.buffers.W_blocks), len(fused.buffers.W_of_H_blocks)) == blocks
    for name, block in fused.blocks(fused.d_W).items():
        equal(block.T, grads[name], 1e-10)


def test_weights_go_in_and_come_back_bit_for_bit():
    plain = plain_model(dtype=np.float32)
    again = FusedModel(plain).to_plain()
    assert again.params.keys() == plain.params.keys()
    for name, w in plain.params.items():
        assert again.params[name].dtype == w.dtype
        assert (again.params[name] == w).all()
        assert not np.shares_memory(again.params[name], w)


@pytest.mark.parametrize(("optimizer", "clipped"), [(SGD, ClippedSGD), (Adam, ClippedAdam)])
@pytest.mark.parametrize("clip", [0.05, 1e3])
def test_clipped_updates_are_those_of_optim(optimizer, clipped, clip, rng):
    """clip: once always active, once never."""
    params = {"w": rng.standard_normal((5, 3)), "b": rng.standard_normal(3)}
    fast = {name: w.copy() for name, w in params.items()}
    slow_one, fast_one = optimizer(0.1), clipped(0.1, clip)
    for _ in range(6):
        grads = {name: rng.standard_normal(w.shape) for name, w in params.items()}
        fast_one.step(fast, {name: g.copy() for name, g in grads.items()})
        assert (clip_by_global_norm(grads, clip) > clip) == (clip < 1)
        slow_one.step(params, grads)
        for name, w in params.items():
            equal(fast[name], w, 1e-12)


def test_scores_of_a_thousand_do_not_overflow(rng):
    plain, X, Y = plain_model(), *rng.integers(10, size=(2, 3, 2))
    plain.params["b_q"][...] = rng.choice([-1000.0, 1000.0], 10)
    plain.params["W_hq"] *= 10_000                          # a token's largest score is far from another's
    fused = FusedModel(plain)
    loss, grads, _ = plain.loss_and_grads(X, Y, plain.begin_state(2))
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        assert fused.loss_and_grads(X, Y, fused.begin_state(2))[0] == pytest.approx(loss, rel=1e-12)
    for name, block in fused.blocks(fused.d_W).items():
        equal(block.T, grads[name], 1e-10)


def test_clipped_adam_takes_the_constants_of_adam(rng):
    constants = {"beta1": 0.8, "beta2": 0.95, "eps": 0.5}
    slow_one, fast_one = Adam(0.1, **constants), ClippedAdam(0.1, 1e3, **constants)
    params, fast = {"w": np.ones(4)}, {"w": np.ones(4)}
    for _ in range(3):
        g = rng.standard_normal(4)
        slow_one.step(params, {"w": g.copy()})
        fast_one.step(fast, {"w": g.copy()})
        equal(fast["w"], params["w"], 1e-12)


@pytest.mark.parametrize(("optimizer", "fast"), [(SGD(2.0), ClippedSGD(2.0, 0.1)), (Adam(0.02), ClippedAdam(0.02, 0.1))])
def test_the_training_loop_takes_it_and_ends_with_the_same_weights_and_text(optimizer, fast):
    sizes = {"num_epochs": 3, "num_steps": 10, "batch_size": 4}
    plain, fused = plain_model(), FusedModel(plain_model())
    history = train(plain, CORPUS, optimizer=optimizer, clip=0.1, **sizes)
    fused_history = train(fused, CORPUS, optimizer=fast, **sizes)
    equal([e.perplexity for e in fused_history], [e.perplexity for e in history], 1e-9)
    for name, w in fused.to_plain().params.items():
        equal(w, plain.params[name], 1e-9)
    assert generate(fused, VOCAB, "time", 200) == generate(plain, VOCAB, "time", 200)
    assert generate(fused, VOCAB, "time", 99, temperature=1.0) == generate(plain, VOCAB, "time", 99, temperature=1.0)


def test_the_training_loops_own_clipping_serves_it_too():
    sizes = {"num_epochs": 2, "num_steps": 10, "batch_size": 4, "clip": 0.1}
    plain, fused = plain_model(), FusedModel(plain_model())
    train(plain, CORPUS, optimizer=SGD(2.0), **sizes)
    train(fused, CORPUS, optimizer=SGD(2.0), **sizes)
    for name, w in fused.to_plain().params.items():
        equal(w, plain.params[name], 1e-9)


def test_one_character_at_a_time_is_the_whole_text_at_once(rng):
    fused, X = FusedModel(plain_model()), rng.integers(len(VOCAB), size=(30, 1))
    start = tuple(rng.standard_normal((2, 1, 16)))
    kept, (whole, last) = [s.copy() for s in start], fused.scores(X, start)
    read, state = fused.one_by_one(start), start
    fused.one_by_one(start)(3)                              # two texts at a time are two texts
    for t in range(30):
        Y, state = fused.scores(X[t:t + 1], state)
        equal(Y[0], whole[t], 1e-12)
        equal(read(X[t, 0]), whole[t, 0], 1e-12)
    for s, wanted in zip((*state, *start), (*last, *kept)):
        equal(s, wanted, 1e-12)


def test_a_text_is_written_with_the_weights_that_it_began_with():
    fused = FusedModel(plain_model())
    read, again = (fused.one_by_one(fused.begin_state(1)) for _ in range(2))
    fused.W[...] = 0
    assert (read(3) == again(3)).all()
    assert (read(3) != 0).any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_reading_a_character_allocates_no_array(dtype):
    fused = FusedModel(plain_model(num_hiddens=256, dtype=dtype))
    read = fused.one_by_one(fused.begin_state(1))
    assert read(3).dtype == dtype
    tracemalloc.start()
    try:
        read(3)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 256 * fused.W.itemsize                    # less than a state


def test_a_change_of_shape_between_minibatches_leaves_no_trace(rng):
    fused, fresh = FusedModel(plain_model()), FusedModel(plain_model())
    long, short = rng.integers(len(VOCAB), size=(2, 9, 4)), rng.integers(len(VOCAB), size=(2, 5, 2))
    for X, Y in (long, short, long):
        fused.loss_and_grads(X, Y, fused.begin_state(X.shape[1]))
    fresh.loss_and_grads(*long, fresh.begin_state(4))
    assert (fused.d_W == fresh.d_W).all()


def test_the_states_that_come_out_are_not_written_over(rng):
    fused, (X, Y) = FusedModel(plain_model()), rng.integers(len(VOCAB), size=(2, 9, 4))
    _, _, state = fused.loss_and_grads(X, Y, fused.begin_state(4))
    scores, _ = fused.scores(X, state)
    kept = [a.copy() for a in (*state, scores)]
    fused.loss_and_grads(Y, X, state)
    for a, wanted in zip((*state, scores), kept):
        assert (a == wanted).all()


def test_the_scores_get_no_weights_from_the_character_they_guess(rng):
    fused, (X, Y) = FusedModel(plain_model()), rng.integers(len(VOCAB), size=(2, 9, 4))
    adam = ClippedAdam(0.1, 1.0)
    for _ in range(3):
        adam.step(fused.params, fused.loss_and_grads(X, Y, fused.begin_state(4))[1])
    assert (fused.W[4 * 16:, 17:] == 0).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("direction", ["_forward_steps", "_backward_steps"])
def test_the_loops_over_time_allocate_no_array(direction, dtype, rng):
    fused = FusedModel(plain_model(num_hiddens=128, dtype=dtype, sigma=0.1))
    X, Y = next(consecutive_batches(CORPUS, 16, 20))
    fused.loss_and_grads(X, Y, fused.begin_state(16))
    run = getattr(fused, direction)
    run(fused.buffers)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        run(fused.buffers)
        peak = tracemalloc.get_traced_memory()[1] - before
        copied = fused.buffers.C[0].copy()                  # tracemalloc sees NumPy's arrays at all
        assert tracemalloc.get_traced_memory()[0] - before >= copied.nbytes
    finally:
        tracemalloc.stop()
    assert peak < copied.nbytes / 4                         # less than a quarter of the smallest array of a step


@pytest.mark.parametrize("optimizer", [ClippedSGD(0.1, 0.1), ClippedAdam(0.1, 0.1)])
def test_an_update_allocates_no_array_after_its_first(optimizer, rng):
    params, grads = {"w": np.ones((100, 100))}, {"w": np.ones((100, 100))}
    optimizer.step(params, grads)
    tracemalloc.start()
    try:
        optimizer.step(params, grads)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < params["w"].nbytes / 4


X = np.zeros((3, 2), int)


def fused_on(X=X, Y=X, state=None):
    fused = FusedModel(plain_model())
    return fused.loss_and_grads(X, Y, fused.begin_state(2) if state is None else state)


@pytest.mark.parametrize(("refused", "message"), [
    (lambda: FusedModel(LSTM(3, 4)), r"model must be a LanguageModel .*, got LSTM with NoneType"),
    (lambda: FusedModel(LanguageModel(RNN(3, 4))), r"got LanguageModel with RNN, peepholes None"),
    (lambda: FusedModel(LanguageModel(GRU(3, 4))), r"got LanguageModel with GRU"),
    (lambda: FusedModel(LanguageModel(LSTM(3, 4, "full"))), r"without peepholes, got .* peepholes full"),
    (lambda: FusedModel(LanguageModel(LSTM(3, 4, dtype=np.complex128))), r"float32 or float64, got complex128"),
    (lambda: FusedModel(LanguageModel(LSTM(3, 4, dtype=np.float16))), r"float32 or float64, got float16"),
    (lambda: FusedModel(LanguageModel(LSTM(3, 4, forget_bias=np.inf))), r"model must have finite parameters"),
    (lambda: FusedModel(plain_model()).begin_state(0), r"batch_size must be a whole number of at least 1, got 0"),
    (lambda: fused_on(X=X + len(VOCAB)), r"X must lie between 0 and vocab_size - 1"),
    (lambda: ClippedAdam(1, 0), r"clip must be greater than 0, got 0"),
    (lambda: FusedModel(plain_model()).scores(X - 1, None), r"^X must lie between 0 .* got -1 to -1"),
    (lambda: fused_on(X=X - 1), r"^X must lie between 0 .* got -1 to -1"),
    (lambda: fused_on(X=X + 0.5), r"X must be whole numbers, got float64"),
    (lambda: fused_on(X=X[0]), r"X must have the shape \(num_steps >= 1, batch_size >= 1\), got \(2,\)"),
    (lambda: fused_on(X=X[:0]), r"X must have the shape .* got \(0, 2\)"),
    (lambda: fused_on(Y=X + len(VOCAB)), r"Y must lie between 0 and vocab_size - 1"),
    (lambda: fused_on(Y=X[1:]), r"Y must have the shape of X, \(3, 2\), got \(2, 2\)"),
    (lambda: fused_on(state=(np.zeros((3, 16)),) * 2), r"state must be \(H, C\) of the shapes .*\(2, 16\).* got .*\(3, 16\)"),
    (lambda: fused_on(state=(np.zeros((2, 16)),)), r"state must be \(H, C\)"),
    (lambda: FusedModel(plain_model()).one_by_one((np.zeros((2, 16)),) * 2), r"of the shapes .*\(1, 16\).* got .*\(2, 16\)"),
    (lambda: ClippedSGD(0.1, 0), r"clip must be greater than 0, got 0"),
    (lambda: ClippedAdam(0.1, float("nan")), r"clip must be greater than 0, got nan"),
    (lambda: ClippedSGD(-1, 1).step({"w": np.ones(2)}, {"w": np.ones(2)}), r"lr must be greater than 0, got -1"),
    (lambda: ClippedAdam(1, 1).step({"w": np.ones((3, 2))}, {"w": np.ones(2)}), r"grads\['w'\] .* \(3, 2\), got \(2,\)"),
])
def test_what_does_not_fit_is_refused_by_name(refused, message):
    with pytest.raises(ValueError, match=message):
        refused()


def test_a_loss_that_is_no_number_stops_the_training():
    fused = FusedModel(plain_model())
    fused.blocks(fused.W)["b_q"][-1] = np.nan
    with pytest.raises(FloatingPointError, match="loss is nan in epoch 1, minibatch 1"):
        train(fused, CORPUS, num_epochs=1, num_steps=10, batch_size=4, optimizer=ClippedSGD(1.0, 1.0))
