"""Kneser-Ney: probabilities that sum to one, a case by hand, and what repetition and order do."""
import itertools
import math

import numpy as np
import pytest

from d2l_utils.datasets.text import Vocab
from d2l_utils.losses import perplexity
from d2l_utils.ngrams import KneserNey, discounts


def test_probabilities_sum_to_one_after_every_kind_of_context(rng):
    """Contexts of all lengths, seen and unseen, those seen only at the very end, and tokens that never occur (4 and 5)."""
    corpus = rng.choice(4, 300, p=[0.5, 0.3, 0.15, 0.05])
    model = KneserNey(corpus, 6, order=4)
    contexts = [context for length in range(4) for context in itertools.product(range(6), repeat=length)]
    contexts += [tuple(corpus[-3:]), tuple(corpus[:10]), (5, 5, 5, 5, 5)]
    for context in contexts:
        P = [model.probability(context, token) for token in range(6)]
        assert sum(P) == pytest.approx(1, abs=1e-12), context
        assert min(P) > 0, context
    assert sum(len(level) for level in model.levels) > 60          # contexts that were seen: most of 1 + 4 + 16 + 64


def test_bigrams_by_hand():
    """a b a b a c: counted ab 2, ba 2, ac 1; a stands behind {b}, b behind {a}, c behind {a}.

    Too few for the estimate of the discounts: 0.5 for a count of 1, 1 for 2, 1.5 beyond.
    """
    model = KneserNey(Vocab("abc").encode("ababac"), 3, order=2)
    a, b, c = range(3)
    below = (1 - 0.5) / 3 + 3 * 0.5 / 3 / 3             # three different pairs, one ends in each
    for token in (a, b, c):
        assert model.probability((), token) == pytest.approx(below)
    spread = (1 + 0.5) / 3                                                      # after a: b twice, c once
    assert model.probability((a,), b) == pytest.approx((2 - 1) / 3 + spread * below)
    assert model.probability((a,), c) == pytest.approx((1 - 0.5) / 3 + spread * below)
    assert model.probability((a,), a) == pytest.approx(spread * below)
    assert model.probability((b,), a) == pytest.approx((2 - 1) / 2 + 1 / 2 * below)
    assert model.probability((c,), a) == pytest.approx(below)                # nothing was ever seen after c
    assert model.losses(np.array([a, b, a])) == pytest.approx(
        [-math.log(model.probability((a,), b)), -math.log(model.probability((b,), a))])


def test_a_token_counts_by_how_many_contexts_it_completes_not_by_how_often_it_comes():
    """x comes ten times, always after f; y five times, after five different letters. After an unseen context y is likelier."""
    text = "fx" * 10 + "aybycydyey"
    vocab = Vocab(text)
    model = KneserNey(vocab.encode(text), len(vocab), order=2)
    x, y = vocab.encode("xy")
    assert model.probability((), y) > 2 * model.probability((), x)
    counted = KneserNey(vocab.encode(text), len(vocab), order=1)
    assert counted.probability((), x) > 1.5 * counted.probability((), y)


def test_the_discounts_are_those_of_chen_and_goodman():
    """10, 4, 2 and 1 n-grams seen 1, 2, 3 and 4 times: Y = 10 / 18."""
    Y = 10 / 18
    assert discounts([1] * 10 + [2] * 4 + [3] * 2 + [4]) == pytest.approx(
        [1 - 2 * Y * 4 / 10, 2 - 3 * Y * 2 / 4, 3 - 4 * Y * 1 / 2])
    assert discounts([1, 1, 2, 9]) == [0.5, 1.0, 1.5]                   # nothing was seen three times
    assert discounts([1] * 2 + [2] + [3] * 9 + [4]) == [0.5, 1.0, 1.5]         # D_2 would be negative


def test_a_longer_context_helps_where_the_text_repeats_itself():
    corpus = np.tile([0, 1, 0, 2], 50)
    perplexities = [perplexity(KneserNey(corpus, 3, order).losses(corpus).mean()) for order in (1, 2, 3)]
    assert perplexities[0] > perplexities[1] > perplexities[2]
    assert perplexities[2] == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize(("arguments", "message"), [
    (([0, 1, 2], 2), "corpus must lie between 0 and vocab_size - 1"),
    (([0, 1, 0], 2, 4), "order must lie between 1 and the length of the corpus, 3, got 4"),
    (([0, 1, 0], 2, 0), "order must lie between 1"),
])
def test_a_corpus_or_order_that_does_not_fit_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        KneserNey(np.array(arguments[0]), *arguments[1:])
