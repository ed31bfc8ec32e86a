"""Checks of the exercises in chapter 18, The same cell in every framework."""
import itertools

import numpy as np

from d2l_utils.checks import exercise, expect


@exercise
def reorder(answer):
    rng = np.random.default_rng(0)
    for source, target in (("ifco", "iofc"), ("cifo", "ifco"), ("ifoc", "icfo")):
        for shape in ((8, 3), (12,)):
            W = rng.standard_normal(shape)
            blocks = dict(zip(source, np.split(W, 4)))
            wanted = np.concatenate([blocks[g] for g in target])
            inverse = np.concatenate([np.split(W, 4)[target.index(g)] for g in source])
            expect(answer(W.copy(), source, target), wanted, f"reorder(W, {source!r}, {target!r})", misconceptions=[
                (inverse, "the permutation is turned around: block k of the result is gate target[k] of the source"),
                (W, "nothing has moved"),
            ])
    return "Twelve numbers or twelve million: it is the same line."


@exercise
def interleave(answer):
    rng = np.random.default_rng(1)
    for shape in ((8, 3), (12,), (20, 2)):
        W, h = rng.standard_normal(shape), shape[0] // 4
        wanted = np.stack(np.split(W, 4), axis=1).reshape(shape)
        back = np.concatenate([W[k::4] for k in range(4)])
        expect(answer(W.copy()), wanted, f"interleave(W) for {h} units", misconceptions=[
            (back, "this is the way back: it collects every fourth row"),
            (W, "a reshape alone moves nothing: two axes have to change places in between"),
        ])
    return "Row 4k + j is block j of unit k."


@exercise
def stored_bias(answer):
    rng = np.random.default_rng(2)
    for order, added in itertools.product(("ifco", "ifoc", "icfo"), (1.0, 0.5)):
        b = {g: rng.standard_normal(3) for g in "ifco"}

        def stacked(change, b=b, order=order):
            return np.concatenate([b[g] + change * (g == "f") for g in order])

        given = {g: w.copy() for g, w in b.items()}
        expect(answer(given, order, added), stacked(-added), f"stored_bias(b, {order!r}, {added})",
               misconceptions=[
                   (stacked(added), "the framework adds it again as it runs: the sum has to be b"),
                   (stacked(0), "as it runs, the framework will add to the forget gate: what it stores must be smaller"),
                   (stacked(0) - added, "only the forget gate gets something added"),
               ])
    return "Store less, and the sum is what it should be."
