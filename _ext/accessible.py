"""Repairs of markup that others make and that a screen reader stumbles over."""
import re

from sphinx.application import Sphinx


def repair(app: Sphinx, pagename: str, templatename: str, context: dict, doctree: object) -> None:
    body = context.get("body")
    if body:
        # docutils: a role that WAI-ARIA has given up
        body = body.replace('role="doc-biblioentry"', 'role="listitem"')
        # MyST-NB: a number that code put into the prose has a hyphen for a minus sign, which is not read out
        body = re.sub(r'(<span class="pasted-text">)-(?=[\d.])', "\\1\N{MINUS SIGN}", body)
        # sphinx-exercise: one id for the text of every exercise on a page
        context["body"] = re.sub(r'<section id="(?:exercise|solution)-content">', "<section>", body)


def setup(app: Sphinx) -> dict:
    app.connect("html-page-context", repair)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
