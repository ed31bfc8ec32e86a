"""Checks of the exercises in chapter 17, Making it fast. They compare numbers and never look at a real clock."""
import numpy as np

from d2l_utils.cells import LSTM
from d2l_utils.checks import WrongAnswer, as_numbers, exercise, expect
from d2l_utils.training import LanguageModel


@exercise
def step_cost(answer):
    for d, h, n in ((3, 5, 2), (256, 256, 1), (40, 256, 32)):
        flop, weights, read, written = 2 * n * (d + h) * 4 * h, (d + h) * 4 * h, n * (d + h), n * 4 * h
        wanted = (flop, 4 * (weights + read + written))
        got = answer(d, h, n)
        what = f"step_cost({d}, {h}, {n})"
        if np.shape(got) != (2,):
            raise WrongAnswer(f"{what} should be a pair, (FLOP, bytes)")
        expect(got[0], flop, f"the FLOP of {what}", tolerance=1e-9, misconceptions=[
            (flop / 2, "a product of matrices adds as often as it multiplies: two operations for each pair of numbers"),
            (flop / 4, "there are four gates (counting the candidate), and each has its own weights"),
            (2 * n * h * 4 * h, "the inputs are not one-hot here: their product counts too"),
            (flop / n, "each sequence of the batch is multiplied with all weights"),
            (3 * flop, "only the step itself is asked for, not the way back"),
        ])
        expect(got[1], wanted[1], f"the bytes of {what}", tolerance=1e-9, misconceptions=[
            (wanted[1] / 4, "these are numbers: in float32 each of them has four bytes"),
            (2 * wanted[1], "a number in float32 has four bytes, not eight"),
            (4 * weights, "the operands X and H are read and the result is written, too"),
            (4 * (weights + read), "the result Z is written, too"),
            (4 * (weights + read + 2 * written), "both products go to one result, which is written once"),
            (4 * (n * weights + read + written), "the weights are read once for the whole batch: that is what a batch is for"),
        ])
    return "With 256 inputs and 256 units a step does more than 10 operations a byte from a batch of 22 on."


@exercise
def with_scores(answer):
    rng = np.random.default_rng(0)
    for d, h in ((3, 4), (4, 4), (5, 2)):
        model = LanguageModel(LSTM(d, h, rng=rng, sigma=1.0), sigma=1.0)
        params = {name: rng.standard_normal(w.shape) for name, w in model.params.items()}
        kept = {name: w.copy() for name, w in params.items()}

        def rows(gates, params=params, d=d):
            """[W_h b W_x] for these gates, and the scores below."""
            blocks = [np.concatenate([params[f"W_h{g}"].T, params[f"b_{g}"][:, None], params[f"W_x{g}"].T], axis=1)
                      for g in gates]
            zeros = np.zeros((len(params["b_q"]), d))
            return np.concatenate([*blocks, np.concatenate([params["W_hq"].T, params["b_q"][:, None], zeros], axis=1)])

        wanted = rows("ifoc")
        got = as_numbers(answer(params), "with_scores(params)")
        if any((params[name] != w).any() for name, w in kept.items()):
            raise WrongAnswer("with_scores changes the parameters that it is given")
        if got.shape == wanted.T.shape != wanted.shape:
            raise WrongAnswer("this is the matrix the other way round: here features are in rows, so weights are transposed")
        if got.shape == (4 * h, h + d + 1):
            raise WrongAnswer("the rows of the scores are missing")
        leak = wanted.copy()
        leak[4 * h:, h + 1:] = got[4 * h:, h + 1:] if got.shape == wanted.shape else 0
        no_bias = wanted.copy()
        no_bias[4 * h:, h] = 0
        H, one, X = np.split(wanted, [h, h + 1], axis=1)
        expect(got, wanted, "with_scores(params)", misconceptions=[
            (rows("ifco"), "the gates stand in the order i, f, o, c: the three sigmoids side by side"),
            (np.roll(wanted, d, axis=0), "the gates stand above the scores"),
            (np.concatenate([X, one, H], axis=1), "H stands above X, so the columns of W_h come before those of W_x"),
            (np.concatenate([X, H, one], axis=1), "H stands on top, so the columns of W_h come first"),
            (np.concatenate([H, X, one], axis=1), "the 1 stands between H and X, so the column of biases comes between"),
            (no_bias, "the scores have a bias, too"),
            (leak, "the scores must not see X_t, which they are to guess: zeros there"),
        ])
    return "One product gives the sums of a step and the scores of the one before."


@exercise
def weight_gradients(answer):
    rng = np.random.default_rng(0)
    for num_steps, h, width, n in ((6, 2, 5, 3), (4, 1, 4, 4)):
        d_Z, HX = rng.standard_normal((num_steps, 4 * h, n)), rng.standard_normal((num_steps, width, n))
        kept = d_Z.copy(), HX.copy()
        wanted = sum(d @ a.T for d, a in zip(d_Z, HX))
        got = answer(d_Z, HX)
        if any((a != b).any() for a, b in zip((d_Z, HX), kept)):
            raise WrongAnswer("weight_gradients changes the arrays that it is given")
        mixed = d_Z.reshape(4 * h, -1) @ HX.reshape(width, -1).T
        half_mixed = d_Z.transpose(1, 0, 2).reshape(4 * h, -1) @ HX.reshape(width, -1).T
        other_half = d_Z.reshape(4 * h, -1) @ HX.transpose(1, 0, 2).reshape(width, -1).T
        swapped = d_Z.transpose(1, 2, 0).reshape(4 * h, -1) @ HX.transpose(1, 0, 2).reshape(width, -1).T
        expect(got, wanted, "weight_gradients(d_Z, HX)", misconceptions=[
            *((wrong, "a reshape alone mixes the features: bring the axes of steps and sequences side by side first")
              for wrong in (mixed, half_mixed, other_half)),
            (swapped, "in one of the arrays the steps run before the sequences, in the other after them: they no longer match"),
            (wanted.T, "this is the gradient transposed: the rows belong to d_Z"),
            (wanted / num_steps, "the gradient is a sum over the steps, not their mean"),
            (wanted / n, "the gradient is a sum over the sequences: the loss has divided already"),
            (d_Z.sum(axis=0) @ HX.sum(axis=0).T, "a product of sums is not a sum of products"),
            (d_Z[-1] @ HX[-1].T, "this is the last step alone"),
        ])
    return "A sum of products is a product."


@exercise
def write_one(answer):
    rng = np.random.default_rng(0)
    for h, q in ((4, 4), (3, 7)):
        cell = LSTM(q, h, rng=rng, sigma=1.0)
        for gate in "ifoc":
            cell.params[f"b_{gate}"][...] = rng.standard_normal(h)
        p = cell.params
        W_x, W_h, b = (np.concatenate([p[kind + g] for g in "ifoc"], axis=-1) for kind in ("W_x", "W_h", "b_"))
        rows, H, C = W_x + b, rng.uniform(-1, 1, h), rng.standard_normal(h)
        for x in (1, 2, 1):
            trace, (wanted_H, wanted_C) = cell.forward(np.eye(q)[[[x]]], (H[None], C[None]))
            arguments = H.copy(), C.copy(), rows.copy(), W_h.copy()
            got = answer(x, *arguments)
            for name, now, before in zip(("H", "C", "rows", "W_h"), arguments, (H, C, rows, W_h)):
                if (now != before).any():
                    raise WrongAnswer(f"{name} has changed: it is an argument, so the results need places of their own"
                                      + (" (rows[x] is a view, not a copy)" if name == "rows" else ""))
            if not isinstance(got, (tuple, list)) or len(got) != 2:
                raise WrongAnswer("return two arrays, H and C")
            I, F, O, C_tilde = trace.I[0, 0], trace.F[0, 0], trace.O[0, 0], trace.C_tilde[0, 0]
            Z = H @ W_h + rows[x]

            def step(Z, C=C):
                i, f, o, c = np.split(Z, 4)
                C = C / (1 + np.exp(-f)) + np.tanh(c) / (1 + np.exp(-i))
                return C, np.tanh(C) / (1 + np.exp(-o))

            expect(got[1], wanted_C[0], "C", misconceptions=[
                (wanted_H[0], "H comes first, then C"),
                (step(Z + b)[0], "the bias is in rows already: adding it once more counts it twice"),
                (step(rows[x])[0], "the hidden state counts too: H @ W_h"),
                (step(H @ W_h)[0], "the character counts too: rows[x]"),
                (step(Z[[k for g in (0, 1, 3, 2) for k in range(g * h, g * h + h)]])[0], "the order here is i, f, o, c"),
                (F * C + I, "the candidate passes through tanh and is gated"),
                (C + I * C_tilde, "the old cell is multiplied by the forget gate"),
            ])
            expect(got[0], wanted_H[0], "H", misconceptions=[
                (O * wanted_C[0], "the cell passes through tanh on its way to H"),
                (O * np.tanh(C), "H reads the new cell, not the old one"),
                (np.tanh(wanted_C[0]), "the output gate is missing"),
            ])
            H, C = wanted_H[0], wanted_C[0]
    return "A choice of a row, one product, one tanh for all gates."


class _Machine:
    """A clock, and two works that make it run: one takes 3 units, the other 2, times whatever the machine is up to.

    factors: the machine's slowness at each call of a work, in the order of the calls; then as the last one.
    """

    def __init__(self, factors):
        self.now, self.calls, self.factors = 100.0, "", factors

    def clock(self):
        return self.now

    def work(self, name, units):
        def work():
            self.now += units * self.factors[min(len(self.calls), len(self.factors) - 1)]
            self.calls += name
        return work


def _run(answer, factors, rounds):
    machine = _Machine(factors)
    got = answer(machine.work("a", 3.0), machine.work("b", 2.0), rounds, machine.clock)
    return as_numbers(got, "fair_ratio(...)"), machine.calls


@exercise
def fair_ratio(answer):
    rounds = 20
    got, calls = _run(answer, [1.0], rounds)
    if "a" not in calls or "b" not in calls:
        raise WrongAnswer("call both works, work_a() and work_b(), and read the clock around each")
    if calls.count("a") < rounds or calls.count("b") < rounds:
        raise WrongAnswer(f"both works should run once in each of the {rounds} rounds")
    expect(got, 1.5, "on a quiet machine the ratio", misconceptions=[
        (2 / 3, "this is how many times as long b takes: it is asked for a over b"),
        (3.0, "this is the time of a alone"),
        (2.5, "the interval of a covers both works: read the clock between them"),
        (3 / 5, "the interval of b covers both works: read the clock between them"),
        (0.0, "the clock is read before the work has run"),
    ])
    slower = [1.0 + k // 2 for k in range(10 * rounds)]          # as if something began to run beside it, and grew
    got, calls = _run(answer, slower, rounds)
    if np.abs(got - 1.5) > 0.05:
        raise WrongAnswer("while the machine becomes slower, the ratio is off: let the works take turns and compare within "
                          "each round, not one block after the other")
    rng = np.random.default_rng(0)
    held_up = np.where(rng.permutation(10 * rounds) % 10 == 0, 50.0, 1.0)     # one call in ten
    got, _ = _run(answer, held_up, rounds)
    if np.abs(got - 1.5) > 1e-6:
        raise WrongAnswer("a few calls that were held up change the ratio: a mean or a sum takes them at face value, a median "
                          "does not")
    hurried = np.ones(10 * rounds)
    hurried[2 * rounds // 3] = 0.1
    got, _ = _run(answer, hurried, rounds)
    if np.abs(got - 1.5) > 1e-6:
        raise WrongAnswer("a single call for which the machine hurried changes the ratio: a minimum rests on one call, a "
                          "median does not")
    return "The clock of this check was made of the works' own calls, so it knew."
