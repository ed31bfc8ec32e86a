"""What makes two builds of the book the same, and the comparison of tests/same_build.py."""
import json
from pathlib import Path
from uuid import uuid4

import execution
import jupytext
import nbformat
import pytest
import same_build
import widgets
from nbformat.v4 import new_code_cell, new_notebook, new_output

CHAPTERS = Path(__file__).resolve().parents[2] / "chapters"
VIEW = "application/vnd.jupyter.widget-view+json"


def test_saved_widgets_have_names_of_their_own_and_the_same_in_each_build():
    def executed():
        """A notebook with two widgets, each of two models, which have names by chance."""
        notebook, states = new_notebook(cells=[new_code_cell("a", id="a"), new_code_cell("b", id="b")]), {}
        for cell in notebook.cells:
            layout, model = uuid4().hex, uuid4().hex
            states |= {layout: {"state": {}}, model: {"state": {"layout": f"IPY_MODEL_{layout}"}}}
            cell.outputs = [new_output("execute_result", {VIEW: {"model_id": model}}, execution_count=1)]
        notebook.metadata["widgets"] = {widgets.STATE: {"state": states}}
        execution.name_widgets(notebook, "05-memory-cell")
        return notebook

    first = executed()
    assert json.dumps(first) == json.dumps(executed())
    states = first.metadata["widgets"][widgets.STATE]["state"]
    assert len(states) == 4
    shown = [cell.outputs[0].data[VIEW]["model_id"] for cell in first.cells]
    assert [states[model]["state"]["layout"] for model in shown] == ["IPY_MODEL_05-memory-cell-0", "IPY_MODEL_05-memory-cell-2"]
    nbformat.validate(first)


def chapter(*printed):
    """An executed chapter whose cells are "a = 0", "a = 1" and so on, each after the same first line."""
    cells = [new_code_cell(f"import d2l_utils\na = {k}", id=f"cell-{k}") for k in range(len(printed))]
    for cell, text in zip(cells, printed):
        cell.outputs = [new_output("stream", text=text)]
    return new_notebook(cells=cells)


def test_a_measured_cell_may_print_something_else_and_takes_over_what_the_other_build_printed():
    present, other = chapter("one", "0.12 s", "three"), chapter("one", "0.13 s", "three")
    assert same_build.compare_outputs(present, other, {"a = 1"}) == []
    assert other == present


def test_its_neighbours_may_not():
    present, other = chapter("one", "0.12 s", "three"), chapter("one", "0.13 s", "thrice")
    found, = same_build.compare_outputs(present, other, {"a = 1"})
    assert found.startswith("cell 3 ")
    assert "three" in found
    assert "thrice" in found


def test_a_piece_of_a_line_names_no_cell():
    present, other = chapter("one", "0.12 s", "three"), chapter("one", "0.13 s", "three")
    assert len(same_build.compare_outputs(present, other, {"a =", "a = 10"})) == 1


def test_widgets_with_another_state_are_found():
    present, other = chapter("one"), chapter("one")
    present.metadata["widgets"], other.metadata["widgets"] = {"model": {"c": 1}}, {"model": {"c": 2}}
    assert len(same_build.compare_outputs(present, other, set())) == 1


@pytest.fixture
def sites(tmp_path):
    """Two folders with the same files."""
    for name in ("present", "other"):
        (tmp_path / name / "chapters").mkdir(parents=True)
        (tmp_path / name / "index.html").write_text("<p>Gates, and what passes them</p>", encoding="utf-8")
        (tmp_path / name / "chapters" / "figure.png").write_bytes(bytes(range(256)))
    (tmp_path / "present" / same_build.REPORT).write_text("3.5 s", encoding="utf-8")
    return tmp_path / "present", tmp_path / "other"


def test_folders_with_the_same_files_are_the_same(sites):
    assert same_build.compare_files(*sites) == []


@pytest.mark.parametrize(("name", "change", "words"), [
    ("index.html", lambda path: path.write_text("<p>Gates, and what they let through</p>", encoding="utf-8"),
     ["index.html", "what passes", "what they let"]),
    ("index.html", lambda path: path.write_text("<p>Gates, and what passes them</p>\n", encoding="utf-8"), ["index.html"]),
    ("chapters/figure.png", lambda path: path.write_bytes(bytes(255) + b"x"), ["chapters/figure.png"]),
    ("chapters/figure.png", lambda path: path.unlink(), ["chapters/figure.png is in one build alone"]),
    ("chapters/new.html", lambda path: path.touch(), ["chapters/new.html is in one build alone"]),
])
def test_a_file_that_differs_is_named_and_shown(sites, name, change, words):
    change(sites[1] / name)
    found, = same_build.compare_files(*sites)
    assert all(word in found for word in words)
    assert len(found) < 1000


def test_a_file_that_tells_where_it_was_built_is_found(sites):
    assert same_build.files_that_tell(sites[0], "/somebody/at home") == []
    (sites[0] / "chapters" / "figure.png").write_bytes(b"\xff\x00/somebody/at home/book/one.md\xff")
    assert same_build.files_that_tell(sites[0], "/somebody/at home") == ["chapters/figure.png holds /somebody/at home"]


@pytest.mark.parametrize("name", same_build.MEASURED)
def test_each_measured_cell_is_named_by_a_line_that_it_alone_has_and_shows_something(name):
    reason, lines = same_build.MEASURED[name]
    cells = [cell.source.splitlines() for cell in jupytext.read(CHAPTERS / f"{name}.md").cells if cell.cell_type == "code"]
    assert reason
    assert {line: sum(line in cell for cell in cells) for line in lines} == dict.fromkeys(lines, 1)
    for cell in cells:
        if not set(lines).isdisjoint(cell):
            assert any(word in line for line in cell for word in ("print(", "glue(", "plt."))
