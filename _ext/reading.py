"""How long a chapter takes, and which of how many it is: a line under its title, and its minutes in the landing page's list.

Nobody types these minutes: they come from what the chapter holds, by the rule below. The minutes of its exercises are the
sum of those that its exercises name. A chapter's box tells the time to read, too, for whoever has the notebook; on the page
the line says it.
"""
import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

WORDS_A_MINUTE = 200
SECONDS = {"line of code": 2, "line of a formula": 15, "picture": 30}      # a picture: a figure, a table or a widget
STEP = 5                                                                    # minutes; nobody reads by the minute
FOLDED = {"dropdown", "tag_hide-input", "tag_remove-input", "tag_exercise", "cell_output"}
NO_PROSE = (nodes.literal_block, nodes.math_block, nodes.raw, nodes.comment)
EXERCISE_TIME = re.compile(r"(\d+|an|half an)\s+(?:minutes?|hour)\b", re.IGNORECASE)
TYPED = re.compile(r"\s*Reading:\s+\d+\s+minutes\.")


def classes_around(node: nodes.Node) -> set:
    found: set = set()
    while node.parent is not None:
        node = node.parent
        found |= set(node.get("classes", []))
    return found


def contents(document: nodes.document) -> dict:
    """What a chapter gives to read: words, and the things of SECONDS. What is folded away and what code prints do not count."""
    words = [text for text in document.findall(nodes.Text)
             if not isinstance(text.parent, NO_PROSE) and not classes_around(text) & {"dropdown", "cell_output"}]
    formulas = [formula for formula in document.findall(nodes.math_block) if not classes_around(formula) & FOLDED]
    codes = [code for code in document.findall(nodes.literal_block) if not classes_around(code) & FOLDED]
    pictures = [node for kind in (nodes.figure, nodes.table, nodes.raw) for node in document.findall(kind)
                if not isinstance(node, nodes.raw) or "widget-view" in node.astext()]
    return {
        "word": sum(1 if isinstance(text.parent, nodes.math) else len(text.split()) for text in words),
        "line of code": sum(bool(line.strip()) for code in codes for line in code.astext().splitlines()),
        "line of a formula": sum(1 + formula.astext().count(r"\\") for formula in formulas),
        "picture": len(pictures),
    }


def minutes_to_read(document: nodes.document) -> int:
    counts = contents(document)
    minutes = counts["word"] / WORDS_A_MINUTE + sum(counts[kind] * seconds for kind, seconds in SECONDS.items()) / 60
    return max(STEP, STEP * round(minutes / STEP))


def minutes_of_exercises(document: nodes.document) -> list:
    """The time that each exercise names at its beginning: `*15 minutes.*`, `*An hour.*`"""
    found = []
    for box in document.findall(nodes.Admonition):
        if "exercise" in box.get("classes", []):
            time = next(filter(None, (EXERCISE_TIME.match(words.astext()) for words in box.findall(nodes.emphasis))), None)
            if time:
                found.append({"an": 60, "half an": 30}.get(time[1].lower()) or int(time[1]))
    return found


def measure(app: Sphinx, document: nodes.document) -> None:
    if app.env.docname.startswith("chapters/"):
        app.env.metadata[app.env.docname]["minutes"] = minutes_to_read(document)
        app.env.metadata[app.env.docname]["exercises"] = sum(minutes_of_exercises(document))


def chapters(env: BuildEnvironment) -> list:
    """In the order of the table of contents."""
    return [name for name in env.toctree_includes.get(env.config.root_doc, []) if name.startswith("chapters/")]


def put_minutes_into_the_list(app: Sphinx, document: nodes.document, name: str) -> None:
    if name == app.config.root_doc and app.builder.format == "html":
        minutes = {app.builder.get_relative_uri(name, chapter): app.env.metadata[chapter]["minutes"]
                   for chapter in chapters(app.env)}
        for item in document.findall(nodes.list_item):
            link = item.next_node(nodes.reference)
            if link is not None and link.get("refuri") in minutes:
                item[0] += [nodes.Text(" "), nodes.inline("", f"{minutes[link['refuri']]} minutes.", classes=["minutes"])]


def put_line_under_the_title(app: Sphinx, pagename: str, templatename: str, context: dict, document: object) -> None:
    names = chapters(app.env)
    if pagename in names and context.get("body"):
        here, about = names.index(pagename) + 1, app.env.metadata[pagename]
        facts = [f"Chapter {here} of {len(names)}", f"{about['minutes']} minutes to read"]
        facts += [f"{about['exercises']} minutes of exercises"] * bool(about["exercises"])
        line = f'<p class="chapter-facts" data-chapter="{here}" data-chapters="{len(names)}">{" · ".join(facts)}</p>'
        context["body"] = TYPED.sub("", context["body"].replace("</h1>", f"</h1>\n{line}", 1), count=1)


def read_again(app: Sphinx, env: BuildEnvironment, added: set, changed: set, removed: set) -> list:
    """The list is as old as its youngest chapter, and how many chapters there are each of them says."""
    if added or removed:
        return [app.config.root_doc, *chapters(env)]
    return [app.config.root_doc] if changed else []


def setup(app: Sphinx) -> dict:
    app.connect("doctree-read", measure)
    app.connect("doctree-resolved", put_minutes_into_the_list)
    app.connect("html-page-context", put_line_under_the_title)
    app.connect("env-get-outdated", read_again)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
