"""Each chapter as notebooks to take away: as executed, for students, for teachers; and all of it in one archive.

A chapter is the one source of its exercises: stub, check and folded solution. A student's notebook has no solutions, a
teacher's has them as cells that run, each followed by its check. SOLUTIONS=no builds a site that nowhere holds a solution.
"""
import os
import re
import shutil
import zipfile
from pathlib import Path

import jupytext
import nbformat
from jupyter_cache import get_cache
from myst_nb.core.read import create_nb_reader
from sphinx.application import Sphinx

SOLUTION = re.compile(r"^````\{solution\} ex-([\w-]+)\n(?::[^\n]*\n)*\n*(.*?)^````$\n?", re.MULTILINE | re.DOTALL)
PYTHON = re.compile(r"^```python\n(.*?)^```$\n?", re.MULTILINE | re.DOTALL)
ARCHIVE = "inside-the-lstm.zip"
KINDS = {
    "executed": "Download the notebook as it was run, with its outputs",
    "students": "Download the notebook without outputs and solutions",
    "teachers": "Download the notebook with solutions that run",
}


def without_solutions() -> bool:
    return os.environ.get("SOLUTIONS") == "no"


def for_students(chapter: str) -> str:
    """The chapter's text without its solutions."""
    return SOLUTION.sub("", chapter)


def for_teachers(chapter: str) -> str:
    """The chapter's text with each solution as prose and cells, and its check once more under it."""
    def unfolded(match: re.Match) -> str:
        label, text = match.groups()
        name = label.replace("-", "_")
        text = PYTHON.sub(lambda code: f"```{{code-cell}} ipython3\n:tags: [solution, ex-{label}]\n\n{code[1]}```\n", text)
        return f"**A solution.**\n\n{text}\n```{{code-cell}} ipython3\ncheck.{name}({name})\n```\n"

    return SOLUTION.sub(unfolded, chapter)


def executed(app: Sphinx, name: str, chapter: str) -> nbformat.NotebookNode:
    """The notebook with the outputs that its page shows."""
    source, settings = app.env.doc2path(name), app.env.mystnb_config
    notebook = create_nb_reader(str(source), app.env.myst_config, settings, chapter).read(chapter)
    notebook = get_cache(settings.execution_cache_path).merge_match_into_notebook(notebook)[1]
    for cell in notebook.cells if without_solutions() else []:
        cell.source = for_students(cell.source)
    return notebook


def number_cells(notebook: nbformat.NotebookNode) -> None:
    """Give the cells names by their order: chance would give them others in each build."""
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"


def write_notebooks(app: Sphinx, name: str) -> None:
    """notebooks/{executed,students,teachers}/NN-topic.ipynb, beside the pages, and the source without what is not shown."""
    chapter = Path(app.env.doc2path(name)).read_text(encoding="utf-8")
    notebooks = {"executed": executed(app, name, chapter), "students": jupytext.reads(for_students(chapter), fmt="md:myst")}
    if without_solutions():
        Path(app.outdir, "_sources", f"{name}.md").write_text(for_students(chapter), encoding="utf-8")
    else:
        notebooks["teachers"] = jupytext.reads(for_teachers(chapter), fmt="md:myst")
    Path(app.outdir, "_sources", f"{name}.ipynb").unlink(missing_ok=True)       # the theme's copy, which has no outputs
    for kind, notebook in notebooks.items():
        number_cells(notebook)
        target = Path(app.outdir, "notebooks", kind, f"{Path(name).name}.ipynb")
        target.parent.mkdir(parents=True, exist_ok=True)
        jupytext.write(notebook, target, fmt="ipynb")


def write_archive(app: Sphinx) -> None:
    """All pages and notebooks in one file, the same for the same book."""
    root = Path(app.outdir)
    target, half = root / ARCHIVE, root.parent / ARCHIVE
    target.unlink(missing_ok=True)
    with zipfile.ZipFile(half, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(root.rglob("*")):
            if path.is_file() and path.name != ".buildinfo":
                entry = zipfile.ZipInfo(f"inside-the-lstm/{path.relative_to(root).as_posix()}")    # its date is fixed: 1980
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, path.read_bytes())
    half.rename(target)


def hide_solutions(app: Sphinx, config: object) -> None:
    app.config.hide_solutions = without_solutions()


def offer_notebooks(app: Sphinx, pagename: str, templatename: str, context: dict, doctree: object) -> None:
    """Among a chapter's downloads: its notebooks."""
    downloads = [group for group in context.get("header_buttons", []) if group.get("label") == "download-buttons"]
    if downloads and pagename.startswith("chapters/"):
        others = [button for button in downloads[0]["buttons"] if button["label"] != "download-notebook-button"]
        downloads[0]["buttons"] = [{
            "type": "link", "url": f"{context['pathto']('notebooks', 1)}/{kind}/{Path(pagename).name}.ipynb",
            "text": f".ipynb, {kind}", "icon": "fas fa-code", "tooltip": tooltip, "label": f"download-{kind}-button",
        } for kind, tooltip in KINDS.items() if kind != "teachers" or not without_solutions()] + others


def take_away(app: Sphinx, exception: "Exception | None") -> None:
    if exception is None and app.builder.format == "html":
        shutil.rmtree(Path(app.outdir, "notebooks"), ignore_errors=True)
        for name in sorted(app.env.found_docs):
            if name.startswith("chapters/"):
                write_notebooks(app, name)
        for path in Path(app.outdir, "_sources").rglob("*.ipynb"):      # the theme's copies of other pages with cells
            notebook = nbformat.read(path, as_version=4)
            number_cells(notebook)
            nbformat.write(notebook, path)
        write_archive(app)


def setup(app: Sphinx) -> dict:
    app.connect("config-inited", hide_solutions)
    app.connect("html-page-context", offer_notebooks, priority=502)     # after the theme has made its buttons
    app.connect("build-finished", take_away, priority=990)              # after all that belongs to the pages
    return {"parallel_read_safe": True, "parallel_write_safe": True}
