"""The baseline that a language model has to beat: counts of short contexts, smoothed after Kneser and Ney."""
from collections import Counter, defaultdict

import numpy as np

from d2l_utils.datasets.text import check_indices


def discounts(counts):
    """The three discounts D_1, D_2, D_3 for n-grams counted once, twice and more often.

    counts: the counts of all n-grams of one order. Chen & Goodman (1999), eq. 26. Where the estimate does not exist or leaves
    the range from 0 to its count, as with few n-grams, the three are 0.5, 1 and 1.5.
    """
    n = Counter(counts)
    if all(n[k] for k in (1, 2, 3, 4)):
        share = n[1] / (n[1] + 2 * n[2])
        found = [k - (k + 1) * share * n[k + 1] / n[k] for k in (1, 2, 3)]
        if all(0 <= D <= k for k, D in zip((1, 2, 3), found)):
            return found
    return [0.5, 1.0, 1.5]


class KneserNey:
    """Interpolated, modified Kneser-Ney smoothing of n-grams of one order and all below.

    corpus: indices of the text to count. vocab_size: of the tokens that may come. order: the length of the longest
    n-gram, context and next token together. Chen & Goodman (1999).

    In the longest n-grams the counts are those of the text. In shorter ones the count of a token after a context is the
    number of different tokens that stand before the two. From each count a discount is taken, and what all of them together
    gave is spread as the next shorter context says; below the shortest lies the uniform distribution.
    """

    def __init__(self, corpus, vocab_size, order=5):
        corpus = check_indices("corpus", corpus, vocab_size)
        if corpus.ndim != 1 or not 1 <= order <= len(corpus):
            raise ValueError(f"order must lie between 1 and the length of the corpus, {len(corpus)}, got {order}")
        self.vocab_size, self.order = vocab_size, order
        tokens = corpus.tolist()
        counts = Counter(zip(*(tokens[k:] for k in range(order))))
        self.levels: list = []                  # for contexts of 0, 1, ..., order - 1 tokens: by context, what followed it
        for _ in range(order):
            self.levels.insert(0, self._level(counts))
            counts = Counter(ngram[1:] for ngram in counts)         # each once: how many different tokens stand before it

    @staticmethod
    def _level(counts):
        """From n-gram counts: by context, (discounted counts by token, their sum, the mass to be spread)."""
        D = [0.0, *discounts(counts.values())]
        followers: dict = defaultdict(dict)
        for ngram, count in counts.items():
            followers[ngram[:-1]][ngram[-1]] = count
        level = {}
        for context, found in followers.items():
            taken = {token: D[min(count, 3)] for token, count in found.items()}
            total = sum(found.values())
            level[context] = ({token: (count - taken[token]) / total for token, count in found.items()},
                              sum(taken.values()) / total)
        return level

    def probability(self, context, token):
        """The probability of a token after a context, of which the last order - 1 tokens count."""
        context, p = tuple(context)[max(0, len(context) - self.order + 1):], 1 / self.vocab_size
        for length in range(len(context) + 1):
            kept = self.levels[length].get(context[len(context) - length:])
            if kept is None:                    # a context that never occurred says nothing, nor do longer ones
                break
            p = kept[0].get(token, 0.0) + kept[1] * p
        return p

    def losses(self, corpus):
        """-log probability of every token of a text but the first, in nats."""
        tokens = check_indices("corpus", corpus, self.vocab_size).tolist()
        return -np.log([self.probability(tokens[max(0, t - self.order + 1):t], tokens[t]) for t in range(1, len(tokens))])
