"""How long a training step takes: our fast NumPy, our plain NumPy, Gluon, PyTorch, on one thread.

A step is one minibatch of the character model that d2l trains (256 units, batch 32, 35 steps, 43 characters, float32):
forward, backward, gradients clipped to a norm of 0.01, SGD. All start from the same weights, and their first losses must
agree; after it the frameworks' two bias vectors make them drift apart, at equal work. The first row is the reference,
1.000: Gluon as d2l has it, where MXNet is installed. The last column is the CPU time as a multiple of what the matrix
products alone would take at the speed of NumPy's sgemm, measured in the same rounds. PyTorch runs in the environment that
`make rosetta` sets up. Takes about a minute.

    python bench/train_speed.py --json FILE
"""
import itertools
import time

import numpy as np
import round_robin
from results import record

from d2l_utils.cells import LSTM
from d2l_utils.cells.lstm import GATES
from d2l_utils.datasets.text import Vocab, consecutive_batches, load_time_machine
from d2l_utils.fused import ClippedSGD, FusedModel
from d2l_utils.optim import SGD, clip_by_global_norm
from d2l_utils.training import LanguageModel

NUM_HIDDENS, BATCH_SIZE, NUM_STEPS, LR, CLIP = 256, 32, 35, 100.0, 0.01
ROUNDS, REPEATS = 20, 2
SGEMM = 1024                # side of the square matrices that show what sgemm can do
SGEMM_NAME = f"sgemm, {SGEMM} x {SGEMM}"


def plain_model(vocab_size, num_hiddens):
    """The model that all start from."""
    return LanguageModel(LSTM(vocab_size, num_hiddens, dtype=np.float32))


def endless(corpus, num_steps):
    """(X, Y, whether an epoch begins), for ever."""
    batches = list(consecutive_batches(corpus, BATCH_SIZE, num_steps))
    for k in itertools.count():
        yield (*batches[k % len(batches)], k % len(batches) == 0)


def numpy_step(model, update, corpus, num_steps):
    """The work of a model of ours: update is called with the parameters and the gradients."""
    batches, state = endless(corpus, num_steps), None

    def step():
        nonlocal state
        X, Y, epoch_begins = next(batches)
        loss, grads, state = model.loss_and_grads(X, Y, model.begin_state(BATCH_SIZE) if epoch_begins else state)
        update(model.params, grads)
        return loss
    return step


def fused(corpus, vocab_size, num_hiddens=NUM_HIDDENS, num_steps=NUM_STEPS):
    return numpy_step(FusedModel(plain_model(vocab_size, num_hiddens)), ClippedSGD(LR, CLIP).step, corpus, num_steps)


def plain(corpus, vocab_size, num_hiddens=NUM_HIDDENS, num_steps=NUM_STEPS):
    sgd = SGD(LR)

    def update(params, grads):
        clip_by_global_norm(grads, CLIP)
        sgd.step(params, grads)
    return numpy_step(plain_model(vocab_size, num_hiddens), update, corpus, num_steps)


def tuned_gluon(corpus, vocab_size, num_hiddens=NUM_HIDDENS, num_steps=NUM_STEPS):
    """The whole network hybridized, and clipped by the function that Gluon has for it."""
    return gluon(corpus, vocab_size, num_hiddens, num_steps, tuned=True)


def gluon(corpus, vocab_size, num_hiddens=NUM_HIDDENS, num_steps=NUM_STEPS, tuned=False):
    """d2l's loop in Gluon."""
    from d2l_utils.gluon import to_gluon

    import mxnet as mx  # isort: skip  (after d2l_utils.gluon, which puts numpy.bool back)

    class Network(mx.gluon.HybridBlock):
        def __init__(self, lstm, dense):
            super().__init__()
            self.lstm, self.dense = lstm, dense

        def hybrid_forward(self, F, X, H, C):
            Y, (H, C) = self.lstm(F.one_hot(X, vocab_size), [H, C])
            return self.dense(F.reshape(Y, (-1, num_hiddens))), H, C

    start = plain_model(vocab_size, num_hiddens)
    dense = mx.gluon.nn.Dense(vocab_size, in_units=num_hiddens)
    dense.initialize()
    dense.weight.set_data(mx.nd.array(start.params["W_hq"].T))
    network, loss_of = Network(to_gluon(start.cell), dense), mx.gluon.loss.SoftmaxCrossEntropyLoss()
    if tuned:
        network.hybridize(static_alloc=True, static_shape=True)
        loss_of.hybridize(static_alloc=True, static_shape=True)
    trainer = mx.gluon.Trainer(network.collect_params(), "sgd", {"learning_rate": LR})
    batches, state = endless(corpus, num_steps), None

    def clip():
        grads = [p.grad() for p in network.collect_params().values()]
        if tuned:
            mx.gluon.utils.clip_global_norm(grads, CLIP)
            return
        norm = mx.nd.array([0])
        for g in grads:
            norm = norm + (g ** 2).sum()
        norm = norm.sqrt().asscalar()
        if norm > CLIP:
            for g in grads:
                g[:] *= CLIP / norm

    def step():
        nonlocal state
        X, Y, epoch_begins = next(batches)
        if epoch_begins:
            state = [mx.nd.zeros((1, BATCH_SIZE, num_hiddens)) for _ in "HC"]
        state = [s.detach() for s in state]
        with mx.autograd.record():
            scores, *state = network(mx.nd.array(X), *state)
            loss = loss_of(scores, mx.nd.array(Y).reshape((-1,))).mean()
        loss.backward()
        clip()
        trainer.step(1)
        mx.nd.waitall()                     # MXNet returns before the work is done
        return float(loss.asscalar())
    return step


def to_torch(model):
    """torch.nn.LSTM and torch.nn.Linear with the weights of one of our models; ImportError without PyTorch."""
    try:
        import torch
    except ImportError as error:
        raise ImportError("PyTorch is not installed; make rosetta sets up an environment with it") from error
    torch.set_num_threads(1)
    p, num_hiddens = model.params, model.cell.num_hiddens
    lstm, dense = torch.nn.LSTM(model.vocab_size, num_hiddens), torch.nn.Linear(num_hiddens, model.vocab_size)
    with torch.no_grad():
        for theirs, ours in ((lstm.weight_ih_l0, "W_x"), (lstm.weight_hh_l0, "W_h"), (lstm.bias_ih_l0, "b_")):
            theirs.copy_(torch.from_numpy(np.concatenate([p[ours + gate].T for gate in GATES])))
        lstm.bias_hh_l0.zero_()                 # of the two biases only the sum counts
        dense.weight.copy_(torch.from_numpy(p["W_hq"].T.copy()))
        dense.bias.copy_(torch.from_numpy(p["b_q"]))
    return lstm, dense


def pytorch(corpus, vocab_size, num_hiddens=NUM_HIDDENS, num_steps=NUM_STEPS):
    lstm, dense = to_torch(plain_model(vocab_size, num_hiddens))
    import torch
    parameters = [*lstm.parameters(), *dense.parameters()]
    sgd, batches, state = torch.optim.SGD(parameters, lr=LR), endless(corpus, num_steps), None

    def step():
        nonlocal state
        X, Y, epoch_begins = next(batches)
        state = None if epoch_begins else tuple(s.detach() for s in state)
        inputs = torch.nn.functional.one_hot(torch.from_numpy(np.ascontiguousarray(X)), vocab_size).float()
        H, state = lstm(inputs, state)
        loss = torch.nn.functional.cross_entropy(dense(H).flatten(0, 1), torch.from_numpy(Y.ravel()))
        sgd.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, CLIP)
        sgd.step()
        return loss.item()
    return step


def sgemm():
    """One product of square matrices, by NumPy."""
    A, B = np.random.default_rng(0).standard_normal((2, SGEMM, SGEMM)).astype(np.float32)
    out = np.empty_like(A)

    def multiply():
        np.matmul(A, B, out=out)
    return multiply


def flop(vocab_size, num_hiddens=NUM_HIDDENS, num_steps=NUM_STEPS):
    """Floating-point operations of the matrix products of a step: forward, and twice as many backward.

    The input is a choice of rows, no product: what folding it into one costs is no part of the bound.
    """
    return 2 * 3 * num_steps * BATCH_SIZE * (4 * num_hiddens ** 2 + num_hiddens * vocab_size)


def check_equal(peers):
    """That the first losses of all peers that give one are equal to 1e-5: float32, and sums in another order."""
    first = {name: peer.first for name, peer in peers.items() if peer.first is not None}
    if max(first.values()) - min(first.values()) > 1e-5:
        raise AssertionError(f"the first losses should be equal: {first}")


def main():
    arguments = round_robin.arguments(__doc__)
    began, text = time.perf_counter(), load_time_machine(10_000)
    vocab = Vocab(text.characters)
    corpus, vocab_size = vocab.encode(text.characters), len(vocab)
    peers = round_robin.measure({
        "Gluon, as d2l has it": (gluon, corpus, vocab_size),
        "Gluon, hybridized, clip_global_norm": (tuned_gluon, corpus, vocab_size),
        "PyTorch nn.LSTM": (pytorch, corpus, vocab_size),
        "NumPy, the plain cell": (plain, corpus, vocab_size),
        "NumPy, fused": (fused, corpus, vocab_size),
        SGEMM_NAME: (sgemm,),
    }, ROUNDS, REPEATS)
    check_equal(peers)
    multiply = peers.pop(SGEMM_NAME)
    rate = 2 * SGEMM ** 3 / round_robin.quartiles(multiply.cpu)[1]
    bound = flop(vocab_size) / rate
    table = round_robin.rows(peers, 1000)
    for row in table:
        row["times_bound"] = row["cpu"] / 1000 / bound
    print(f"A training step on {text.source}: {vocab_size} characters, {NUM_HIDDENS} units, batch {BATCH_SIZE}, "
          f"{NUM_STEPS} steps; {ROUNDS} rounds of {REPEATS}")
    round_robin.show(table, peers, "ms", **{"/ bound": lambda row: row["times_bound"]})
    print(f"bound: {flop(vocab_size) / 1e9:.2f} GFLOP at {rate / 1e9:.0f} GFLOP/s of sgemm = {1000 * bound:.1f} ms; "
          f"measured in {time.perf_counter() - began:.0f} s")
    if arguments.json:
        settings = {"num_hiddens": NUM_HIDDENS, "batch_size": BATCH_SIZE, "num_steps": NUM_STEPS, "vocab_size": vocab_size,
                    "rounds": ROUNDS, "repeats": REPEATS, "unit": "ms"}
        record.write(arguments.json, settings, table, text=text.source.split(",")[0], sgemm_gflops=rate / 1e9,
                     bound=1000 * bound, **round_robin.about(peers))


if __name__ == "__main__":
    main()
