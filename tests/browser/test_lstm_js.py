"""The widgets' mathematics, run in Chromium, against the cells in NumPy: random shapes, values and gradients."""
import re
from pathlib import Path

import numpy as np
import pytest

from d2l_utils import widgets
from d2l_utils.cells import GRU, LSTM, RNN
from d2l_utils.layers import Dense
from d2l_utils.losses import cross_entropy, softmax
from d2l_utils.optim import Adam
from d2l_utils.widgets.random import Mulberry32

pytestmark = pytest.mark.browser
FOLDER = Path(widgets.__file__).parent
SOURCE = "".join(re.sub(r"^import .*\n", "", (FOLDER / name).read_text(encoding="utf-8"), flags=re.MULTILINE)
                 for name in ("lstm.js", "gru.js"))
SHAPES = [(1, 1, 1), (5, 11, 1), *map(tuple, np.random.default_rng(0).integers(1, 21, (6, 3)).tolist())]  # steps, inputs, units
IMPORT = """async ([source, body, given]) => {
    const js = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
    const typed = (v) => Array.isArray(v) ? (typeof v[0] === "number" || !v.length ? Float64Array.from(v) : v.map(typed))
        : v && typeof v === "object" ? Object.fromEntries(Object.entries(v).map(([k, x]) => [k, typed(x)])) : v;
    const result = new Function("js", "given", body)(js, typed(given));
    return JSON.parse(JSON.stringify(result, (_, v) => ArrayBuffer.isView(v) ? Array.from(v) : v));
}"""
WHOLE = """
    const trace = js.KINDForward(given.params, given.X, given.state);
    const { grads, d_X, d_state, d_trace } = js.KINDBackward(given.params, trace, given.d_H, given.d_state);
    return { trace, grads, d_X, d_state, d_trace };
"""


@pytest.fixture(scope="module")
def run(chromium):
    """run(body, **given) gives what JavaScript returns: lists become Float64Arrays, matrices row by row."""
    page = chromium.new_page()
    page.goto("about:blank")
    yield lambda body, source=SOURCE, **given: page.evaluate(IMPORT, [source, body, plain(given)])
    page.close()


def plain(value):
    if isinstance(value, dict):
        return {name: plain(v) for name, v in value.items()}
    if isinstance(value, np.ndarray):
        return value.tolist()
    return [plain(v) for v in value] if isinstance(value, (list, tuple)) else value


def problem(kind, shape, rng):
    """A cell, what goes into it, and what its backward pass is asked for, for one sequence."""
    num_steps, num_inputs, num_hiddens = shape
    cell = kind(num_inputs, num_hiddens, rng=rng, sigma=0.7)
    for name in cell.params:
        cell.params[name] += 0.3 * rng.standard_normal(cell.params[name].shape)
    X, d_H = rng.standard_normal((num_steps, num_inputs)), rng.standard_normal((num_steps, num_hiddens))
    state, d_state = ([rng.standard_normal(num_hiddens) for _ in cell.state_names] for _ in range(2))
    return cell, X, state, d_H, d_state


def answers(run, kind, shape, rng, source=SOURCE):
    """Pairs of JavaScript's number and NumPy's, of values and of gradients."""
    cell, X, state, d_H, d_state = problem(kind, shape, rng)
    params = {name: w.ravel() for name, w in cell.params.items()}
    body = WHOLE.replace("KIND", kind.__name__.lower())
    js = run(body, source=source, params=params, X=X, state=state, d_H=d_H, d_state=d_state)
    trace, _ = cell.forward(X[:, None], tuple(s[None] for s in state))
    d_trace = trace.empty_like()
    grads, d_X, d_first = cell.backward(trace, d_H[:, None], tuple(d[None] for d in d_state), d_trace)
    names = {RNN: ("H",), GRU: ("R", "Z", "H_tilde", "H"), LSTM: ("I", "F", "O", "C_tilde", "C", "H")}[kind]
    values = [(js["trace"][name], getattr(trace, name)[:, 0]) for name in names]
    gradients = [(js["grads"][name], g.ravel()) for name, g in grads.items()]
    gradients += [(js["d_trace"][name], getattr(d_trace, name)[:, 0]) for name in names]
    gradients += [(js["d_X"], d_X[:, 0]), *((js["d_state"][k], d[0]) for k, d in enumerate(d_first))]
    return values, gradients


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", [LSTM, RNN, GRU])
def test_values_and_gradients_are_numpys(run, kind, shape, rng):
    values, gradients = answers(run, kind, shape, rng)
    for js, numpy in values:
        np.testing.assert_allclose(js, numpy, rtol=1e-12, atol=1e-14)
    for js, numpy in gradients:
        np.testing.assert_allclose(js, numpy, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("kind", "code", "mutant"), [
    (LSTM, '["i", "f", "o"].map((gate)', '["f", "i", "o"].map((gate)'),                           # two gates swapped
    (LSTM, "F[j] * C_before[j] + I[j] * C_tilde[j]", "I[j] * C_before[j] + F[j] * C_tilde[j]"),
    (LSTM, "d_C_next[j] + d_H_t[j] * O[j]", "d_H_t[j] * O[j]"),
    (LSTM, "sum += d[j] * W[k * n + j]", "sum += d[j] * W[j * n + k]"),
    (LSTM, "d_x[k] += sum", "d_x[k] = sum"),
    (LSTM, "trace.H[t - 1], trace.C[t - 1]", "trace.H[t], trace.C[t]"),
    (GRU, "z * H_before[j] + (1 - z) * H_tilde[j]", "(1 - z) * H_before[j] + z * H_tilde[j]"),
    (GRU, "d_RH[j] * R[j];", "d_RH[j];"),
    (GRU, "tanhPrime(H_tilde[j])), trace.X[t], RH", "tanhPrime(H_tilde[j])), trace.X[t], H_before"),
])
def test_a_wrong_cell_is_found_out(run, kind, code, mutant, rng):
    assert SOURCE.count(code) == 1, f"lstm.js and gru.js no longer hold {code!r} once"
    values, gradients = answers(run, kind, (6, 5, 5), rng, SOURCE.replace(code, mutant))
    assert max(np.abs(np.array(js) - numpy).max() for js, numpy in values + gradients) > 1e-3


def test_the_output_layer_and_the_loss_are_numpys(run, rng):
    dense, H, target = Dense(5, 4, rng=rng, sigma=1.0), rng.standard_normal(5), 2
    dense.params["b_q"] += rng.standard_normal(4)
    js = run("""
        const Y = js.denseForward(given.params, given.H);
        const { loss, d_Y } = js.crossEntropy(Y, given.target);
        return { Y, loss, d_Y, P: js.softmax(Y), ...js.denseBackward(given.params, given.H, d_Y) };
    """, params={name: w.ravel() for name, w in dense.params.items()}, H=H, target=target)
    Y = dense.forward(H)
    loss, d_Y = cross_entropy(Y, np.array(target))
    grads, d_H = dense.backward(H, d_Y)
    for name, wanted in {"Y": Y, "loss": loss, "d_Y": d_Y, "P": softmax(Y), "d_H": d_H}.items():
        np.testing.assert_allclose(js[name], wanted, rtol=1e-12, atol=1e-14)
    for name, g in grads.items():
        np.testing.assert_allclose(js["grads"][name], g.ravel(), rtol=1e-12, atol=1e-14)


def test_scores_of_a_thousand_do_not_overflow(run):
    Y = np.array([1000.0, -1000.0, 999.0])
    js = run("return { P: js.softmax(given.Y), ...js.crossEntropy(given.Y, 2) };", Y=Y)
    loss, d_Y = cross_entropy(Y, np.array(2))
    for name, wanted in {"P": softmax(Y), "loss": loss, "d_Y": d_Y}.items():
        np.testing.assert_allclose(js[name], wanted, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("kind", [LSTM, RNN])
def test_states_that_are_left_out_are_zero_and_the_weights_gradients_may_be_left_out(run, kind, rng):
    cell, X, _, d_H, _ = problem(kind, (4, 3, 5), rng)
    js = run("""
        const trace = js.KINDForward(given.params, given.X);
        const { grads, d_X, d_state } = js.KINDBackward(given.params, trace, given.d_H, undefined, null);
        return { trace, grads, d_X, d_state };
    """.replace("KIND", kind.__name__.lower()), params={name: w.ravel() for name, w in cell.params.items()}, X=X, d_H=d_H)
    trace, _ = cell.forward(X[:, None], cell.begin_state(1))
    _, d_X, d_state = cell.backward(trace, d_H[:, None])
    assert js["grads"] is None
    np.testing.assert_allclose(js["trace"]["H"], trace.H[:, 0], rtol=1e-12, atol=1e-14)
    for found, wanted in ((js["d_X"], d_X[:, 0]), *zip(js["d_state"], (d[0] for d in d_state))):
        np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", [LSTM, RNN])
def test_a_sequence_of_no_steps_has_no_gradients_of_its_own(run, kind, rng):
    cell, _, state, _, d_state = problem(kind, (1, 3, 5), rng)
    body = WHOLE.replace("KIND", kind.__name__.lower())
    js = run(body, params={name: w.ravel() for name, w in cell.params.items()}, X=[], state=state, d_H=[], d_state=d_state)
    assert js["d_X"] == []
    assert all(not any(g) for g in js["grads"].values())
    assert all(d == [] for d in js["d_trace"].values())
    assert js["d_state"] == plain(d_state)


def test_adam_is_numpys_and_leaves_its_arguments_alone(run, rng):
    params = {"W": rng.standard_normal(6), "b": rng.standard_normal(2)}
    grads = [{name: rng.standard_normal(len(w)) for name, w in params.items()} for _ in range(3)]
    js = run("""
        let [params, moments] = [given.params, undefined];
        for (const grads of given.grads) ({ params, moments } = js.adam(params, grads, moments, 0.05));
        return { params, before: given.params };
    """, params=params, grads=grads)
    np.testing.assert_array_equal(js["before"]["W"], params["W"])
    optimizer = Adam(0.05)
    for g in grads:
        optimizer.step(params, g)
    for name, w in params.items():
        np.testing.assert_allclose(js["params"][name], w, rtol=1e-12)


@pytest.mark.parametrize("seed", [0, 1, 42, 2**32 - 1])
def test_random_numbers_are_the_same_to_the_last_bit(run, seed):
    js = run("const next = js.mulberry32(given.seed); return Array.from({ length: 1000 }, next);", seed=seed)
    numbers = Mulberry32(seed).random(1000)
    assert js == numbers.tolist()
    assert 0 <= numbers.min() < 0.01 < 0.99 < numbers.max() < 1
    assert abs(numbers.mean() - 0.5) < 0.05
    with pytest.raises(ValueError, match="seed"):
        Mulberry32(-1)


def test_every_widget_is_one_module_without_imports(run):
    sources = {path.name: path.read_text(encoding="utf-8") for path in Path(widgets.__file__).parent.glob("*.js")}
    files = [name for name, source in sources.items() if "export default" in source]
    assert files
    for name in files:
        text = widgets.module(name)
        assert not re.search(r"^import ", text, re.MULTILINE)
        assert run("return typeof js.default.render;", source=text) == "function", name


def test_all_widgets_but_the_two_with_trained_models_weigh_at_most_60_kilobytes():
    aside = {"characters.js", "gru.js", "read_a_cell.js", "who_is_remembered.js"}
    files = [path for path in FOLDER.glob("*.js") if path.name not in aside]
    files.append(FOLDER.parents[1] / "assets" / "static" / "widgets.js")
    assert sum(path.stat().st_size for path in files) <= 60_000
