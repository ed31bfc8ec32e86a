"""A build starts afresh unless the last one ended well.

Sphinx keeps what it has read, and shows a page's warnings only when it reads or writes that page. So a second build
after one that failed, or that was interrupted, would find nothing to do and succeed. Here the kept state counts only
if a build without warnings left its mark beside it.
"""
from pathlib import Path

from sphinx.application import Sphinx


def _mark(app: Sphinx) -> Path:
    return Path(app.doctreedir, "ended-well")


def forget_a_build_that_did_not_end_well(app: Sphinx, config: object) -> None:
    if not _mark(app).exists():
        Path(app.doctreedir, "environment.pickle").unlink(missing_ok=True)
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
    app.connect("build-finished", remove_pages_that_lost_their_source)
    app.connect("build-finished", mark_a_build_that_ended_well, priority=999)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
