"""Properties that every right cell has, whatever its weights, and the refusal of input that does not fit."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from d2l_utils.cells import GRU, LSTM, RNN, LSTMVariant, sigmoid

SIZES = {name: st.integers(1, 4) for name in ("num_steps", "batch_size", "num_inputs", "num_hiddens")}


@st.composite
def problems(draw, kinds=(RNN, LSTM, GRU), scale=1.5):
    """(cell, X, state, d_H, rng): weights and biases within +-scale, inputs within +-1, a state as a cell could be in."""
    n = {name: draw(size) for name, size in SIZES.items()}
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    cell = draw(st.sampled_from(kinds))(n["num_inputs"], n["num_hiddens"])
    for w in cell.params.values():
        w[...] = rng.uniform(-scale, scale, w.shape)
    X = rng.uniform(-1, 1, (n["num_steps"], n["batch_size"], n["num_inputs"]))
    state = tuple(rng.uniform(-1, 1, s.shape) for s in cell.begin_state(n["batch_size"]))
    return cell, X, state, rng.standard_normal((*X.shape[:2], cell.num_hiddens)), rng


def close(found, wanted):
    np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-12)


def close_dicts(found, wanted):
    assert found.keys() == wanted.keys()
    for name in wanted:
        close(found[name], wanted[name])


@given(problems(kinds=(LSTM,)))
def test_gates_lie_between_0_and_1_and_the_cell_grows_by_less_than_1_a_step(problem):
    cell, X, state, _, _ = problem
    trace, _ = cell.forward(X, state)
    for gate in (trace.I, trace.F, trace.O):
        assert ((gate > 0) & (gate < 1)).all()
    assert (np.abs(trace.C_tilde) < 1).all()
    for t, C in enumerate(trace.C):
        assert (np.abs(C) <= np.abs(trace.before(t)[1]) + 1).all()


@given(problems(kinds=(GRU,)))
def test_update_gate_1_keeps_the_hidden_state_and_its_gradient_bit_for_bit(problem):
    cell, X, state, d_H, rng = problem
    cell.params["b_z"][...] = 1000
    trace, (H,) = cell.forward(X, state)
    assert (trace.H == state[0]).all()
    assert (H == state[0]).all()
    d_last = rng.standard_normal(H.shape)
    assert (cell.backward(trace, np.zeros_like(d_H), (d_last,))[2][0] == d_last).all()


@given(problems(kinds=(GRU,)))
def test_a_reset_gate_of_0_hides_the_past_from_the_candidate(problem):
    cell, X, state, _, _ = problem
    cell.params["b_r"][...] = -1e4
    trace, _ = cell.forward(X, state)
    close(trace.H_tilde, np.tanh(X @ cell.params["W_xh"] + cell.params["b_h"]))


@given(problems())
def test_hidden_states_lie_between_minus_1_and_1(problem):
    cell, X, state, _, _ = problem
    trace, _ = cell.forward(X, state)
    assert (np.abs(trace.H) < 1).all()


@given(problems(scale=1e6))
def test_huge_weights_saturate_without_overflow(problem):
    cell, X, state, d_H, _ = problem
    with np.errstate(over="raise", invalid="raise"):
        trace, _ = cell.forward(X, state)
        grads, _, _ = cell.backward(trace, d_H)
    assert (np.abs(trace.H) <= 1).all()
    assert all(np.isfinite(g).all() for g in grads.values())


@given(problems(kinds=(LSTM,)))
def test_forget_gate_1_and_input_gate_0_keep_the_cell_bit_for_bit(problem):
    cell, X, state, _, _ = problem
    cell.params["b_f"][...] = 1000
    cell.params["b_i"][...] = -1000
    trace, (_, C) = cell.forward(X, state)
    assert (trace.F == 1).all()
    assert (trace.I == 0).all()
    assert (trace.C == state[1]).all()
    assert (C == state[1]).all()


@given(problems(kinds=(LSTM,)))
def test_forget_gate_1_and_input_gate_0_pass_the_cells_gradient_bit_for_bit(problem):
    cell, X, state, d_H, rng = problem
    cell.params["b_f"][...] = 1000
    cell.params["b_i"][...] = -1000
    trace, _ = cell.forward(X, state)
    d_C = rng.standard_normal(state[1].shape)
    _, _, (_, d_C_first) = cell.backward(trace, np.zeros_like(d_H), (np.zeros_like(d_C), d_C))
    assert (d_C_first == d_C).all()


@given(problems(), st.data())
def test_chunks_give_what_the_whole_gives(problem, data):
    """Values, with the state handed on; gradients, with d_state handed back. One step at a time is one case of it."""
    cell, X, state, d_H, rng = problem
    d_state = tuple(rng.standard_normal(s.shape) for s in state)
    whole, last = cell.forward(X, state)
    grads, d_X, d_first = cell.backward(whole, d_H, d_state)

    size = data.draw(st.integers(1, len(X)), label="chunk")
    starts, traces = range(0, len(X), size), []
    for start in starts:
        trace, state = cell.forward(X[start:start + size], state)
        traces.append(trace)
    close(np.concatenate([trace.H for trace in traces]), whole.H)
    close(state, last)

    summed = dict.fromkeys(cell.params, 0)
    for start, trace in reversed(list(zip(starts, traces))):
        part, d_X_part, d_state = cell.backward(trace, d_H[start:start + size], d_state)
        summed = {name: summed[name] + part[name] for name in summed}
        close(d_X_part, d_X[start:start + size])
    close_dicts(summed, grads)
    close(d_state, d_first)


@given(problems())
def test_permuting_the_batch_permutes_the_result(problem):
    cell, X, state, d_H, rng = problem
    order = rng.permutation(X.shape[1])
    trace, last = cell.forward(X, state)
    grads, d_X, d_state = cell.backward(trace, d_H)
    permuted, last_permuted = cell.forward(X[:, order], tuple(s[order] for s in state))
    grads_permuted, d_X_permuted, d_state_permuted = cell.backward(permuted, d_H[:, order])
    close(permuted.H, trace.H[:, order])
    close(last_permuted, [s[order] for s in last])
    close_dicts(grads_permuted, grads)                      # a sum over the batch does not care for its order
    close(d_X_permuted, d_X[:, order])
    close(d_state_permuted, [s[order] for s in d_state])


def permute_units(params, order):
    """The same network with its hidden units numbered otherwise: columns of each array, rows too where H comes in."""
    permuted = {name: w[..., order] for name, w in params.items()}
    return {name: w[order] if name.startswith("W_h") else w for name, w in permuted.items()}


@given(problems())
def test_numbering_the_hidden_units_otherwise_permutes_the_result(problem):
    cell, X, state, d_H, rng = problem
    order = rng.permutation(cell.num_hiddens)
    trace, _ = cell.forward(X, state)
    grads, d_X, _ = cell.backward(trace, d_H)
    cell.params = permute_units(cell.params, order)
    permuted, _ = cell.forward(X, tuple(s[:, order] for s in state))
    grads_permuted, d_X_permuted, _ = cell.backward(permuted, d_H[..., order])
    close(permuted.H, trace.H[..., order])
    close_dicts(grads_permuted, permute_units(grads, order))
    close(d_X_permuted, d_X)


@given(problems(), st.data())
def test_the_future_does_not_reach_back(problem, data):
    cell, X, state, d_H, rng = problem
    t = data.draw(st.integers(0, len(X)), label="t")
    trace, _ = cell.forward(X, state)
    other = np.concatenate([X[:t], rng.uniform(-1, 1, X[t:].shape)])
    assert (cell.forward(other, state)[0].H[:t] == trace.H[:t]).all()
    d_H[t:] = 0                                             # a loss that looks at the steps before t
    assert (cell.backward(trace, d_H)[1][t:] == 0).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", [RNN, LSTM, GRU])
def test_the_type_of_the_numbers_is_kept(kind, dtype):
    cell = kind(3, 4, dtype=dtype)
    trace, last = cell.forward(np.ones((2, 1, 3), dtype), cell.begin_state(1))
    grads, d_X, d_state = cell.backward(trace, np.ones_like(trace.H))
    for array in (*cell.params.values(), trace.H, *last, *grads.values(), d_X, *d_state):
        assert array.dtype == dtype


def test_names_shapes_and_first_values_of_the_parameters():
    cell = LSTM(3, 4, forget_bias=2.0)
    shapes = {"W_x": (3, 4), "W_h": (4, 4), "b_": (4,)}
    assert {name: w.shape for name, w in cell.params.items()} == {
        part + gate: shape for gate in "ifoc" for part, shape in shapes.items()}
    assert (cell.params["b_f"] == 2).all()
    assert all((cell.params[f"b_{gate}"] == 0).all() for gate in "ioc")
    assert {name: w.shape for name, w in RNN(3, 4).params.items()} == {"W_xh": (3, 4), "W_hh": (4, 4), "b_h": (4,)}
    assert {name: w.shape for name, w in GRU(3, 4).params.items()} == {
        part + gate: shape for gate in "rzh" for part, shape in shapes.items()}


def test_one_generator_makes_different_cells_and_no_generator_the_same_one(rng):
    assert (LSTM(3, 4).params["W_xi"] == LSTM(3, 4).params["W_xi"]).all()
    assert (LSTM(3, 4, rng=rng).params["W_xi"] != LSTM(3, 4, rng=rng).params["W_xi"]).all()


def test_the_weights_have_the_standard_deviation_asked_for():
    for cell in (RNN(200, 200, sigma=0.3), LSTM(200, 200, sigma=0.3), GRU(200, 200, sigma=0.3)):
        assert all(w.std() == pytest.approx(0.3, rel=0.02) for name, w in cell.params.items() if name.startswith("W"))


def test_sigmoid_is_the_logistic_function_and_does_not_overflow():
    z = np.linspace(-30, 30, 121)
    np.testing.assert_allclose(sigmoid(z), 1 / (1 + np.exp(-z)), rtol=1e-12, atol=1e-16)
    with np.errstate(all="raise"):
        assert sigmoid([-1000.0, 0.0, 1000.0]).tolist() == [0.0, 0.5, 1.0]


CELL = LSTM(3, 4)
ZEROS = np.zeros
TRACE, _ = CELL.forward(ZEROS((5, 2, 3)), CELL.begin_state(2))


@pytest.mark.parametrize(("refused", "message"), [
    (lambda: RNN(0, 4), r"num_inputs must be a whole number of at least 1, got 0"),
    (lambda: LSTM(3, 2.5), r"num_hiddens must be a whole number of at least 1, got 2\.5"),
    (lambda: LSTM(3, 4, dtype=int), r"dtype must be a floating point or complex type, got int"),
    (lambda: LSTM(3, 4, peepholes="round"), r"peepholes must be None, .* or .*, got 'round'"),
    (lambda: CELL.begin_state(0), r"batch_size must be a whole number of at least 1, got 0"),
    (lambda: CELL.begin_state("2"), r"batch_size must be a whole number of at least 1, got '2'"),
    (lambda: CELL.forward(ZEROS((5, 3)), CELL.begin_state(2)), r"X must have the shape .* got \(5, 3\)"),
    (lambda: CELL.forward(ZEROS((5, 2, 4)), CELL.begin_state(2)), r"X .* num_inputs=3\), got \(5, 2, 4\)"),
    (lambda: CELL.forward(ZEROS((0, 2, 3)), CELL.begin_state(2)), r"X .*num_steps >= 1.* got \(0, 2, 3\)"),
    (lambda: CELL.forward(ZEROS((5, 2, 3)), None), r"state must be a tuple of 2, H and C, got a NoneType"),
    (lambda: CELL.forward(ZEROS((5, 2, 3)), (ZEROS((2, 4)),)), r"state must be a tuple of 2, H and C, got 1 of them"),
    (lambda: RNN(3, 4).forward(ZEROS((5, 2, 3)), ZEROS((2, 4))), r"state must be a tuple of 1, H, got a ndarray"),
    (lambda: CELL.forward(ZEROS((5, 2, 3)), CELL.begin_state(1)), r"state: H .* \(2, 4\), got \(1, 4\)"),
    (lambda: CELL.forward(ZEROS((5, 2, 3)), (ZEROS((2, 4)), ZEROS(4))), r"state: C .* \(2, 4\), got \(4,\)"),
    (lambda: CELL.backward(TRACE, ZEROS((2, 4))), r"d_H must have the shape of trace\.H, \(5, 2, 4\), got \(2, 4\)"),
    (lambda: CELL.backward(TRACE, TRACE.H, TRACE.H), r"d_state must be a tuple of 2, H and C, got a ndarray"),
    (lambda: CELL.backward(TRACE, TRACE.H, (ZEROS((2, 4)), ZEROS((2, 1)))), r"d_state: C .* \(2, 4\), got \(2, 1\)"),
    (lambda: CELL.backward(TRACE, TRACE.H, d_trace=CELL.forward(ZEROS((6, 2, 3)), CELL.begin_state(2))[0]),
     r"d_trace must come from trace\.empty_like\(\), with the shape \(5, 2, 4\), got \(6, 2, 4\)"),
])
def test_what_does_not_fit_is_refused_by_name(refused, message):
    with pytest.raises(ValueError, match=message):
        refused()


@pytest.mark.parametrize("peepholes", ["diagonal", "full"])
def test_peepholes_of_zero_are_no_peepholes(peepholes, rng):
    plain, peeping = LSTM(2, 4, rng=rng, sigma=0.7), LSTM(2, 4, peepholes)
    peeping.params.update(plain.params)
    for gate in "ifo":
        peeping.params[f"W_c{gate}"][...] = 0
    X, state = rng.standard_normal((9, 3, 2)), (rng.standard_normal((3, 4)), rng.standard_normal((3, 4)))
    (ours, _), (theirs, _) = peeping.forward(X, state), plain.forward(X, state)
    assert (ours.H == theirs.H).all()
    weigh = rng.standard_normal(ours.H.shape)
    (grads, d_X, _), (plain_grads, plain_d_X, _) = peeping.backward(ours, weigh), plain.backward(theirs, weigh)
    assert (d_X == plain_d_X).all()
    assert all((grads[name] == g).all() for name, g in plain_grads.items())


def test_diagonal_matrices_as_full_peepholes_are_diagonal_peepholes(rng):
    diagonal = LSTM(2, 4, "diagonal", rng=rng, sigma=0.7)
    full = LSTM(2, 4, "full")
    full.params.update({name: np.diag(w) if name.startswith("W_c") else w for name, w in diagonal.params.items()})
    X, state = rng.standard_normal((9, 3, 2)), (rng.standard_normal((3, 4)), rng.standard_normal((3, 4)))
    (one, _), (other, _) = diagonal.forward(X, state), full.forward(X, state)
    np.testing.assert_allclose(other.C, one.C, rtol=1e-12, atol=1e-14)
    weigh = rng.standard_normal(one.H.shape)
    (grads, d_X, d_state), (full_grads, full_d_X, full_d_state) = diagonal.backward(one, weigh), full.backward(other, weigh)
    for got, wanted in ((full_d_X, d_X), *zip(full_d_state, d_state)):
        np.testing.assert_allclose(got, wanted, rtol=1e-10, atol=1e-13)
    for name, g in grads.items():
        got = np.diag(full_grads[name]) if name.startswith("W_c") else full_grads[name]
        np.testing.assert_allclose(got, g, rtol=1e-10, atol=1e-13)


KINDS = [RNN, GRU, LSTM, LSTMVariant]


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_trace_belongs_to_the_same_pass(kind):
    trace, _ = kind(3, 4, dtype=np.float32).forward(np.ones((2, 1, 3), np.float32), kind(3, 4, dtype=np.float32).begin_state(1))
    like = trace.empty_like()
    assert like.X is trace.X
    assert like.state is trace.state
    assert (like.H.shape, like.H.dtype) == (trace.H.shape, np.float32)
    assert not np.shares_memory(like.H, trace.H)


@pytest.mark.parametrize("kind", KINDS)
def test_one_complex_number_among_real_ones_makes_the_result_complex(kind):
    """Wherever it enters: with the inputs, with a part of the state, or with the weights."""
    cell, X = kind(3, 4), np.ones((2, 1, 3))
    for which in ("X", "weights", *cell.state_names):
        cell = kind(3, 4, dtype=complex if which == "weights" else float)
        state = tuple(np.ones((1, 4), complex if name == which else float) for name in cell.state_names)
        trace, _ = cell.forward(X.astype(complex) if which == "X" else X, state)
        grads, d_X, d_state = cell.backward(trace, np.ones_like(trace.H))
        for array in (trace.H, *grads.values(), d_X, *d_state):
            assert array.dtype == complex, which


@pytest.mark.parametrize("kind", KINDS)
def test_weights_are_small_unless_asked_otherwise_and_come_from_the_generator_given(kind):
    for rng in (None, np.random.default_rng(5)):
        params = kind(60, 60, rng=rng).params
        assert not any(w.any() for name, w in params.items() if name.startswith("b"))
        weights = [w.ravel() for name, w in params.items() if name.startswith("W")]
        assert np.concatenate(weights).std() == pytest.approx(0.01, rel=0.05)      # of 7,000 numbers or more
    name = "W_xh" if kind in (RNN, GRU) else "W_xi"
    generators = (None, np.random.default_rng(0), np.random.default_rng(5))
    usual, same, other = (kind(3, 4, rng=rng).params[name] for rng in generators)
    assert (usual == same).all()
    assert (usual != other).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_trace_for_the_gradients_must_be_of_the_same_pass(kind):
    cell = kind(3, 4)
    (trace, _), (longer, _) = (cell.forward(np.ones((n, 1, 3)), cell.begin_state(1)) for n in (2, 3))
    with pytest.raises(ValueError, match=r"^d_trace must come from trace\.empty_like\(\)"):
        cell.backward(trace, trace.H, None, longer.empty_like())
