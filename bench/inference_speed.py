"""How long a character takes to write, one at a time: our fast NumPy, our plain NumPy, Gluon, PyTorch, on one thread.

All have the weights of one model of 256 units, trained for some seconds first so that its text is one; they write through
the same `training.generate`, the likeliest character each time, and their texts must be equal. PyTorch's two peers take a
character's one-hot vector from a table and choose the next without leaving PyTorch. The first row is the
reference, 1.000: Gluon, where MXNet is installed. The last column is the CPU time as a multiple of a matrix-vector
product of the weights, measured in the same rounds: each character has to read all of them. PyTorch runs in the
environment that `make rosetta` sets up. Takes about a minute.

    python bench/inference_speed.py --json FILE
"""
import time

import numpy as np
import round_robin
from results import record
from train_speed import BATCH_SIZE, NUM_HIDDENS, NUM_STEPS, to_torch

from d2l_utils.cells import LSTM
from d2l_utils.datasets.text import Vocab, load_time_machine
from d2l_utils.fused import ClippedAdam, FusedModel
from d2l_utils.training import LanguageModel, generate, train

NUM_EPOCHS, PREFIX, NUM_CHARS = 12, "t", 200
ROUNDS, REPEATS = 15, 2
PRODUCT_NAME = "a matrix-vector product"


def trained(corpus, vocab_size):
    """A plain model that has read its text some times."""
    start = LanguageModel(LSTM(vocab_size, NUM_HIDDENS, dtype=np.float32, sigma=0.06), sigma=0.06)
    model = FusedModel(start)
    history = train(model, corpus, num_epochs=NUM_EPOCHS, num_steps=NUM_STEPS, batch_size=BATCH_SIZE,
                    optimizer=ClippedAdam(0.01, 1.0))
    return model.to_plain(), history[-1].perplexity


def writes(model, vocab):
    """The work: to write a text."""
    return lambda: generate(model, vocab, PREFIX, NUM_CHARS)


def plain(model, vocab):
    return writes(model, vocab)


def fused(model, vocab):
    return writes(FusedModel(model), vocab)


def gluon(model, vocab):
    from d2l_utils.gluon import GluonModel, to_gluon

    import mxnet as mx  # isort: skip  (after d2l_utils.gluon, which puts numpy.bool back)

    dense = mx.gluon.nn.Dense(len(vocab), flatten=False, in_units=NUM_HIDDENS)
    dense.initialize()
    dense.weight.set_data(mx.nd.array(model.params["W_hq"].T))
    dense.bias.set_data(mx.nd.array(model.params["b_q"]))
    return writes(GluonModel(to_gluon(model.cell), dense, len(vocab)), vocab)


class TorchModel:
    """PyTorch's nn.LSTM, or its nn.LSTMCell, in the form that `generate` expects."""

    def __init__(self, model, cell):
        import torch
        lstm, self.dense = to_torch(model)
        self.lstm, self.one_hot, self.cell = lstm, torch.eye(model.vocab_size), cell
        if cell:
            self.lstm = torch.nn.LSTMCell(model.vocab_size, NUM_HIDDENS)
            self.lstm.load_state_dict({name[:-len("_l0")]: w for name, w in lstm.state_dict().items()})

    def begin_state(self, batch_size):
        """None stands for PyTorch's zero state."""

    def one_by_one(self, state):
        """A function that reads a character, its index, and returns the scores of the next, (vocab_size,)."""
        lstm, dense, one_hot, cell = self.lstm, self.dense, self.one_hot, self.cell

        def read(x):
            nonlocal state
            if cell:
                state = lstm(one_hot[x:x + 1], state)
                H = state[0]
            else:
                H, state = lstm(one_hot[x].view(1, 1, -1), state)
            return dense(H).ravel()
        return read


def pytorch(model, vocab, cell=False):
    torch_model = TorchModel(model, cell)
    import torch

    write = writes(torch_model, vocab)

    def write_without_gradients():
        with torch.inference_mode():
            return write()
    return write_without_gradients


def pytorch_cell(model, vocab):
    return pytorch(model, vocab, cell=True)


def product(vocab_size):
    """As many products of a matrix of the LSTM's weights and a vector as characters are written."""
    W = np.random.default_rng(0).standard_normal((4 * NUM_HIDDENS + vocab_size, NUM_HIDDENS)).astype(np.float32)
    H, out = np.ones(NUM_HIDDENS, np.float32), np.empty(len(W), np.float32)

    def multiply():
        for _ in range(NUM_CHARS):
            np.dot(W, H, out=out)
    return multiply


def main():
    arguments = round_robin.arguments(__doc__)
    began, text = time.perf_counter(), load_time_machine(10_000)
    vocab = Vocab(text.characters)
    model, perplexity = trained(vocab.encode(text.characters), len(vocab))
    peers = round_robin.measure({
        "Gluon, as d2l has it": (gluon, model, vocab),
        "PyTorch nn.LSTM": (pytorch, model, vocab),
        "PyTorch nn.LSTMCell": (pytorch_cell, model, vocab),
        "NumPy, the plain cell": (plain, model, vocab),
        "NumPy, fused": (fused, model, vocab),
        PRODUCT_NAME: (product, len(vocab)),
    }, ROUNDS, REPEATS)
    texts = {peer.first for peer in peers.values() if peer.first is not None}
    if len(texts) != 1:
        raise AssertionError(f"the texts should be equal: {texts}")
    bound = round_robin.quartiles(peers.pop(PRODUCT_NAME).cpu)[1] / NUM_CHARS
    table = round_robin.rows(peers, 1e6 / NUM_CHARS)
    for row in table:
        row["times_bound"] = row["cpu"] / 1e6 / bound
    print(f"Writing {NUM_CHARS} characters, one at a time, with {NUM_HIDDENS} units, after {NUM_EPOCHS} epochs on "
          f"{text.source} (perplexity {perplexity:.2f}); {ROUNDS} rounds of {REPEATS}; all wrote:\n{texts.pop()}\n")
    round_robin.show(table, peers, "µs", **{"/ bound": lambda row: row["times_bound"]})
    print(f"bound: {1e6 * bound:.1f} µs to read the weights; measured in {time.perf_counter() - began:.0f} s")
    if arguments.json:
        settings = {"num_hiddens": NUM_HIDDENS, "batch_size": 1, "num_chars": NUM_CHARS, "vocab_size": len(vocab),
                    "rounds": ROUNDS, "repeats": REPEATS, "unit": "microseconds a character"}
        record.write(arguments.json, settings, table, text=text.source.split(",")[0], bound=1e6 * bound,
                     perplexity=perplexity, **round_robin.about(peers))


if __name__ == "__main__":
    main()
