"""Plausible wrong answers to the exercises of chapter 15, named after the misconception, with a word of the hint."""
import numpy as np

from d2l_utils.datasets.tagging import spans
from d2l_utils.losses import cross_entropy


def in_place(X, lengths):
    for n, length in enumerate(lengths):
        X[:length, n] = X[:length, n][::-1].copy()
    return X


def padding_gone(X, lengths):
    R = np.zeros_like(X)
    for n, length in enumerate(lengths):
        R[:length, n] = X[:length, n][::-1]
    return R


def one_row_short(X, lengths):
    R = X.copy()
    for n, length in enumerate(lengths):
        R[:length - 1, n] = X[:length - 1, n][::-1]
    return R


def words_only_in_the_sum(Y, targets, mask):
    loss, d_Y = cross_entropy(Y[mask], targets[mask])
    whole = np.zeros_like(Y)
    whole[mask] = d_Y
    return loss * mask.mean(), whole * mask.mean()


def gradient_in_the_padding(Y, targets, mask):
    return cross_entropy(Y[mask], targets[mask])[0], cross_entropy(Y, targets)[1] / mask.mean()


def sum_of_words(Y, targets, mask):
    loss, d_Y = cross_entropy(Y[mask], targets[mask])
    return loss * mask.sum(), d_Y


def mean_of_means(Y, targets, mask):
    each = [cross_entropy(Y[mask[:, n], n], targets[mask[:, n], n])[0] for n in range(mask.shape[1])]
    return np.mean(each), np.zeros_like(Y)


def f1(true, predicted):
    right = sum(len(t & p) for t, p in zip(true, predicted))
    both = sum(len(t) + len(p) for t, p in zip(true, predicted))
    return 2 * right / both if both else 1.0


WRONG_ANSWERS = {
    "reverse_within": {
        "the whole array": (lambda X, lengths: X[::-1], "padding comes first"),
        "in place": (in_place, "X itself has changed"),
        "padding erased": (padding_gone, "stay where it is"),
        "one row short": (one_row_short, "has not moved"),
    },
    "masked_loss": {
        "mean over padding": (lambda Y, targets, mask: cross_entropy(Y, targets), "padding too"),
        "divided by all entries": (words_only_in_the_sum, "still counted"),
        "gradient in the padding": (gradient_in_the_padding, "not zero in the padding"),
        "sum": (sum_of_words, "divide by their number"),
        "mean of means": (mean_of_means, "short sequence"),
        "loss alone": (lambda Y, targets, mask: cross_entropy(Y[mask], targets[mask])[0], "return a pair"),
    },
    "bio_spans": {
        "last span lost": (lambda labels: {span for span in spans(labels) if span[1] < len(labels)}, "is lost"),
        "stop included": (lambda labels: {(start, stop - 1, kind) for start, stop, kind in spans(labels)}, "one past"),
        "neighbours run together": (lambda labels: spans([label.replace("B-", "I-") for label in labels]), "begins a new span"),
        "strict about I": (lambda labels: {span for span in spans(labels) if labels[span[0]][0] == "B"}, "of its own"),
        "labels instead of spans": (lambda labels: labels, "a set of spans"),
        "first words only": (lambda labels: {(t, t + 1, label[2:]) for t, label in enumerate(labels) if label[0] == "B"},
                             "goes on over"),
    },
    "span_f1": {
        "mean over requests": (lambda true, said: np.mean([f1([t], [p]) for t, p in zip(true, said)]), "divide once"),
        "precision": (lambda true, said: sum(len(t & p) for t, p in zip(true, said)) / sum(map(len, said)), "precision"),
        "recall": (lambda true, said: sum(len(t & p) for t, p in zip(true, said)) / sum(map(len, true)), "recall"),
        "half": (lambda true, said: f1(true, said) / 2, "count twice"),
        "no spans, no score": (lambda true, said: f1(true, said) if any(true) or any(said) else 0.0, "return 1"),
    },
}
