"""What the cells that need MXNet printed, kept for machines on which MXNet does not run.

Such cells carry the tag `needs-mxnet`. `make record` keeps their outputs in data/records, with the date and the
versions. Where MXNet is not installed these cells are not executed: they show the record, marked as one. A record
belongs to the very text of its cell; a cell that changed since has none, and says so.
"""
import importlib.metadata
import importlib.util
import json
import platform
from datetime import date
from pathlib import Path

import nbformat
from nbformat.v4 import new_output

TAG = "needs-mxnet"


def mxnet_is_installed() -> bool:
    return importlib.util.find_spec("mxnet") is not None


def file_of(chapter: Path) -> Path:
    return chapter.parents[1] / "data" / "records" / f"{chapter.stem}.json"


def tagged_cells(notebook: nbformat.NotebookNode) -> list:
    return [cell for cell in notebook.cells if TAG in cell.metadata.get("tags", [])]


def keep(notebook: nbformat.NotebookNode, chapter: Path) -> None:
    """Write the outputs of an executed chapter's tagged cells."""
    cells = tagged_cells(notebook)
    if cells:
        versions = [f"{name} {importlib.metadata.version(name.lower())}" for name in ("MXNet", "NumPy")]
        record = {
            "date": date.today().isoformat(),
            "versions": ", ".join([*versions, f"Python {platform.python_version()}"]),
            "cells": [{"source": cell.source, "outputs": cell.outputs} for cell in cells],
        }
        file_of(chapter).parent.mkdir(parents=True, exist_ok=True)
        file_of(chapter).write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def recall(notebook: nbformat.NotebookNode, chapter: Path) -> None:
    """Give the tagged cells, which were not executed, their recorded outputs, under a line that says so."""
    cells = tagged_cells(notebook)
    record = {"cells": []}
    if cells and file_of(chapter).exists():
        record = json.loads(file_of(chapter).read_text(encoding="utf-8"))
    outputs = {cell["source"]: cell["outputs"] for cell in record["cells"]}
    for cell in cells:
        if cell.source not in outputs:
            mark = "MXNet is not installed where this page was built: this cell was not run, and there is no record of it."
            cell.outputs = [note(mark)]
        elif outputs[cell.source]:
            mark = f"MXNet is not installed where this page was built: recorded on {record['date']} with {record['versions']}."
            cell.outputs = [note(mark), *map(nbformat.from_dict, outputs[cell.source])]


def note(text: str) -> nbformat.NotebookNode:
    # printed, not displayed: of what a cell displays MyST-NB makes a figure, where the cell asks for one
    return new_output("stream", name="stdout", text=f"{text}\n")
