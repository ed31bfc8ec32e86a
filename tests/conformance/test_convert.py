"""Files of weights: there and back without loss, from one framework to another, and clear words where it cannot be.

Those of PyTorch and Keras need the environment of `make rosetta`, which runs these tests there.
"""
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


def gluons(path, X):
    """The hidden states of Gluon's layer with the weights of a file, from a state of zeros; the others likewise."""
    from d2l_utils.gluon import gluon, nd

    layer = gluon.rnn.LSTM(4, input_size=3)
    layer.load_parameters(str(path))
    return layer(nd.array(X)).asnumpy()


def pytorchs(path, X):
    import torch

    layer = torch.nn.LSTM(3, 4)
    layer.load_state_dict(torch.load(path, weights_only=True))
    return layer(torch.tensor(X))[0].detach().numpy()


def kerass(path, X):
    from d2l_utils.frameworks.keras import keras

    model = keras.Sequential([keras.Input((None, 3)), keras.layers.LSTM(4, return_sequences=True)])
    model.load_weights(path)
    return np.asarray(model(X.swapaxes(0, 1)).detach()).swapaxes(0, 1)


def onnxs(path, X):
    from onnx.reference import ReferenceEvaluator

    zeros = np.zeros((1, X.shape[1], 4), np.float32)
    given = {"X": X, "sequence_lens": np.full(X.shape[1], len(X), np.int32), "initial_h": zeros, "initial_c": zeros}
    return ReferenceEvaluator(str(path)).run(["Y"], given)[0][:, 0]


@pytest.mark.parametrize(("ending", "run"), [(".params", gluons), (".pt", pytorchs), (".weights.h5", kerass), (".onnx", onnxs)])
def test_the_framework_itself_reads_what_was_written(tmp_path, ending, run):
    needed(ending)
    path, X = tmp_path / f"lstm{ending}", np.random.default_rng(3).normal(size=(5, 2, 3)).astype(np.float32)
    convert.write(cell(), path)
    trace, _ = cell().forward(X, cell().begin_state(2))
    np.testing.assert_allclose(run(path, X), trace.H, atol=1e-6)


@pytest.mark.parametrize("source", convert.FORMATS)
def test_from_each_format_to_each_other(tmp_path, source):
    needed(source)
    convert.write(cell(), tmp_path / f"from{source}")
    targets = [ending for ending, package in NEEDS.items() if importlib.util.find_spec(package)]
    for target in targets:
        convert.write(convert.read(tmp_path / f"from{source}"), tmp_path / f"to{target}")
        same_cell(convert.read(tmp_path / f"to{target}"), cell())
    assert ".npz" in targets


def test_an_lstm_among_other_layers_of_pytorch(tmp_path):
    needed(".pt")
    import torch

    torch.manual_seed(0)
    model = torch.nn.ModuleDict({"embedding": torch.nn.Embedding(9, 3), "rnn": torch.nn.LSTM(3, 4),
                                 "head": torch.nn.Linear(4, 9)})        # its two biases are random, and not alike
    torch.save(model.state_dict(), tmp_path / "model.pt")
    carried, X = convert.read(tmp_path / "model.pt"), torch.randn(5, 2, 3)
    trace, _ = carried.forward(X.numpy(), carried.begin_state(2))
    np.testing.assert_allclose(model["rnn"](X)[0].detach().numpy(), trace.H, atol=1e-6)


def test_what_pytorch_has_and_we_do_not_is_refused(tmp_path):
    needed(".pt")
    import torch

    one_layer = "the file must hold one LSTM of one layer in one direction; it also holds"
    for made, why in ((torch.nn.LSTM(3, 4, 2), one_layer), (torch.nn.LSTM(3, 4, bidirectional=True), one_layer),
                      (torch.nn.GRU(3, 4), "a GRU or a plain RNN has fewer rows"),
                      (torch.nn.RNN(3, 4), "a GRU or a plain RNN has fewer rows"),
                      (torch.nn.LSTM(3, 4, proj_size=2), "a layer with a projection fewer columns"),
                      (torch.nn.LSTM(3, 4, bias=False), "with one bias_ih_l0; it holds 0")):
        torch.save(made.state_dict(), tmp_path / "lstm.pt")
        with pytest.raises(ValueError, match=why):
            convert.read(tmp_path / "lstm.pt")
    for saved in (torch.nn.LSTM(3, 4), {"model": torch.nn.LSTM(3, 4).state_dict(), "epoch": 3}):
        torch.save(saved, tmp_path / "lstm.pt")
        with pytest.raises(ValueError, match="the file must hold a state dict"):
            convert.read(tmp_path / "lstm.pt")
    with pytest.raises(ValueError, match=r"PyTorch nn.LSTM has no diagonal peepholes: this cell cannot be carried there"):
        convert.write(cell("diagonal"), tmp_path / "peepholes.pt")
    assert not (tmp_path / "peepholes.pt").exists()


def test_an_lstm_among_other_layers_of_keras(tmp_path):
    needed(".weights.h5")
    from d2l_utils.frameworks.keras import keras

    keras.utils.set_random_seed(0)
    lstm = keras.layers.LSTM(4, return_sequences=True, bias_initializer="random_normal")
    model = keras.Sequential([keras.Input((None, 3)), lstm, keras.layers.Dense(9)])
    model.save_weights(tmp_path / "model.weights.h5")
    carried, X = convert.read(tmp_path / "model.weights.h5"), np.random.default_rng(4).normal(size=(5, 2, 3)).astype("float32")
    trace, _ = carried.forward(X, carried.begin_state(2))
    np.testing.assert_allclose(np.asarray(lstm(X.swapaxes(0, 1)).detach()).swapaxes(0, 1), trace.H, atol=1e-6)


def test_what_keras_has_and_we_do_not_is_refused(tmp_path):
    needed(".weights.h5")
    from d2l_utils.frameworks.keras import keras

    def lstm(**more):
        return keras.layers.LSTM(4, return_sequences=True, **more)

    for layers, why in (([lstm(), lstm()], "one LSTM in one direction; it holds 2"),
                        ([keras.layers.Bidirectional(lstm())], "one LSTM in one direction; it holds 2"),
                        ([lstm(use_bias=False)], "one LSTM in one direction; it holds 0"),
                        ([keras.layers.GRU(4)], "a GRU or a plain RNN has fewer rows"),
                        ([keras.layers.SimpleRNN(4)], "a GRU or a plain RNN has fewer rows")):
        keras.Sequential([keras.Input((None, 3)), *layers]).save_weights(tmp_path / "model.weights.h5")
        with pytest.raises(ValueError, match=why):
            convert.read(tmp_path / "model.weights.h5")
    with pytest.raises(ValueError, match="Keras LSTM has no full peepholes: this cell cannot be carried there"):
        convert.write(cell("full"), tmp_path / "peepholes.weights.h5")
    assert not (tmp_path / "peepholes.weights.h5").exists()


def test_a_gru_of_gluons_is_refused(tmp_path, mx):
    from mxnet import gluon

    layer = gluon.rnn.GRU(4, input_size=3)
    layer.initialize()
    layer.save_parameters(str(tmp_path / "gru.params"))
    with pytest.raises(ValueError, match="a GRU or a plain RNN has fewer rows"):
        convert.read(tmp_path / "gru.params")


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
