"""The mathematics of the book: one module a cell, NumPy and nothing else."""
from d2l_utils.cells.base import Cell, sigmoid
from d2l_utils.cells.gru import GRU, GRUTrace
from d2l_utils.cells.lstm import LSTM, LSTMTrace
from d2l_utils.cells.rnn import RNN, RNNTrace
from d2l_utils.cells.variants import VARIANTS, LSTMVariant

__all__ = ["GRU", "LSTM", "RNN", "VARIANTS", "Cell", "GRUTrace", "LSTMTrace", "LSTMVariant", "RNNTrace", "sigmoid"]
