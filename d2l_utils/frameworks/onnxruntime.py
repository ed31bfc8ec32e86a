"""ONNX's operator LSTM, run by ONNX Runtime."""
import numpy as np
import onnxruntime

from d2l_utils.frameworks import onnx_model


def load(layer, order, dtype):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    model = onnx_model.load(layer, order, dtype, "onnxruntime")
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"]), model


def arrays(model):
    return onnx_model.arrays(model[1])


def run(model, X, state, d_H, d_state, lengths=None):
    lengths = np.full(X.shape[1], len(X)) if lengths is None else lengths
    return onnx_model.ours(*model[0].run(None, {**onnx_model.feed(X, state), "sequence_lens": lengths.astype(np.int32)}))
