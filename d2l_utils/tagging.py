"""Models that give every word of a request a label, and the loop that trains them.

The loop asks a model for `params`, `forward` and `backward`, and the scores ask for the same `forward`: a network and the
baselines run through the same lines, in training and in prediction.
"""
import math

import numpy as np

from d2l_utils.datasets.tagging import LABELS, UNKNOWN, pad, score
from d2l_utils.layers import Dense, Embedding, Stacked
from d2l_utils.losses import cross_entropy
from d2l_utils.optim import clip_by_global_norm


class Tagger:
    """Words in, a score for each label at each word out: an embedding, recurrent layers, a dense layer.

    num_words: how many words the index has. layers: cells or Bidirectional layers for a `Stacked`; the first one's
    num_inputs is the width of the embedding. rng, sigma: for the weights of the embedding and the dense layer.
    """

    def __init__(self, num_words, layers, rng=None, sigma=0.1):
        rng = np.random.default_rng(0) if rng is None else rng
        self.stacked = Stacked(layers)
        self.embedding = Embedding(num_words, self.stacked.num_inputs, self.stacked.dtype, rng, sigma)
        self.dense = Dense(self.stacked.num_hiddens, len(LABELS), self.stacked.dtype, rng, sigma)

    @property
    def params(self):
        """The arrays themselves, by name."""
        return {**self.embedding.params, **self.stacked.params, **self.dense.params}

    def forward(self, X, lengths):
        """X: numbers of words (num_steps, batch_size). lengths: (batch_size,). Returns (Y, trace), Y with len(LABELS) scores
        at each step."""
        state = self.stacked.begin_state(X.shape[1])
        trace, _ = self.stacked.forward(self.embedding.forward(X), state, lengths=lengths)
        return self.dense.forward(trace.H), (X, trace)

    def backward(self, trace, d_Y):
        """trace: from `forward`. d_Y: like its Y. Returns the gradients, a dict like `params`."""
        X, trace = trace
        dense_grads, d_H = self.dense.backward(trace.H, d_Y)
        grads, d_E, _ = self.stacked.backward(trace, d_H)
        return {**self.embedding.backward(X, d_E), **grads, **dense_grads}


class WordLookup:
    """Each word gets the label that it had most often in training, a word that the index lacks the commonest label of all.

    With an index of UNKNOWN alone it is the baseline that gives every word the commonest label. It has nothing to train.
    """

    def __init__(self, index, requests):
        batch = pad(requests, index)
        self.counts = np.zeros((len(index), len(LABELS)))
        np.add.at(self.counts, (batch.X[batch.mask], batch.Y[batch.mask]), 1)
        self.counts[index[UNKNOWN]] = self.counts.sum(axis=0)

    def forward(self, X, lengths):
        """As a Tagger's; the scores are counts."""
        return self.counts[X], None


class WindowTagger:
    """Linear scores from a word and `reach` words on either side, each a one-hot vector: no hidden layer, no memory.

    num_words: as for a Tagger. There is one more, for what lies outside of the request.
    """

    def __init__(self, num_words, reach=2, dtype=np.float64):
        self.num_words, self.reach = num_words + 1, reach
        self.dense = Dense((2 * reach + 1) * self.num_words, len(LABELS), dtype, sigma=0.0)
        self.params = self.dense.params

    def forward(self, X, lengths):
        """As a Tagger's."""
        outside = self.num_words - 1
        X = np.where(np.arange(len(X))[:, None] < lengths, X, outside)
        X = np.pad(X, ((self.reach, self.reach), (0, 0)), constant_values=outside)
        windows = np.stack([X[k:len(X) - 2 * self.reach + k] for k in range(2 * self.reach + 1)], axis=-1)
        H = np.zeros((*windows.shape, self.num_words), self.params["W_hq"].dtype)
        np.put_along_axis(H, windows[..., None], 1, axis=-1)        # one-hot vectors, side by side
        H = H.reshape(*windows.shape[:2], -1)
        return self.dense.forward(H), H

    def backward(self, trace, d_Y):
        """As a Tagger's."""
        return self.dense.backward(trace, d_Y)[0]


def loss_and_grads(model, batch, X=None):
    """The mean cross entropy of the words of a Padded minibatch, padding left out, and its gradients by name.

    X: what the model reads in place of batch.X, or None.
    """
    scores, trace = model.forward(batch.X if X is None else X, batch.lengths)
    mask, d_scores = batch.mask, np.zeros_like(scores)
    loss, d_scores[mask] = cross_entropy(scores[mask], batch.Y[mask])
    return loss, model.backward(trace, d_scores)


def predict(model, index, requests, batch_size=100):
    """The likeliest label of every word: a list of lists of labels. index: from `word_index`."""
    predicted = []
    for start in range(0, len(requests), batch_size):
        batch = pad(requests[start:start + batch_size], index)
        best = model.forward(batch.X, batch.lengths)[0].argmax(axis=-1)
        predicted += [[LABELS[k] for k in best[:length, n]] for n, length in enumerate(batch.lengths)]
    return predicted


def evaluate(model, index, requests):
    """The Score of a model on requests."""
    return score([request.labels for request in requests], predict(model, index, requests))


def train(model, index, requests, *, num_epochs, batch_size, optimizer, rng, clip=1.0, word_dropout=0.0,
          loss_and_grads=loss_and_grads):
    """Train a model on requests, in another order in each epoch, with a learning rate that falls in a straight line to 0.

    optimizer: its lr is where the line starts; it is left where the last epoch put it. index: from `word_index`. rng: a
    numpy Generator for the order and the dropout. word_dropout: each word is UNKNOWN with this probability, so that the
    model learns what to make of a word that it has never seen. loss_and_grads: what is asked at each minibatch.
    Returns the mean loss of each epoch. Raises FloatingPointError when a loss is no longer a number.
    """
    history, lr = [], optimizer.lr
    for epoch in range(1, num_epochs + 1):
        optimizer.lr = lr * (1 - (epoch - 1) / num_epochs)
        order, losses = rng.permutation(len(requests)), []
        for start in range(0, len(requests), batch_size):
            batch = pad([requests[k] for k in order[start:start + batch_size]], index)
            X = np.where(rng.random(batch.X.shape) < word_dropout, index[UNKNOWN], batch.X)
            loss, grads = loss_and_grads(model, batch, X)
            if not math.isfinite(loss):
                raise FloatingPointError(f"the loss is {loss} in epoch {epoch}: lower lr (now {optimizer.lr})")
            clip_by_global_norm(grads, clip)
            optimizer.step(model.params, grads)
            losses.append(loss)
        history.append(float(np.mean(losses)))
    return history
