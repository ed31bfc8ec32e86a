"""Pages that need no network: MathJax comes out of an installed package and is copied beside the pages."""
import importlib.util
import shutil
from pathlib import Path

from sphinx.application import Sphinx

# The typesetter in parts, without the context menu: that alone would be a third of the page's weight.
MATHJAX = [
    "startup.js", "core.js", "input/tex.js", "input/tex/extensions", "output/chtml.js", "output/chtml",
    "a11y/assistive-mml.js",
]


def copy_mathjax(app: Sphinx, exception: "Exception | None") -> None:
    if exception is not None:
        return
    package = importlib.util.find_spec("sphinx-mathjax-offline").submodule_search_locations[0]
    source, target = Path(package, "static", "mathjax"), Path(app.outdir, "_static", "mathjax")
    for part in MATHJAX:
        if (source / part).is_dir():
            shutil.copytree(source / part, target / part, dirs_exist_ok=True)
        else:
            (target / part).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / part, target / part)


def drop_repeated_scripts(app: Sphinx, pagename: str, templatename: str, context: dict, doctree: object) -> None:
    """Some extensions register their inline script twice; a repeated `let` is an error in the page's console."""
    seen, kept = set(), []
    for script in context.get("script_files", []):
        body = getattr(script, "attributes", {}).get("body")
        if body is None or body not in seen:
            kept.append(script)
        seen.add(body)
    context["script_files"] = kept


def setup(app: Sphinx) -> dict:
    app.connect("build-finished", copy_mathjax)
    app.connect("html-page-context", drop_repeated_scripts, priority=990)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
