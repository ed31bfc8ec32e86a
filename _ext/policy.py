"""A Content-Security-Policy in every page: what it loads lies beside it, and no script runs but those that the book put there.

A script or an event handler within a page is allowed by its hash. Styles within a page are allowed: MathJax writes its own.
"""
import base64
import hashlib
import html
import re
from pathlib import Path

from sphinx.application import Sphinx

CHARSET = '<meta charset="utf-8" />'
SCRIPT = re.compile(r"<script(?![^>]*\ssrc=)(?![^>]*\stype=)[^>]*>(.*?)</script>", re.DOTALL)
HANDLER = re.compile(r'<[a-z][^>]*\son[a-z]+="([^"]*)"')
OWN = "'self' file:"        # file: for pages opened from disk, where browsers disagree on what 'self' is


def policy(page: str) -> str:
    """The policy for the text of a page, whose own scripts and handlers may run, and a widget, which is a blob."""
    handlers = {html.unescape(handler) for handler in HANDLER.findall(page)}
    texts = sorted(handlers | set(SCRIPT.findall(page)))
    hashes = [f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in texts]
    return from_its_folder(" ".join(["blob:", *["'unsafe-hashes'"] * bool(handlers), *hashes]))


def from_its_folder(scripts: str) -> str:
    """A policy under which all comes from the folder of the page. scripts: which others may run."""
    return "; ".join([
        f"default-src {OWN}",
        f"script-src {OWN} {scripts}",
        f"style-src {OWN} 'unsafe-inline'",
        f"img-src {OWN} data:",
        f"font-src {OWN} data:",
        "object-src 'none'",
        "base-uri 'none'",
        f"form-action {OWN}",
    ])


def write_policies(app: Sphinx, exception: "Exception | None") -> None:
    if exception is not None or app.builder.format != "html":
        return
    for name in sorted({*app.env.found_docs, "search"}):
        path = Path(app.outdir, f"{name}.html")
        page = path.read_text(encoding="utf-8")
        if "Content-Security-Policy" not in page.partition("</head>")[0]:       # not written in this build
            element = f'<meta http-equiv="Content-Security-Policy" content="{policy(page)}" />'
            path.write_text(page.replace(CHARSET, f"{CHARSET}\n    {element}", 1), encoding="utf-8")


def setup(app: Sphinx) -> dict:
    app.connect("build-finished", write_policies, priority=900)     # before the pages go into the archive
    return {"parallel_read_safe": True, "parallel_write_safe": True}
