"""Cross entropy, its gradient, and the perplexity that is read off it."""
import numpy as np


def softmax(Y):
    """Probabilities from scores along the last axis. The largest score is subtracted first: exp never overflows."""
    E = np.exp(Y - Y.max(axis=-1, keepdims=True))
    return E / E.sum(axis=-1, keepdims=True)


def cross_entropy(Y, targets):
    """The mean of -log softmax(Y)[target], in nats a token, and its gradient.

    Y: (..., vocab_size) scores. targets: (...) whole numbers from 0 to vocab_size - 1.
    Returns (loss, d_Y). Raises ValueError for shapes that do not fit and for targets that are not whole
    numbers or lie outside the vocabulary.
    """
    Y, targets = np.asarray(Y), np.asarray(targets)
    if Y.ndim < 1 or targets.shape != Y.shape[:-1]:
        raise ValueError(f"targets must have the shape of Y without its last axis, {Y.shape[:-1]}, got {targets.shape}")
    if targets.size == 0:
        raise ValueError("targets must hold at least one token, got none")
    if targets.dtype.kind not in "iu":
        raise ValueError(f"targets must be whole numbers, got {targets.dtype}")
    if targets.min() < 0 or targets.max() >= Y.shape[-1]:
        raise ValueError(f"targets must lie between 0 and vocab_size - 1 = {Y.shape[-1] - 1}, "
                         f"got {targets.min()} to {targets.max()}")
    shifted = Y - Y.max(axis=-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    picked = np.take_along_axis(log_p, targets[..., None], axis=-1)
    d_Y = np.exp(log_p)
    np.put_along_axis(d_Y, targets[..., None], np.exp(picked) - 1, axis=-1)
    return -float(picked.mean()), d_Y / targets.size


def perplexity(loss):
    """exp(loss): the number of equally likely next tokens that would be as hard to guess. loss: nats a token.

    A loss above 709 gives infinity.
    """
    with np.errstate(over="ignore"):
        return float(np.exp(loss))
