"""Seeds side by side: the numbers of the plain cells, one by one."""
import numpy as np
import pytest

from d2l_utils.cells import LSTM, RNN
from d2l_utils.ensemble import Ensemble, EnsembleDense, clip_each
from d2l_utils.layers import Dense
from d2l_utils.optim import Adam, clip_by_global_norm

NUM_SEEDS, NUM_STEPS, BATCH_SIZE, NUM_INPUTS, NUM_HIDDENS = 3, 6, 2, 4, 5
KINDS = {"RNN": lambda rng: RNN(NUM_INPUTS, NUM_HIDDENS, rng=rng, sigma=0.6),
         **{f"LSTM, peepholes {p}": lambda rng, p=p: LSTM(NUM_INPUTS, NUM_HIDDENS, p, rng=rng, sigma=0.6, forget_bias=1.0)
            for p in (None, "diagonal", "full")},
         "cell of 1997": lambda rng: LSTM(NUM_INPUTS, NUM_HIDDENS, "diagonal", rng=rng, sigma=0.6, forget_bias=np.inf)}


def joined(grads, ensemble):
    """The gradients of a plain cell under the names of an ensemble's, as the ensemble of that one cell holds them."""
    cell = ensemble.cell(0)
    cell.params = grads
    return Ensemble([cell]).params


@pytest.mark.parametrize("kind", KINDS)
def test_every_seed_has_the_trace_and_the_gradients_of_its_plain_cell(kind, rng):
    cells = [KINDS[kind](rng) for _ in range(NUM_SEEDS)]
    for cell in cells:
        for name in (name for name in cell.params if name.startswith("b_")):
            cell.params[name] += 0.3 * rng.standard_normal(NUM_HIDDENS)
    ensemble = Ensemble(cells)
    X = rng.standard_normal((NUM_STEPS, NUM_SEEDS, BATCH_SIZE, NUM_INPUTS))
    state, d_last = (tuple(rng.standard_normal((NUM_SEEDS, BATCH_SIZE, NUM_HIDDENS)) for _ in cells[0].state_names)
                     for _ in range(2))
    trace, last = ensemble.forward(X, state)
    d_H = rng.standard_normal(trace.H.shape)
    grads, d_X, d_state = ensemble.backward(trace, d_H, d_last)
    for k, cell in enumerate(cells):
        plain, plain_last = cell.forward(X[:, k], tuple(s[k] for s in state))
        for name in ("I", "F", "O", "C_tilde", "C", "H") if kind != "RNN" else ("H",):
            np.testing.assert_allclose(getattr(trace, name)[:, k], getattr(plain, name), rtol=1e-12, atol=1e-14)
        plain_grads, plain_d_X, plain_d_state = cell.backward(plain, d_H[:, k], tuple(d[k] for d in d_last))
        pairs = [*zip([s[k] for s in last], plain_last), *zip([d[k] for d in d_state], plain_d_state), (d_X[:, k], plain_d_X)]
        wanted = joined(plain_grads, ensemble)
        assert grads.keys() == ensemble.params.keys() == wanted.keys()
        pairs += [(grads[name][k], w[0]) for name, w in wanted.items()]
        for got, right in pairs:
            np.testing.assert_allclose(got, right, rtol=1e-10, atol=1e-12)


def test_all_seeds_may_read_the_same(rng):
    ensemble = Ensemble([KINDS["LSTM, peepholes None"](rng) for _ in range(NUM_SEEDS)])
    X = rng.standard_normal((NUM_STEPS, 1, BATCH_SIZE, NUM_INPUTS))
    state = ensemble.begin_state(BATCH_SIZE)
    same, _ = ensemble.forward(X, state)
    each, _ = ensemble.forward(np.repeat(X, NUM_SEEDS, axis=1), state)
    d_H = rng.standard_normal(same.H.shape)
    for a, b in zip(ensemble.backward(same, d_H)[:2], ensemble.backward(each, d_H)[:2]):
        np.testing.assert_equal(a, b)


@pytest.mark.parametrize("num_axes", [3, 4])
def test_dense_layers_side_by_side(num_axes, rng):
    layers = [Dense(NUM_HIDDENS, 2, rng=rng, sigma=1.0) for _ in range(NUM_SEEDS)]
    for layer in layers:
        layer.params["b_q"] += rng.standard_normal(2)
    H = rng.standard_normal((NUM_STEPS, NUM_SEEDS, BATCH_SIZE, NUM_HIDDENS)[4 - num_axes:])
    together = EnsembleDense(layers)
    Y = together.forward(H)
    d_Y = rng.standard_normal(Y.shape)
    grads, d_H = together.backward(H, d_Y)
    for k, layer in enumerate(layers):
        np.testing.assert_allclose(Y[..., k, :, :], layer.forward(H[..., k, :, :]), rtol=1e-12)
        wanted, wanted_d_H = layer.backward(H[..., k, :, :], d_Y[..., k, :, :])
        np.testing.assert_allclose(d_H[..., k, :, :], wanted_d_H, rtol=1e-12)
        np.testing.assert_allclose(grads["W_hq"][k], wanted["W_hq"], rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(grads["b_q"][k, 0], wanted["b_q"], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_the_plain_cells_come_back(kind, rng):
    cells = [KINDS[kind](rng) for _ in range(NUM_SEEDS)]
    ensemble = Ensemble(cells)
    for k, cell in enumerate(cells):
        back = ensemble.cell(k).params
        assert back.keys() == cell.params.keys()
        for name, w in cell.params.items():
            np.testing.assert_array_equal(back[name], w)
    ensemble.params["W_x"] += 1
    ensemble.cell(0).params[next(iter(back))][...] = 7
    for cell in cells:
        assert abs(next(iter(cell.params.values()))).max() < 4      # copies: nobody else's weights have moved


def test_the_cell_of_1997_has_a_forget_gate_of_exactly_1_and_keeps_it(rng):
    ensemble = Ensemble([KINDS["cell of 1997"](rng) for _ in range(NUM_SEEDS)])
    optimizer = Adam(0.1)
    for _ in range(3):
        X = rng.standard_normal((NUM_STEPS, 1, BATCH_SIZE, NUM_INPUTS))
        trace, _ = ensemble.forward(X, ensemble.begin_state(BATCH_SIZE))
        assert (trace.F == 1).all()
        np.testing.assert_allclose(np.diff(trace.C, axis=0), (trace.I * trace.C_tilde)[1:], atol=1e-15)
        grads, _, _ = ensemble.backward(trace, rng.standard_normal(trace.H.shape))
        forget = np.s_[..., NUM_HIDDENS:2 * NUM_HIDDENS]
        assert all((grads[name][forget] == 0).all() for name in ("W_x", "W_h", "b"))
        assert (grads["W_cf"] == 0).all()
        optimizer.step(ensemble.params, grads)


def test_each_seed_is_clipped_by_itself(rng):
    grads = {"W": rng.standard_normal((NUM_SEEDS, 4, 5)), "b": rng.standard_normal((NUM_SEEDS, 1, 5))}
    for g in grads.values():
        g[0] *= 0.01                                                # the first is short enough as it is
    alone = [{name: g[k].copy() for name, g in grads.items()} for k in range(NUM_SEEDS)]
    norms = clip_each(grads, 1.0)
    for k, wanted in enumerate(alone):
        assert norms[k] == pytest.approx(clip_by_global_norm(wanted, 1.0), rel=1e-12)
        for name, g in wanted.items():
            np.testing.assert_allclose(grads[name][k], g, rtol=1e-12)
    assert norms[0] < 1 < norms[1]


def test_errors_name_the_argument(rng):
    lstm, rnn = KINDS["LSTM, peepholes None"](rng), KINDS["RNN"](rng)
    for cells in ([], [lstm, rnn], [lstm, LSTM(NUM_INPUTS, NUM_HIDDENS + 1)], [Dense(2, 3)]):
        with pytest.raises(ValueError, match="cells"):
            Ensemble(cells)
    with pytest.raises(ValueError, match="layers"):
        EnsembleDense([Dense(2, 3), Dense(2, 4)])
    ensemble = Ensemble([lstm, lstm])
    with pytest.raises(ValueError, match="X must have the shape"):
        ensemble.forward(np.zeros((6, 3, 2, NUM_INPUTS)), ensemble.begin_state(2))
    with pytest.raises(ValueError, match="state must hold"):
        ensemble.forward(np.zeros((6, 2, 2, NUM_INPUTS)), ensemble.begin_state(3))
    trace, _ = ensemble.forward(np.zeros((6, 2, 2, NUM_INPUTS)), ensemble.begin_state(2))
    with pytest.raises(ValueError, match="d_H must have the shape"):
        ensemble.backward(trace, np.zeros((5, 2, 2, NUM_HIDDENS)))
    with pytest.raises(ValueError, match="max_norm"):
        clip_each({"W": np.ones((2, 3))}, 0.0)
