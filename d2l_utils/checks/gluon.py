"""Checks of the exercises in chapter 8, The LSTM in Gluon. They work on NumPy arrays and need no MXNet."""
import numpy as np

from d2l_utils.checks import exercise, expect, with_keys


@exercise
def input_weights(answer):
    for num_hiddens, num_inputs in ((3, 2), (4, 4)):
        stacked = np.random.default_rng(num_hiddens).standard_normal((4 * num_hiddens, num_inputs))
        blocks = dict(zip("ifco", np.split(stacked, 4)))
        got = with_keys(answer(stacked.copy()), [f"W_x{gate}" for gate in "ifoc"])
        other_order = dict(zip("ifoc", np.split(stacked, 4)))
        columns = dict(zip("ifco", np.split(stacked.reshape(num_inputs, -1), 4, axis=1)))
        for gate, block in blocks.items():
            expect(got[f"W_x{gate}"], block.T, f"W_x{gate}", misconceptions=[
                (other_order[gate].T, "the third block is the candidate's and the fourth the output gate's"),
                (block, "Gluon multiplies by the transposed matrix: a block of rows is to be transposed"),
                (stacked["ifco".index(gate)::4].T, "a gate's rows stand together, they are not interleaved"),
                (block.reshape(num_inputs, num_hiddens), "reshape shuffles the numbers: transpose"),
                (columns[gate], "reshape shuffles the numbers: cut the rows into four blocks, then transpose"),
            ])
    return "Four blocks of rows, each transposed."


@exercise
def to_onnx_order(answer):
    rng = np.random.default_rng(0)
    for stacked in (rng.standard_normal((12, 5)), rng.standard_normal(8)):
        i, f, c, o = np.split(stacked, 4)
        expect(answer(stacked.copy()), np.concatenate([i, o, f, c]), "to_onnx_order(stacked)", misconceptions=[
            (np.concatenate([i, c, o, f]), "the permutation is read backwards: the second block is to be the output gate"),
            (np.concatenate([i, c, f, o]), "Gluon's third block is the candidate, its fourth the output gate"),
            (np.concatenate([i, f, o, c]), "ONNX has the output gate second, before the forget gate"),
            (stacked, "nothing has moved: Gluon's order is i, f, c, o"),
        ])
    return "The numbers stay, the blocks change places."


@exercise
def multiply_adds(answer):
    def products(blocks, d, h, n):
        return n * blocks * (d + h) * h

    for d, h, n in ((43, 256, 32), (5, 7, 3)):
        for cell, blocks in (("rnn", 1), ("gru", 3), ("lstm", 4)):
            right = products(blocks, d, h, n)
            expect(answer(cell, d, h, n), right, f"multiply_adds({cell!r}, {d}, {h}, {n})", tolerance=1e-9, misconceptions=[
                (right + n * blocks * h, "adding a bias is no multiply-add of a matrix product"),
                (products(blocks - 1, d, h, n), "the candidate needs matrix products too, besides the gates"),
                (right / n, "every example of the minibatch needs its own products"),
                (n * blocks * d * h, "the products with the hidden state are missing"),
                (n * blocks * h * h, "the products with the input are missing"),
                (2 * right, "a multiply-add counts once: this is the number of floating-point operations"),
                (right / blocks, "this is one gate: there are several"),
            ])
    return "RNN, GRU and LSTM cost 1 : 3 : 4."


@exercise
def clipped_step(answer):
    for rest, bias, k, lr, clip in ((0.3, 0.4, 2, 100.0, 0.01), (0.3, 0.4, 1, 100.0, 0.01), (1.0, 2.0, 3, 0.5, 1.0),
                                    (0.3, 0.4, 2, 0.1, 5.0)):
        def moves(norm, copies, always=False):
            scale = clip / norm if always else min(1.0, clip / norm)  # noqa: B023  (called within this turn of the loop)
            return np.array([lr * scale * rest, copies * lr * scale * bias])  # noqa: B023

        norm = np.hypot(rest, np.sqrt(k) * bias)
        expect(answer(rest, bias, k, lr, clip), moves(norm, k), f"clipped_step({rest}, {bias}, {k}, {lr}, {clip})",
               misconceptions=[
            (moves(norm, k, always=True), "a gradient whose norm is within the bound is left as it is"),
            (moves(np.hypot(rest, bias), k), "every one of the k biases enters the norm"),
            (moves(norm, 1), "all k biases take the step, and the sum moves by all of them"),
            (moves(np.hypot(rest, bias), 1), "the k biases have a gradient each: count them in the norm and in the sum"),
            (moves(np.hypot(rest, k * bias), k), "the squares add up: k biases add k times the square, not k squared"),
            (moves(rest + k * bias, k), "a joint norm is the root of the sum of squares, not a sum of norms"),
            (moves(norm, np.sqrt(k)), "the k steps point the same way, so their lengths add up"),
        ])
    return "The sum moves k times as far, relative to the rest."


@exercise
def bias_scale(answer):
    for k in (2, 1, 3, 9):
        expect(answer(k), np.sqrt(k), f"bias_scale({k})", misconceptions=[
            (k, "the constant acts twice, on the gradient and on the step: with a = k the sum moves k squared times as far"),
            (1 / np.sqrt(k), "turned around: a larger constant gives a larger gradient"),
            (1 / k, "turned around: a larger constant gives a larger gradient"),
            (k ** 2, "the square of the constant has to be k"),
        ])
    return "k biases are one bias in other units."
