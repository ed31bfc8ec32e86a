"""The book as an EPUB: formulas in MathML, and files that are valid without a browser."""
import subprocess
import sys
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest
from markdown_it import MarkdownIt
from mdit_py_plugins.amsmath import amsmath_plugin
from mdit_py_plugins.colon_fence import colon_fence_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from paper import mathml

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "index.md", *sorted(path for folder in ("chapters", "appendices") for path in (ROOT / folder).glob("*.md"))]
MATHEMATICS = "{http://www.w3.org/1998/Math/MathML}"
markdown = MarkdownIt().use(dollarmath_plugin).use(amsmath_plugin).use(colon_fence_plugin)


def formulas(text):
    """Yield (formula, whether it stands by itself), also those inside directives."""
    for token in markdown.parse(text):
        for part in [token, *(token.children or [])]:
            if part.type in ("math_inline", "math_block", "math_block_label", "amsmath"):
                yield part.content, part.type != "math_inline"
        if token.type in ("fence", "colon_fence"):
            if token.info.startswith("{math}"):
                yield "\n".join(line for line in token.content.splitlines() if not line.startswith(":")), True
            elif token.info.startswith("{") and not token.info.startswith("{code"):
                yield from formulas(token.content)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_every_formula_becomes_mathml(page):
    for formula, alone in formulas(page.read_text(encoding="utf-8")):
        assert ElementTree.fromstring(mathml(formula.strip(), alone)).tag == f"{MATHEMATICS}math", formula


def test_an_accented_letter_has_its_index_beside_it():
    tree = ElementTree.fromstring(mathml(r"\tilde{\mathbf{C}}_t", False))
    assert tree.find(f"{MATHEMATICS}mover/{MATHEMATICS}mi").text == "𝐂"
    assert tree.find(f"{MATHEMATICS}msub/{MATHEMATICS}mi").text == "t"


PAGE = r"""# A cell

```{math}
:label: eq-cell
C_t = F_t \odot C_{t-1}
```

By {eq}`eq-cell`, $\dots$ <script>alert(1)</script> [all of it](inside.zip), [the next](next.md).

```{dropdown} A question
:icon: gear
Folded.
```

````{tab-set}
```{tab-item} One
First.
```
````

![A line](line.svg)
"""
FIGURE = """<?xml version="1.0"?>
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN"
  "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><path id="space"/><path id="line" d="M 0 0 L 9 9"/></svg>
"""
SETTINGS = f"""
import sys
sys.path.insert(0, {str(ROOT / "_ext")!r})
extensions = ["myst_parser", "sphinx_design", "paper"]
project, author, copyright, html_css_files = "A book", "An author", "2026", ["site.css"]
myst_enable_extensions, html_static_path = ["dollarmath"], ["static"]
epub_basename = epub_identifier = epub_uid = "book"
suppress_warnings = ["myst.xref_missing"]
def setup(app):
    app.connect("html-page-context", lambda app, *_: app.add_js_file("site.js"))
    app.connect("build-finished", lambda *_: 1 / 0)
"""


def test_an_epub_has_formulas_and_figures_but_nothing_for_browsers(tmp_path):
    (tmp_path / "static").mkdir()
    for name, text in {"index.md": PAGE + "\n```{toctree}\nnext\n```\n", "next.md": "# The next\n", "line.svg": FIGURE,
                       "conf.py": SETTINGS, "static/site.css": ":is(b, i) {}", "inside.zip": ""}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    subprocess.run([sys.executable, "-m", "sphinx", "-q", "-W", "-b", "epub", "-d", tmp_path / "doctrees", tmp_path,
                    tmp_path / "out"], check=True)
    with zipfile.ZipFile(tmp_path / "out" / "book.epub") as epub:
        files = {name: epub.read(name).decode("utf-8") for name in epub.namelist() if not name.endswith(".png")}
    documents = [name for name in files if name.endswith((".xhtml", ".svg", ".opf", ".ncx"))]
    parsed = {name: ElementTree.fromstring(files[name]) for name in documents}
    page = files["index.xhtml"]
    assert len(list(parsed["index.xhtml"].iter(f"{MATHEMATICS}math"))) == 2
    assert '<span class="eqno">(1)' in page
    assert 'href="next.xhtml"' in page
    for_browsers = ("<script", "site.js", "site.css", "octicon", "inside.zip", "<input", "<label")
    assert [word for word in for_browsers if word in page] == []
    assert not [name for name in files if name.startswith("_static") and not name.endswith(("epub.css", "pygments.css"))]
    assert files["_static/epub.css"].count("ams-align") == 2
    figure = next(text for name, text in files.items() if name.endswith(".svg"))
    assert "DOCTYPE" not in figure
    assert '<path d="" id="space"/>' in figure
    listed = [item for item in parsed["content.opf"].iter() if item.get("media-type")]
    properties = {item.get("href"): item.get("properties") for item in listed}
    assert properties["index.xhtml"] == "mathml"
    assert properties["next.xhtml"] is None
