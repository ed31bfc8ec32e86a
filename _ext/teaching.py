"""The directive `chapter-plans`: what each chapter teaches, from its own box, with its minutes and its slides."""
import re
from pathlib import Path

import reading
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective, SphinxRole

PLANS = "appendices/for-teachers"
BOX = re.compile(r"^:class: objectives\n(.*?)\n\n(You need .*?)\s*Reading:", re.MULTILINE | re.DOTALL)


def plan(name: str, text: str) -> str:
    """A fold for the chapter: its objectives, what it needs, and where its page and its slides are."""
    title = re.search(r"^# (.+)$", text, re.MULTILINE)[1]
    objectives, needs = (re.sub(r"\{doc\}`(?!/)", "{doc}`/chapters/", part) for part in BOX.search(text).groups())
    return f""":::{{dropdown}} {int(name[:2])}. {title}: {{minutes}}`{name}`
{objectives}

{needs}

{{doc}}`The chapter </chapters/{name}>` · <a href="../slides/{name}.html">its slides</a>
:::
"""


class ChapterPlans(SphinxDirective):
    def run(self) -> list:
        text = ""
        for path in sorted(Path(self.env.srcdir, "chapters").glob("*.md")):
            if f"chapters/{path.stem}" in self.env.found_docs:
                self.env.note_dependency(str(path))
                text += plan(path.stem, path.read_text(encoding="utf-8"))
        found = nodes.container()
        self.state.nested_parse(StringList(text.splitlines(), PLANS), self.content_offset, found)
        return found.children


class Minutes(nodes.Inline, nodes.Element):
    """Where minutes will stand: they are known when all chapters have been read."""


class MinutesRole(SphinxRole):
    """{minutes}`05-memory-cell` or, for all chapters together, {minutes}`all`."""

    def run(self) -> tuple:
        return [Minutes(chapter=self.text)], []


def put_minutes(app: Sphinx, document: nodes.document, name: str) -> None:
    places = list(document.findall(Minutes))
    if places:
        chapters = {Path(each).name: app.env.get_doctree(each) for each in app.env.found_docs if each.startswith("chapters/")}
        read = {each: reading.minutes_to_read(chapter) for each, chapter in chapters.items()}
        solve = {each: sum(reading.minutes_of_exercises(chapter)) for each, chapter in chapters.items()}
    for place in places:
        which = place["chapter"]
        if which == "all":
            words = f"about {sum(read.values()) / 60:.0f} hours to read, and {sum(solve.values()) / 60:.0f} hours of exercises"
        else:
            words = f"{read[which]} minutes to read, {solve[which]} minutes of exercises"
        place.replace_self(nodes.Text(words))


def setup(app: Sphinx) -> dict:
    app.add_directive("chapter-plans", ChapterPlans)
    app.add_role("minutes", MinutesRole())
    app.connect("doctree-resolved", put_minutes)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
