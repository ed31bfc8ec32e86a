"""The first mention of a glossary's word on a page leads to the glossary, with the word's first sentence as its title.

The chapters are written as if there were no glossary. A word is looked for in running text alone: not in headings,
captions, links, code and formulas, and not in what the reader has to unfold.
"""
import re

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

GLOSSARY = "appendices/glossary"
NO_PLACE = (nodes.title, nodes.caption, nodes.reference, addnodes.pending_xref, nodes.literal, nodes.literal_block,
            nodes.math, nodes.math_block, nodes.table, nodes.topic, nodes.raw, nodes.strong)


def entries(env: BuildEnvironment) -> dict:
    """Each word of the glossary, in lower case: the place of its entry and the entry's first sentence."""
    found = {}
    for item in env.get_doctree(GLOSSARY).findall(nodes.definition_list_item):
        sentence = re.split(r"(?<=\.)\s", item[-1].astext().replace("\n", " "))[0]
        for term in item.findall(nodes.term):
            found[term.astext().split("\n")[0].lower()] = (term["ids"][0], sentence)
    return found


def link_first_mentions(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    if not docname.startswith("chapters/") or GLOSSARY not in app.env.found_docs:
        return
    words = entries(app.env)
    for paragraph in doctree.findall(nodes.paragraph):
        join_lines(paragraph)
    for text in [text for text in doctree.findall(nodes.Text) if in_running_text(text)]:
        parts: list = []
        rest = str(text)
        while words:
            pattern = "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in sorted(words, key=len, reverse=True))
            match = re.search(rf"(?<![\w-])({pattern})e?s?(?![\w-])", rest, re.IGNORECASE)
            if match is None:
                break
            place, sentence = words.pop(re.sub(r"\s+", " ", match[1]).lower())
            link = nodes.reference("", match[0], internal=True, reftitle=sentence, classes=["in-glossary"],
                                   refuri=f"{app.builder.get_relative_uri(docname, GLOSSARY)}#{place}")
            parts += [nodes.Text(rest[:match.start()]), link]
            rest = rest[match.end():]
        if parts:
            text.parent.replace(text, [*parts, nodes.Text(rest)])


def join_lines(node: nodes.Element) -> None:
    """Make one text of those that follow each other: MyST begins a new one with each line, in the middle of a word or not."""
    joined: list = []
    for child in node.children:
        if isinstance(child, nodes.Element):
            join_lines(child)
        if isinstance(child, nodes.Text) and joined and isinstance(joined[-1], nodes.Text):
            joined[-1] = nodes.Text(joined[-1] + child)
        else:
            joined.append(child)
    node.children = []
    node.extend(joined)


def in_running_text(text: nodes.Text) -> bool:
    node, paragraph = text.parent, False
    while node is not None:
        if isinstance(node, NO_PLACE) or {"dropdown", "sd-dropdown"} & set(node.get("classes", [])):
            return False
        paragraph = paragraph or isinstance(node, nodes.paragraph)
        node = node.parent
    return paragraph


def read_again(app: Sphinx, env: BuildEnvironment, added: set, changed: set, removed: set) -> list:
    """A changed glossary changes the links of all chapters."""
    return [name for name in env.found_docs if name.startswith("chapters/")] if GLOSSARY in changed else []


def setup(app: Sphinx) -> dict:
    app.connect("doctree-resolved", link_first_mentions)
    app.connect("env-get-outdated", read_again)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
