"""How a script in this folder keeps what it measured, a dated JSON file with one run a line, and calls a chapter's code."""
import argparse
import ast
import json
import platform
from datetime import date
from importlib.metadata import version
from pathlib import Path

CHAPTERS = Path(__file__).resolve().parents[2] / "chapters"


def write(path, settings, runs, packages=("numpy", "d2l_utils"), **more):
    """Write the record of an experiment, whole, so that it can be called again after each run.

    path: of the JSON file. settings: dict of what all runs share. runs: list of dicts. packages: whose versions count.
    more: other entries, such as text="The Time Machine".
    """
    head = {"date": date.today().isoformat(), **more, "machine": f"{platform.system()} {platform.machine()}, one thread",
            "versions": {"python": platform.python_version(), **{name: version(name) for name in packages}},
            "settings": settings}
    lines = ",\n".join(json.dumps(run) for run in runs)
    path.write_text(f'{json.dumps(head)[:-1]}, "runs": [\n{lines}\n]}}\n')


def path_from(description):
    """The path that the command line names with --json, or None. description: of the script, shown by --help."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="where to write the record")
    return parser.parse_args().json


def begun(path, settings):
    """The runs of a record that was begun before, so that they need not be repeated; none without a path or a file.

    Ends the program if that record was made with other settings.
    """
    if not (path and path.exists()):
        return []
    kept = json.loads(path.read_text())
    if kept["settings"] != settings:
        raise SystemExit(f"{path} was made with other settings: move it away")
    return kept["runs"]


def definitions(chapter):
    """What a chapter imports and defines, so that the record is made by the code that the reader sees.

    chapter: the name of its file, such as "10-peepholes.md". Returns a dict: its imports, functions and classes by name.
    """
    import jupytext  # here and not above: it takes a second, and most scripts do without

    namespace: dict = {}
    for cell in jupytext.read(CHAPTERS / chapter).cells:
        if cell.cell_type == "code":
            kept = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
            body: list[ast.stmt] = [node for node in ast.parse(cell.source).body if isinstance(node, kept)]
            exec(compile(ast.Module(body, []), chapter, "exec"), namespace)
    return namespace
