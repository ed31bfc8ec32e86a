"""Checks of the exercises in chapter 15, Bidirectional tagging."""
import numpy as np

from d2l_utils.checks import WrongAnswer, as_numbers, exercise, expect
from d2l_utils.datasets.tagging import LABELS, generate, spans
from d2l_utils.layers import reverse
from d2l_utils.losses import cross_entropy


@exercise
def reverse_within(answer):
    rng = np.random.default_rng(0)
    for lengths in (np.array([4, 2, 3]), np.array([5, 5]), np.array([1, 6, 4, 6])):
        X = rng.standard_normal((lengths.max(), len(lengths), 2))
        given = X.copy()
        got = answer(given, lengths.copy())
        if not np.array_equal(given, X):
            raise WrongAnswer("X itself has changed: write into a copy (a slice of an array is no copy)")
        t = np.arange(len(X))[:, None]
        places = np.arange(len(lengths))
        too_far = X.copy()
        for n, length in enumerate(lengths):
            too_far[:length - 1, n] = X[:length - 1, n][::-1]
        expect(got, reverse(X, lengths), f"reverse_within(X, {lengths})", misconceptions=[
            (X[::-1], "this turns the whole array around, so that the padding comes first: stop at each sequence's length"),
            (np.where((t < lengths)[..., None], reverse(X, lengths), 0), "the padding should stay where it is, as it is"),
            (X[np.where(t < lengths, lengths - t, t).clip(0, len(X) - 1), places], "the last row of a sequence has the "
             "number length - 1"),
            (too_far, "the last word of each sequence has not moved"),
        ])
    return "Each sequence starts with its own last word."


@exercise
def masked_loss(answer):
    rng = np.random.default_rng(1)
    for lengths, num_steps in (([5, 2, 3], 5), ([4, 4], 6)):
        mask = np.arange(num_steps)[:, None] < lengths
        Y = 2 * rng.standard_normal((*mask.shape, 4))
        targets = rng.integers(0, 4, mask.shape)
        d_Y = np.zeros_like(Y)
        loss, d_Y[mask] = cross_entropy(Y[mask], targets[mask])
        whole, d_whole = cross_entropy(Y, targets)
        each = [cross_entropy(Y[:length, n], targets[:length, n])[0] for n, length in enumerate(lengths)]
        got = answer(Y.copy(), targets.copy(), mask.copy())
        if not isinstance(got, (tuple, list)) or len(got) != 2:
            raise WrongAnswer("return a pair: the loss, and its gradient with respect to Y")
        expect(got[0], loss, "the loss", misconceptions=[
            (whole, "this is the mean over all entries, padding too"),
            (loss * mask.mean(), "the padding is left out of the sum, but still counted: divide by the number of words"),
            (loss * mask.sum(), "this is the sum over the words: divide by their number"),
            (np.mean(each), "this is the mean of the sequences' means, in which a word of a short sequence weighs more"),
        ])
        expect(got[1], d_Y, "the gradient", misconceptions=[
            (d_whole, "the gradient is not zero in the padding"),
            (d_whole / mask.mean(), "the gradient is not zero in the padding"),
            (d_Y * mask.mean(), "divide by the number of words, not by the number of entries"),
            (d_Y * mask.sum(), "this is the gradient of the sum: divide by the number of words"),
        ])
    return "Where there is no word, there is no loss and no gradient."


def _as_spans(value, what):
    if value is None:
        raise WrongAnswer(f"{what} is None: is a return missing?")
    try:
        return {(int(start), int(stop), str(kind)) for start, stop, kind in value}
    except (TypeError, ValueError):
        raise WrongAnswer(f"{what} should be a set of spans (start, stop, kind), got {value!r}") from None


@exercise
def bio_spans(answer):
    rng = np.random.default_rng(2)
    cases = [labels.split() for labels in (
        "O O", "O B-SECTION I-SECTION I-SECTION O", "B-SECTION O", "O B-SECTION", "B-SECTION B-SECTION I-SECTION O",
        "B-SECTION I-PROVIDER O", "O I-SECTION I-SECTION O", "I-SECTION B-SECTION O")]
    cases += [list(generate(rng).labels) for _ in range(20)] + [list(rng.choice(LABELS, 8)) for _ in range(20)]
    for labels in cases:
        what = f"bio_spans({labels})"
        got, wanted = _as_spans(answer(list(labels)), what), spans(labels)
        if got == wanted:
            continue
        if {(start, stop + 1, kind) for start, stop, kind in got} == wanted:
            raise WrongAnswer("stop is one past the last word of the span")
        if got == {span for span in wanted if span[1] < len(labels)}:
            raise WrongAnswer("a span that reaches to the end of the request is lost")
        if got == {span for span in wanted if labels[span[0]][0] == "B"}:
            raise WrongAnswer("an I- that goes on with nothing begins a span of its own")
        if got == spans([label.replace("B-", "I-") for label in labels]):
            raise WrongAnswer("a B- begins a new span, also right after a span of the same kind")
        if got == {(t, t + 1, label[2:]) for t, label in enumerate(labels) if label[0] == "B"}:
            raise WrongAnswer("a span goes on over the I- labels of its kind")
        raise WrongAnswer(f"{what} should be {wanted or 'empty'}, got {got or 'nothing'}")
    return "Spans are what a reader of the labels wants."


@exercise
def span_f1(answer):
    a, b, c, d = (0, 1, "SECTION"), (1, 3, "PROVIDER"), (3, 4, "SECTION"), (3, 4, "KEYWORDS")
    cases = [([{a, b, c}, {a}], [{a, b, c}, {a}], 1.0), ([{a, b, c}], [{a}], 0.5), ([{a, b}, {c}], [{a, d}, {c, b}], 4 / 7),
             ([{a, b, c}, {a}, set()], [{a, b}, {b, c, d}, {d}], 0.4), ([{c}], [{d}], 0.0)]
    for true, predicted, wanted in cases:
        right = sum(len(t & p) for t, p in zip(true, predicted))
        there, said = sum(map(len, true)), sum(map(len, predicted))
        own = [2 * len(t & p) / max(len(t) + len(p), 1) for t, p in zip(true, predicted)]
        expect(answer([set(t) for t in true], [set(p) for p in predicted]), wanted, f"span_f1({true}, {predicted})",
               misconceptions=[
            (np.mean(own), "this is the mean of the requests' own F1: count over all requests, then divide once"),
            (right / said, "this is precision, the share of the spans said that are right: it forgets those not found"),
            (right / there, "this is recall, the share of the spans there that are found: it forgets those said wrongly"),
            (right / (there + said - right), "this divides by the union of the spans: F1 divides by half of their sum"),
            (2 * wanted, "each span found counts once on each side"),
            (wanted / 2, "the spans right count twice, since both sides are in the denominator"),
        ])
    if as_numbers(answer([set(), set()], [set(), set()]), "span_f1 without spans") != 1:
        raise WrongAnswer("with no spans on either side nothing is missed and nothing is wrong: return 1")
    return "One wrong word costs a span on both sides."
