"""Plausible wrong answers to the exercises of chapter 14, named after the misconception, with a word of the hint."""
import numpy as np


def written_once(X, d_E, vocab_size):
    grad = np.zeros((vocab_size, d_E.shape[-1]))
    grad[X] += d_E
    return grad


def averaged(X, d_E, vocab_size):
    grad = np.zeros((vocab_size, d_E.shape[-1]))
    np.add.at(grad, X, d_E)
    return grad / X.size


def pieces(model, X, num_steps, reset=False, rest=True, length=None):
    state, found = model.begin_state(X.shape[1]), []
    for start in range(0, len(X), length or num_steps):
        piece = X[start:start + (length or num_steps)]
        if rest or len(piece) == num_steps:
            state = model.begin_state(X.shape[1]) if reset else state
            Y, state = model.scores(piece, state)
            found.append(Y)
    return np.concatenate(found or [np.zeros((0, X.shape[1], 5))])


WRONG_ANSWERS = {
    "embedding_grad": {
        "a row is written once": (written_once, "adds up both places"),
        "mean": (averaged, "no mean here"),
    },
    "dropout": {
        "no factor in training": (lambda X, B, p, training: X * B if training else X, "the mean sinks"),
        "factor in prediction too": (lambda X, B, p, training: X * B / (1 - p) if training else X * (1 - p), "no factor"),
        "drops in prediction": (lambda X, B, p, training: X * B / (1 - p), "prediction drops nothing"),
    },
    "read_in_pieces": {
        "reset in every piece": (lambda model, X, n: pieces(model, X, n, reset=True), "carried"),
        "the rest left out": (lambda model, X, n: pieces(model, X, n, rest=False), "do not fill a piece"),
        "all at once": (lambda model, X, n: pieces(model, X, n, length=len(X)), "at once"),
    },
    "corpus_perplexity": {
        "mean of perplexities": (lambda L, n: np.exp(L).mean(), "not the perplexities"),
        "unweighted": (lambda L, n: np.exp(np.mean(L)), "weigh each by its tokens"),
        "loss": (lambda L, n: np.average(L, weights=n), "its exponential"),
    },
    "continuation": {
        "frequency": (lambda tokens, q: np.bincount(tokens, minlength=q) / len(tokens), "how often"),
        "followers": (lambda tokens, q: np.bincount([a for a, _ in set(zip(tokens, tokens[1:]))], minlength=q)
                      / len(set(zip(tokens, tokens[1:]))), "behind"),
    },
}
