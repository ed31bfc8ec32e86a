"""The LSTM of Greff et al. (2017) and its eight variants, each a switch of one cell: forward and backward pass by hand."""
import numpy as np

from d2l_utils.cells.base import Cell, sigmoid, sigmoid_prime, tanh_prime
from d2l_utils.cells.lstm import LSTMTrace

VARIANTS = {
    "vanilla": "forget gate and diagonal peepholes",
    "NIG": "no input gate: I = 1",
    "NFG": "no forget gate: F = 1",
    "NOG": "no output gate: O = 1",
    "NIAF": "no input activation function: C_tilde without its tanh",
    "NOAF": "no output activation function: H = O * C",
    "CIFG": "coupled input and forget gate: F = 1 - I",
    "NP": "no peepholes",
    "FGR": "full gate recurrence: each gate sees what all three gates were a step ago",
}
GATES = ("i", "f", "o")


class LSTMVariant(Cell):
    """An LSTM with diagonal peepholes and at most one part left out, coupled or added.

    num_inputs, num_hiddens, dtype, rng: see Cell. variant: a name in VARIANTS, which says what it does.
    sigma: standard deviation of the Gaussian weights. forget_bias: the forget gate starts at its sigmoid where the
    weights are small. So b_f starts at forget_bias and the other biases at zero; CIFG, whose forget gate is 1 - I,
    starts b_i at -forget_bias instead; NFG has no gate to set.
    The state is (H, C), for FGR (H, C, I, F, O), and a gate that a variant lacks is 1 in the trace. Raises ValueError
    for another variant. Greff, Srivastava, Koutník, Steunebrink & Schmidhuber (2017).
    """

    def __init__(self, num_inputs, num_hiddens, variant="vanilla", dtype=np.float64, rng=None, sigma=0.01, forget_bias=0.0):
        super().__init__(num_inputs, num_hiddens, dtype, rng)
        if variant not in VARIANTS:
            raise ValueError(f"variant must be one of {', '.join(VARIANTS)}, got {variant!r}")
        self.variant = variant
        self.state_names = ("H", "C", "I", "F", "O") if variant == "FGR" else ("H", "C")
        without = {"NIG": "i", "NFG": "f", "CIFG": "f", "NOG": "o"}.get(variant)
        self.parts = [part for part in (*GATES, "c") if part != without]        # what has weights
        for part in self.parts:
            self.params[f"W_x{part}"] = self._normal(num_inputs, num_hiddens, sigma=sigma)
            self.params[f"W_h{part}"] = self._normal(num_hiddens, num_hiddens, sigma=sigma)
            if part != "c" and variant != "NP":
                self.params[f"W_c{part}"] = self._normal(num_hiddens, sigma=sigma)
            if part != "c" and variant == "FGR":                                # W_io leads from I to O
                self.params.update({f"W_{g}{part}": self._normal(num_hiddens, num_hiddens, sigma=sigma) for g in GATES})
            self.params[f"b_{part}"] = np.zeros(num_hiddens, self.dtype)
        if variant == "CIFG":
            self.params["b_i"] -= forget_bias
        elif variant != "NFG":
            self.params["b_f"] += forget_bias

    def _sum(self, part, X_t, H, C, gates):
        """What a gate or the candidate squashes. gates: I, F, O of the step before, for FGR; else empty."""
        p = self.params
        Z = X_t @ p[f"W_x{part}"] + H @ p[f"W_h{part}"]
        if f"W_c{part}" in p:
            Z = Z + C * p[f"W_c{part}"]
        if part != "c":
            for g, G in zip(GATES, gates):
                Z = Z + G @ p[f"W_{g}{part}"]
        return Z + p[f"b_{part}"]

    def forward(self, X, state):
        """Run the cell over a sequence.

        X: (num_steps, batch_size, num_inputs). state: (H, C), for FGR (H, C, I, F, O), each (batch_size, num_hiddens).
        Returns (trace, state): an LSTMTrace with every gate at every step, and the last state.
        Raises ValueError for a wrong shape. Greff et al. (2017), section II and III, with row vectors.
        """
        X, (H, C, *gates) = self._check_forward(X, state)
        variant = self.variant
        trace = LSTMTrace.empty(X, (H, C, *gates), self.num_hiddens, np.result_type(X, H, C, self.params["W_hc"]))
        for t, X_t in enumerate(X):
            I = 1.0 if variant == "NIG" else sigmoid(self._sum("i", X_t, H, C, gates))
            F = 1.0 if variant == "NFG" else 1 - I if variant == "CIFG" else sigmoid(self._sum("f", X_t, H, C, gates))
            Z_c = self._sum("c", X_t, H, C, gates)
            C_tilde = Z_c if variant == "NIAF" else np.tanh(Z_c)
            C = F * C + I * C_tilde
            O = 1.0 if variant == "NOG" else sigmoid(self._sum("o", X_t, H, C, gates))
            H = O * (C if variant == "NOAF" else np.tanh(C))
            if variant == "FGR":
                gates = [I, F, O]
            trace.record(t, I, F, O, C_tilde, C, H)
        return trace, (H, C, *gates)

    def _before(self, trace, t):
        """The state that step t started from."""
        if t == 0:
            return trace.state
        return tuple(getattr(trace, name)[t - 1] for name in self.state_names)

    def backward(self, trace, d_H, d_state=None, d_trace=None):
        """Backpropagation through time: the gradients of a loss L from what L asks of each H_t directly.

        trace: from `forward`. d_H: like trace.H, the direct part of dL/dH_t. d_state: gradient of the last state, as it
        arrives from later steps, or None for zeros. d_trace: an empty trace that receives the whole gradient of every
        gate, cell and hidden state at every step, or None. Returns (grads, d_X, d_state): a dict like `params`, an array
        like X, and the gradient of the initial state. Raises ValueError for a wrong shape.
        Each line undoes one line of `forward`.
        """
        d_H, (d_H_next, d_C_next, *d_gates) = self._check_backward(trace, d_H, d_state, d_trace)
        p, variant = self.params, self.variant
        grads = {name: np.zeros_like(w, dtype=trace.H.dtype) for name, w in p.items()}
        d_X = np.zeros(trace.X.shape, trace.H.dtype)
        for t in reversed(range(len(trace.X))):
            I, F, O, C_tilde, C = trace.step(t)
            H_before, C_before, *gates_before = self._before(trace, t)
            d_H_t = d_H[t] + d_H_next                               # H_t serves the loss and the next step
            squashed = C if variant == "NOAF" else np.tanh(C)       # H = O * squashed
            d_O = d_H_t * squashed
            d_C = d_C_next + d_H_t * O * (1 if variant == "NOAF" else tanh_prime(squashed))
            d_I = d_F = 0                                           # what the next step's gates ask of these, for FGR
            if variant == "FGR":
                d_I, d_F, d_O = d_gates[0], d_gates[1], d_O + d_gates[2]
            d_Z = {}
            if "o" in self.parts:                                   # O = sigmoid(Z_o), which may peek at C
                d_Z["o"] = d_O * sigmoid_prime(O)
                d_C = d_C + d_Z["o"] * p.get("W_co", 0)
            d_F, d_I, d_C_tilde = d_F + d_C * C_before, d_I + d_C * C_tilde, d_C * I    # C = F * C_before + I * C_tilde
            if variant == "CIFG":
                d_I = d_I - d_F                                     # F = 1 - I: what I admits, F drops
            d_Z["c"] = d_C_tilde * (1 if variant == "NIAF" else tanh_prime(C_tilde))    # C_tilde = tanh(Z_c)
            d_C_next = d_C * F                                      # the direct path: a product, no matrix
            for gate, d, G in (("i", d_I, I), ("f", d_F, F)):
                if gate in self.parts:                              # I = sigmoid(Z_i), F = sigmoid(Z_f), which may peek
                    d_Z[gate] = d * sigmoid_prime(G)
                    d_C_next = d_C_next + d_Z[gate] * p.get(f"W_c{gate}", 0)
            d_H_next = np.zeros_like(d_H_t)
            d_gates = [np.zeros_like(d_H_t) for _ in gates_before]
            for part in self.parts:                                 # Z = X W_x + H_before W_h + peephole + gates + b
                d = d_Z[part]
                grads[f"W_x{part}"] += trace.X[t].T @ d
                grads[f"W_h{part}"] += H_before.T @ d
                grads[f"b_{part}"] += d.sum(axis=0)
                d_X[t] += d @ p[f"W_x{part}"].T
                d_H_next += d @ p[f"W_h{part}"].T
                if f"W_c{part}" in p:
                    grads[f"W_c{part}"] += (d * (C if part == "o" else C_before)).sum(axis=0)
                if part != "c":
                    for g, G, d_G in zip(GATES, gates_before, d_gates):
                        grads[f"W_{g}{part}"] += G.T @ d
                        d_G += d @ p[f"W_{g}{part}"].T
            if d_trace is not None:
                d_trace.record(t, d_I, d_F, d_O, d_C_tilde, d_C, d_H_t)
        return grads, d_X, (d_H_next, d_C_next, *d_gates)
