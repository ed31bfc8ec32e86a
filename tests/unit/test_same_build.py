"""What makes two builds of the book the same."""
import json
from uuid import uuid4

import execution
import nbformat
import widgets
from nbformat.v4 import new_code_cell, new_notebook, new_output

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
