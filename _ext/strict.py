"""A build starts from nothing but the executed chapters, unless the last one ended well.

Sphinx keeps what it has read, and shows a page's warnings only when it reads or writes that page: a second build after one
that failed would find nothing to do and succeed. And a build that was killed leaves half a page, half a figure, or a page
without what is done to it in the end, which the next build takes for whole. Here what was built counts only if the last
build of all left its mark: that it ended without warnings, and that it was of the same kind (pages, LaTeX, EPUB).
"""
import shutil
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment


def _mark(app: Sphinx) -> Path:
    return Path(app.doctreedir, f"ended-well-{Path(app.outdir).name}")


def forget(app: Sphinx) -> None:
    pages = Path(app.outdir)
    for folder in (Path(app.doctreedir), pages, pages.parent / "jupyter_execute"):
        if folder.exists():
            shutil.rmtree(folder)
    pages.mkdir(parents=True)


def forget_a_build_that_did_not_end_well(app: Sphinx, config: object) -> None:
    if not _mark(app).exists():
        forget(app)


def remove_mark(app: Sphinx, env: BuildEnvironment, docnames: list) -> None:
    """From here on pages are read and written. Until here chapters were executed; if one failed, all is as it was."""
    _mark(app).unlink(missing_ok=True)


def mark_a_build_that_ended_well(app: Sphinx, exception: "Exception | None") -> None:
    if exception is None and app._warncount == 0:
        _mark(app).touch()


def remove_pages_that_lost_their_source(app: Sphinx, exception: "Exception | None") -> None:
    """A chapter that was renamed leaves its old page behind, and links to that page would go on working here alone."""
    if exception is None and app.builder.format == "html":
        pages = {Path(app.outdir, f"{name}.html") for name in {*app.env.found_docs, "search"}}
        for path in Path(app.outdir).rglob("*.html"):
            if path not in pages and Path(app.outdir, "_static") not in path.parents:
                path.unlink()


def setup(app: Sphinx) -> dict:
    app.connect("config-inited", forget_a_build_that_did_not_end_well)
    app.connect("env-before-read-docs", remove_mark, priority=999)     # after execution.py
    app.connect("build-finished", remove_pages_that_lost_their_source)
    app.connect("build-finished", mark_a_build_that_ended_well, priority=999)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
