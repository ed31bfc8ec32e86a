"""Hand-written gradients against three judges: differences along a direction, the complex step, and MXNet's autograd.

The loss is a fixed random weighing of everything a forward pass gives: L = sum(A * H) + sum(a * last state). Its
gradient with respect to those is A and a, so `backward(trace, A, a)` must give the gradient of L in all that went in.
"""
import copy
import functools
import types
from pathlib import Path

import numpy as np
import pytest

from d2l_utils.cells import GRU, LSTM, RNN, VARIANTS, gru, lstm, variants

NUM_STEPS, BATCH_SIZE, NUM_INPUTS, NUM_HIDDENS = 6, 3, 4, 5
CELLS = {"RNN": lambda rng, **kw: RNN(NUM_INPUTS, NUM_HIDDENS, rng=rng, sigma=0.6, **kw),
         "GRU": lambda rng: GRU(NUM_INPUTS, NUM_HIDDENS, rng=rng, sigma=0.6),
         **{f"LSTM, peepholes {p}": lambda rng, p=p: LSTM(NUM_INPUTS, NUM_HIDDENS, p, rng=rng, sigma=0.6, forget_bias=1.0)
            for p in (None, "diagonal", "full")}}
LSTMS = [kind for kind in CELLS if kind.startswith("LSTM")]
INPUTS = {kind: [*new(np.random.default_rng(0)).params, "X", "H", *(["C"] if kind in LSTMS else [])]
          for kind, new in CELLS.items()}
CASES = [(kind, name) for kind, names in INPUTS.items() for name in names]


class Problem:
    """A cell, all that goes into it by name, and the loss. last_state: whether the loss looks at the last state too."""

    def __init__(self, cell, rng, last_state=True, num_steps=NUM_STEPS):
        self.cell = cell
        shape = (BATCH_SIZE, NUM_HIDDENS)
        for name in (name for name in cell.params if name.startswith("b_")):
            cell.params[name] += 0.3 * rng.standard_normal(NUM_HIDDENS)
        self.values = {**cell.params, "X": rng.standard_normal((num_steps, BATCH_SIZE, NUM_INPUTS)),
                       **{name: 0.5 * rng.standard_normal(shape) for name in cell.state_names}}
        self.A = rng.standard_normal((num_steps, *shape))
        self.a = tuple(rng.standard_normal(shape) for _ in cell.state_names) if last_state else None

    def forward(self, **changed):
        """(trace, last state), with some of the values changed."""
        values = {**self.values, **changed}
        cell = copy.copy(self.cell)
        cell.params = {name: values[name] for name in cell.params}
        return cell.forward(values["X"], tuple(values[name] for name in cell.state_names))

    def loss(self, **changed):
        trace, last = self.forward(**changed)
        return (self.A * trace.H).sum() + sum((a * s).sum() for a, s in zip(self.a or (), last))

    def gradients(self):
        """What `backward` says, by the same names as `values`."""
        trace, _ = self.forward()
        grads, d_X, d_state = self.cell.backward(trace, self.A, self.a)
        return {**grads, "X": d_X, **dict(zip(self.cell.state_names, d_state))}

    def complex_step(self, name, h=1e-30):
        """The gradient in one of the values, element by element: Im L(w + ih) / h, exact to rounding.

        Squire & Trapp (1998). Everything is made complex, so that no array on the way drops an imaginary part.
        """
        as_complex = {n: w.astype(complex) for n, w in self.values.items()}
        gradient = np.empty_like(self.values[name])
        for index in np.ndindex(gradient.shape):
            nudged = as_complex[name].copy()
            nudged[index] += 1j * h
            gradient[index] = self.loss(**{**as_complex, name: nudged}).imag / h
        return gradient


def relative_error(found, wanted):
    return np.linalg.norm(found - wanted) / np.linalg.norm(wanted)


@pytest.mark.parametrize("last_state", [False, True])
@pytest.mark.parametrize(("kind", "name"), CASES)
def test_gradient_along_a_random_direction(kind, name, last_state, rng):
    """dL/dw . v is the slope of L along v: central differences at h and 2h, combined so that h^2 cancels."""
    problem = Problem(CELLS[kind](rng), rng, last_state)
    w, h = problem.values[name], 1e-3
    gradient = problem.gradients()[name]
    for _ in range(5):
        v = rng.standard_normal(w.shape)
        v += gradient / np.linalg.norm(gradient)            # a direction at right angles would measure rounding only
        v /= np.linalg.norm(v)
        near, far = (problem.loss(**{name: w + step * v}) - problem.loss(**{name: w - step * v}) for step in (h, 2 * h))
        slope = (8 * near - far) / (12 * h)
        assert (gradient * v).sum() == pytest.approx(slope, rel=1e-7, abs=0)


@pytest.mark.parametrize("num_steps", [1, NUM_STEPS])
@pytest.mark.parametrize(("kind", "name"), CASES)
def test_every_element_of_every_gradient_by_the_complex_step(kind, name, num_steps, rng):
    problem = Problem(CELLS[kind](rng), rng, num_steps=num_steps)
    assert relative_error(problem.gradients()[name], problem.complex_step(name)) < 1e-12


def forward_with_nudges(problem, nudges):
    """A second LSTM, its gates stacked in one product, with something added to each quantity at each step."""
    p = {name: w.astype(complex) for name, w in problem.values.items()}
    W_x, W_h, b = (np.concatenate([p[part + gate] for gate in lstm.GATES], axis=-1) for part in ("W_x", "W_h", "b_"))
    V = {gate: p.get(f"W_c{gate}", np.zeros(NUM_HIDDENS)) for gate in "ifo"}
    V = {gate: w if w.ndim == 2 else np.diag(w) for gate, w in V.items()}       # any peepholes as full matrices
    H, C = p["H"], p["C"]
    steps = []
    for t, X_t in enumerate(p["X"]):
        Z_i, Z_f, Z_c, Z_o = np.split(X_t @ W_x + H @ W_h + b, 4, axis=-1)
        I, F = (1 / (1 + np.exp(-Z)) + nudges[gate][t] for Z, gate in ((Z_i + C @ V["i"], "I"), (Z_f + C @ V["f"], "F")))
        C_tilde = np.tanh(Z_c) + nudges["C_tilde"][t]
        C = F * C + I * C_tilde + nudges["C"][t]
        O = 1 / (1 + np.exp(-Z_o - C @ V["o"])) + nudges["O"][t]
        H = O * np.tanh(C) + nudges["H"][t]
        steps.append((I, F, O, C_tilde, C, H))
    return dict(zip(("I", "F", "O", "C_tilde", "C", "H"), map(np.array, zip(*steps))))


def no_nudges():
    return {name: np.zeros((NUM_STEPS, BATCH_SIZE, NUM_HIDDENS), complex) for name in ("I", "F", "O", "C_tilde", "C", "H")}


@pytest.mark.parametrize("kind", LSTMS)
@pytest.mark.parametrize("name", ["I", "F", "O", "C_tilde", "C", "H"])
def test_trace_agrees_with_a_second_lstm_and_d_trace_with_nudging_it(kind, name, rng):
    """d_trace holds what L gains when one gate, cell or hidden state at one step is nudged, all else following from it."""
    problem = Problem(CELLS[kind](rng), rng)
    trace, _ = problem.forward()
    np.testing.assert_allclose(getattr(trace, name), forward_with_nudges(problem, no_nudges())[name].real, rtol=1e-13)

    d_trace = trace.empty_like()
    problem.cell.backward(trace, problem.A, problem.a, d_trace)
    wanted = np.empty_like(trace.H)
    for index in np.ndindex(wanted.shape):
        nudges = no_nudges()
        nudges[name][index] = 1e-30j
        out = forward_with_nudges(problem, nudges)
        loss = (problem.A * out["H"]).sum() + (problem.a[0] * out["H"][-1]).sum() + (problem.a[1] * out["C"][-1]).sum()
        wanted[index] = loss.imag / 1e-30
    assert relative_error(getattr(d_trace, name), wanted) < 1e-12


@pytest.mark.parametrize("kind", ["RNN", "GRU"])
def test_d_trace_is_the_gradient_of_the_state_a_later_part_starts_from(kind, rng):
    problem = Problem(CELLS[kind](rng), rng)
    trace, _ = problem.forward()
    d_trace = trace.empty_like()
    problem.cell.backward(trace, problem.A, problem.a, d_trace)
    np.testing.assert_allclose(d_trace.H[-1], problem.A[-1] + problem.a[0], rtol=1e-13)
    for t in range(NUM_STEPS - 1):
        rest, _ = problem.forward(X=problem.values["X"][t + 1:], H=trace.H[t])
        _, _, (d_H,) = problem.cell.backward(rest, problem.A[t + 1:], problem.a)
        np.testing.assert_allclose(d_trace.H[t], problem.A[t] + d_H, rtol=1e-13)


def gru_with_nudges(problem, nudges):
    """A second GRU, its gates stacked in one product, with something added to each quantity at each step."""
    p = {name: w.astype(complex) for name, w in problem.values.items()}
    W_x, W_h, b = (np.concatenate([p[part + gate] for gate in "rz"], axis=-1) for part in ("W_x", "W_h", "b_"))
    H, steps = p["H"], []
    for t, X_t in enumerate(p["X"]):
        R, Z = np.split(1 / (1 + np.exp(-(X_t @ W_x + H @ W_h + b))), 2, axis=-1)
        R, Z = R + nudges["R"][t], Z + nudges["Z"][t]
        H_tilde = np.tanh(np.concatenate([X_t, H * R], axis=-1) @ np.concatenate([p["W_xh"], p["W_hh"]]) + p["b_h"])
        H_tilde = H_tilde + nudges["H_tilde"][t]
        H = H_tilde + Z * (H - H_tilde) + nudges["H"][t]
        steps.append((R, Z, H_tilde, H))
    return dict(zip(("R", "Z", "H_tilde", "H"), map(np.array, zip(*steps))))


@pytest.mark.parametrize("name", ["R", "Z", "H_tilde", "H"])
def test_trace_agrees_with_a_second_gru_and_d_trace_with_nudging_it(name, rng):
    problem = Problem(CELLS["GRU"](rng), rng)
    trace, _ = problem.forward()
    still = {part: np.zeros(trace.H.shape, complex) for part in ("R", "Z", "H_tilde", "H")}
    np.testing.assert_allclose(getattr(trace, name), gru_with_nudges(problem, still)[name].real, rtol=1e-13)

    d_trace = trace.empty_like()
    problem.cell.backward(trace, problem.A, problem.a, d_trace)
    wanted = np.empty_like(trace.H)
    for index in np.ndindex(wanted.shape):
        nudged = still[name].copy()
        nudged[index] = 1e-30j
        H = gru_with_nudges(problem, {**still, name: nudged})["H"]
        wanted[index] = ((problem.A * H).sum() + (problem.a[0] * H[-1]).sum()).imag / 1e-30
    assert relative_error(getattr(d_trace, name), wanted) < 1e-12


def variant_problem(variant, module=variants):
    """Of one of the cells of Greff et al. (2017), from the module or a mutant of it."""
    rng = np.random.default_rng(2)
    return Problem(module.LSTMVariant(NUM_INPUTS, NUM_HIDDENS, variant, rng=rng, sigma=0.6, forget_bias=1.0), rng)


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_element_of_every_gradient_of_a_variant_by_the_complex_step(variant):
    problem = variant_problem(variant)
    gradients = problem.gradients()
    assert set(gradients) == set(problem.values)
    for name, gradient in gradients.items():
        assert relative_error(gradient, problem.complex_step(name)) < 1e-12, name


def variant_with_nudges(problem, nudges):
    """A second cell of Greff et al. (2017), with something added to each quantity at each step.

    Gates that are left out have huge biases here, and what the gates see is one product.
    """
    variant, p = problem.cell.variant, {name: w.astype(complex) for name, w in problem.values.items()}

    def weights(part):
        rows = [p.get(name + part, np.zeros((n, NUM_HIDDENS))) for name, n in (
            ("W_x", NUM_INPUTS), *((f"W_{read}", NUM_HIDDENS) for read in "hifo"))]
        return np.concatenate([*rows, np.diag(p.get(f"W_c{part}", np.zeros(NUM_HIDDENS))), p.get(f"b_{part}", ONE)[None]])

    ONE, ones = np.full(NUM_HIDDENS, 800.0), np.ones((BATCH_SIZE, 1))
    H, C, *gates = (p[name] for name in problem.cell.state_names)
    steps = []
    for t, X_t in enumerate(p["X"]):
        seen = np.concatenate([X_t, H, *(gates or 3 * [0 * H])], axis=-1)
        Z_i, Z_f, Z_c = (np.concatenate([seen, C, ones], axis=-1) @ weights(part) for part in "ifc")
        I = 1 / (1 + np.exp(-Z_i)) + nudges["I"][t]
        F = (1 - I if variant == "CIFG" else 1 / (1 + np.exp(-Z_f))) + nudges["F"][t]
        C_tilde = (Z_c if variant == "NIAF" else np.tanh(Z_c)) + nudges["C_tilde"][t]
        C = F * C + I * C_tilde + nudges["C"][t]
        O = 1 / (1 + np.exp(-np.concatenate([seen, C, ones], axis=-1) @ weights("o"))) + nudges["O"][t]
        H = O * (C if variant == "NOAF" else np.tanh(C)) + nudges["H"][t]
        gates = gates and [I, F, O]
        steps.append((I, F, O, C_tilde, C, H))
    return dict(zip(("I", "F", "O", "C_tilde", "C", "H"), map(np.array, zip(*steps))))


@pytest.mark.parametrize("variant", VARIANTS)
def test_trace_agrees_with_a_second_variant_and_d_trace_with_nudging_it(variant):
    problem = variant_problem(variant)
    trace, _ = problem.forward()
    d_trace = trace.empty_like()
    problem.cell.backward(trace, problem.A, problem.a, d_trace)
    still = variant_with_nudges(problem, no_nudges())
    for name in still:
        np.testing.assert_allclose(getattr(trace, name), still[name].real, rtol=1e-12)
        wanted = np.empty_like(trace.H[:, 0])
        for t, unit in np.ndindex(wanted.shape):            # of the first example in the minibatch
            nudges = no_nudges()
            nudges[name][t, 0, unit] = 1e-30j
            out = variant_with_nudges(problem, nudges)
            loss = (problem.A * out["H"]).sum() + sum((a * out[part][-1]).sum()
                                                     for a, part in zip(problem.a, problem.cell.state_names))
            wanted[t, unit] = loss.imag / 1e-30
        assert relative_error(getattr(d_trace, name)[:, 0], wanted) < 1e-12, name


def nd_forward(nd, kind, v):
    """The cell's equations once more, in MXNet's nd. Returns the hidden states and the last state."""
    H, C, outputs = v["H"], v.get("C"), []
    for X_t in v["X"]:
        def z(gate, C=None, X_t=X_t, H=H):
            plain = nd.dot(X_t, v[f"W_x{gate}"]) + nd.dot(H, v[f"W_h{gate}"]) + v[f"b_{gate}"]
            W = v.get(f"W_c{gate}")
            return plain if W is None else plain + (nd.dot(C, W) if W.ndim == 2 else C * W)
        if kind == "RNN":
            H = nd.tanh(z("h"))
        elif kind == "GRU":
            R, Z = nd.sigmoid(z("r")), nd.sigmoid(z("z"))
            H = Z * H + (1 - Z) * nd.tanh(z("h", H=R * H))
        else:
            C = nd.sigmoid(z("f", C)) * C + nd.sigmoid(z("i", C)) * nd.tanh(z("c"))
            H = nd.sigmoid(z("o", C)) * nd.tanh(C)
        outputs.append(H)
    return nd.stack(*outputs), (H, C) if kind in LSTMS else (H,)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-13), ("float32", 1e-5)])
@pytest.mark.parametrize("kind", CELLS)
def test_every_gradient_agrees_with_mxnets_autograd(kind, dtype, tolerance, mx, rng):
    problem = Problem(CELLS[kind](rng), rng)
    v = {name: mx.nd.array(w, dtype=dtype) for name, w in problem.values.items()}
    for w in v.values():
        w.attach_grad()
    A, *a = (mx.nd.array(w, dtype=dtype) for w in (problem.A, *problem.a))
    with mx.autograd.record():
        H, last = nd_forward(mx.nd, kind, v)
        loss = (A * H).sum()
        for weight, s in zip(a, last):
            loss = loss + (weight * s).sum()
    loss.backward()
    trace, _ = problem.forward()
    assert relative_error(H.asnumpy(), trace.H) < tolerance
    for name, gradient in problem.gradients().items():
        assert relative_error(v[name].grad.asnumpy(), gradient) < tolerance, name


# A check that a wrong cell passes has checked nothing. Each of these changes, several of them met in published code,
# makes a forward pass and a backward pass that do not belong together.
MUTANTS = [
    ("C = F * C + I * C_tilde", "C = I * C + F * C_tilde"),                         # gates swapped
    ("H = O * np.tanh(C)\n", "H = O * C\n"),                                        # output squashing forgotten
    ("* tanh_prime(tanh_C)", ""),                                                   # ... forgotten on the way back
    ("tanh_prime(tanh_C)", "tanh_prime(C)"),                                        # derivative at the argument
    ("d_C = d_C_next + d_H_t", "d_C = d_H_t"),                                      # C serves H alone
    ("d_H[t] + d_H_next", "d_H[t]"),                                                # H serves the loss alone
    ("d_C * C_before, d_C * C_tilde", "d_C * C, d_C * C_tilde"),                    # the cell of the wrong step
    ("d_C * C_before, d_C * C_tilde, d_C * I", "d_C * C_tilde, d_C * C_before, d_C * I"),
    ("d_I * sigmoid_prime(I)", "d_I"),                                              # a gate without its slope
    ("d_C_tilde * tanh_prime(C_tilde)", "d_C_tilde * sigmoid_prime(C_tilde)"),
    ("H_before.T @ d", "trace.H[t].T @ d"),                                         # the hidden state of the wrong step
    ("d_H_next += d @ p[f\"W_h{gate}\"].T", "d_H_next = d @ p[f\"W_h{gate}\"].T"),  # the last gate overwrites the others
    ("d_C_next = d_C * F", "d_C_next = d_C"),                                       # the constant flow of 1997
    ("if t > 0 else self.state", "if t > 1 else self.state"),
    ("self._undo_peek(\"o\", C, d", "self._undo_peek(\"o\", C_before, d"),          # the output gate sees the new cell
    ("d_C_next += self._undo_peek(gate, C_before, d, grads)", "self._undo_peek(gate, C_before, d, grads)"),
    ("d @ W.T if self", "d @ W if self"),
    ("(d * C).sum(axis=0)", "d.sum(axis=0)"),
]

GRU_MUTANTS = [
    ("H = Z * H + (1 - Z) * H_tilde\n            t", "H = (1 - Z) * H + Z * H_tilde\n            t"),     # the other convention
    ("(R * H) @ p[\"W_hh\"]", "R * (H @ p[\"W_hh\"])"),                               # reset after the product
    ("d_H_t * (H_before - H_tilde)", "d_H_t * H_before"),                           # Z counts twice
    ("d_H_next = d_H_t * Z ", "d_H_next = d_H_t "),
    ("d_R = d_RH * H_before", "d_R = d_RH * trace.H[t]"),                           # the hidden state of the wrong step
    ("d_H_next += d_RH * R", "d_H_next += d_RH"),
    ("(\"h\", R * H_before, d_sum_h)", "(\"h\", H_before, d_sum_h)"),
    ("if part != \"h\"", "if part != \"z\""),
    ("d_Z * sigmoid_prime(Z)", "d_Z"),                                              # a gate without its slope
]

def worst_error(module):
    """Over all forms of the cell that the module holds."""
    kinds = [module.GRU] if hasattr(module, "GRU") else [functools.partial(module.LSTM, peepholes=peepholes)
                                                         for peepholes in (None, "diagonal", "full")]
    worst = 0.0
    for kind in kinds:
        rng = np.random.default_rng(2)
        problem = Problem(kind(NUM_INPUTS, NUM_HIDDENS, rng=rng, sigma=0.6), rng)
        worst = max(worst, *(relative_error(g, problem.complex_step(name)) for name, g in problem.gradients().items()))
    return worst


def mutated(original, code, mutant):
    """The module with that line of code, of which it has one, changed."""
    source = Path(original.__file__).read_text(encoding="utf-8")
    assert source.count(code) == 1, f"{original.__name__} no longer holds {code!r} once"
    module = types.ModuleType("mutant")
    exec(compile(source.replace(code, mutant), "mutant", "exec"), module.__dict__)
    return module


@pytest.mark.parametrize(("original", "code", "mutant"), [*((lstm, *m) for m in MUTANTS), *((gru, *m) for m in GRU_MUTANTS)])
def test_the_check_kills_this_mutant(original, code, mutant):
    assert worst_error(mutated(original, code, mutant)) > 1e-3
    assert worst_error(original) < 1e-12


# Each switch off, or off on one of the two ways.
VARIANT_MUTANTS = [
    ("NIG", 'I = 1.0 if variant == "NIG"', 'I = 0.5 if variant == "NIG"'),
    ("NFG", 'F = 1.0 if variant == "NFG"', 'F = 0.5 if variant == "NFG"'),
    ("NOG", 'O = 1.0 if variant == "NOG"', 'O = 0.5 if variant == "NOG"'),
    ("NIAF", 'Z_c if variant == "NIAF" else np.tanh(Z_c)', "np.tanh(Z_c)"),
    ("NIAF", '1 if variant == "NIAF" else tanh_prime(C_tilde)', "tanh_prime(C_tilde)"),
    ("NOAF", 'O * (C if variant == "NOAF" else np.tanh(C))', "O * np.tanh(C)"),
    ("NOAF", '1 if variant == "NOAF" else tanh_prime(squashed)', "tanh_prime(squashed)"),
    ("NOAF", 'squashed = C if variant == "NOAF" else np.tanh(C)', "squashed = np.tanh(C)"),
    ("CIFG", '1 - I if variant == "CIFG"', 'I if variant == "CIFG"'),
    ("CIFG", "d_I = d_I - d_F", "d_I = d_I + d_F"),
    ("CIFG", "d_I = d_I - d_F", "pass"),                                            # F tells I nothing
    ("vanilla", 'Z = Z + C * p[f"W_c{part}"]', "pass"),
    ("vanilla", 'p.get("W_co", 0)', "0"),
    ("vanilla", 'p.get(f"W_c{gate}", 0)', "0"),
    ("vanilla", '(C if part == "o" else C_before)', "C_before"),                    # the output gate sees the new cell
    ("FGR", "gates = [I, F, O]", "gates = [I, F, 0 * O]"),
    ("FGR", "gates = [I, F, O]", "gates = [F, I, O]"),
    ("FGR", "d_gates[0], d_gates[1], d_O + d_gates[2]", "d_gates[0], d_gates[1], d_O"),
    ("FGR", "d_gates[0], d_gates[1], d_O + d_gates[2]", "0, d_gates[1], d_O + d_gates[2]"),
    ("FGR", "G.T @ d", "0 * G.T @ d"),
    ("FGR", "tuple(getattr(trace, name)[t - 1]", "tuple(getattr(trace, name)[t]"),
]


def variant_error(variant, module):
    """Of the trace against a second cell, and of each gradient along a random direction, by the complex step."""
    problem, rng = variant_problem(variant, module), np.random.default_rng(3)
    trace, _ = problem.forward()
    errors = [relative_error(getattr(trace, name), A.real) for name, A in variant_with_nudges(problem, no_nudges()).items()]
    as_complex = {name: w.astype(complex) for name, w in problem.values.items()}
    for name, gradient in problem.gradients().items():
        v = rng.standard_normal(gradient.shape)
        slope = problem.loss(**{**as_complex, name: as_complex[name] + 1e-30j * v}).imag / 1e-30
        found = (gradient * v).sum()
        errors.append(abs(found - slope) / max(abs(found), abs(slope)))
    return max(errors)


@pytest.mark.parametrize(("variant", "code", "mutant"), VARIANT_MUTANTS)
def test_the_check_kills_this_mutant_of_a_variant(variant, code, mutant):
    assert variant_error(variant, mutated(variants, code, mutant)) > 1e-3
    assert variant_error(variant, variants) < 1e-11
