"""What a framework with a known fault returned, kept so that a page can find the fault without having the framework.

`suspect(name)` gives the inputs, the same everywhere; `exhibit(name)` what the framework makes of them.
"""
from d2l_utils.frameworks.conformance import make_case, run_framework

FORMS = {"opencv": "diagonal", "tensorflow_v2": "one cell", "paddle": "both ways, lengths"}


def suspect(name):
    """(layer, X, state, d_H, d_state, lengths) for a framework of FORMS; for TensorFlow a single step."""
    layer, X, state, d_H, d_state, lengths = make_case(FORMS[name], 0)
    return (layer, X[:1], state, d_H[:1], d_state, lengths) if name == "tensorflow_v2" else (
        layer, X, state, d_H, d_state, lengths)


def exhibit(name):
    """A framework's hidden states, if these are wrong, or its gradients, by name, as lists of numbers in float32.

    For a gradient also those from an initial hidden state of zeros, named "from zero".
    """
    layer, X, state, d_H, d_state, lengths = suspect(name)

    def run(state):
        return run_framework(name, (layer, X, state, d_H, d_state, lengths), "float32")

    if name == "opencv":
        return {"H": run(state).H.tolist()}
    from_zero = tuple(0 * s if k % 2 == 0 else s for k, s in enumerate(state))
    return {"grads": {key: g.tolist() for key, g in run(state).grads.items()},
            "from zero": {key: g.tolist() for key, g in run(from_zero).grads.items()}}
