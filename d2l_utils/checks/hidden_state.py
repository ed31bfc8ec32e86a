"""Checks of the exercises in chapter 6, The hidden state."""
import numpy as np

from d2l_utils.cells import LSTM, sigmoid
from d2l_utils.cells.lstm import GATES
from d2l_utils.checks import WrongAnswer, as_numbers, exercise, expect, with_keys


@exercise
def cell_from_hidden(answer):
    for O, C in ((0.5, 1.2), (0.9, 0.1), (np.array([[0.2, 0.7], [0.95, 0.4]]), np.array([[2.0, 0.8], [1.5, 0.3]]))):
        H = O * np.tanh(C)
        share = H / O
        expect(answer(H, O), C, f"cell_from_hidden({H}, {O})", misconceptions=[
            (share, "the gate is undone, the tanh is not yet"),
            (np.arctanh(H), "the tanh is undone, the gate is not: divide by it first"),
            (np.arctanh(H) / O, "the tanh is inside the product: undo the gate before the tanh"),
            (np.log(share / (1 - share)), "this undoes a sigmoid; the cell goes out through tanh"),
            (np.tanh(share), "this squashes once more, where the tanh has to be undone"),
        ])
    return "As long as the gate lets anything through, the cell can be read from outside."


@exercise
def largest(answer):
    for t, i, f, o in ((1, 0.5, 0.9, 0.8), (12, 1.0, 1.0, 1.0), (20, 0.3, 0.9, 0.5)):
        def three(c, o=o):
            return [c, o * np.tanh(c), o * c]

        c = i * (f ** np.arange(t)).sum()
        misconceptions = [
            (three(t * i), "the forget gate takes its share of what is there at every step: only at f = 1 nothing is lost"),
            (three(i), "this is what one step can write; the cell adds it to what it has kept"),
            (three(i * (f ** np.arange(t - 1)).sum()), "one step is missing: the first step writes too"),
            (three(i * (f ** np.arange(t + 1)).sum()), "one step too many: what is written first decays t - 1 times only"),
            ([c, o * np.tanh(c), o], "without the tanh nothing squashes the cell on its way out"),
            ([c, np.tanh(o * c), o * c], "the gate stands outside of the tanh"),
            ([c, np.tanh(c), c], "the cell is right; the output gate still has to be applied"),
            ([c, o * c, o * np.tanh(c)], "the two hidden states changed places: with the tanh comes first"),
        ]
        if f < 1:
            misconceptions.append((three(i / (1 - f)), "this is where the cell ends up after very many steps, not after t"))
        expect(answer(t, i, f, o), three(c), f"largest({t}, {i}, {f}, {o})", misconceptions)
    return "The cell grows with the number of steps, the hidden state does not: this is why tanh comes again."


@exercise
def slope(answer):
    for O, C in ((0.5, 2.0), (0.9, -0.4), (np.array([0.3, 1.0]), np.array([0.0, 5.0]))):
        tanh_C = np.tanh(C)
        expect(answer(O, C), O * (1 - tanh_C ** 2), f"slope({O}, {C})", misconceptions=[
            (O * (1 - np.square(C)), "1 - a² is the slope of tanh where its *value* is a; here C is its argument"),
            (1 - tanh_C ** 2, "the output gate scales the slope as well"),
            (O * (1 - (O * tanh_C) ** 2), "the slope of tanh is 1 - tanh(C)², and tanh(C) is not H: the gate is outside"),
            (1 - (O * tanh_C) ** 2, "this takes H for tanh(C), and leaves out the gate"),
            (O * tanh_C, "this is H itself, not how fast it changes"),
            (O * sigmoid(C) * (1 - sigmoid(C)), "this is the slope of a sigmoid; the cell goes out through tanh"),
        ])
    return "A full cell (large |C|) hardly moves its hidden state."


@exercise
def graph_gradients(answer):
    rng = np.random.default_rng(3)
    for outputs, inputs in ((2, 3), (10, 20)):
        x1, x2, b = rng.standard_normal((3, outputs))
        x3, W = rng.standard_normal(inputs), rng.standard_normal((outputs, inputs))
        ones = np.ones(outputs)
        wanted = {
            "x1": (ones, [(x1, "the derivative of a sum by one of its terms is 1, not the term")]),
            "x2": (W @ x3 + b, [
                (W @ x3, "the other factor of the product is the whole linear node, bias included"),
                (ones, "x2 is multiplied, not added: its derivative is the other factor")]),
            "x3": (W.T @ x2, [
                (W.sum(axis=0), "on the way from z to x3 stands a product: its factor x2 is missing"),
                (W.T @ (W @ x3 + b), "a factor's derivative is the *other* factor: for the linear node that is x2")]),
            "W": (np.outer(x2, x3), [
                (np.outer(x3, x2), "transposed: a gradient has the shape of what it is the gradient of"),
                (np.outer(ones, x3), "on the way from z to W stands a product: its factor x2 is missing")]),
            "b": (x2, [(ones, "on the way from z to b stands a product: its factor x2 is missing")]),
        }
        grads = with_keys(answer(x1, x2, x3, W, b), wanted)
        for name, (value, misconceptions) in wanted.items():
            expect(grads[name], value, f"the gradient of {name}", misconceptions)
    return "Two products and a sum, walked backwards."


@exercise
def stacked_step(answer):
    rng = np.random.default_rng(5)
    cell = LSTM(3, 4, rng=rng, sigma=0.8, forget_bias=1.0)
    p = cell.params
    p.update({f"b_{g}": p[f"b_{g}"] + 0.5 * rng.standard_normal(4) for g in GATES})
    W = np.hstack([np.vstack([p[f"W_x{g}"], p[f"W_h{g}"]]) for g in GATES])
    b = np.concatenate([p[f"b_{g}"] for g in GATES])
    X, H, C = rng.standard_normal((2, 3)), rng.uniform(-1, 1, (2, 4)), 2 * rng.standard_normal((2, 4))
    trace, (H_new, C_new) = cell.forward(X[None], (H, C))
    Z = np.hstack([X, H]) @ W + b

    def assembled(blocks):
        Z_i, Z_f, Z_c, Z_o = blocks
        C_wrong = sigmoid(Z_f) * C + sigmoid(Z_i) * np.tanh(Z_c)
        return [sigmoid(Z_o) * np.tanh(C_wrong), C_wrong]

    Z_i, Z_f, Z_c, Z_o = np.split(Z, 4, axis=1)
    got = answer(X, H, C, W, b)
    if not isinstance(got, (tuple, list)) or len(got) != 2:
        raise WrongAnswer("return two arrays: the new hidden state and the new cell")
    expect(np.array([as_numbers(got[0], "H"), as_numbers(got[1], "C")]), [H_new, C_new], "stacked_step, (H, C),", [
        ([C_new, H_new], "the two are right, but in the other order: H first"),
        (assembled((Z_i, Z_f, Z_o, Z_c)), "the third block is the candidate, the fourth the output gate"),
        (assembled((Z_f, Z_i, Z_c, Z_o)), "the first block is the input gate, the second the forget gate"),
        (assembled(np.moveaxis(Z.reshape(2, 4, 4), 2, 0)), "the blocks stand one after the other, each num_hiddens wide"),
        (assembled(np.split(np.hstack([H, X]) @ W + b, 4, axis=1)), "X comes before H: its rows of W are on top"),
        ([trace.O[0] * np.tanh(C), C_new], "the hidden state shows the *new* cell"),
        ([trace.O[0] * C_new, C_new], "the second tanh is missing"),
        (assembled(np.split(np.hstack([X, H]) @ W, 4, axis=1)), "the bias is missing"),
    ])
    return "One product with one matrix: this is how fast implementations do it."
