"""Files of weights: there and back without loss, from one framework to another, and clear words where it cannot be."""
import importlib.util
import subprocess
import sys

import numpy as np
import pytest

from d2l_utils.cells import LSTM
from d2l_utils.frameworks import convert

NEEDS = {".npz": "numpy", ".onnx": "onnx", ".params": "mxnet", ".pt": "torch", ".weights.h5": "keras"}


def needed(*endings):
    for ending in endings:
        if importlib.util.find_spec(NEEDS[ending]) is None:
            pytest.skip(f"{ending} needs {NEEDS[ending]}")


def cell(peepholes=None):
    return LSTM(3, 4, peepholes, dtype=np.float32, rng=np.random.default_rng(1), sigma=1.0, forget_bias=1.0)


def same_cell(got, wanted):
    assert got.params.keys() == wanted.params.keys()
    for name, w in wanted.params.items():
        np.testing.assert_allclose(got.params[name], w, rtol=2.5e-7)       # ONNX's biases are quarters that are summed


@pytest.mark.parametrize("ending", convert.FORMATS)
def test_there_and_back(tmp_path, ending):
    needed(ending)
    convert.write(cell(), tmp_path / f"lstm{ending}")
    same_cell(convert.read(tmp_path / f"lstm{ending}"), cell())


@pytest.mark.parametrize(("ending", "peepholes"), [(".npz", "diagonal"), (".npz", "full"), (".onnx", "diagonal")])
def test_peepholes_come_along_where_there_is_a_place_for_them(tmp_path, ending, peepholes):
    needed(ending)
    convert.write(cell(peepholes), tmp_path / f"lstm{ending}")
    same_cell(convert.read(tmp_path / f"lstm{ending}"), cell(peepholes))


def test_from_gluon_to_onnx_by_the_command(tmp_path, mx):
    needed(".onnx")
    from mxnet import gluon, nd

    layer = gluon.rnn.LSTM(4, input_size=3)
    layer.initialize(mx.init.Normal(1.0))
    layer.l0_h2h_bias.set_data(nd.arange(16))                   # two biases, whose sum counts
    layer.save_parameters(str(tmp_path / "lstm.params"))
    command = [sys.executable, "-m", "d2l_utils.frameworks", "convert", "lstm.params", "lstm.onnx"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "lstm.onnx holds the LSTM of lstm.params\n"), done.stderr
    X = np.random.default_rng(2).normal(size=(5, 2, 3)).astype(np.float32)
    carried = convert.read(tmp_path / "lstm.onnx")
    trace, _ = carried.forward(X, carried.begin_state(2))
    np.testing.assert_allclose(trace.H, layer(nd.array(X)).asnumpy(), atol=1e-6)


def test_two_layers_or_directions_are_refused(tmp_path, mx):
    from mxnet import gluon

    for more in ({"num_layers": 2}, {"bidirectional": True}):
        layer = gluon.rnn.LSTM(4, input_size=3, **more)
        layer.initialize()
        layer.save_parameters(str(tmp_path / "lstm.params"))
        with pytest.raises(ValueError, match="one layer in one direction; it also holds"):
            convert.read(tmp_path / "lstm.params")


def test_what_cannot_be_carried_is_refused_with_a_reason(tmp_path, mx):
    needed(".onnx")
    for ending, peepholes in ((".params", "diagonal"), (".params", "full"), (".onnx", "full")):
        with pytest.raises(ValueError, match=f"has no {peepholes} peepholes: this cell cannot be carried there"):
            convert.write(cell(peepholes), tmp_path / f"lstm{ending}")
        assert not (tmp_path / f"lstm{ending}").exists()
    with pytest.raises(ValueError, match=r"the name must end in \.npz"):
        convert.read("lstm.txt")
    np.savez(tmp_path / "lstm.npz", **{name: w for name, w in cell().params.items() if name != "b_f"})
    with pytest.raises(ValueError, match="the parameters must be"):
        convert.read(tmp_path / "lstm.npz")
    np.savez(tmp_path / "lstm.npz", **{**cell().params, "b_f": np.zeros(5)})
    with pytest.raises(ValueError, match=r"b_f must have the shape \(4,\), got \(5,\)"):
        convert.read(tmp_path / "lstm.npz")
    done = subprocess.run([sys.executable, "-m", "d2l_utils.frameworks", "convert", "lstm.npz", "lstm.onnx"], cwd=tmp_path,
                          capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("lstm.npz was not carried over: b_f must have")


def test_an_lstm_of_onnx_that_is_another_cell_is_refused(tmp_path):
    needed(".onnx")
    import onnx

    convert.write(cell(), tmp_path / "lstm.onnx")
    model = onnx.load(tmp_path / "lstm.onnx")
    model.graph.node[0].attribute.append(onnx.helper.make_attribute("input_forget", 1))
    onnx.save(model, tmp_path / "coupled.onnx")
    with pytest.raises(ValueError, match="nothing like the LSTM's input_forget"):
        convert.read(tmp_path / "coupled.onnx")
