"""The variants of Greff et al. (2017) are the cells that they should be. Their gradients: test_gradients.py."""
import numpy as np
import pytest

from d2l_utils.cells import LSTM, VARIANTS, LSTMVariant, sigmoid

NUM_STEPS, BATCH_SIZE, NUM_INPUTS, NUM_HIDDENS = 7, 3, 4, 5


def variant(name, **kw):
    return LSTMVariant(NUM_INPUTS, NUM_HIDDENS, name, rng=np.random.default_rng(0), sigma=0.7, **kw)


@pytest.fixture
def data(rng):
    """Inputs, a state (H, C), and weights of the hidden states in a loss."""
    state = tuple(rng.uniform(-1, 1, (2, BATCH_SIZE, NUM_HIDDENS)))
    return rng.standard_normal((NUM_STEPS, BATCH_SIZE, NUM_INPUTS)), state, rng.standard_normal((NUM_STEPS, *state[0].shape))


def same(cell, other, data):
    """States and the gradients of what the first cell has, of the inputs and of the first state, all bit for bit."""
    X, state, d_H = data
    (trace, last), (other_trace, other_last) = cell.forward(X, state), other.forward(X, state)
    for name in ("C", "H"):
        np.testing.assert_array_equal(getattr(trace, name), getattr(other_trace, name))
    (grads, d_X, d_first), (other_grads, other_d_X, other_d_first) = (
        each.backward(tr, d_H, end) for each, tr, end in ((cell, trace, last), (other, other_trace, other_last)))
    for name, g in grads.items():
        np.testing.assert_array_equal(g, other_grads[name])
    for one, two in zip((d_X, *d_first), (other_d_X, *other_d_first)):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(("name", "peepholes"), [("vanilla", "diagonal"), ("NP", None)])
def test_vanilla_and_no_peepholes_are_the_lstm_of_the_book_bit_for_bit(name, peepholes, data):
    ours = variant(name, forget_bias=1.0)
    theirs = LSTM(NUM_INPUTS, NUM_HIDDENS, peepholes, rng=np.random.default_rng(0), sigma=0.7, forget_bias=1.0)
    assert list(ours.params) == list(theirs.params)
    for param, w in ours.params.items():
        np.testing.assert_array_equal(w, theirs.params[param])
    same(ours, theirs, data)


@pytest.mark.parametrize(("name", "gate"), [("NIG", "i"), ("NFG", "f"), ("NOG", "o")])
def test_no_gate_is_a_gate_with_an_infinite_bias(name, gate, data):
    ours, theirs = variant(name), LSTM(NUM_INPUTS, NUM_HIDDENS, "diagonal")
    assert theirs.params.keys() - ours.params.keys() == {f"W_x{gate}", f"W_h{gate}", f"W_c{gate}", f"b_{gate}"}
    theirs.params.update(ours.params)
    theirs.params[f"b_{gate}"] = np.full(NUM_HIDDENS, np.inf)
    same(ours, theirs, data)
    trace, _ = ours.forward(*data[:2])
    assert (getattr(trace, gate.upper()) == 1).all()


def test_coupled_gates_without_peepholes_are_opposite_weights(data):
    ours, theirs = variant("CIFG"), LSTM(NUM_INPUTS, NUM_HIDDENS, "diagonal")
    ours.params["W_ci"][:] = 0                              # else F would peek with the weights of I as well
    theirs.params.update(ours.params)
    for part in ("W_x", "W_h", "W_c", "b_"):
        theirs.params[f"{part}f"] = -theirs.params[f"{part}i"]
    (one, _), (two, _) = ours.forward(*data[:2]), theirs.forward(*data[:2])
    np.testing.assert_allclose(one.H, two.H, rtol=1e-12)
    np.testing.assert_allclose(one.F, 1 - one.I, rtol=1e-15)


def test_gates_that_do_not_hear_each_other_are_those_of_vanilla(data):
    X, (H, C), _ = data
    ours, theirs = variant("FGR"), variant("vanilla")
    for name in ours.params.keys() - theirs.params.keys():
        ours.params[name][:] = 0
    theirs.params.update({name: ours.params[name] for name in theirs.params})
    trace, last = ours.forward(X, (H, C, H, C, H))
    np.testing.assert_array_equal(trace.H, theirs.forward(X, (H, C))[0].H)
    for name, part in zip("HCIFO", last):
        np.testing.assert_array_equal(part, getattr(trace, name)[-1])


def test_the_number_of_parameters_of_each_variant():
    d, h = NUM_INPUTS, NUM_HIDDENS
    block = d * h + h * h + h                               # a gate without its peephole, or the candidate
    wanted = dict.fromkeys(VARIANTS, 4 * block + 3 * h)
    wanted.update({"NIG": 3 * block + 2 * h, "NFG": 3 * block + 2 * h, "NOG": 3 * block + 2 * h, "CIFG": 3 * block + 2 * h,
                   "NP": 4 * block, "FGR": 4 * block + 3 * h + 9 * h * h})
    assert {name: sum(w.size for w in variant(name).params.values()) for name in VARIANTS} == wanted


def test_the_forget_gate_starts_at_the_sigmoid_of_its_bias():
    X = np.ones((1, BATCH_SIZE, NUM_INPUTS))
    for name in VARIANTS:
        cell = LSTMVariant(NUM_INPUTS, NUM_HIDDENS, name, sigma=0.0, forget_bias=3.0)
        trace, _ = cell.forward(X, cell.begin_state(BATCH_SIZE))
        np.testing.assert_allclose(trace.F, 1.0 if name == "NFG" else sigmoid(3.0), rtol=1e-14)
        if name not in ("NIG", "CIFG"):
            np.testing.assert_allclose(trace.I, 0.5, rtol=1e-14)


@pytest.mark.parametrize("name", VARIANTS)
def test_chunks_give_what_the_whole_gives(name, data):
    X, _, d_H = data
    cell = variant(name)
    first = tuple(np.random.default_rng(k).uniform(0, 1, d_H[0].shape) for k in range(len(cell.state_names)))
    whole, last = cell.forward(X, first)
    grads, d_X, d_first = cell.backward(whole, d_H, last)
    one, middle = cell.forward(X[:3], first)
    two, end = cell.forward(X[3:], middle)
    two_grads, two_d_X, d_middle = cell.backward(two, d_H[3:], end)
    one_grads, one_d_X, d_start = cell.backward(one, d_H[:3], d_middle)
    np.testing.assert_array_equal(np.concatenate([one.H, two.H]), whole.H)
    for part, wanted in ((np.concatenate([one_d_X, two_d_X]), d_X), *zip(d_start, d_first),
                         *((one_grads[name] + two_grads[name], g) for name, g in grads.items())):
        np.testing.assert_allclose(part, wanted, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", VARIANTS)
def test_the_type_of_the_numbers_is_kept(name):
    cell = variant(name, dtype=np.float32)
    trace, last = cell.forward(np.ones((2, 1, NUM_INPUTS), np.float32), cell.begin_state(1))
    grads, d_X, d_state = cell.backward(trace, np.ones_like(trace.H))
    for array in (*cell.params.values(), trace.H, trace.F, *last, *grads.values(), d_X, *d_state):
        assert array.dtype == np.float32


@pytest.mark.parametrize(("refused", "message"), [
    (lambda: LSTMVariant(2, 3, "CFIG"), r"variant must be one of vanilla, NIG, .*, got 'CFIG'"),
    (lambda: variant("FGR").forward(np.zeros((2, 1, 4)), variant("NP").begin_state(1)),
     r"state must be a tuple of 5, H and C and I and F and O, got 2 of them"),
])
def test_what_does_not_fit_is_refused_by_name(refused, message):
    with pytest.raises(ValueError, match=message):
        refused()
