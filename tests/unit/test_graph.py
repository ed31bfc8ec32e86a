"""The layout of plots.graph: no box on another, no arrow through a box."""
import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.patches import FancyBboxPatch

from d2l_utils import plots

matplotlib.use("Agg")
mx = pytest.importorskip("mxnet")


def with_a_long_arrow():
    x = mx.sym.var("x")
    y = x
    for k in range(5):
        y = mx.sym.tanh(y, name=f"t{k}")
    return y + x * mx.sym.sigmoid(x)


def lstm():
    X, H, C = map(mx.sym.var, ("X", "H", "C"))
    I, F, O, C_tilde = (squash(mx.sym.FullyConnected(X, num_hidden=3) + mx.sym.FullyConnected(H, num_hidden=3))
                        for squash in (mx.sym.sigmoid, mx.sym.sigmoid, mx.sym.sigmoid, mx.sym.tanh))
    C = F * C + I * C_tilde
    return mx.sym.Group([O * mx.sym.tanh(C), C])


@pytest.mark.parametrize("symbol", [with_a_long_arrow, lstm])
def test_boxes_stand_apart_and_no_arrow_runs_through_one(symbol):
    ax = plots.graph(symbol())
    boxes = np.array([p.get_bbox().extents for p in ax.patches if isinstance(p, FancyBboxPatch)])
    for a, (left, bottom, right, top) in enumerate(boxes):
        others = np.delete(boxes, a, axis=0)
        apart = (others[:, 0] >= right) | (others[:, 2] <= left) | (others[:, 1] >= top) | (others[:, 3] <= bottom)
        assert apart.all()
    for line in ax.lines:
        corners = line.get_xydata()
        along = np.concatenate([np.linspace(p, q, 50) for p, q in zip(corners, corners[1:])])
        for left, bottom, right, top in boxes:
            inside = (along[:, 0] > left) & (along[:, 0] < right) & (along[:, 1] > bottom + 0.01) & (along[:, 1] < top - 0.01)
            assert not inside.any()
    plt.close(ax.figure)
