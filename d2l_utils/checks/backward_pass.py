"""Checks of the exercises in chapter 9, The backward pass, and the faults that a gradient check has to find."""
import functools
import inspect

import numpy as np

from d2l_utils.cells.base import sigmoid, sigmoid_prime, tanh_prime
from d2l_utils.cells.lstm import LSTMTrace
from d2l_utils.checks import WrongAnswer, exercise, expect

PARAMS = [f"{part}{gate}" for gate in "ifoc" for part in ("W_x", "W_h", "b_")]


def forward(p, X, H, C):
    """An LSTM's trace from its parameters, its input and its initial state, real or complex."""
    trace = LSTMTrace.empty(X, (H, C), H.shape[1], np.result_type(X, H, C, *p.values()))
    for t, X_t in enumerate(X):
        Z = {gate: X_t @ p[f"W_x{gate}"] + H @ p[f"W_h{gate}"] + p[f"b_{gate}"] for gate in "ifoc"}
        I, F, O, C_tilde = sigmoid(Z["i"]), sigmoid(Z["f"]), sigmoid(Z["o"]), np.tanh(Z["c"])
        C = F * C + I * C_tilde
        H = O * np.tanh(C)
        trace.record(t, I, F, O, C_tilde, C, H)
    return trace


def backward(p, trace, d_H, d_state):
    """Its gradients: (grads, d_X, d_state), as in the chapter. The faults below are planted here."""
    grads = {name: np.zeros_like(p[name]) for name in PARAMS}
    d_X = np.zeros_like(trace.X)
    d_H_later, d_C_later = d_state
    for t in reversed(range(len(d_H))):
        I, F, O, C_tilde, C = trace.step(t)
        H_before, C_before = trace.before(t)
        d_H_t = d_H[t] + d_H_later
        d_O = d_H_t * np.tanh(C)
        d_C = d_C_later + d_H_t * O * tanh_prime(np.tanh(C))
        d_I, d_F, d_C_tilde = d_C * C_tilde, d_C * C_before, d_C * I
        d_C_later = d_C * F
        d_Z = {"i": d_I * sigmoid_prime(I), "f": d_F * sigmoid_prime(F), "o": d_O * sigmoid_prime(O),
               "c": d_C_tilde * tanh_prime(C_tilde)}
        d_H_later = np.zeros_like(d_H_t)
        for gate, d in d_Z.items():
            grads[f"W_x{gate}"] += trace.X[t].T @ d
            grads[f"W_h{gate}"] += H_before.T @ d
            grads[f"b_{gate}"] += d.sum(axis=0)
            d_X[t] += d @ p[f"W_x{gate}"].T
            d_H_later += d @ p[f"W_h{gate}"].T
    return grads, d_X, (d_H_later, d_C_later)


# A line of the two functions above, and what stands there instead.
FAULTS = {
    "tanh' of the cell at its argument": ("tanh_prime(np.tanh(C))", "tanh_prime(C)"),
    "tanh' of the candidate at its argument": ("tanh_prime(C_tilde)", "tanh_prime(np.arctanh(C_tilde))"),
    "sigma' of the forget gate missing": ("d_F * sigmoid_prime(F)", "d_F"),
    "the output gate's bias in every sum": ('p[f"b_{gate}"] for', 'p["b_o"] for'),
    "C serves H alone": ("d_C_later + d_H_t * O", "d_H_t * O"),
    "the gates see C's later use alone": ("d_C * C_tilde, d_C * C_before, d_C * I",
                                          "d_C_later * C_tilde, d_C_later * C_before, d_C_later * I"),
    "H serves the loss alone": ("d_H[t] + d_H_later", "d_H[t]"),
    "each gate overwrites the last one's share": ("d_H_later += d @", "d_H_later = d @"),
    "H of this step for H before": ("H_before.T @ d", "trace.H[t].T @ d"),
    "C of this step for C before": ("d_C * C_before", "d_C * C"),
    "the weights not transposed": ('d @ p[f"W_h{gate}"].T', 'd @ p[f"W_h{gate}"]'),
    "biases averaged over the minibatch": ("d.sum(axis=0)", "d.mean(axis=0)"),
    "the initial state taken for zero": ("trace.before(t)", "trace.before(t) if t else (0 * C, 0 * C)"),
    "no forget gate on the way out": ("d_C_later = d_C * F", "d_C_later = d_C * F if t else d_C"),
    "the input hears one gate only": ("d_X[t] += d @", "d_X[t] = d @"),
}


def planted(fault=None):
    """(forward, backward) with one of FAULTS in one of them; with None both are right."""
    right, wrong = FAULTS[fault] if fault else ("", "")
    source = inspect.getsource(forward) + inspect.getsource(backward)
    namespace = dict(globals())
    exec(compile(source.replace(right, wrong) if fault else source, "planted", "exec"), namespace)
    return namespace["forward"], namespace["backward"]


def _problem(fault, seed, scale=1.0):
    """(loss, gradients, values): a loss of all that goes into an LSTM, what backward says of it, and a place to look."""
    rng = np.random.default_rng(seed)
    num_steps, n, d, h = 3, 2, 2, 4
    shapes = {"W_x": (d, h), "W_h": (h, h), "b_": (h,)}
    values = {name: 0.7 * rng.standard_normal(shapes[name[:-1]]) for name in PARAMS}
    values.update(X=rng.standard_normal((num_steps, n, d)), H=rng.uniform(-0.8, 0.8, (n, h)), C=rng.standard_normal((n, h)))
    A, a_H, a_C = (scale * rng.standard_normal(shape) for shape in ((num_steps, n, h), (n, h), (n, h)))
    run, back = planted(fault)

    def trace(v):
        return run({name: v[name] for name in PARAMS}, v["X"], v["H"], v["C"])

    def loss(v):
        out = trace(v)
        return (A * out.H).sum() + (a_H * out.H[-1]).sum() + (a_C * out.C[-1]).sum()

    def gradients(v):
        grads, d_X, (d_H, d_C) = back({name: v[name] for name in PARAMS}, trace(v), A, (a_H, a_C))
        return {**grads, "X": d_X, "H": d_H, "C": d_C}

    return loss, gradients, values


@functools.cache
def _errors(fault, seed):
    """How far each gradient is off in that problem, as a share of its size, by the complex step: 0 is right."""
    loss, gradients, values = _problem(fault, seed)
    as_complex = {name: w.astype(complex) for name, w in values.items()}
    found = {}
    for name, gradient in gradients(values).items():
        right = np.empty_like(values[name])
        for index in np.ndindex(right.shape):
            as_complex[name][index] += 1e-30j
            right[index] = loss(as_complex).imag / 1e-30
            as_complex[name][index] = values[name][index]
        found[name] = np.linalg.norm(gradient - right) / max(np.linalg.norm(gradient), np.linalg.norm(right))
    return found


@exercise
def coupled_step_back(answer):
    rng = np.random.default_rng(0)
    for shape in ((2, 3), (4, 1)):
        d_C, C_tilde, C_before = (rng.standard_normal(shape) for _ in range(3))
        I = rng.uniform(0.1, 0.9, shape)
        got = answer(d_C.copy(), I.copy(), C_tilde.copy(), C_before.copy())
        if not isinstance(got, (tuple, list)) or len(got) != 3:
            raise WrongAnswer("return three gradients: d_I, d_C_tilde, d_C_before")
        expect(got[1], d_C * I, "d_C_tilde", misconceptions=[
            (d_C * (1 - I), "d_C_tilde: the candidate is multiplied by the input gate, not by what the input gate leaves"),
            (d_C * I * (1 - C_tilde ** 2), "d_C_tilde: the slope of tanh comes later, on the way into the candidate"),
        ])
        expect(got[2], d_C * (1 - I), "d_C_before", misconceptions=[
            (d_C * I, "d_C_before: the old cell is multiplied by 1 - I here, the place of the forget gate"),
            (d_C, "d_C_before: the factor in front of the old cell is missing"),
        ])
        expect(got[0], d_C * (C_tilde - C_before), "d_I", misconceptions=[
            (d_C * C_tilde, "d_I: the input gate is used twice in this line, and one of the two is missing"),
            (-d_C * C_before, "d_I: the input gate is used twice in this line, and one of the two is missing"),
            (d_C * (C_tilde + C_before), "d_I: the two uses add up, but 1 - I falls when I rises: mind the sign"),
            (d_C * (C_tilde - C_before) * I * (1 - I), "d_I: the slope of the sigmoid comes later, on the way into the gate"),
        ])
    return "Two uses, two terms, one of them with a minus sign."


def _named(answer, problem):
    """The names that an answer gives for a problem, as a set."""
    loss, gradients, values = problem

    def real_loss(v):
        if any(np.iscomplexobj(w) for w in v.values()):
            raise WrongAnswer("this loss takes real arrays only, like most programs: use differences")
        return loss(v)

    before = {name: w.copy() for name, w in values.items()}
    got = answer(real_loss, gradients, values)
    if not isinstance(got, (set, frozenset, list, tuple)) or not set(got) <= set(values):
        raise WrongAnswer("return a set with the names of wrong gradients, such as {'W_xi', 'X'}, or an empty one")
    if any(not np.allclose(values[name], w, rtol=0, atol=1e-12) for name, w in before.items()):     # w + h - h may round
        raise WrongAnswer("the arrays in values have changed: put back what you nudge, or work on copies")
    return set(got)


@exercise
def wrong_gradients(answer):
    accused = _named(answer, _problem(None, seed=1))
    if accused:
        raise WrongAnswer(f"it cries wolf: {', '.join(sorted(accused))} of the right backward pass stand accused. Differences "
                          "are never exact: with a tiny h they measure rounding, with a large one the bend of the curve. "
                          "Choose h between, and a tolerance well above the error that is left")
    missed, reported, spared, cleared = {}, set(), set(), 0
    for fault in FAULTS:
        off = _errors(fault, seed=2)
        wrong = {name for name, error in off.items() if error > 1e-6}
        got = _named(answer, _problem(fault, seed=2))
        if got - wrong:
            raise WrongAnswer(f"with “{fault}” planted it accuses {', '.join(sorted(got - wrong))}, which is right there: each "
                              "array needs a difference of its own")
        reported |= got
        spared |= wrong - got
        cleared += not got
        if wrong - got:
            missed[fault] = max(off[name] for name in wrong - got)
    never = ", ".join(sorted(spared - reported))
    if not reported:
        raise WrongAnswer(f"it finds none of {len(FAULTS)} planted faults: compare gradients with differences of the loss")
    if len(reported) < 4:
        raise WrongAnswer(f"it looks at {', '.join(sorted(reported))} and at nothing else, and clears {cleared} of "
                          f"{len(FAULTS)} faulty backward passes. Each array in values has a gradient")
    if never and spared - reported <= {"X", "H", "C"}:
        raise WrongAnswer(f"it never complains of {never}. Parameters are not all: the input and the initial state have "
                          "gradients too, and some faults show there alone")
    if never:
        raise WrongAnswer(f"it never complains of {never}: each array in values has a gradient")
    if missed:
        fault, error = max(missed.items(), key=lambda item: item[1])
        raise WrongAnswer(f"it is too lenient: with “{fault}” planted a gradient is off by {error:.1%} of its size and passes. "
                          "Good differences agree to eight digits or more, so the tolerance can be small")
    for case, wrong in (("", set()), ("H of this step for H before", {"W_hi", "W_hf", "W_ho", "W_hc"})):
        if _named(answer, _problem(case, seed=3, scale=1e-9)) != wrong:
            raise WrongAnswer("where the loss, and so every gradient, is 1e-9 times as large, it judges otherwise: measure the "
                              "error as a share of the gradient's size, with nothing absolute beside it")
    return f"It clears the right backward pass and finds all {len(FAULTS)} faults."


@exercise
def share_within(answer):
    for lag, window in ((10, 35), (18, 35), (0, 5), (1, 35), (34, 35), (35, 35), (60, 35), (3, 4)):
        wanted = max(0, window - lag) / window
        expect(answer(lag, window), wanted, f"share_within({lag}, {window})", misconceptions=[
            (float(lag < window), "whether the lag fits depends on where in its window a step stands"),
            (float(lag <= window), "whether the lag fits depends on where in its window a step stands"),
            (max(0, window - lag + 1) / window, "one too many: the step at place 0 of a window reaches back to lag 0 only"),
            (max(0, window - lag - 1) / window, "one too few: the step at place `lag` still reaches the window's first step"),
            (1 - lag / window, "a share is not negative"),
            (lag / window, "this is the share that is lost"),
        ])
    return "At a window of 35 steps, half of all dependencies over 18 steps are cut."


def _kept(num_steps, k):
    """States kept and one piece of a trace, in arrays (batch_size, num_hiddens)."""
    return 2 * -(-num_steps // k) + 6 * k


@exercise
def keep_every(answer):
    for num_steps in (48, 300, 1200, 4800, 7):
        best = min(_kept(num_steps, k) for k in range(1, num_steps + 1))
        k = answer(num_steps)
        if not isinstance(k, (int, np.integer)) or not 1 <= k <= num_steps:
            raise WrongAnswer(f"return a whole number from 1 to {num_steps} for keep_every({num_steps}), got {k!r}")
        if _kept(num_steps, int(k)) == best:
            continue
        close = "close: a kept state is two arrays and a step of the trace is six, so pieces are shorter than the root of T"
        hints = {
            1: "keeping every state leaves nothing to save on the states: the pieces have one step, the states are 2 T arrays",
            num_steps: "one piece is the whole trace: nothing is saved",
            round(num_steps ** 0.5): close,
            int(num_steps ** 0.5): close,
            round((3 * num_steps) ** 0.5): "turned around: a step of the trace costs three times as much as a kept state, so "
                                           "the pieces become shorter, not longer",
        }
        hint = hints.get(int(k), f"with k = {k} it takes {_kept(num_steps, int(k))} arrays, and {best} would do")
        raise WrongAnswer(f"keep_every({num_steps}) = {k}: {hint}")
    return "The memory grows like the square root of the number of steps."
