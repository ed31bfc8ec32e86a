"""The figures show the numbers that they were given, each under its name; what they cannot show they refuse."""
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Circle

from d2l_utils import plots
from d2l_utils.cells import LSTM
from d2l_utils.palette import HUES, NAMES
from d2l_utils.training import Epoch


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def texts(ax):
    return [text.get_text() for text in ax.texts if text.get_text()]


def test_gates_over_time_draws_the_trace_of_one_unit_in_its_hues(rng):
    cell = LSTM(2, 3, rng=rng)
    trace, _ = cell.forward(rng.standard_normal((5, 4, 2)), cell.begin_state(4))
    parts = {"forget_gate": trace.F, "candidate": trace.C_tilde, "hidden": trace.H}
    ax = plots.gates_over_time(trace, unit=2, batch=1, parts=tuple(parts), labels=list("abcde"))
    assert len(ax.lines) == 3
    for line, (part, values) in zip(ax.lines, parts.items()):
        np.testing.assert_array_equal(line.get_xdata(), [1, 2, 3, 4, 5])
        np.testing.assert_array_equal(line.get_ydata(), values[:, 1, 2])
        assert to_hex(line.get_color()) == to_hex(HUES[part])
        assert line.get_label().startswith(NAMES[part])
        assert line.is_dashed()
    assert [label.get_text() for label in ax.get_xticklabels()] == list("abcde")


def test_learning_curves_draw_each_models_perplexities_on_a_logarithmic_axis():
    histories = {"a": [Epoch(1, 9.0, 0.1, 1e4), Epoch(2, 4.0, 0.1, 1e4)],
                 "b": [Epoch(1, 8.0, 0.1, 1e4), Epoch(2, 2.0, 0.1, 1e4)]}
    ax = plots.learning_curves(histories)
    assert ax.get_yscale() == "log"
    assert [line.get_label() for line in ax.lines] == ["a", "b"]
    assert [list(line.get_ydata()) for line in ax.lines] == [[9.0, 4.0], [8.0, 2.0]]
    assert len({line.get_linestyle() for line in ax.lines}) == 2


def test_sensitivity_fills_each_node_by_its_number_and_prints_it():
    ax = plots.sensitivity({"one": [1.0, 0.25], "two": [0.0, 0.5]})
    assert [circle.get_facecolor()[3] for circle in ax.patches] == [1.0, 0.25, 0.0, 0.5]
    assert [text for text in texts(ax) if text not in ("one", "two", "time step")] == ["1", ".25", ".00", ".50", "1", "2"]
    with pytest.raises(ValueError, match=r"strengths must lie between 0 and 1, got 1.5 in row 'one'"):
        plots.sensitivity({"one": [1.5]})


def test_an_unrolled_network_has_a_column_a_step_and_its_labels():
    labels = list("time")
    found = texts(plots.unrolled_network(num_steps=4, labels=labels))
    assert [text for text in found if text.startswith("“")] == [f"“{label}”" for label in labels]
    for letter in "XHY":
        assert sum(rf"\mathbf{{{letter}}}" in text for text in found) == 5      # the loop and four steps
    assert len(texts(plots.unrolled_network(num_steps=2))) == 3 * 3 + 1         # and the sign of equality


def test_a_cell_diagram_shows_what_it_is_asked_for_in_ink_and_the_rest_pale():
    def hues(ax):
        return {to_hex(patch.get_edgecolor()) for patch in ax.patches}

    whole = plots.cell_diagram()
    gates = plots.cell_diagram(show=("gates",))
    assert {to_hex(HUES[part]) for part in ("forget_gate", "input_gate", "output_gate", "candidate")} <= hues(whole)
    assert to_hex(plots.PALE) not in hues(whole)
    assert to_hex(HUES["candidate"]) not in hues(gates)
    assert {to_hex(HUES["forget_gate"]), to_hex(plots.PALE)} <= hues(gates)
    with_peepholes = plots.cell_diagram(show=("gates", "candidate", "cell", "hidden", "peepholes"))
    assert len(with_peepholes.lines) > len(whole.lines)
    assert texts(with_peepholes).count(r"$\mathbf{C}_{t-1}$") == 2              # at the margin and where the peephole begins
    with pytest.raises(ValueError, match=r"show may name .* got \['eyes'\]"):
        plots.cell_diagram(show=("gates", "eyes"))


def test_an_automaton_has_a_circle_a_state_and_an_arrow_a_symbol():
    arrows, places = {0: {"B": 1}, 1: {"T": 1, "E": 2}, 2: {}}, {0: (0.5, 1.0), 1: (2.0, 2.0), 2: (3.5, 1.0)}
    ax = plots.automaton(arrows, places, strong=[(1, "E")])
    assert sorted(texts(ax)) == ["B", "E", "T"]
    circles = [patch for patch in ax.patches if isinstance(patch, Circle)]
    assert [circle.center for circle in circles] == [places[0], places[1], places[2], places[2]]     # the end has two
    assert {text.get_text(): text.get_weight() for text in ax.texts if text.get_text()} == {"B": "normal", "T": "normal",
                                                                                             "E": "bold"}


def test_the_style_is_the_books_and_an_axes_that_is_given_is_drawn_on(rng):
    with plt.rc_context():
        plots.use_style()
        assert {key: plt.rcParams[key] for key in ("legend.frameon", "axes.spines.top")} == {
            "legend.frameon": False, "axes.spines.top": False}
    cell = LSTM(2, 3, rng=rng)
    trace, _ = cell.forward(rng.standard_normal((2, 1, 2)), cell.begin_state(1))
    for draw in (lambda ax: plots.gates_over_time(trace, ax=ax), lambda ax: plots.sensitivity({"a": [0.5]}, ax=ax),
                 lambda ax: plots.learning_curves({"a": [Epoch(1, 2.0, 0.1, 1e4)]}, ax=ax)):
        _, mine = plt.subplots()
        assert draw(mine) is mine
