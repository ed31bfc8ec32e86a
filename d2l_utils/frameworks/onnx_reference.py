"""ONNX's operator LSTM, run by the reference evaluator that the package onnx brings along. It has the outputs of the
operator, but does not read sequence_lens.
"""
from onnx.reference import ReferenceEvaluator

from d2l_utils.frameworks import onnx_model


def load(layer, order, dtype):
    return ReferenceEvaluator(onnx_model.load(layer, order, dtype, "onnx_reference", lengths=False))


def arrays(model):
    return onnx_model.arrays(model.proto_)


def run(model, X, state, d_H, d_state, lengths=None):
    return onnx_model.ours(*model.run(None, onnx_model.feed(X, state)))
