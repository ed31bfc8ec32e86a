"""Three laws of how a gradient shrinks on its way back, each measured against what it predicts.

- radius: with zero input the length of an RNN's gradient changes by the spectral radius at every step, so its logarithm has
  the slope log(radius). Orthogonal matrices, and Gaussian ones, whose slope is that only in the long run: it is taken over
  the last two thirds of the steps.
- saturation: with Gaussian input the slope is that of a mean field, computed from the radius and the size of the input
  alone. The weighted sums have the variance q = radius^2 E[tanh(z)^2] + size^2, with z Gaussian of variance q; then the
  slope is log(radius) + log(E[(1 - tanh(z)^2)^2]) / 2. It holds for wide networks. size: the standard deviation of what
  the input adds to each weighted sum.
- carousel: in an LSTM whose recurrent weights are cut, dL/dC_t is dL/dC_T times the product of the forget gates between.
  The largest relative error over all steps, units and examples; the product is taken in long double.

The networks are those of chapter 2. Takes about ten seconds on one core. Writes the record that the appendix on results shows:

    python bench/results/gradient_laws.py --json bench/results/gradient_laws.json
"""
import itertools
import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import record

from d2l_utils.cells import LSTM

SETTINGS = {"num_seeds": 5, "num_steps": 300, "radii": [0.3, 0.9, 1.0, 1.1, 1.5], "num_hiddens": 32,
            "saturation": {"radii": [0.5, 0.9, 1.0, 1.1, 1.5], "sizes": [0.1, 0.3, 1.0], "num_hiddens": 256, "num_steps": 160},
            "carousel": {"forget_biases": [1.0, 3.0, 5.0, 50.0], "num_hiddens": 32, "num_steps": 1000}}


def slope(norms):
    """Slope of the natural logarithm of norms, per step."""
    return float(np.polyfit(np.arange(len(norms)), np.log(norms), 1)[0])


def radius_run(matrix, radius, seed):
    """The slope with zero input."""
    chapter, h = record.definitions("02-vanishing-gradients.md"), SETTINGS["num_hiddens"]
    rng = np.random.default_rng(seed)
    cell = chapter["rnn_of_radius"](radius, 1, h, rng)
    if matrix == "Gaussian":
        W = rng.standard_normal((h, h))
        cell.params["W_hh"][...] = W * radius / np.abs(np.linalg.eigvals(W)).max()
    _, d_trace = chapter["gradients"](cell, np.zeros((SETTINGS["num_steps"], 4, 1)), rng)
    norms = chapter["by_distance"](d_trace.H)
    return {"law": "radius", "matrix": matrix, "radius": radius, "seed": seed,
            "slope": round(slope(norms[len(norms) // 3:]), 7), "predicted": round(float(np.log(radius)), 7)}


def mean_field_slope(radius, size):
    """What the mean field predicts, from the two numbers alone."""
    z, weights = np.polynomial.hermite_e.hermegauss(101)
    weights, q = weights / weights.sum(), 1.0
    for _ in range(5000):                               # to the fixed point
        q = radius ** 2 * (weights @ np.tanh(np.sqrt(q) * z) ** 2) + size ** 2
    return np.log(radius) + 0.5 * np.log(weights @ (1 - np.tanh(np.sqrt(q) * z) ** 2) ** 2)


def saturation_run(radius, size, seed):
    """The slope with Gaussian input, one number a unit, over all steps but the first, which start from zero."""
    chapter, settings = record.definitions("02-vanishing-gradients.md"), SETTINGS["saturation"]
    h, rng = settings["num_hiddens"], np.random.default_rng(seed)
    cell = chapter["rnn_of_radius"](radius, h, h, rng)
    cell.params["W_xh"][...] = size * np.eye(h)
    _, d_trace = chapter["gradients"](cell, rng.standard_normal((settings["num_steps"], 4, h)), rng)
    return {"law": "saturation", "radius": radius, "size": size, "seed": seed,
            "slope": round(slope(chapter["by_distance"](d_trace.H)[:-40]), 5),
            "predicted": round(float(mean_field_slope(radius, size)), 5)}


def carousel_run(forget_bias, seed):
    """How far dL/dC_t is from the product of the forget gates, for a loss that asks the last cell and nothing else."""
    settings, rng = SETTINGS["carousel"], np.random.default_rng(seed)
    cell = LSTM(4, settings["num_hiddens"], rng=rng, sigma=0.3, forget_bias=forget_bias)
    for gate in "ifoc":
        cell.params[f"W_h{gate}"][...] = 0
    trace, _ = cell.forward(rng.standard_normal((settings["num_steps"] + 1, 2, 4)), cell.begin_state(2))
    d_C, d_trace = rng.standard_normal(trace.C[-1].shape), trace.empty_like()
    cell.backward(trace, np.zeros_like(trace.H), (np.zeros_like(d_C), d_C), d_trace)
    product = np.cumprod(trace.F[:0:-1].astype(np.longdouble), axis=0)[::-1]
    error = np.abs(d_trace.C[:-1] / (d_C * product) - 1).max()
    return {"law": "carousel", "forget_bias": forget_bias, "seed": seed, "relative_error": float(f"{error:.2g}"),
            "left": float(f"{np.abs(product[0]).mean():.2g}")}


def main():
    path, began, seeds = record.path_from(__doc__), time.process_time(), range(SETTINGS["num_seeds"])
    saturation, carousel = SETTINGS["saturation"], SETTINGS["carousel"]
    runs = [*(radius_run(*case) for case in itertools.product(("orthogonal", "Gaussian"), SETTINGS["radii"], seeds)),
            *(saturation_run(*case) for case in itertools.product(saturation["radii"], saturation["sizes"], seeds)),
            *(carousel_run(*case) for case in itertools.product(carousel["forget_biases"], seeds))]
    seconds = round(time.process_time() - began, 1)
    print(f"{len(runs)} runs in {seconds} s")
    if path:
        record.write(path, SETTINGS, runs, seconds=seconds)


if __name__ == "__main__":
    main()
