"""OpenCV's dnn module, which reads a model in the ONNX format. Its initial states are constants of the model."""
import cv2
import numpy as np

from d2l_utils.frameworks import onnx_model, refuse_peepholes


def load(layer, order, dtype):
    """The arguments themselves: OpenCV wants to know the initial states when it reads the model."""
    refuse_peepholes(layer, "opencv")
    return layer, order, dtype


def arrays(model):
    layer, order, dtype = model
    return onnx_model.arrays(onnx_model.load(layer, order, dtype, "opencv", lengths=False))


def run(model, X, state, d_H, d_state, lengths=None):
    layer, order, dtype = model
    made = onnx_model.load(layer, order, dtype, "opencv", lengths=False, state=state, shape=X.shape)
    net = cv2.dnn.readNetFromONNX(np.frombuffer(made.SerializeToString(), np.uint8))
    net.setInput(X, "X")
    num_steps, batch_size, _ = X.shape
    h = state[0].shape[1]
    Y, Y_h, Y_c = net.forward(list(onnx_model.OUTPUTS))
    return onnx_model.ours(Y.reshape(num_steps, -1, batch_size, h), *(s.reshape(-1, batch_size, h) for s in (Y_h, Y_c)))
