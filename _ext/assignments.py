"""The exercises as a course for nbgrader, one assignment a chapter: `make assignments` writes it.

An exercise has one source, its chapter. Here its text and its check become locked cells and its stub a cell with the
solution inside, which nbgrader takes out of the students' version again. Points are the minutes of the exercise.
"""
import ast
import re
import sys
from pathlib import Path

import jupytext
import nbformat
import notebooks

EXERCISE = re.compile(r"^(`{3,})\{exercise\} (?P<title>[^\n]+)\n:label: ex-(?P<label>[\w-]+)\n(?P<text>.*?)^\1$", re.M | re.S)
EQUATION = r"^```\{math\}\n:label: LABEL\n(.*?)^```$"
STUB = "raise NotImplementedError"

QUIET = """# nbgrader takes what a check writes to stderr, be it a warning or a progress bar, for an error.
import os
import warnings

os.environ["TQDM_DISABLE"] = "1"
warnings.simplefilter("ignore")
"""

CONFIG = f'''c = get_config()
c.CourseDirectory.course_id = "inside-the-lstm"
c.ClearSolutions.code_stub = {{"python": "{STUB}"}}
c.Execute.timeout = 300         # seconds a cell may take; and how long a busy machine may take to start and to answer
c.Execute.startup_timeout = 300
c.Execute.iopub_timeout = 60
'''

README = """# Inside the LSTM: the exercises as an nbgrader course

`source/` has one assignment a chapter, solutions and all. Copy this folder to where your course lives before you use it:
`make assignments` writes `source/` anew each time, and `make clean` removes all of `_build`, marks too.

    nbgrader generate_assignment 05-memory-cell     # release/: without solutions, for the students
    nbgrader autograde 05-memory-cell               # marks submitted/STUDENT/05-memory-cell/05-memory-cell.ipynb
    nbgrader generate_feedback 05-memory-cell       # feedback/: what each student may see
    nbgrader export                                 # grades.csv

The Python that runs the notebooks needs the book's packages: `make lab` once, then `.venv/bin` at the front of PATH.

- An exercise is worth as many points as it says minutes. Change `points` in the cell's metadata, or with *Create
  Assignment* in JupyterLab, before you release it.
- A check gives all its points or none, and its sentence says what is off. Students see the same sentence while they work.
- Locked cells are put back before marking, so that nobody can mark themselves. A function that reaches into the checks
  still could: look at the answers of whoever you have doubts about.
- The solutions are published with the book. Use these marks as a record of work done, or change the functions that are
  asked for.

| assignment | exercises | points |
| --- | --- | --- |
"""


def assignment(chapter: str) -> nbformat.NotebookNode:
    """The notebook of a chapter's exercises, from the chapter's text."""
    title = re.search(r"^# (.+)$", chapter, re.MULTILINE)[1]
    cells = [
        cell("markdown", "title", f"# {title}: exercises\n\nReplace each `{STUB}` by your answer, and run the cell and the "
             "one below it, which says whether it is right or what is off. The first cell has what the chapter has imported "
             "and defined: run it first."),
        cell("code", "setup", definitions(chapter)),
    ]
    stubs, solutions = code_of_exercises(chapter)
    for match in EXERCISE.finditer(chapter):
        label, name = match["label"], match["label"].replace("-", "_")
        text = f"## {match['title']}\n\n{without_directives(match['text'].strip(), chapter)}"
        check = f"verdict = check.{name}({name})\nprint(verdict)\nassert verdict.passed"
        cells.append(cell("markdown", f"text-{label}", text))
        cells.append(cell("code", label, with_solution(stubs[name], solutions[name]), locked=False, solution=True))
        cells.append(cell("code", f"check-{label}", check, grade=True, points=minutes(match["text"])))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


def cell(kind: str, name: str, source: str, **settings: object) -> nbformat.NotebookNode:
    """A cell as nbgrader wants it: locked, unless the settings say otherwise."""
    new = {"markdown": nbformat.v4.new_markdown_cell, "code": nbformat.v4.new_code_cell}[kind]
    marks = {"grade": False, "solution": False, "locked": True, "task": False, "grade_id": name, "schema_version": 3}
    return new(source, id=name, metadata={"nbgrader": {**marks, **settings}})


def definitions(chapter: str) -> str:
    """The imports, functions and classes of a chapter, without its experiments and without what needs MXNet."""
    found = [QUIET]
    for each in code_cells(chapter):
        lines = each.source.splitlines()
        for node in ast.parse(each.source).body if not {"needs-mxnet", "exercise"} & tags(each) else []:
            if isinstance(node, (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)):
                first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
                space = "\n\n" if isinstance(node, (ast.FunctionDef, ast.ClassDef)) else ""
                found.append(space + "\n".join(lines[first - 1:node.end_lineno]))
    return "\n".join(found)


def code_of_exercises(chapter: str) -> tuple:
    """The stub and the first solution of each exercise, by the name of its function."""
    stubs, solutions = {}, {}
    for each in code_cells(notebooks.for_teachers(chapter)):
        label = next((tag[3:].replace("-", "_") for tag in tags(each) if tag.startswith("ex-")), None)
        if "exercise" in tags(each):
            stubs[ast.parse(each.source).body[-1].name] = each.source.strip()
        elif label:
            solutions.setdefault(label, each.source.strip())
    return stubs, solutions


def code_cells(chapter: str) -> list:
    return [each for each in jupytext.reads(chapter, fmt="md:myst").cells if each.cell_type == "code"]


def tags(each: nbformat.NotebookNode) -> set:
    return set(each.metadata.get("tags", []))


def with_solution(stub: str, solution: str) -> str:
    """The stub with the body of the solution, between nbgrader's marks, in the place of its NotImplementedError."""
    given = stub[:stub.index(STUB)].rstrip().splitlines()
    [function] = ast.parse(solution).body
    body = solution.splitlines()[function.body[0].lineno - 1:]
    if body[:len(given) - 1] == given[1:]:      # what the stub has begun is not done twice
        body = body[len(given) - 1:]
    return "\n".join([*given, "    ### BEGIN SOLUTION", *body, "    ### END SOLUTION"])


def without_directives(text: str, chapter: str) -> str:
    """Text for any notebook: the equations that it refers to stand below it, and what only a built page has is left out."""
    equations: list = []

    def number(match: re.Match) -> str:
        equations.append(re.search(EQUATION.replace("LABEL", match[1]), chapter, re.M | re.S)[1].strip())
        return f"({len(equations)})"

    text = re.sub(r"\{eq\}`([^`]*)`", number, text)
    text = re.sub(r"\{numref\}`[^`]*`", "the chapter's figure", text)
    text = re.sub(r"\s*\{cite\}`[^`]*`", "", text)
    for k, equation in enumerate(equations, 1):
        lines = f"\\begin{{split}}{equation}\\end{{split}}" if "\\\\" in equation and "\\begin" not in equation else equation
        text += f"\n\n$$\n{lines} \\tag{{{k}}}\n$$"
    return text


def minutes(text: str) -> int:
    """How long an exercise takes by its first words: *15 minutes.* or *An hour*."""
    said = re.match(r"\s*\*(?:(\d+) minutes|An hour)", text)
    return int(said[1] or 60)


def write_course(chapters: Path, course: Path) -> None:
    """course/source/NN-topic/NN-topic.ipynb for each chapter, nbgrader's settings and a page for the teacher."""
    rows = ""
    for path in sorted(chapters.glob("*.md")):
        notebook = assignment(path.read_text(encoding="utf-8"))
        target = course / "source" / path.stem / f"{path.stem}.ipynb"
        target.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, target)
        points = [each.metadata.nbgrader.points for each in notebook.cells if each.metadata.nbgrader.grade]
        rows += f"| {path.stem} | {len(points)} | {sum(points)} |\n"
    (course / "nbgrader_config.py").write_text(CONFIG, encoding="utf-8")
    (course / "README.md").write_text(README + rows, encoding="utf-8")


if __name__ == "__main__":
    write_course(Path("chapters"), Path(sys.argv[1]))
