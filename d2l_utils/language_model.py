"""A language model of several layers, how it is judged on text it has not learned from, and when its training stops."""
from typing import NamedTuple

import numpy as np

from d2l_utils.cells import LSTM
from d2l_utils.layers import Dense, Dropout, Embedding, Stacked
from d2l_utils.losses import cross_entropy, perplexity, softmax
from d2l_utils.training import train


class StackedLanguageModel:
    """Embedding, dropout, LSTM, dropout, LSTM, dropout, dense: tokens in, scores of the next token out.

    vocab_size, num_hiddens, num_layers: all layers and the embedding are num_hiddens wide. dropout: the probability p of
    all the dropouts. variational: False drops afresh at each step and spares the hidden state on its way to the next
    step (Zaremba, Sutskever & Vinyals 2014); True draws one mask a minibatch for each sequence, and for the hidden states
    too (Gal & Ghahramani 2016). tied: the dense layer's weights are the embedding, turned around (Press & Wolf 2017).
    forget_bias: put into b_f after all parameters have been drawn; None leaves it as drawn. rng: a numpy Generator (None:
    a fresh `default_rng(0)`), which draws every parameter uniformly from [-bound, bound], and later the masks.
    """

    def __init__(self, vocab_size, num_hiddens, num_layers=2, *, dropout=0.5, variational=False, tied=False, bound=0.1,
                 forget_bias=None, dtype=np.float64, rng=None):
        rng = np.random.default_rng(0) if rng is None else rng
        self.vocab_size, self.variational, self.tied = vocab_size, variational, tied
        self.embedding = Embedding(vocab_size, num_hiddens, dtype)
        self.stack = Stacked([LSTM(num_hiddens, num_hiddens, dtype=dtype, rng=rng, sigma=0.0) for _ in range(num_layers)])
        self.dense = Dense(num_hiddens, vocab_size, dtype)
        self.dropout = Dropout(dropout, per_sequence=variational, rng=rng)
        if tied:
            self.dense.params["W_hq"] = self.embedding.params["W_e"].T      # a view: the same numbers
        for w in self.params.values():
            w[...] = rng.uniform(-bound, bound, w.shape)
        if forget_bias is not None:
            for cell in self.stack.cells:
                cell.params["b_f"][...] = forget_bias

    @property
    def params(self):
        """The arrays themselves, by name, from the embedding to the dense layer."""
        dense = {"b_q": self.dense.params["b_q"]} if self.tied else self.dense.params
        return {**self.embedding.params, **self.stack.params, **dense}

    def begin_state(self, batch_size):
        """The zero state: what a text is begun with, and what resets a model."""
        return self.stack.begin_state(batch_size)

    def draw_masks(self, num_steps, batch_size):
        """The masks of a minibatch: a list with a pair for each layer (see `Stacked.forward`), and the dense layer's."""
        size, width = (num_steps, batch_size, self.stack.num_hiddens), self.stack.dtype
        masks = [(self.dropout.mask(*size, width), self.dropout.mask(*size, width)[0] if self.variational else None)
                 for _ in self.stack.cells]
        return masks, self.dropout.mask(*size, width)

    def forward(self, X, state, masks=None):
        """X: indices (num_steps, batch_size). masks: from `draw_masks` for training, None for prediction.

        Returns (Y, trace, state): the scores (num_steps, batch_size, vocab_size), the trace of the stack, the last state.
        """
        layer_masks, dense_mask = (None, None) if masks is None else masks
        trace, state = self.stack.forward(self.embedding.forward(X), state, layer_masks)
        return self.dense.forward(self.dropout.forward(trace.H, dense_mask)), trace, state

    def scores(self, X, state):
        """Prediction. X: indices (num_steps, batch_size). Returns (Y, state)."""
        Y, _, state = self.forward(X, state)
        return Y, state

    def loss_and_grads(self, X, Y, state):
        """Training, with fresh masks. X, Y: indices (num_steps, batch_size).

        Returns the mean loss in nats, the gradients by name, and the last state. The gradient stops at `state`.
        """
        return self.loss_and_grads_with(self.draw_masks(*np.shape(X)), X, Y, state)

    def loss_and_grads_with(self, masks, X, Y, state):
        """As `loss_and_grads`, with masks that are given: from `draw_masks`, or None."""
        scores, trace, state = self.forward(X, state, masks)
        loss, d_Y = cross_entropy(scores, Y)
        mask = None if masks is None else masks[1]
        grads, d_H = self.dense.backward(self.dropout.forward(trace.H, mask), d_Y)
        stack_grads, d_E, _ = self.stack.backward(trace, self.dropout.backward(mask, d_H))
        embedding_grads = self.embedding.backward(X, d_E)
        if self.tied:
            embedding_grads["W_e"] += grads.pop("W_hq").T           # one array, two uses
        return loss, {**embedding_grads, **stack_grads, **grads}, state


def losses(model, corpus, batch_size=1, num_steps=100):
    """-log probability of the tokens of a text, in nats, in prediction mode, the state carried from its first to its last.

    model: anything with `begin_state` and `scores`. corpus: indices. batch_size: the text is cut into so many strips that
    are read side by side. Returns (len(strip) - 1, batch_size); with 1, every token but the first has its loss, in order.
    """
    strips = corpus[:len(corpus) // batch_size * batch_size].reshape(batch_size, -1).T
    state, found = model.begin_state(batch_size), []
    for start in range(0, len(strips) - 1, num_steps):
        Y = strips[start + 1:start + 1 + num_steps]
        scores, state = model.scores(strips[start:start + len(Y)], state)
        p = softmax(scores.astype(np.float64))
        found.append(-np.log(np.take_along_axis(p, Y[..., None], axis=-1)[..., 0]))
    return np.concatenate(found)


class Judged(NamedTuple):
    """The perplexities of an epoch of `fit`. training: as `train` measures it, dropout at work. validation: afterwards."""

    epoch: int
    training: float
    validation: float


def fit(model, corpus, validation, *, num_epochs, num_steps, batch_size, optimizer, clip, patience):
    """Train while the perplexity of another text falls, and give the model the weights that were best there.

    corpus, validation: indices of two texts. The optimizer's lr falls in equal steps, an epoch each, to a last one of
    lr / num_epochs. After `patience` epochs in a row without a new best perplexity on the second text training stops.
    The rest: see `train`. Returns a list of Judged.
    """
    history, best, best_params, lr = [], 0, {}, optimizer.lr
    for epoch in range(num_epochs):
        optimizer.lr = lr * (1 - epoch / num_epochs)
        learned, = train(model, corpus, num_epochs=1, num_steps=num_steps, batch_size=batch_size, optimizer=optimizer,
                         clip=clip)
        history.append(Judged(epoch + 1, learned.perplexity, perplexity(losses(model, validation, batch_size=8).mean())))
        if history[-1].validation <= min(judged.validation for judged in history):
            best, best_params = epoch, {name: w.copy() for name, w in model.params.items()}
        if epoch - best == patience:
            break
    for name, w in model.params.items():
        w[...] = best_params[name]
    return history
