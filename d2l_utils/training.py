"""A language model from a cell, the training loop with carried state, and text generation.

The loop asks a model for `params`, `begin_state` and `loss_and_grads`, and nothing else: the models of `gluon` have
them too, so every comparison in the book runs through the same lines.
"""
import math
import time
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from d2l_utils.datasets.text import consecutive_batches, one_hot
from d2l_utils.layers import Dense
from d2l_utils.losses import cross_entropy, perplexity, softmax
from d2l_utils.optim import clip_by_global_norm


@dataclass(frozen=True)
class Epoch:
    """One pass through the text. perplexity: over all its characters. seconds and chars_per_second: wall time."""

    epoch: int
    perplexity: float
    seconds: float
    chars_per_second: float


class LanguageModel:
    """Characters in, scores of the next character out: one-hot vectors, a cell, a dense layer.

    cell: an LSTM or RNN whose num_inputs is the size of the vocabulary. rng: draws the dense layer's weights; None
    stands for the Generator that drew the cell's, which goes on. sigma: their standard deviation.
    """

    def __init__(self, cell, rng=None, sigma=0.01):
        self.cell, self.vocab_size = cell, cell.num_inputs
        self.dense = Dense(cell.num_hiddens, cell.num_inputs, cell.dtype, cell.rng if rng is None else rng, sigma)

    @property
    def params(self):
        """The arrays themselves, by name, the cell's before the dense layer's."""
        return {**self.cell.params, **self.dense.params}

    def begin_state(self, batch_size):
        """The cell's zero state."""
        return self.cell.begin_state(batch_size)

    def forward(self, X, state):
        """X: indices (num_steps, batch_size). Returns (Y, trace, state), Y: (num_steps, batch_size, vocab_size)."""
        trace, state = self.cell.forward(one_hot(X, self.vocab_size, self.cell.dtype), state)
        return self.dense.forward(trace.H), trace, state

    def scores(self, X, state):
        """X: indices (num_steps, batch_size). Returns (Y, state) as a NumPy array and the last state."""
        Y, _, state = self.forward(X, state)
        return Y, state

    def loss_and_grads(self, X, Y, state):
        """X, Y: indices (num_steps, batch_size). Returns the mean loss in nats, the gradients by name, the last state.

        The gradient stops at `state`: the state carries numbers from one minibatch to the next, not gradients.
        """
        scores, trace, state = self.forward(X, state)
        loss, d_scores = cross_entropy(scores, Y)
        dense_grads, d_H = self.dense.backward(trace.H, d_scores)
        cell_grads, _, _ = self.cell.backward(trace, d_H)
        return loss, {**cell_grads, **dense_grads}, state


def train(model, corpus, *, num_epochs, num_steps, batch_size, optimizer, clip=None, on_epoch=None):
    """Truncated backpropagation through time over consecutive minibatches, the state carried along within an epoch.

    model: a LanguageModel or a model of `gluon`. corpus: indices of the text. clip: bound on the gradients' global norm,
    or None. on_epoch: called with each Epoch. Returns the list of Epochs.
    Raises FloatingPointError when the loss is no longer a number, ValueError for sizes that do not fit the text.
    """
    if num_epochs < 1:
        raise ValueError(f"num_epochs must be at least 1, got {num_epochs}")
    if clip is not None and not clip > 0:
        raise ValueError(f"clip must be greater than 0 (None does not clip), got {clip!r}")
    history = []
    with tqdm(total=num_epochs, unit="epoch") as bar:
        for epoch in range(1, num_epochs + 1):
            start, losses, num_chars = time.perf_counter(), [], 0
            state = model.begin_state(batch_size)
            for batch, (X, Y) in enumerate(consecutive_batches(corpus, batch_size, num_steps), start=1):
                loss, grads, state = model.loss_and_grads(X, Y, state)
                if not math.isfinite(loss):
                    raise FloatingPointError(f"the loss is {loss} in epoch {epoch}, minibatch {batch}: lower lr "
                                             f"(now {optimizer.lr}) or clip (now {clip})")
                if clip is not None:
                    clip_by_global_norm(grads, clip)
                optimizer.step(model.params, grads)
                losses.append(loss)
                num_chars += X.size
            seconds = time.perf_counter() - start
            history.append(Epoch(epoch, perplexity(np.mean(losses)), seconds, num_chars / seconds))
            bar.update()
            bar.set_postfix_str(f"perplexity {history[-1].perplexity:.2f}, {history[-1].chars_per_second:,.0f} characters/s")
            if on_epoch is not None:
                on_epoch(history[-1])
    return history


def generate(model, vocab, prefix, num_chars, temperature=None, rng=None):
    """Continue a text, one character at a time.

    model: has `begin_state` and `scores`, or instead of `scores` a faster `one_by_one`, as a FusedModel does.
    prefix: at least one character of the vocabulary. temperature: None takes the likeliest character each time; a
    positive number divides the scores before the softmax and draws with rng (a numpy Generator; None: `default_rng(0)`).
    Returns prefix and num_chars characters more. Raises ValueError for an empty prefix, unknown characters, a negative
    num_chars, a temperature that is not positive.
    """
    if not prefix:
        raise ValueError("prefix must hold at least one character, got an empty one")
    if num_chars < 0:
        raise ValueError(f"num_chars must be at least 0, got {num_chars}")
    if temperature is not None and not temperature > 0:
        raise ValueError(f"temperature must be greater than 0 (None takes the likeliest character), got {temperature!r}")
    if rng is None and temperature is not None:
        rng = np.random.default_rng(0)
    indices, state = list(vocab.encode(prefix)), model.begin_state(1)
    read = model.one_by_one(state) if hasattr(model, "one_by_one") else _one_by_one(model, state)
    for index in indices:
        y = read(index)
    for _ in range(num_chars):
        index = y.argmax() if temperature is None else rng.choice(len(y), p=softmax(y.astype(np.float64) / temperature))
        indices.append(int(index))
        y = read(indices[-1])
    return vocab.decode(indices)


def _one_by_one(model, state):
    """A function that reads a character, its index, and returns the scores of the next, (vocab_size,)."""
    def read(index):
        nonlocal state
        Y, state = model.scores(np.array([[index]]), state)
        return Y[-1, 0]
    return read
