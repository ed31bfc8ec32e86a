"""Checks of the exercises in chapter 1, Sequences and recurrent networks."""
from collections import Counter

import numpy as np

from d2l_utils.cells import RNN
from d2l_utils.checks import WrongAnswer, exercise, expect, put_weights
from d2l_utils.datasets.text import consecutive_batches


@exercise
def delay_weights(answer):
    cell = RNN(1, 3, sigma=0.0)
    put_weights(cell, answer(), ("W_xh", "W_hh", "b_h"))
    x = np.random.default_rng(0).choice([-1.0, 1.0], 60)
    wanted = np.stack([x[2:], x[1:-1], x[:-2]], axis=-1)        # row t: x_t, x_{t-1}, x_{t-2}

    def states():
        trace, _ = cell.forward(x[:, None, None], cell.begin_state(1))
        return trace.H[2:, 0]

    H = states()
    if (H * wanted > 0.8).all():
        return "A window is a special case of a state."
    if (np.sign(H) == wanted).all():
        raise WrongAnswer(f"the signs are right, but one value is only {np.abs(H).min():.2f}: tanh shrinks it at each "
                          "step unless the weights are larger")
    if np.count_nonzero(cell.params["W_xh"]) > 1:
        raise WrongAnswer("the input should enter unit 0 alone; the other units learn of it from their neighbour")
    if (np.diag(cell.params["W_hh"]) != 0).any():
        raise WrongAnswer("a weight on the diagonal of W_hh lets a unit keep its own value; here each hands it on")
    cell.params["W_hh"][...] = cell.params["W_hh"].T.copy()
    if (np.sign(states()) == wanted).all():
        raise WrongAnswer("W_hh is transposed: H is a row vector, so W_hh[j, k] leads from unit j to unit k")
    t, k = (int(i) for i in np.argwhere(np.sign(H) != wanted)[0])
    raise WrongAnswer(f"after step {t + 2}, unit {k} holds {H[t, k]:.2f} and should have the sign of x[{t + 2 - k}], "
                      f"which is {wanted[t, k]:+.0f}")


@exercise
def num_params(answer):
    for q, h, steps in ((43, 64, 35), (5, 2, 7)):
        right = q * h + h * h + h + h * q + q
        expect(answer(q, h, steps), right, f"num_params({q}, {h}, {steps})", misconceptions=[
            (steps * right, "the weights are shared over time: the number of steps does not enter"),
            (steps * (q * h + h * h + h) + h * q + q,
             "the weights are shared over time: the number of steps does not enter"),
            (q * h + h * h + h, "the output layer is missing: W_hq and b_q"),
            (q * h + h * h + h * q, "the two biases are missing: b_h and b_q"),
            (q * h + h + h * q + q, "W_hh is missing: without it there is no state"),
        ], tolerance=1e-9)
    return "It does not depend on the number of steps."


@exercise
def position_in_text(answer):
    for size, batch_size, num_steps in ((24, 2, 4), (103, 4, 5), (1000, 7, 20)):
        strip = size // batch_size
        batches = list(enumerate(consecutive_batches(np.arange(size), batch_size, num_steps)))
        for batch, (X, _) in reversed(batches):         # in minibatch 0 some mistakes do not show
            for row, step in ((0, 0), (1, 0), (batch_size - 1, num_steps - 1)):
                place = f"position_in_text({batch}, {row}, {step}, {size}, {batch_size}, {num_steps})"
                expect(answer(batch, row, step, size, batch_size, num_steps), X[step, row], place, misconceptions=[
                    (X[step, row] + 1, "this is where Y[step, row] stands, the character to guess"),
                    ((batch * batch_size + row) * num_steps + step,
                     "this puts the rows of a minibatch one after the other; each row has a long strip of its own"),
                    (row * size / batch_size + batch * num_steps + step,
                     "a strip has a whole number of characters: use // to divide"),
                    (batch * strip + row * num_steps + step,
                     "batch and row have changed places: the strip goes with the row"),
                ], tolerance=1e-9)
    return "A row of one minibatch goes on where the same row stopped before."


@exercise
def whole_perplexity(answer):
    for P, n in ((np.array([2.0, 8.0]), np.array([100, 100])), (np.array([4.0, 16.0, 3.0]), np.array([10, 30, 5]))):
        expect(answer(P.copy(), n.copy()), np.exp(np.average(np.log(P), weights=n)), f"whole_perplexity({P}, {n})",
               misconceptions=[
                   (P.mean(), "this averages perplexities; what may be averaged is their logarithm"),
                   (np.average(P, weights=n), "this averages perplexities; what may be averaged is their logarithm"),
                   (np.exp(np.log(P).mean()), "a long piece counts for more than a short one: weigh with the sizes"),
                   (np.average(np.log(P), weights=n), "this is the cross entropy; take its exponential"),
                   (2 ** np.average(np.log(P), weights=n), "np.log gives nats: its inverse is np.exp, not a power of 2"),
                   (np.prod(P), "the root is missing: perplexity is a mean for each character"),
               ])
    return "Averages belong to the cross entropy, not to the perplexity."


@exercise
def ngram_perplexity(answer):
    letters = "".join(np.random.default_rng(0).choice(list("abc"), 60, p=[0.6, 0.3, 0.1]))
    for text in ("abcabdabcabcab", letters):
        for k in (0, 1, 2):
            windows = [text[i:i + k + 1] for i in range(len(text) - k)]
            pairs, heads = Counter(windows), Counter(w[:-1] for w in windows)
            ends = Counter(text[i:i + k] for i in range(len(text) - k + 1))
            p = np.array([pairs[w] / heads[w[:-1]] for w in windows])
            joint = np.array([pairs[w] / len(windows) for w in windows])
            p_end = np.array([pairs[w] / ends[w[:-1]] for w in windows])
            distinct = np.array([pairs[w] / heads[w[:-1]] for w in pairs])
            expect(answer(text, k), np.exp(-np.log(p).mean()), f'ngram_perplexity("{text[:14]}...", {k})', misconceptions=[
                (np.exp(-np.log(joint).mean()),
                 "divide by how often the window was followed by anything, not by the length of the text"),
                (np.mean(1 / p), "this is the mean of 1 / p: take the mean of the logarithms first"),
                (np.exp(np.log(p).mean()), "the minus sign is missing: no perplexity is below 1"),
                (-np.log(p).mean(), "this is the cross entropy; take its exponential"),
                (2 ** -np.log(p).mean(), "np.log gives nats: its inverse is np.exp, not a power of 2"),
                (np.exp(-np.log(distinct).mean()), "a pair that occurs often counts each time it occurs"),
                (np.exp(-np.log(p_end).mean()), "the window at the very end has no next character: do not count it"),
            ])
    return "On its own text, a wide enough window knows everything."
