"""Checks of the exercises in chapter 14, A stacked language model."""
import numpy as np

from d2l_utils.checks import exercise, expect
from d2l_utils.language_model import StackedLanguageModel


@exercise
def embedding_grad(answer):
    rng = np.random.default_rng(0)
    for num_steps, batch_size, vocab_size, h in ((4, 3, 4, 5), (2, 2, 9, 3)):
        X = rng.integers(0, vocab_size - 1, (num_steps, batch_size))        # the last token does not occur
        d_E = rng.standard_normal((num_steps, batch_size, h))
        wanted, once = np.zeros((2, vocab_size, h))
        np.add.at(wanted, X, d_E)
        once[X] += d_E
        times = np.maximum(np.bincount(X.ravel(), minlength=vocab_size), 1)[:, None]
        expect(answer(X.copy(), d_E.copy(), vocab_size), wanted, "embedding_grad(X, d_E, vocab_size)", misconceptions=[
            (once, "a token that occurs twice adds up both places: grad[X] += d_E writes each row once"),
            (wanted / times, "the places of a token are added up, not averaged"),
            (wanted / X.size, "no mean here: d_E already holds what the loss asks of each place"),
            (d_E, "this is the gradient of the rows that were looked up; the table has vocab_size rows"),
        ])
    return "Tokens that do not occur have no gradient."


@exercise
def dropout(answer):
    rng = np.random.default_rng(0)
    for p in (0.5, 0.2):
        X, B = rng.standard_normal((3, 4, 5)), (rng.random((3, 4, 5)) >= p).astype(float)
        expect(answer(X.copy(), B.copy(), p, True), X * B / (1 - p), f"dropout(X, B, {p}, training=True)", misconceptions=[
            (X * B, "in training what is left has to be divided by 1 - p, or the mean sinks"),
            (X * B * (1 - p), "divide by 1 - p: what is left has to make up for what is gone"),
            (X * B / p, "divide by the probability to stay, 1 - p, not by p"),
            (X, "this drops nothing in training"),
            (X * (1 - B) / (1 - p), "B is one where a number stays"),
        ])
        expect(answer(X.copy(), B.copy(), p, False), X, f"dropout(X, B, {p}, training=False)", misconceptions=[
            (X * (1 - p), "training has divided by 1 - p already: prediction needs no factor"),
            (X * B / (1 - p), "prediction drops nothing"),
            (X * B, "prediction drops nothing"),
        ])
    return "The mean is the same in both modes."


class Watched:
    """A model that writes down how many rows it was given at a time."""

    def __init__(self):
        self.model, self.most = StackedLanguageModel(5, 6, bound=1.0), 0
        self.begin_state = self.model.begin_state

    def scores(self, X, state):
        self.most = max(self.most, len(X))
        return self.model.scores(X, state)


@exercise
def read_in_pieces(answer):
    rng = np.random.default_rng(0)
    for length, batch_size, num_steps in ((9, 2, 3), (10, 3, 4), (3, 1, 5)):
        watched, X = Watched(), rng.integers(0, 5, (length, batch_size))
        model = watched.model
        wanted, _ = model.scores(X, model.begin_state(batch_size))
        starts = range(0, length, num_steps)
        reset = np.concatenate([model.scores(X[k:k + num_steps], model.begin_state(batch_size))[0] for k in starts])
        what = f"read_in_pieces(model, X, {num_steps}) of {length} rows"
        got = answer(watched, X.copy(), num_steps)
        expect(got, wanted, what, misconceptions=[
            (reset, "each piece starts from zero: the state has to be carried from one piece to the next"),
            (wanted[:length // num_steps * num_steps], "the last rows are missing, those that do not fill a piece"),
            (wanted[-num_steps:], "this is the last piece only: keep the scores of all"),
        ])
        expect(max(watched.most, num_steps), num_steps, f"the largest piece of {what}", misconceptions=[
            (length, f"the model got all {length} rows at once; give it at most {num_steps}")])
    return "The scores do not depend on where you cut."


@exercise
def corpus_perplexity(answer):
    for losses, counts in (([2.0, 1.0, 4.0], [320, 320, 40]), ([0.5, 3.0], [10, 30])):
        L, n = np.array(losses), np.array(counts)
        wanted = np.exp((L * n).sum() / n.sum())
        expect(answer(L.copy(), n.copy()), wanted, f"corpus_perplexity({losses}, {counts})", misconceptions=[
            (np.exp(L).mean(), "average the losses, not the perplexities, and weigh them by their tokens"),
            ((np.exp(L) * n).sum() / n.sum(), "average the losses, not the perplexities: the exponential comes last"),
            (np.exp(L.mean()), "a short minibatch counts as much as a long one here: weigh each by its tokens"),
            (np.log(wanted), "this is the loss; the perplexity is its exponential"),
        ])
    return "Cut the text as you like: it is the same number."


@exercise
def continuation(answer):
    rng = np.random.default_rng(0)
    for tokens, vocab_size in ((np.array([0, 1, 2, 3, 0, 1, 4]), 5), (rng.integers(0, 4, 12) ** 2 // 2, 6)):
        pairs = np.unique(np.stack([tokens[:-1], tokens[1:]]), axis=1)
        wanted = np.bincount(pairs[1], minlength=vocab_size)
        expect(answer(tokens.copy(), vocab_size), wanted / wanted.sum(), f"continuation({tokens.tolist()}, {vocab_size})",
               misconceptions=[
            (np.bincount(tokens, minlength=vocab_size) / len(tokens), "this is how often a token occurs, not in what pairs"),
            (np.bincount(tokens[1:], minlength=vocab_size) / (len(tokens) - 1), "a pair that occurs twice counts once"),
            (np.bincount(pairs[0], minlength=vocab_size) / pairs.shape[1], "this counts what stands behind, not before"),
            (wanted, "divide by the number of different pairs"),
        ])
    return "A word that always follows the same word counts once."
