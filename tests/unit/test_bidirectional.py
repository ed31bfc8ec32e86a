"""Two cells over one sequence: what each step sees, sequences of different lengths, and the gradients."""
import copy

import numpy as np
import pytest

from d2l_utils.cells import GRU, LSTM, RNN
from d2l_utils.layers import Bidirectional, Stacked, reverse

NUM_STEPS, NUM_INPUTS = 6, 3
LENGTHS = np.array([4, 6, 1, 5])
BATCH_SIZE = len(LENGTHS)
PAIRS = {"LSTM": lambda rng: (LSTM(NUM_INPUTS, 4, rng=rng, sigma=0.6), LSTM(NUM_INPUTS, 4, rng=rng, sigma=0.6)),
         "LSTM, diagonal peepholes": lambda rng: (LSTM(NUM_INPUTS, 4, "diagonal", rng=rng, sigma=0.6),
                                                  LSTM(NUM_INPUTS, 2, "diagonal", rng=rng, sigma=0.6)),
         "GRU and RNN": lambda rng: (GRU(NUM_INPUTS, 2, rng=rng, sigma=0.6), RNN(NUM_INPUTS, 3, rng=rng, sigma=0.6))}


def one(kind, rng):
    return Bidirectional(*PAIRS[kind](rng))


def two(kind, rng):
    """Two of them on top of each other, the upper one of LSTMs."""
    below = one(kind, rng)
    return Stacked([below, Bidirectional(*(LSTM(below.num_hiddens, 2, "diagonal", rng=rng, sigma=0.6) for _ in range(2)))])


MODELS = {**{kind: lambda rng, kind=kind: one(kind, rng) for kind in PAIRS},
          "stack": lambda rng: two("LSTM, diagonal peepholes", rng)}


def data(rng):
    return rng.standard_normal((NUM_STEPS, BATCH_SIZE, NUM_INPUTS))


def run(model, X, lengths, state=None):
    """trace.H and the last state."""
    trace, last = model.forward(X, model.begin_state(X.shape[1]) if state is None else state, lengths=lengths)
    return trace.H, last


def gradients(model, X, lengths, d_H):
    """All that `backward` gives, in one list: of the parameters in their order, of X, of the initial state."""
    trace, _ = model.forward(X, model.begin_state(X.shape[1]), lengths=lengths)
    grads, d_X, d_state = model.backward(trace, d_H)
    assert grads.keys() == model.params.keys()
    return [*(grads[name] for name in model.params), d_X, *d_state]


def test_reverse_turns_each_sequence_within_its_length_and_back():
    X = np.arange(12).reshape(4, 3)
    np.testing.assert_array_equal(reverse(X, np.array([4, 1, 3])), [[9, 1, 8], [6, 4, 5], [3, 7, 2], [0, 10, 11]])
    np.testing.assert_array_equal(reverse(reverse(X, np.array([2, 3, 4])), np.array([2, 3, 4])), X)
    np.testing.assert_array_equal(reverse(X), X[::-1])


@pytest.mark.parametrize("kind", PAIRS)
def test_both_directions_are_the_cells_own_each_sequence_by_itself(kind, rng):
    ahead, back = PAIRS[kind](rng)
    model, X = Bidirectional(ahead, back), data(rng)
    state = tuple(rng.standard_normal(s.shape) for s in model.begin_state(BATCH_SIZE))
    H, last = run(model, X, LENGTHS, state)
    parts = len(ahead.state_names)
    for n, length in enumerate(LENGTHS):
        alone = [s[n:n + 1] for s in state]
        there, after = ahead.forward(X[:length, n:n + 1], tuple(alone[:parts]))
        again, before = back.forward(X[:length, n:n + 1][::-1], tuple(alone[parts:]))
        wanted = np.concatenate([there.H, again.H[::-1]], axis=-1)[:, 0]
        np.testing.assert_allclose(H[:length, n], wanted, rtol=1e-12, atol=1e-15)
        assert not H[length:, n].any()
        for found, s in zip(last, (*after, *before)):
            np.testing.assert_allclose(found[n], s[0], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", MODELS)
def test_the_arrays_are_the_cells_own(name, rng):
    model = MODELS[name](rng)
    inner = model.cells.items() if isinstance(model, Bidirectional) else enumerate(model.cells)
    wanted = {f"{key}.{part}": w for key, cell in inner for part, w in cell.params.items()}
    assert list(model.params) == list(wanted)
    assert all(model.params[key] is w for key, w in wanted.items())


def test_each_step_depends_on_all_steps_of_its_sequence_and_on_nothing_else(rng):
    model, X = one("LSTM", rng), data(rng)
    H, _ = run(model, X, LENGTHS)
    for t in range(NUM_STEPS):
        for n in range(BATCH_SIZE):
            changed = X.copy()
            changed[t, n] += 1.0
            moved = (run(model, changed, LENGTHS)[0] != H).any(axis=-1)
            wanted = np.zeros((NUM_STEPS, BATCH_SIZE), bool)
            if t < LENGTHS[n]:
                wanted[:LENGTHS[n], n] = True
            np.testing.assert_array_equal(moved, wanted)


@pytest.mark.parametrize("name", MODELS)
def test_what_stands_in_the_padding_changes_no_bit(name, rng):
    """Neither of the outputs nor of any gradient, whatever the loss may ask of padded steps."""
    model, X = MODELS[name](rng), data(rng)
    d_H = rng.standard_normal((NUM_STEPS, BATCH_SIZE, model.num_hiddens))
    padding = np.arange(NUM_STEPS)[:, None] >= LENGTHS
    H, last = run(model, X, LENGTHS)
    wanted = gradients(model, X, LENGTHS, d_H)
    assert not wanted[len(model.params)][padding].any()             # d_X
    for rubbish in (0.0, 1e300, np.nan):
        other, other_d_H = X.copy(), d_H.copy()
        other[padding], other_d_H[padding] = rubbish, rubbish
        other_H, other_last = run(model, other, LENGTHS)
        found = gradients(model, other, LENGTHS, other_d_H)
        for a, b in zip((H, *last, *wanted), (other_H, *other_last, *found)):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", MODELS)
def test_more_padding_changes_no_bit(name, rng):
    model, X = MODELS[name](rng), data(rng)
    d_H = rng.standard_normal((NUM_STEPS, BATCH_SIZE, model.num_hiddens))
    longer, longer_d_H = (np.concatenate([A, np.ones((3, *A.shape[1:]))]) for A in (X, d_H))
    (H, last), (longer_H, longer_last) = run(model, X, LENGTHS), run(model, longer, LENGTHS)
    np.testing.assert_array_equal(longer_H[:NUM_STEPS], H)
    for a, b in zip(last, longer_last):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(gradients(model, X, LENGTHS, d_H), gradients(model, longer, LENGTHS, longer_d_H)):
        np.testing.assert_array_equal(a, b[:NUM_STEPS] if a.shape[0] == NUM_STEPS and b.shape[0] == NUM_STEPS + 3 else b)


@pytest.mark.parametrize("name", MODELS)
def test_other_sequences_in_the_minibatch_change_nothing(name, rng):
    """To rounding: the matrix product of three rows may sum in another order than that of one row."""
    model, X = MODELS[name](rng), data(rng)
    d_H = rng.standard_normal((NUM_STEPS, BATCH_SIZE, model.num_hiddens))
    H, last = run(model, X, LENGTHS)
    together = gradients(model, X, LENGTHS, d_H)
    count, alone = len(model.params), []
    for n, length in enumerate(LENGTHS):
        found_H, found_last = run(model, X[:length, n:n + 1], None)
        np.testing.assert_allclose(H[:length, n:n + 1], found_H, rtol=1e-12, atol=1e-15)
        for a, b in zip(last, found_last):
            np.testing.assert_allclose(a[n:n + 1], b, rtol=1e-12, atol=1e-15)
        alone.append(gradients(model, X[:length, n:n + 1], None, d_H[:length, n:n + 1]))
        np.testing.assert_allclose(together[count][:length, n:n + 1], alone[-1][count], rtol=1e-11, atol=1e-14)
    for k in range(count):
        np.testing.assert_allclose(together[k], sum(found[k] for found in alone), rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("ragged", [True, False])
@pytest.mark.parametrize("name", MODELS)
def test_every_gradient_along_random_directions_by_the_complex_step(name, ragged, rng):
    """L = sum(A * H), and without lengths + sum(a * last state): its gradient in all that went in."""
    model, X = MODELS[name](rng), data(rng)
    for key in (key for key in model.params if ".b_" in key):
        model.params[key] += 0.3 * rng.standard_normal(model.params[key].shape)
    lengths = LENGTHS if ragged else None
    state = tuple(0.5 * rng.standard_normal(s.shape) for s in model.begin_state(BATCH_SIZE))
    A = rng.standard_normal((NUM_STEPS, BATCH_SIZE, model.num_hiddens))
    a = None if ragged else tuple(rng.standard_normal(s.shape) for s in state)
    trace, _ = model.forward(X, state, lengths=lengths)
    grads, d_X, d_state = model.backward(trace, A, a)

    nudged = copy.deepcopy(model)
    layers = [nudged] if isinstance(nudged, Bidirectional) else nudged.cells
    cells = [cell for layer in layers for cell in layer.cells.values()]
    for cell in cells:
        cell.params = {part: w.astype(complex) for part, w in cell.params.items()}
    values = {**nudged.params, "X": X.astype(complex), **{f"state {k}": s.astype(complex) for k, s in enumerate(state)}}
    wanted = {**grads, "X": d_X, **{f"state {k}": d for k, d in enumerate(d_state)}}
    for key, value in values.items():
        kept = value.copy()
        for v in rng.standard_normal((3, *value.shape)):
            value[...] = kept + 1e-30j * v
            H, last = run(nudged, values["X"], lengths, tuple(values[f"state {k}"] for k in range(len(state))))
            slope = ((A * H).sum() + sum((w * s).sum() for w, s in zip(a or (), last))).imag / 1e-30
            assert abs((wanted[key] * v).sum() - slope) < 1e-12 * np.linalg.norm(wanted[key]) * np.linalg.norm(v), key
        value[...] = kept


@pytest.mark.parametrize(("lengths", "message"), [
    ([4, 6, 1], r"shape \(batch_size,\) = \(4,\)"),
    ([4.0, 6.0, 1.0, 5.0], "lengths must be whole numbers"),
    ([4, 6, 0, 5], "between 1 and num_steps = 6, got 0 to 6"),
    ([4, 7, 1, 5], "between 1 and num_steps = 6, got 1 to 7"),
])
def test_wrong_lengths_are_refused(lengths, message, rng):
    model = one("LSTM", rng)
    with pytest.raises(ValueError, match=message):
        model.forward(data(rng), model.begin_state(BATCH_SIZE), lengths)


def test_what_does_not_fit_is_refused(rng):
    cell, wide = LSTM(NUM_INPUTS, 2), LSTM(NUM_INPUTS + 1, 2)
    with pytest.raises(ValueError, match="backward_cell must be a cell"):
        Bidirectional(cell, "LSTM")
    with pytest.raises(ValueError, match="with the same num_inputs, got 3 and 4"):
        Bidirectional(cell, wide)
    with pytest.raises(ValueError, match="one cell twice"):
        Bidirectional(cell, cell)
    model = one("LSTM", rng)
    with pytest.raises(ValueError, match="X must have the shape"):
        model.forward(data(rng)[..., :2], model.begin_state(BATCH_SIZE), LENGTHS)
    with pytest.raises(ValueError, match="state must be a tuple of 2"):
        model.forward(data(rng), model.begin_state(BATCH_SIZE)[:3], LENGTHS)
    trace, last = model.forward(data(rng), model.begin_state(BATCH_SIZE), LENGTHS)
    with pytest.raises(ValueError, match="d_H must have the shape"):
        model.backward(trace, trace.H[..., :4])
    with pytest.raises(ValueError, match="d_state must be None"):
        model.backward(trace, trace.H, last)
