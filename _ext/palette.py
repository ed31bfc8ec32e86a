"""Hands the package's hues to the stylesheet: `--lstm-input-gate` and its sisters.

The hues of gates, candidate, cell and hidden state are defined once, in d2l_utils/palette.py, for figures and pages.
"""
import runpy
from pathlib import Path

from sphinx.application import Sphinx


def write_stylesheet(app: Sphinx) -> None:
    source = Path(app.srcdir, "d2l_utils", "palette.py")
    if not source.exists():
        return
    hues = runpy.run_path(str(source))["HUES"]      # by its path: importing the package would import NumPy
    properties = "".join(f"  --lstm-{name.replace('_', '-')}: {hue};\n" for name, hue in hues.items())
    folder = Path(app.outdir).parent / "generated"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "palette.css").write_text(f":root {{\n{properties}}}\n", encoding="utf-8")
    app.config.html_static_path.append(str(folder))
    app.add_css_file("palette.css", priority=400)   # before book.css, which uses it


def setup(app: Sphinx) -> dict:
    app.connect("builder-inited", write_stylesheet)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
