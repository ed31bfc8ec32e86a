"""How the book is built: what is executed and when, what fails and goes on failing, what stands in for MXNet."""
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
CHAPTER = """---
jupytext:
  text_representation: {extension: .md, format_name: myst}
kernelspec:
  name: python3
  display_name: Python 3
---
# A chapter

```{code-cell} ipython3
from d2l_utils import answer
print(answer)
```
"""
EXERCISE = """
```{exercise} A double
:label: ex-double

Write `double(x)`.
```

```{code-cell} ipython3
def double(x):
    raise NotImplementedError
```

````{solution} ex-double
:class: dropdown

Twice:

```python
def double(x):
    return x + x    # the-answer
```
````
"""


class Book:
    """A book of two pages, with the real book's settings and extensions."""

    def __init__(self, folder):
        self.folder = folder
        for name in ("_ext", "assets"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "_config.yml", folder)
        self.write("_toc.yml", "format: jb-book\nroot: index\nchapters: [{file: chapters/one}]\n")
        self.write("index.md", "# A book\n\nIt begins.\n")
        self.write("references.bib", "")
        self.write("d2l_utils/__init__.py", "answer = 'forty-two'")
        self.write("d2l_utils/palette.py", "HUES = {}")
        self.write("chapters/one.md", CHAPTER)

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def build(self, **environment):
        """Build as `make book` does; return the exit status and all that was said."""
        command = [Path(sys.executable).with_name("jupyter-book"), "build", ".", "-q", "-W", "-n", "--keep-going"]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=300,
                              env={**os.environ, **environment})
        return done.returncode, done.stdout + done.stderr

    @property
    def page(self):
        return (self.folder / "_build/html/chapters/one.html").read_text(encoding="utf-8")


@pytest.fixture
def book(tmp_path):
    return Book(tmp_path)


@pytest.fixture
def records(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "_ext")
    spec = importlib.util.spec_from_file_location("records", ROOT / "_ext" / "records.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


ASKS_THE_NETWORK = """
```{code-cell} ipython3
import socket
try:
    socket.create_connection(("192.0.2.1", 80))     # an address that is nobody's, for examples
except RuntimeError as error:
    print(error)
```
"""


@pytest.mark.slow
def test_a_chapter_is_executed_again_only_when_it_or_the_package_changed(book):
    book.write("chapters/one.md", CHAPTER + ASKS_THE_NETWORK)
    status, said = book.build()
    assert (status, "chapters/one executed in" in said) == (0, True), said
    assert "forty-two" in book.page
    assert "A chapter may not use the network, and this one asked for 192.0.2.1" in book.page

    status, said = book.build()
    assert (status, "executed in" in said) == (0, False), said

    book.write("d2l_utils/__init__.py", "answer = 'forty-three'")      # the chapter itself is as it was
    status, said = book.build()
    assert (status, "chapters/one executed in" in said) == (0, True), said
    assert "forty-three" in book.page


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "message"), [
    ("```{code-cell} ipython3\n1 / 0\n```\n", "ZeroDivisionError"),
    ("See {doc}`nowhere`.\n", "nowhere"),
])
def test_a_build_that_failed_fails_again(book, fault, message):
    book.write("chapters/one.md", CHAPTER + "\n" + fault)
    for _ in range(2):
        status, said = book.build()
        assert status != 0
        assert message in said


@pytest.mark.slow
def test_the_site_holds_its_notebooks_and_without_solutions_it_holds_none_anywhere(book):
    book.write("chapters/one.md", CHAPTER + EXERCISE)
    for solutions, kinds in (("yes", {"executed", "students", "teachers"}), ("no", {"executed", "students"})):
        status, said = book.build(SOLUTIONS=solutions)
        assert status == 0, said
        site = book.folder / "_build" / "html"
        assert {path.parent.name for path in site.rglob("notebooks/*/one.ipynb")} == kinds
        assert set(re.findall(r'href="\.\./notebooks/(\w+)/one\.ipynb"', book.page)) == kinds
        with zipfile.ZipFile(site / "inside-the-lstm.zip") as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        assert set(files) >= {"inside-the-lstm/index.html", "inside-the-lstm/notebooks/students/one.ipynb"}
        with_answer = {name for name, content in files.items() if b"the-answer" in content}
        assert bool(with_answer) == (solutions == "yes"), with_answer
        assert "inside-the-lstm/notebooks/students/one.ipynb" not in with_answer
        assert b"forty-two" in files["inside-the-lstm/notebooks/executed/one.ipynb"]


def test_a_record_stands_in_for_a_cell_that_needs_mxnet_and_says_so(records, tmp_path, monkeypatch):
    monkeypatch.setattr(records.importlib.metadata, "version", lambda name: "1.2.3")
    chapter = tmp_path / "chapters" / "one.md"
    cell = nbformat.v4.new_code_cell("print(mx.nd.ones(1))", metadata={"tags": ["needs-mxnet"]})
    cell.outputs = [nbformat.v4.new_output("stream", text="[1.]")]
    untagged = nbformat.v4.new_code_cell("print(1)")
    records.keep(nbformat.v4.new_notebook(cells=[untagged, cell]), chapter)

    bare = nbformat.v4.new_code_cell("print(mx.nd.ones(1))", metadata={"tags": ["needs-mxnet"]})
    changed = nbformat.v4.new_code_cell("print(mx.nd.ones(2))", metadata={"tags": ["needs-mxnet"]})
    records.recall(nbformat.v4.new_notebook(cells=[untagged, bare, changed]), chapter)
    mark, output = bare.outputs
    assert "recorded on 20" in mark.text
    assert "MXNet 1.2.3" in mark.text
    assert output.text == "[1.]"
    assert ["no record" in each.text for each in changed.outputs] == [True]
    assert untagged.outputs == []
