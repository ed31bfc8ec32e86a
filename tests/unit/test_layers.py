"""Embedding, dropout, and cells on top of each other: what they compute, and their gradients."""
import numpy as np
import pytest

from d2l_utils.cells import GRU, LSTM, RNN
from d2l_utils.datasets.text import one_hot
from d2l_utils.layers import Dropout, Embedding, Stacked

NUM_STEPS, BATCH_SIZE = 5, 3
STACKS = {"LSTM on LSTM": lambda rng: [LSTM(3, 4, rng=rng, sigma=0.6), LSTM(4, 2, rng=rng, sigma=0.6)],
          "GRU on RNN on LSTM": lambda rng: [LSTM(3, 2, "full", rng=rng, sigma=0.6), RNN(2, 4, rng=rng, sigma=0.6),
                                             GRU(4, 3, rng=rng, sigma=0.6)]}


def test_an_embedding_is_one_hot_vectors_times_a_matrix(rng):
    embedding = Embedding(7, 4, rng=rng, sigma=0.5)
    X = rng.integers(0, 5, (6, 3))                                  # tokens 5 and 6 do not occur
    vectors = one_hot(X, 7)
    np.testing.assert_array_equal(embedding.forward(X), vectors @ embedding.params["W_e"])
    d_Y = rng.standard_normal((6, 3, 4))
    grads = embedding.backward(X, d_Y)
    np.testing.assert_allclose(grads["W_e"], vectors.reshape(-1, 7).T @ d_Y.reshape(-1, 4), rtol=1e-12, atol=1e-14)
    with pytest.raises(ValueError, match="X must lie between 0 and vocab_size - 1 = 6, got -1 to 3"):
        embedding.forward(np.array([3, -1]))


def test_dropout_keeps_the_mean_and_predicts_with_everything(rng):
    dropout, X = Dropout(0.3, rng=rng), rng.standard_normal((40, 50, 8))
    mask = dropout.mask(*X.shape)
    assert set(np.unique(mask)) == {0.0, 1 / 0.7}
    assert (mask == 0).mean() == pytest.approx(0.3, abs=0.015)       # 16,000 draws: four standard errors
    np.testing.assert_array_equal(dropout.forward(X, mask), X * mask)
    np.testing.assert_array_equal(dropout.backward(mask, X), X * mask)
    np.testing.assert_array_equal(dropout.forward(X), X)
    np.testing.assert_array_equal(dropout.backward(None, X), X)
    assert (Dropout(0.0).mask(*X.shape) == 1).all()
    assert Dropout(0.3, per_sequence=True).mask(*X.shape).shape == (1, 50, 8)
    assert dropout.mask(*X.shape, dtype=np.float32).dtype == np.float32
    for p in (-0.1, 1.0):
        with pytest.raises(ValueError, match="p must be at least 0 and below 1"):
            Dropout(p)


@pytest.mark.parametrize("kind", STACKS)
def test_a_stack_is_its_cells_one_after_the_other_and_has_their_arrays(kind, rng):
    cells = STACKS[kind](rng)
    stack, X = Stacked(cells), rng.standard_normal((NUM_STEPS, BATCH_SIZE, 3))
    trace, last = stack.forward(X, stack.begin_state(BATCH_SIZE))
    H, states = X, ()
    for k, cell in enumerate(cells):
        layer, state = cell.forward(H, cell.begin_state(BATCH_SIZE))
        np.testing.assert_array_equal(trace.layers[k].H, layer.H)
        H, states = layer.H, states + state
        for name, w in cell.params.items():
            assert stack.params[f"{k}.{name}"] is w
    assert len(stack.params) == sum(len(cell.params) for cell in cells)
    np.testing.assert_array_equal(trace.H, H)
    for found, wanted in zip(last, states):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("kind", STACKS)
def test_every_gradient_of_a_stack_by_the_complex_step(kind, masked, rng):
    """As the gradients of the cells are judged: L = sum(A * H) + sum(a * last state), with masks that stay as they are."""
    cells = STACKS[kind](rng)
    stack, masks = Stacked(cells), None
    if masked:
        fresh, once = Dropout(0.4, rng=rng), Dropout(0.4, per_sequence=True, rng=rng)
        masks = [(dropout.mask(NUM_STEPS, BATCH_SIZE, cell.num_inputs),
                  None if isinstance(cell, GRU) else once.mask(1, BATCH_SIZE, cell.num_hiddens)[0])
                 for dropout, cell in zip((fresh, once, fresh), cells)]
    values = {**stack.params, "X": rng.standard_normal((NUM_STEPS, BATCH_SIZE, 3))}
    state = {f"state {n}": 0.5 * rng.standard_normal(s.shape) for n, s in enumerate(stack.begin_state(BATCH_SIZE))}
    values.update(state)
    A = rng.standard_normal((NUM_STEPS, BATCH_SIZE, stack.num_hiddens))
    a = [rng.standard_normal(s.shape) for s in state.values()]
    trace, _ = stack.forward(values["X"], tuple(state.values()), masks)
    grads, d_X, d_state = stack.backward(trace, A, a)
    found = {**grads, "X": d_X, **dict(zip(state, d_state))}
    as_complex = {name: w.astype(complex) for name, w in values.items()}
    for k, cell in enumerate(cells):
        cell.params = {name: as_complex[f"{k}.{name}"] for name in cell.params}
    assert found.keys() == values.keys()
    for name, w in as_complex.items():
        wanted = np.empty(w.shape)
        for index in np.ndindex(w.shape):
            w[index] += 1e-30j
            trace, last = stack.forward(as_complex["X"], tuple(as_complex[part] for part in state), masks)
            wanted[index] = ((A * trace.H).sum() + sum((u * s).sum() for u, s in zip(a, last))).imag / 1e-30
            w[index] = values[name][index]
        assert np.linalg.norm(found[name] - wanted) < 1e-12 * np.linalg.norm(wanted), name


def test_what_does_not_fit_is_refused(rng):
    with pytest.raises(ValueError, match=r"num_inputs = num_hiddens of the one below, got \[\(3, 4\), \(5, 2\)\]"):
        Stacked([LSTM(3, 4), LSTM(5, 2)])
    with pytest.raises(ValueError, match="cells must be a list of at least one"):
        Stacked([])
    stack, X = Stacked([LSTM(3, 4), GRU(4, 2)]), np.zeros((2, 1, 3))
    with pytest.raises(ValueError, match="state must be a tuple of 3, the states of all layers from below, got 2 of them"):
        stack.forward(X, stack.begin_state(1)[:2])
    with pytest.raises(ValueError, match=r"hidden states can be masked for an LSTM or RNN, .* not for a GRU"):
        stack.forward(X, stack.begin_state(1), [(None, None), (None, np.ones((1, 2)))])
