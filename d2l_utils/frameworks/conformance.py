"""Does a framework compute the book's cell, and is the table right about it? Random shapes, weights, states and gradients."""
import itertools
from importlib.metadata import version

import numpy as np

from d2l_utils.cells import LSTM
from d2l_utils.frameworks import TABLE, Run, adapter, stack
from d2l_utils.layers import Bidirectional, Stacked

SEEDS = range(2)
FAR = 1e-2              # no rounding: something else was computed


def error(got, wanted):
    """The largest difference of two arrays, in units of the largest entry if that is above 1."""
    got, wanted = np.asarray(got, np.float64), np.asarray(wanted, np.float64)
    if got.shape != wanted.shape:
        raise ValueError(f"an array has the shape {got.shape}, it should be {wanted.shape}")
    return float(np.abs(got - wanted).max() / max(1.0, np.abs(wanted).max()))


def reference(layer, X, state, d_H, d_state, lengths=None):
    """The book's own Run of a layer in float64: each sequence by itself where they have lengths."""
    if lengths is None:
        trace, last = layer.forward(X, state)
        return Run(trace.H, last, *layer.backward(trace, d_H, d_state))
    H, d_X = np.zeros_like(d_H), np.zeros_like(X)
    last, d_first = (tuple(np.empty_like(s) for s in state) for _ in range(2))
    grads = {name: np.zeros_like(w) for name, w in layer.params.items()}
    for n, length in enumerate(lengths):
        here = np.s_[:length, n:n + 1]
        run = reference(layer, X[here], tuple(s[n:n + 1] for s in state), d_H[here], tuple(s[n:n + 1] for s in d_state))
        H[here], d_X[here] = run.H, run.d_X
        for whole, part in (*zip(last, run.state), *zip(d_first, run.d_state)):
            whole[n] = part[0]
        for name, g in run.grads.items():
            grads[name] += g
    return Run(H, last, grads, d_X, d_first)


def make_layer(form, rng):
    """A layer of ours with random weights and a random shape. form: a form of peepholes, or of Framework.forms."""
    d, h = (int(n) for n in rng.integers(2, 7, 2))

    def cell(num_inputs, peepholes=None):
        made = LSTM(num_inputs, h, peepholes)
        for w in made.params.values():
            w[...] = rng.normal(0, 0.6, w.shape).astype(np.float32)     # numbers that float32 has too
        return made

    if form == "stacked":
        return Stacked([cell(d), cell(h)])
    if form in ("both ways", "both ways, lengths"):
        return Bidirectional(cell(d), cell(d))
    return cell(d, None if form in ("one cell", "lengths") else form)


def make_case(form, seed, square=False):
    """(layer, X, state, d_H, d_state, lengths) of a form, all random; lengths is None where the form has none.

    square: as many sequences as steps, so that the axes can be mistaken for each other.
    """
    rng = np.random.default_rng(seed)
    layer = make_layer(form, rng)
    num_steps, batch_size = (int(n) for n in rng.integers((4, 2), (8, 5)))
    if square:
        batch_size = num_steps

    def normal(*shape):
        return rng.normal(0, 1, shape).astype(np.float32).astype(np.float64)

    states = [tuple(normal(*s.shape) for s in layer.begin_state(batch_size)) for _ in range(2)]
    lengths = rng.permutation([num_steps, *rng.integers(1, num_steps, batch_size - 1)]) if "lengths" in form else None
    d_H = normal(num_steps, batch_size, layer.num_hiddens)
    if lengths is not None:
        d_H[np.arange(num_steps)[:, None] >= lengths] = 0               # what stands behind the end is not looked at
    return layer, normal(num_steps, batch_size, layer.num_inputs), states[0], d_H, states[1], lengths


def forms_of(framework):
    """The forms of a framework's cell that are tried."""
    forms = ["one cell" if peepholes is None else peepholes for peepholes in framework.peepholes or (None,)]
    both = ("both ways, lengths",) if {"both ways", "lengths"} <= set(framework.forms) else ()
    return (*forms, *framework.forms, *both)


def run_framework(name, case, dtype, order=None, first=None):
    """A framework's Run of a case of `make_case`, the steps first. order, first: as in its table entry, if left out."""
    layer, X, state, d_H, d_state, lengths = case
    module = adapter(name)

    def turned(a):
        return np.swapaxes(a, 0, 1) if (first or TABLE[name].first) == "batch" and a is not None else a

    X, d_H = (np.ascontiguousarray(turned(a), dtype) for a in (X, d_H))
    state, d_state = (tuple(s.astype(dtype) for s in states) for states in (state, d_state))
    run = module.run(module.load(layer, order or TABLE[name].order, dtype), X, state, d_H, d_state, lengths)
    return run._replace(H=turned(run.H), d_X=turned(run.d_X))


def errors(name, form, dtype, seed, order=None, first=None):
    """(forward, gradients): the largest errors of one random case; gradients is None where the framework has none.

    order, first: as in the framework's table entry, if left out. If `first` is given, all cases are square.
    """
    case = make_case(form, seed, square=first is not None)
    got, wanted = run_framework(name, case, dtype, order, first), reference(*case)
    X, lengths = case[1], case[-1]
    mask = np.True_ if lengths is None else (np.arange(len(X))[:, None] < lengths)[..., None]
    forward = max(error(np.where(mask, got.H, 0), wanted.H),
                  *(error(s, w) for s, w in zip(got.state, wanted.state) if s is not None))
    if got.grads is None:
        return forward, None
    assert got.grads.keys() == wanted.grads.keys(), got.grads.keys() ^ wanted.grads.keys()
    return forward, max(*(error(got.grads[n], g) for n, g in wanted.grads.items()), error(got.d_X, wanted.d_X),
                        *(error(s, w) for s, w in zip(got.d_state, wanted.d_state)))


def dtypes_of(framework):
    return ("float32",) if framework.float64 is None else ("float32", "float64")


def bounds(framework, form, dtype):
    """(forward, gradients): the largest errors that the table allows; gradients in float64 may be further off."""
    if dtype == "float32":
        return framework.float32, framework.float32
    if form in framework.larger:
        return framework.larger[form], framework.larger[form]
    return framework.float64, 100 * framework.float64


def as_tabled(name, row):
    """Whether a row of `measure` is as the table says: within its bounds, and where it has a known fault, far beyond."""
    limits = dict(zip(("forward", "gradients"), bounds(TABLE[name], row["form"], row["dtype"])))
    fault = TABLE[name].faulty.get(row["form"])
    return all(row[part] is None or (row[part] > FAR if part == fault else row[part] <= limit)
               for part, limit in limits.items())


def measure(name):
    """All cases of a framework: a list of dicts with the form, the dtype, and the errors over all seeds."""
    framework, rows = TABLE[name], []
    for form, dtype in itertools.product(forms_of(framework), dtypes_of(framework)):
        forward, gradients = zip(*(errors(name, form, dtype, seed) for seed in SEEDS))
        rows.append({"framework": name, "form": form, "dtype": dtype, "forward": max(forward),
                     "gradients": max(gradients) if framework.gradients else None})
    return rows


def that_fit(name, **choices):
    """Of the choices for `order` or `first`, those with which a framework computes the book's cell."""
    (key, values), = choices.items()
    form, bound = forms_of(TABLE[name])[0], TABLE[name].float32
    return [value for value in values if errors(name, form, "float32", 0, **{key: value})[0] <= bound]


def layouts_that_fit(name):
    """Of the entries for Framework.weights, those in which a framework's own arrays hold the W_x of a cell of ours."""
    framework, module = TABLE[name], adapter(name)
    cell = make_layer(forms_of(framework)[0], np.random.default_rng(0))
    own = [np.squeeze(a) for a in module.arrays(module.load(cell, framework.order, "float32"))]
    rows, *_ = stack(cell, framework.order)
    blocks = np.split(rows, 4)
    layouts = {"rows": [rows], "columns": [rows.T], "interleaved": [np.stack(blocks, axis=1).reshape(rows.shape)]}
    held = {layout: all(any(np.array_equal(a[:len(part)], part) for a in own) for part in parts)
            for layout, parts in layouts.items()}       # TensorFlow has W_h below W_x, in the same array
    held["separate"] = all(any(np.array_equal(a, part) or np.array_equal(a, part.T) for a in own) for part in blocks)
    return [layout for layout, holds in held.items() if holds]


def found(name, num_inputs=3, num_hiddens=4):
    """What the table says of a framework, as experiment has it: order, weights, first, biases, forget_bias; and its version.

    A list instead of one answer: these fit, or none does. A key that is not there cannot be asked of this framework.
    forget_bias: a number, or "uniform" if the biases of a new layer lie within 1/sqrt(h) of zero and are not all alike.
    """
    module = adapter(name)
    fit = {"order": that_fit(name, order=["".join(order) for order in itertools.permutations("ifco")]),
           "weights": layouts_that_fit(name)}
    if TABLE[name].first != "one step":
        fit["first"] = that_fit(name, first=("steps", "batch"))
    result = {"version": version(TABLE[name].package),
              **{key: values[0] if len(values) == 1 else values for key, values in fit.items()}}
    if TABLE[name].forget_bias is None:                     # a format without layers of its own: nothing is new
        return result
    params, biases = module.unload(module.new(num_inputs, num_hiddens))
    b_f = params["b_f"]
    if np.ptp(b_f) == 0:
        return {**result, "biases": biases, "forget_bias": float(b_f[0])}
    within = np.abs(b_f).max() <= biases / np.sqrt(num_hiddens)
    return {**result, "biases": biases, "forget_bias": "uniform" if within else b_f.tolist()}


def tab_case():
    """What the code of a tab in the chapter works with: a dict with d, h, the parameters p, X, H_0 and C_0 in float32; and the
    hidden states that it should arrive at, in H.
    """
    rng = np.random.default_rng(0)
    cell = LSTM(5, 4, dtype=np.float32, rng=rng, sigma=0.6)
    for w in cell.params.values():
        w[...] = rng.normal(0, 0.6, w.shape)
    X, H_0, C_0 = (rng.standard_normal(shape).astype(np.float32) for shape in ((7, 3, 5), (3, 4), (3, 4)))
    trace, _ = cell.forward(X, (H_0, C_0))
    return {"np": np, "d": 5, "h": 4, "p": cell.params, "X": X, "H_0": H_0, "C_0": C_0}, trace.H


def run_tab(code):
    """How far the H that the code of a tab leaves behind is from our cell's."""
    given, wanted = tab_case()
    exec(code, given)
    H = given["H"]
    return error(H.numpy() if hasattr(H, "numpy") else H, wanted)


def reproduce(name, code):
    """What the minimal reproduction of a framework's fault leaves behind: the version, and the numbers `got` and `right`."""
    adapter(name)                       # which says what is missing, if something is
    left: dict = {}
    exec(code, left)
    return {"version": version(TABLE[name].package), **{key: np.ravel(left[key]).tolist() for key in ("got", "right")}}
