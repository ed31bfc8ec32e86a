"""The mathematics of the book: one module a cell, NumPy and nothing else."""
from d2l_utils.cells.base import Cell, sigmoid
from d2l_utils.cells.gru import GRU, GRUTrace
from d2l_utils.cells.lstm import LSTM, LSTMTrace
from d2l_utils.cells.rnn import RNN, RNNTrace

__all__ = ["GRU", "LSTM", "RNN", "Cell", "GRUTrace", "LSTMTrace", "RNNTrace", "sigmoid"]
