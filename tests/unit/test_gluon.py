"""Our numbers and MXNet's: the same weights in Gluon's layers, and one language model written three ways."""
import numpy as np
import pytest

import d2l_utils  # noqa: F401  (before mxnet: it puts numpy.bool back)
from d2l_utils.cells import LSTM, RNN
from d2l_utils.datasets.text import Vocab, consecutive_batches
from d2l_utils.optim import SGD
from d2l_utils.training import LanguageModel, generate, train

mx = pytest.importorskip("mxnet")
from d2l_utils.gluon import GluonModel, ScratchModel, from_gluon, to_gluon, unstack  # noqa: E402

NUM_STEPS, BATCH_SIZE, NUM_INPUTS, NUM_HIDDENS = 7, 3, 5, 4
ARRAYS = ("i2h_weight", "h2h_weight", "i2h_bias", "h2h_bias")
PRECISIONS = [("float32", 1e-5), ("float64", 1e-13)]


def relative_error(found, wanted):
    return np.linalg.norm(found - wanted) / np.linalg.norm(wanted)


def random_cell(kind, rng):
    cell = kind(NUM_INPUTS, NUM_HIDDENS)
    for w in cell.params.values():
        w[...] = rng.uniform(-0.7, 0.7, w.shape)
    return cell


def run_layer(layer, problem, dtype):
    """Gluon's hidden states, last state and gradients: (H, state, stacked arrays, d_X, d_state), as NumPy arrays."""
    X, A, *rest = (mx.nd.array(w, dtype=dtype) for w in (problem["X"], problem["A"], *problem["a"], *problem["state"]))
    a, state = rest[:len(rest) // 2], [s.expand_dims(0) for s in rest[len(rest) // 2:]]
    for w in (X, *state):
        w.attach_grad()
    with mx.autograd.record():
        H, last = layer(X, state)
        loss = (A * H).sum()
        for weight, s in zip(a, last):
            loss = loss + (weight * s).sum()
    loss.backward()
    stacked = {name: getattr(layer, f"l0_{name}").grad().asnumpy() for name in ARRAYS}
    return (H.asnumpy(), [s[0].asnumpy() for s in last], stacked, X.grad.asnumpy(),
            [s.grad[0].asnumpy() for s in state])


def random_problem(cell, rng):
    shape = (BATCH_SIZE, NUM_HIDDENS)
    return {"X": rng.standard_normal((NUM_STEPS, BATCH_SIZE, NUM_INPUTS)), "A": rng.standard_normal((NUM_STEPS, *shape)),
            "a": [rng.standard_normal(shape) for _ in cell.state_names],
            "state": [0.5 * rng.standard_normal(shape) for _ in cell.state_names]}


def assert_same(cell, layer, named, problem, dtype, tolerance):
    """Hidden states, last state and all gradients agree. named: turns Gluon's stacked arrays into ours, by name."""
    trace, last = cell.forward(problem["X"], problem["state"])
    grads, d_X, d_state = cell.backward(trace, problem["A"], problem["a"])
    H, their_last, stacked, their_d_X, their_d_state = run_layer(layer, problem, dtype)
    pairs = [(H, trace.H), (their_d_X, d_X), *zip(their_last, last), *zip(their_d_state, d_state)]
    theirs = named(stacked)
    assert theirs.keys() == grads.keys()
    pairs += [(theirs[name], grads[name]) for name in grads]
    for found, wanted in pairs:
        assert relative_error(found, wanted) < tolerance
    assert (stacked["i2h_bias"] == stacked["h2h_bias"]).all()          # two vectors, one gradient


@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS)
def test_the_same_weights_in_gluons_lstm_give_the_same_states_and_gradients(dtype, tolerance, rng):
    cell = random_cell(LSTM, rng)
    assert_same(cell, to_gluon(cell, dtype), unstack, random_problem(cell, rng), dtype, tolerance)


@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS)
def test_the_same_weights_in_gluons_rnn_give_the_same_states_and_gradients(dtype, tolerance, rng):
    cell = random_cell(RNN, rng)
    layer = mx.gluon.rnn.RNN(NUM_HIDDENS, activation="tanh", input_size=NUM_INPUTS, dtype=dtype)
    layer.initialize()
    p = cell.params
    for name, w in zip(ARRAYS, (p["W_xh"].T, p["W_hh"].T, p["b_h"], np.zeros(NUM_HIDDENS))):
        getattr(layer, f"l0_{name}").set_data(mx.nd.array(w, dtype=dtype))

    def named(stacked):
        return {"W_xh": stacked["i2h_weight"].T, "W_hh": stacked["h2h_weight"].T, "b_h": stacked["i2h_bias"]}
    assert_same(cell, layer, named, random_problem(cell, rng), dtype, tolerance)


def test_weights_come_back_from_gluon_as_they_went(rng):
    cell = random_cell(LSTM, rng)
    back = from_gluon(to_gluon(cell, "float64"))
    for name, w in cell.params.items():
        assert (back.params[name] == w).all()


def test_both_of_gluons_biases_count(rng):
    layer = mx.gluon.rnn.LSTM(NUM_HIDDENS, input_size=NUM_INPUTS, dtype="float64", i2h_bias_initializer="normal",
                              h2h_bias_initializer="normal")
    layer.initialize()
    cell = from_gluon(layer)
    assert (layer.l0_h2h_bias.data().asnumpy() != 0).all()
    assert_same(cell, layer, unstack, random_problem(cell, rng), "float64", 1e-13)


VOCAB = Vocab("the time traveller ")
CORPUS = VOCAB.encode("the time traveller " * 20)


def lstm_on_lists(inputs, state, params):
    """The equations as a function over a list of nd arrays; params in the order of LanguageModel.params."""
    nd = mx.nd
    (W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xo, W_ho, b_o, W_xc, W_hc, b_c, W_hq, b_q), (H, C), outputs = params, state, []
    for X in inputs:
        I = nd.sigmoid(nd.dot(X, W_xi) + nd.dot(H, W_hi) + b_i)
        F = nd.sigmoid(nd.dot(X, W_xf) + nd.dot(H, W_hf) + b_f)
        O = nd.sigmoid(nd.dot(X, W_xo) + nd.dot(H, W_ho) + b_o)
        C = F * C + I * nd.tanh(nd.dot(X, W_xc) + nd.dot(H, W_hc) + b_c)
        H = O * nd.tanh(C)
        outputs.append(nd.dot(H, W_hq) + b_q)
    return outputs, (H, C)


@pytest.fixture
def models(rng):
    """The same model three times: NumPy in float64, a function on nd arrays, and Gluon's layers."""
    ours = LanguageModel(LSTM(len(VOCAB), 8, rng=rng, sigma=0.5), sigma=0.5)
    params = {name: mx.nd.array(w) for name, w in ours.params.items()}
    for w in params.values():
        w.attach_grad()
    scratch = ScratchModel(lstm_on_lists, params, lambda n: (mx.nd.zeros((n, 8)), mx.nd.zeros((n, 8))), len(VOCAB))
    dense = mx.gluon.nn.Dense(len(VOCAB), flatten=False, in_units=8)
    dense.initialize()
    dense.weight.set_data(mx.nd.array(ours.params["W_hq"].T))
    dense.bias.set_data(mx.nd.array(ours.params["b_q"]))
    return ours, scratch, GluonModel(to_gluon(ours.cell), dense, len(VOCAB))


def our_names(model, arrays):
    """Arrays of a GluonModel by our names; of its two biases, the first."""
    layer, dense = model.layer, model.dense
    stacked = {name: arrays[getattr(layer, f"l0_{name}").name].asnumpy() for name in ARRAYS}
    return {**unstack(stacked), "W_hq": arrays[dense.weight.name].asnumpy().T, "b_q": arrays[dense.bias.name].asnumpy()}


def test_three_models_of_the_same_weights_give_the_same_loss_and_gradients(models):
    """Over two minibatches, so that the carried state is compared too."""
    states = [model.begin_state(4) for model in models]
    for X, Y in list(consecutive_batches(CORPUS, 4, 10))[:2]:
        (loss, grads, states[0]), from_scratch, from_layers = (
            model.loss_and_grads(X, Y, state) for model, state in zip(models, states))
        states[1:] = from_scratch[2], from_layers[2]
        assert from_scratch[0] == pytest.approx(loss, rel=1e-6)
        assert from_layers[0] == pytest.approx(loss, rel=1e-6)
        layer_grads = our_names(models[2], from_layers[1])
        for name, g in grads.items():
            assert relative_error(from_scratch[1][name].asnumpy(), g) < 1e-5, name
            assert relative_error(layer_grads[name], g) < 1e-5, name


@pytest.mark.parametrize("which", [1, 2])
def test_the_gradient_stops_at_the_state_that_is_carried_in(models, which):
    """MXNet forgets a graph once it has been differentiated, so the loop alone would not show a missing detach."""
    model, (X, Y) = models[which], next(consecutive_batches(CORPUS, 4, 10))
    source = model.begin_state(4)
    for s in source:
        s.attach_grad()
    with mx.autograd.record():
        state = [s + 0.1 for s in source]
    model.loss_and_grads(X, Y, state)
    assert all((s.grad.asnumpy() == 0).all() for s in source)


def test_training_moves_all_three_alike_but_gluons_bias_twice_as_far(models):
    """One minibatch of plain SGD. Two bias vectors take the same step each, and only their sum counts."""
    ours, scratch, gluon = models
    before = {name: w.copy() for name, w in ours.params.items()}
    histories = [train(model, CORPUS[:41], num_epochs=1, num_steps=9, batch_size=4, optimizer=SGD(0.5)) for model in models]
    assert len({round(history[0].perplexity, 4) for history in histories}) == 1
    after = our_names(gluon, gluon.params)
    cell = from_gluon(gluon.layer)
    for name, w in ours.params.items():
        step = w - before[name]
        assert relative_error(scratch.params[name].asnumpy() - before[name], step) < 1e-4, name
        assert relative_error(after[name] - before[name], step) < 1e-4, name
        if name in cell.params:
            assert relative_error(cell.params[name] - before[name], 2 * step if name.startswith("b") else step) < 1e-4, name


def test_all_three_write_the_same_text(models):
    written = {generate(model, VOCAB, "time", 30) for model in models}
    assert len(written) == 1
    assert len(written.pop()) == 34


def gluon_lstm(**changed):
    layer = mx.gluon.rnn.LSTM(4, input_size=3, **changed)
    layer.initialize()
    return layer


@pytest.mark.parametrize(("refused", "message"), [
    (lambda: to_gluon(RNN(3, 4)), r"cell must be an LSTM without peepholes"),
    (lambda: from_gluon(gluon_lstm(num_layers=2)), r"layer must be .* one layer and one direction, got LSTM\("),
    (lambda: from_gluon(gluon_lstm(bidirectional=True)), r"layer must be .* one layer and one direction"),
    (lambda: from_gluon(mx.gluon.rnn.GRU(4, input_size=3)), r"layer must be a gluon\.rnn\.LSTM .* got GRU"),
])
def test_a_layer_or_cell_of_another_kind_is_refused(refused, message):
    with pytest.raises(ValueError, match=message):
        refused()


@pytest.mark.parametrize("which", [1, 2])
def test_an_index_outside_the_vocabulary_is_refused(models, which):
    """MXNet itself would take it for a row of zeros, or for the last character."""
    model, good, bad = models[which], np.zeros((5, 2), int), np.full((5, 2), len(VOCAB))
    for name, X, Y in (("X", bad, good), ("Y", good, bad)):
        with pytest.raises(ValueError, match=f"^{name} must lie between 0 and vocab_size - 1"):
            model.loss_and_grads(X, Y, model.begin_state(2))
