"""At the end of each chapter, folded: how to cite it. Authors, title and version are those of CITATION.cff."""
import html
from pathlib import Path

import yaml
from sphinx.application import Sphinx

BIBTEX = """@incollection{{{key},
  author    = {{{authors}}},
  title     = {{{{{title}}}}},
  booktitle = {{{{{book}}}}},
  chapter   = {{{number}}},
  year      = {{{year}}},
  note      = {{Version {version}}},
  url       = {{{url}}}
}}"""
PLAIN = "{names} ({year}). {title}. In: {book}, version {version}, chapter {number}. {url}"
FOLD = """<details class="cite-this-page">
<summary>Cite this page</summary>
<div class="highlight"><pre>{plain}</pre></div>
<div class="highlight"><pre>{bibtex}</pre></div>
</details>"""


def name_of(author: dict) -> str:
    return author.get("name") or f"{author['given-names']} {author['family-names']}"


def citation(about: dict, **page: str) -> dict:
    """The page as plain text and in BibTeX. about: CITATION.cff. page: title, number, year, url."""
    names = [name_of(author) for author in about["authors"]]
    # a second pair of braces: BibTeX would take the name of a group apart
    authors = " and ".join(f"{{{name}}}" if "name" in author else name for author, name in zip(about["authors"], names))
    key = f"{about['title'].lower().replace(' ', '-')}-{page['number']}"
    values = {"names": ", ".join(names), "authors": authors, "key": key, "book": about["title"], "version": about["version"]}
    return {"plain": PLAIN.format(**values, **page), "bibtex": BIBTEX.format(**values, **page)}


def offer_citation(app: Sphinx, pagename: str, templatename: str, context: dict, doctree: object) -> None:
    source = Path(app.srcdir, "CITATION.cff")
    number = app.env.toc_secnumbers.get(pagename, {}).get("")
    if pagename.startswith("chapters/") and context.get("body") and number and source.exists():
        texts = citation(yaml.safe_load(source.read_text(encoding="utf-8")), title=app.env.titles[pagename].astext(),
                         number=number[0], year=app.config.copyright, url=context["pageurl"])
        context["body"] += FOLD.format(**{form: html.escape(text) for form, text in texts.items()})


def setup(app: Sphinx) -> dict:
    app.connect("html-page-context", offer_citation)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
