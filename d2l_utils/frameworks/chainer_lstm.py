"""Chainer's L.LSTM: one step at a time, one bias, the gates interleaved."""
from d2l_utils.frameworks import TABLE
from d2l_utils.frameworks.chainer import L, Step, arrays_step, load_step, run_step, unload_step

run, arrays, unload = run_step, arrays_step, unload_step


def load(layer, order, dtype):
    return load_step(layer, order, dtype, "chainer_lstm", L.LSTM)


def new(num_inputs, num_hiddens):
    return Step(L.LSTM(num_inputs, num_hiddens), TABLE["chainer_lstm"].order)
