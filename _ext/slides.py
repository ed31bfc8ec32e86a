"""Each chapter as slides, in slides/NN-topic.html beside the pages: reveal.js, which needs no network.

The slides are cut from the built page, so they show its numbers, figures and equations. A slide is an equation with its
code, a figure, a table, what a cell printed, a widget's things to try, a question or its answer. The prose before it is
in the speaker's notes. slides.js lets the type shrink until a slide fits.
"""
import copy
import importlib.util
import re
import shutil
from html import escape
from pathlib import Path

from bs4 import BeautifulSoup, SoupStrainer, Tag
from policy import from_its_folder
from sphinx.application import Sphinx

REVEAL = ["dist/reveal.js", "dist/reveal.css", "plugin/notes/notes.js", "LICENSE"]
LEFT_OUT = "a.headerlink, button, script, style, summary svg, .sd-summary-state-marker"
SENTENCE = re.compile(r"(?<=[.?!:])\s+(?=[A-Z“])")
MOST_LINES, MOST_COLUMNS = 20, 84       # of code and of what it prints, on one slide
MOST_LETTERS = 900                      # of a list
MOST_POINTS = 4                         # first sentences of paragraphs, where a section has nothing else to show

PAGE = """<!DOCTYPE html>
<html lang="en" data-theme="light">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}: slides</title>
<link rel="icon" href="../_static/favicon.svg">
<link rel="stylesheet" href="../_static/reveal/dist/reveal.css">
<link rel="stylesheet" href="../_static/pygments.css">
<link rel="stylesheet" href="../_static/palette.css">
<link rel="stylesheet" href="../_static/slides.css">
<script>window.MathJax = {{
  loader: {{load: ["input/tex", "output/chtml", "a11y/assistive-mml"]}}, chtml: {{matchFontHeight: false}},
  options: {{ignoreHtmlClass: "slides", processHtmlClass: "math"}}
}};</script>
<script defer src="../_static/mathjax/startup.js"></script>
<script defer src="../_static/reveal/dist/reveal.js"></script>
<script defer src="../_static/reveal/plugin/notes/notes.js"></script>
<script defer src="../_static/slides.js"></script>
</head>
<body>
<div class="reveal"><main class="slides">
{slides}
</main></div>
</body>
</html>
"""


class Deck:
    """The slides of one chapter, from its page."""

    def __init__(self, name: str, html: str):
        self.name, self.slides, self.prose = name, [], []
        self.link, self.shown = "", None        # to the widget whose things to try come next; the cell that an equation showed
        article = BeautifulSoup(html, "html.parser", parse_only=SoupStrainer("article"))
        for widget in article.select("script[type$='widget-view+json']"):
            widget.name = "widget"
        for unwanted in article.select(LEFT_OUT):
            unwanted.extract()
        for link in article.select("a.in-glossary"):
            link.unwrap()
        for link in article.select("a[href]"):
            if link["href"].startswith("#"):
                link["href"] = f"../chapters/{name}.html{link['href']}"
            elif re.match(r"[\w-]+\.html", link["href"]):
                link["href"] = f"../chapters/{link['href']}"
        self.chapter(article.find("section"))

    def html(self) -> str:
        slides = ""
        for kind, heading, content, notes in self.slides:
            level = "h1" if kind == "title" else "h2"
            slides += f'<section class="{kind}">\n<{level}>{heading}</{level}>\n<div class="body">{content}</div>\n'
            slides += f'<aside class="notes">{"".join(map(inner, notes))}</aside>\n</section>\n'
        # The window for the speaker inherits the policy, and the page that reveal.js writes there is made of scripts.
        policy = from_its_folder("'unsafe-inline'")
        return PAGE.format(title=escape(self.title), slides=slides, policy=policy)

    def add(self, kind: str, heading: str, content: str) -> None:
        self.slides.append((kind, heading, content, self.prose))
        self.prose = []

    def chapter(self, section: Tag) -> None:
        title = section.find("h1")
        self.title, lead = title.get_text(" ", strip=True), section.select_one(":scope > p:not(.chapter-facts)")
        self.add("title", text(title), (inner(lead) if lead else "") + self.link_to("", "The chapter in the book"))
        for box in section.find_all("div", class_="admonition", recursive=False):
            self.box(box)
        for part in section.find_all("section", recursive=False):
            self.section(part)

    def box(self, box: Tag) -> None:
        """The objectives, the prediction, or another admonition."""
        title = box.find("p", class_="admonition-title").extract()
        kind = next((kind for kind in ("objectives", "predict") if kind in box["class"]), "note")
        self.add(kind, text(title), "".join(map(inner, box.find_all(True, recursive=False))))

    def section(self, section: Tag) -> None:
        self.heading, self.place = text(section.find(re.compile("h[2-6]"))), section.get("id", "")
        if self.place == "exercises":
            self.exercises(section)
            return
        self.first = len(self.slides)
        parts = section.find_all(True, recursive=False)[1:]
        for part, after in zip(parts, [*parts[1:], None]):
            self.part(part, after)
        self.end_section()

    def end_section(self) -> None:
        """Prose after the last slide of a section goes to that slide's notes; a section of prose alone gets a slide."""
        if self.link:
            self.add("widget", self.heading, self.lead() + self.link)
            self.link = ""
        if self.prose and len(self.slides) > self.first:
            self.slides[-1][3].extend(self.prose)
            self.prose = []
        elif self.prose:
            firsts = [sentences(part)[0] for part in self.prose[:MOST_POINTS]]
            points = "".join(f"<li>{first}</li>" for first in firsts)
            self.add("words", self.heading, f"<ul>{points}</ul>" if len(firsts) > 1 else f"<p>{firsts[0]}</p>")

    def part(self, part: Tag, after: "Tag | None") -> None:
        """One child of a section: prose goes to the notes, the rest onto a slide."""
        kinds = part.get("class", [])
        if part.name == "section":
            self.end_section()
            self.section(part)
        elif part.name == "p":
            self.prose.append(part)
        elif "question" in kinds:
            self.question(part)
        elif "admonition" in kinds:
            self.box(part)
        elif "cell" in kinds:
            self.cell(part)
        elif "math" in kinds and part.find(class_="eqno"):
            self.shown = after
            self.add("equation", self.heading, self.lead() + inner(part) + code_and_output(after, MOST_LINES - 6))
        elif part.name in ("ul", "ol"):
            self.bullets(part)
        elif part.find("table"):
            self.add("table", self.heading, self.lead() + inner(part))

    def bullets(self, part: Tag) -> None:
        """One slide, or more for a long list."""
        kind, first, length = "summary" if self.place == "summary" else "list", 1, 0
        items = part.find_all("li", recursive=False)
        for number, item in enumerate(items, 1):
            length += len(item.get_text())
            if number == len(items) or length + len(items[number].get_text()) > MOST_LETTERS:
                listed = "".join(map(inner, items[first - 1:number]))
                listed = f"<ul>{listed}</ul>" if part.name == "ul" else f'<ol start="{first}">{listed}</ol>'
                self.add(kind, self.heading, self.lead() + listed + self.link)
                first, length = number + 1, 0
        self.link = ""

    def link_to(self, place: str, words: str) -> str:
        return f'<p class="link"><a href="../chapters/{self.name}.html{place}">{words}</a></p>'

    def lead(self) -> str:
        """What the prose says right before the thing that a slide shows."""
        return f"<p>{sentences(self.prose[-1])[-1]}</p>" if self.prose else ""

    def cell(self, cell: Tag) -> None:
        if cell.find("widget") and "tag_remove-input" in cell["class"]:        # others need a kernel
            self.link = self.link_to(f"#{self.place}", "Open the widget in the book")
        for figure in cell.select(".cell_output figure"):
            self.add("figure", self.heading, inner(figure))
        listing = code_and_output(cell) if cell is not self.shown and cell.select(".cell_output pre") else ""
        if listing:
            self.add("printed", self.heading, self.lead() + listing)

    def question(self, box: Tag) -> None:
        """Two slides: the choices, and the right one with its reason. What is wrong with the others is in the notes."""
        title = text(box.find("p", class_="admonition-title").extract())
        choices = [(text(fold.find("summary")), fold.find(class_="sd-summary-content")) for fold in box.find_all("details")]
        for fold in box.find_all("details"):
            fold.extract()
        asked = "".join(map(inner, box.find_all(True, recursive=False)))
        right = next((k for k, (_, why) in enumerate(choices) if why.get_text().strip().startswith("Right")), None)
        if right is None:
            raise ValueError(f"chapters/{self.name}, {title}: the answer to the right choice has to begin with “Right”")
        rows = "".join(f"<li>{choice}</li>" for choice, _ in choices)
        self.add("question", title, f'{asked}<ul class="choices">{rows}</ul>')
        self.prose = [BeautifulSoup(f"<p><strong>{choice}</strong></p>{why.decode_contents()}", "html.parser")
                      for k, (choice, why) in enumerate(choices) if k != right]
        marks = ["right" if k == right else "wrong" for k in range(len(choices))]
        rows = "".join(f'<li class="{mark}">{choice}</li>' for mark, (choice, _) in zip(marks, choices))
        reason = choices[right][1].decode_contents()
        self.add("answer", f"{title}: the answer", f'<ul class="choices">{rows}</ul>{reason}')

    def exercises(self, section: Tag) -> None:
        rows = []
        for exercise in section.find_all("div", class_="exercise"):
            name = re.search(r"\((.*)\)", exercise.find("p", class_="admonition-title").get_text(" ", strip=True))[1]
            link = f'<a href="../chapters/{self.name}.html#{exercise["id"]}">{escape(name)}</a>'
            rows.append(f"<li>{link} {exercise.find('em') or ''}</li>")
        self.add("exercises", self.heading, f"<ul>{''.join(rows)}</ul>")


def inner(part: Tag) -> str:
    """A piece of the page as it goes onto a slide: without names that would be there twice."""
    part = copy.copy(part)
    for each in [part, *part.find_all(id=True)]:
        if isinstance(each, Tag) and each.attrs:
            each.attrs.pop("id", None)
    return str(part)


def text(part: Tag) -> str:
    return part.decode_contents().strip()


def sentences(part: Tag) -> list:
    """The HTML of each sentence of a paragraph; none ends inside a tag."""
    found = [""]
    for piece in SENTENCE.split(part.decode_contents()):
        found[-1] = f"{found[-1]} {piece}".strip()
        if len(re.findall(r"<\w", found[-1])) == len(re.findall(r"</\w", found[-1])):
            found.append("")
    return list(filter(None, found))


def code_and_output(cell: "Tag | None", most: int = MOST_LINES) -> str:
    """What a cell shows and prints, as far as it goes onto a slide: both, the output alone, or the code alone."""
    if cell is None or "cell" not in cell.get("class", []) or cell.find("figure"):
        return ""
    code = cell.select_one(":scope > .cell_input .highlight")
    printed = "\n".join(output.get_text().rstrip() for output in cell.select(".cell_output pre"))
    source = code.get_text().strip() if code else ""
    listing = inner(code) if code else ""
    output = f'<pre class="output">{escape(printed)}</pre>' if printed else ""
    for lines, html in ((f"{source}\n{printed}", listing + output), (printed, output), (source, listing)):
        if html and lines.count("\n") < most and max(map(len, lines.split("\n"))) <= MOST_COLUMNS:
            return html
    return ""


def make_slides(app: Sphinx, exception: "Exception | None") -> None:
    if exception is not None or app.builder.name != "html":
        return
    root = Path(app.outdir)
    package = importlib.util.find_spec("sphinx_revealjs").submodule_search_locations[0]
    for part in REVEAL:
        target = root / "_static" / "reveal" / part
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(Path(package, "_static", "revealjs", part), target)
    shutil.rmtree(root / "slides", ignore_errors=True)
    (root / "slides").mkdir()
    for page in sorted((root / "chapters").glob("*.html")):
        deck = Deck(page.stem, page.read_text(encoding="utf-8"))
        (root / "slides" / page.name).write_text(deck.html(), encoding="utf-8")


def setup(app: Sphinx) -> dict:
    app.connect("build-finished", make_slides, priority=980)        # after the pages are whole, before they are archived
    return {"parallel_read_safe": True, "parallel_write_safe": True}
