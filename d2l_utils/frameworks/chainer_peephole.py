"""Chainer's L.StatefulPeepholeLSTM: full peepholes, stored like other weights of Chainer, from the left."""
from d2l_utils.frameworks import TABLE
from d2l_utils.frameworks.chainer import L, Step, arrays_step, load_step, run_step, unload_step

run, arrays, unload = run_step, arrays_step, unload_step


def load(layer, order, dtype):
    return load_step(layer, order, dtype, "chainer_peephole", L.StatefulPeepholeLSTM)


def new(num_inputs, num_hiddens):
    return Step(L.StatefulPeepholeLSTM(num_inputs, num_hiddens), TABLE["chainer_peephole"].order)
