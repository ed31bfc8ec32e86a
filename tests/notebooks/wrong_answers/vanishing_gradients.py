"""Plausible wrong answers to the exercises of chapter 2, named after the misconception, with a word of the hint."""
import numpy as np


def slope(norms):
    return np.polyfit(np.arange(len(norms)), np.log(norms), 1)[0]


def slope10(norms):
    return slope(norms) / np.log(10)


def product(H, W, steps, rows=True):
    M = np.eye(H.shape[1])
    for t in steps:
        M = M @ (np.diag(1 - H[t] ** 2) @ W if rows else W @ np.diag(1 - H[t] ** 2))
    return M


def backwards(H, last=0):
    return range(len(H) - 1, last, -1)


def steps(bits):
    return lambda rho: np.ceil(bits * np.log(2) / -np.log(rho))


def global_norm(grads):
    return np.sqrt(sum((g ** 2).sum() for g in grads.values()))


def scaled(factor):
    """A clipping whose factor for an array g is factor(g, the global norm, max_norm)."""
    def clip(grads, max_norm):
        norm = global_norm(grads)
        return {name: factor(g, norm, max_norm) * g for name, g in grads.items()}, norm
    return clip


def entries(grads, max_norm):
    return {name: np.clip(g, -max_norm, max_norm) for name, g in grads.items()}, global_norm(grads)


def in_place(grads, max_norm):
    norm = global_norm(grads)
    for g in grads.values():
        g *= min(1.0, max_norm / norm)
    return grads, norm


def norm_after(grads, max_norm):
    norm = global_norm(grads)
    scale = min(1.0, max_norm / norm)
    return {name: scale * g for name, g in grads.items()}, scale * norm


def share(F, d_C, gates):
    return np.array([np.linalg.norm(g * d_C[-1]) / np.linalg.norm(d) for g, d in zip(gates(F), d_C)])


def later_gates(F):
    return np.concatenate([np.cumprod(F[:0:-1], axis=0)[::-1], np.ones_like(F[:1])])


WRONG_ANSWERS = {
    "radius_from": {
        "slope instead of radius": (slope, "this is the slope"),
        "log10 with exp": (lambda norms: np.exp(slope10(norms)), "log10"),
        "log with powers of 10": (lambda norms: 10 ** slope(norms), "not by powers of 10"),
        "wrong way": (lambda norms: np.exp(-slope(norms)), "turned around"),
        "off by one": (lambda norms: (norms[-1] / norms[0]) ** (1 / len(norms)), "one step less"),
        "starts at 1": (lambda norms: norms[-1] ** (1 / (len(norms) - 1)), "divide by it"),
    },
    "jacobian_product": {
        "not transposed": (lambda H, W: product(H, W, backwards(H)), "has to be transposed"),
        "column vectors": (lambda H, W: product(H, W.T, backwards(H)).T, "row vectors"),
        "order": (lambda H, W: product(H, W.T, range(1, len(H))), "order"),
        "columns scaled": (lambda H, W: product(H, W.T, backwards(H), rows=False), "rows"),
        "state before": (lambda H, W: product(H, W.T, range(len(H) - 2, -1, -1)), "slope of tanh at H[t]"),
        "one too many": (lambda H, W: product(H, W.T, backwards(H, -1)), "too many"),
        "no tanh": (lambda H, W: np.linalg.matrix_power(W.T, len(H) - 1), "missing"),
    },
    "steps_until_lost": {
        "spacing, not half of it": (steps(23), "half"),
        "float64": (steps(53), "float64"),
        "underflow": (steps(149), "becomes 0"),
        "not rounded": (lambda rho: 24 * np.log(2) / -np.log(rho), "round up"),
        "rounded down": (lambda rho: np.floor(24 * np.log(2) / -np.log(rho)), "too few"),
    },
    "clip_together": {
        "each entry": (entries, "each entry"),
        "each array": (scaled(lambda g, norm, limit: min(1.0, limit / max(np.linalg.norm(g), 1e-12))), "its own norm"),
        "scaled up": (scaled(lambda g, norm, limit: limit / norm), "never scale it up"),
        "squared": (scaled(lambda g, norm, limit: min(1.0, limit / norm ** 2)), "square"),
        "in place": (in_place, "have changed"),
        "norm after clipping": (norm_after, "before"),
        "norm forgotten": (lambda grads, max_norm: entries(grads, max_norm)[0], "two things"),
        "division by zero": (lambda grads, max_norm: scaled(
            lambda g, norm, limit: min(1.0, limit / norm) if norm else np.nan)(grads, max_norm), "not finite"),
    },
    "direct_share": {
        "one gate too many": (lambda F, d_C: share(F, d_C, lambda F: np.cumprod(F[::-1], axis=0)[::-1]), "F[t + 1]"),
        "forwards": (lambda F, d_C: share(F, d_C, lambda F: np.cumprod(F, axis=0)), "backwards"),
        "upside down": (lambda F, d_C: 1 / share(F, d_C, later_gates), "upside down"),
        "from the end": (lambda F, d_C: share(F, d_C, later_gates)[::-1], "step t"),
        "gates alone": (lambda F, d_C: np.array([np.linalg.norm(g) / np.linalg.norm(d)
                                                 for g, d in zip(later_gates(F), d_C)]), "d_C[-1]"),
    },
}
