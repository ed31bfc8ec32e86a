"""Clipping and two optimizers. Both change arrays in place, so they serve NumPy and MXNet arrays alike."""
import math


def _squared_norm(g):
    total = (g * g).sum()
    return float(total.asscalar() if hasattr(total, "asscalar") else total)     # an MXNet array is no float by itself


def clip_by_global_norm(grads, max_norm):
    """Scale all gradients by one factor so that their joint Euclidean norm is at most max_norm.

    grads: dict of arrays, changed in place. Returns the norm before clipping. Raises ValueError unless max_norm > 0.
    Pascanu, Mikolov & Bengio (2013).
    """
    if not max_norm > 0:
        raise ValueError(f"max_norm must be greater than 0, got {max_norm!r}")
    norm = math.sqrt(sum(_squared_norm(g) for g in grads.values()))
    if norm > max_norm:
        for g in grads.values():
            g *= max_norm / norm
    return norm


def _check_step(params, grads, lr):
    if params.keys() != grads.keys():
        raise ValueError(f"grads must have the names of params; they differ in {sorted(params.keys() ^ grads.keys())}")
    for name, w in params.items():
        if grads[name].shape != w.shape:                # NumPy would stretch a smaller gradient over the parameter
            raise ValueError(f"grads[{name!r}] must have the shape of the parameter, {w.shape}, got {grads[name].shape}")
    if not lr > 0:
        raise ValueError(f"lr must be greater than 0, got {lr!r}")


class SGD:
    """Stochastic gradient descent: w <- w - lr * gradient. lr: the learning rate."""

    def __init__(self, lr):
        self.lr = lr

    def step(self, params, grads):
        """params and grads: dicts of arrays with the same names and shapes, or a ValueError; params change in place."""
        _check_step(params, grads, self.lr)
        for name, w in params.items():
            w -= self.lr * grads[name]


class Adam:
    """Adam with bias correction. lr, beta1, beta2, eps: as in Kingma & Ba (2015), algorithm 1."""

    def __init__(self, lr, beta1=0.9, beta2=0.999, eps=1e-8):
        self.lr, self.beta1, self.beta2, self.eps = lr, beta1, beta2, eps
        self.t, self.m, self.v = 0, {}, {}

    def step(self, params, grads):
        """params and grads: dicts of arrays with the same names and shapes, or a ValueError; params change in place."""
        _check_step(params, grads, self.lr)
        self.t += 1
        for name, w in params.items():
            g = grads[name]
            self.m[name] = self.beta1 * self.m.get(name, 0) + (1 - self.beta1) * g
            self.v[name] = self.beta2 * self.v.get(name, 0) + (1 - self.beta2) * g * g
            m_hat = self.m[name] / (1 - self.beta1 ** self.t)
            v_hat = self.v[name] / (1 - self.beta2 ** self.t)
            w -= self.lr * m_hat / (v_hat ** 0.5 + self.eps)
