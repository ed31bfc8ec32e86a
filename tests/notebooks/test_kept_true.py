"""What the book says of itself, held against the book: times, figures, citations, headings, words. No browser is needed."""
import base64
import functools
import hashlib
import re
import subprocess
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import cite
import policy
import pytest
import reading
import yaml
from docutils import nodes
from docutils.utils import new_document
from pybtex.database import parse_string

ROOT = Path(__file__).resolve().parents[2]
HTML = ROOT / "_build" / "html"
CHAPTERS = sorted((ROOT / "chapters").glob("*.md"))
SOURCES = [ROOT / "index.md", *CHAPTERS, *sorted((ROOT / "appendices").glob("*.md"))]
PAGES = [path.relative_to(ROOT).with_suffix(".html").as_posix() for path in SOURCES]
EXERCISE = re.compile(r"^`{3,}\{exercise\}.*?^`{3,}$", re.MULTILINE | re.DOTALL)
CITED = re.compile(r"\{cite(?::\w+)?\}`([^`]+)`")
BOLD = re.compile(r"\\(?:mathbf|boldsymbol)\s*\{?\s*(\\?[A-Za-z]+)")
# Letters that are no part of the book's notation: a chapter introduces them for one derivation or one exercise.
OF_ONE_CHAPTER = {"02": "Jgv", "07": "vy", "08": "gsv", "09": "ABav", "12": "d", "14": "BS"}
# What stays where Markdown was not understood: a footnote or a link without its target, a fence, a role, a mark.
LEFT_OVER = re.compile(r"\[\^|\]\[|\]\(|\*\*|`|:::|\{[\w:]+\}")


@functools.cache
def page(name):
    """A page of the built book; without it the test says so."""
    path = HTML / name
    if not path.exists():
        pytest.fail(f"{path} is not built: say make book first")
    return path.read_text(encoding="utf-8")


def article(name):
    return page(name).partition("<article")[2].partition("</article>")[0]


def text(html):
    """What a reader reads of a piece of a page: without tags, with single spaces."""
    return " ".join(unescape(re.sub(r"<[^>]+>", "", html)).split())


def all_text(pattern, html):
    """The text of each match."""
    return [text(found) for found in re.findall(pattern, html, re.DOTALL)]


def sha256(script):
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def test_the_rule_of_the_minutes():
    def cell(code, *classes):
        return nodes.container("", nodes.container("", nodes.literal_block("", code)), classes=["cell", *classes])

    document = new_document("chapter")
    document += [
        nodes.paragraph("", "ninety-nine words " * 33, nodes.math("", "a + b")),
        nodes.math_block("", r"a \\ b"),
        cell("a = 1\n\nb = 2"), cell("plot()", "tag_hide-input"), cell("def f(): ...", "tag_exercise"),
        nodes.container("", nodes.literal_block("", "1 2 3"), classes=["cell_output"]),
        nodes.figure("", nodes.caption("", "one more word")),
        nodes.admonition("", nodes.paragraph("", "a solution"), classes=["solution", "dropdown"]),
    ]
    assert reading.contents(document) == {"word": 70, "line of code": 2, "line of a formula": 2, "picture": 1}
    assert reading.minutes_to_read(document) == 5                       # 21 s + 4 s + 30 s + 30 s, and never less than 5
    document += nodes.paragraph("", "word " * 1500)
    assert reading.minutes_to_read(document) == 10                      # 8.9
    for words in ("15 minutes.", "An hour, with pencil.", "Half an hour."):
        document += nodes.admonition("", nodes.paragraph("", "", nodes.emphasis("", words)), classes=["exercise"])
    document += nodes.admonition("", nodes.paragraph("", "", nodes.emphasis("", "5 minutes.")), classes=["note"])
    assert reading.minutes_of_exercises(document) == [15, 60, 30]


def test_the_landing_page_and_each_title_name_the_same_minutes_and_the_chapters_are_counted():
    for number, source in enumerate(CHAPTERS, 1):
        facts, = all_text(r'</h1>\s*<p class="chapter-facts"[^>]*>(.*?)</p>', article(f"chapters/{source.stem}.html"))
        minutes = re.match(rf"Chapter {number} of {len(CHAPTERS)} · (\d+ minutes) to read · \d+ minutes of ", facts)
        item, = re.findall(rf'<li><p><a [^>]*href="chapters/{source.stem}\.html".*?</li>', article("index.html"), re.DOTALL)
        assert all_text(r'<span class="minutes">(.*?)</span>', item) == [f"{minutes[1]}."]


@pytest.mark.parametrize("source", CHAPTERS, ids=lambda path: path.stem)
def test_each_exercise_names_its_time_and_the_notebooks_box_comes_near_the_computed_one(source):
    chapter, built = source.read_text(encoding="utf-8"), article(f"chapters/{source.stem}.html")
    times = [reading.EXERCISE_TIME.search(exercise) for exercise in EXERCISE.findall(chapter)]
    assert times
    assert None not in times
    total = sum({"an": 60, "half an": 30}.get(time[1].lower()) or int(time[1]) for time in times)
    facts, = all_text(r'<p class="chapter-facts"[^>]*>(.*?)</p>', built)
    assert f"{total} minutes of exercises" in facts
    typed = int(re.search(r"Reading:\s+(\d+)\s+minutes\.", chapter)[1])
    computed = int(re.search(r"(\d+) minutes to read", facts)[1])
    assert abs(typed - computed) <= 15, "the time that the chapter's box names for the notebook is no longer true"
    assert not reading.TYPED.search(built)


def test_a_citation_is_bibtex_that_reads_back_whoever_wrote_it():
    people = [{"given-names": "Ada", "family-names": "Lovelace"}, {"name": "The {LSTM} Club"}]
    about = {"title": "A Book", "version": "1.2", "authors": people}
    texts = cite.citation(about, title="Gates & more", number=3, year="2026", url="https://example.org/3.html")
    (key, entry), = parse_string(texts["bibtex"], "bibtex").entries.items()
    assert key == "a-book-3"
    assert [str(person) for person in entry.persons["author"]] == ["Lovelace, Ada", "{The {LSTM} Club}"]
    assert (entry.fields["title"], entry.fields["chapter"], entry.fields["year"]) == ("{Gates & more}", "3", "2026")
    assert texts["plain"].startswith("Ada Lovelace, The {LSTM} Club (2026). Gates & more.")


@pytest.mark.parametrize("source", CHAPTERS, ids=lambda path: path.stem)
def test_each_chapter_says_how_to_cite_it(source):
    about = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    address = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["html"]["baseurl"]
    fold = article(f"chapters/{source.stem}.html").partition('<details class="cite-this-page">')[2]
    plain, bibtex = all_text(r"<pre>(.*?)</pre>", fold)
    (_, entry), = parse_string(bibtex, "bibtex").entries.items()
    title = re.search(r"^# (.+)$", source.read_text(encoding="utf-8"), re.MULTILINE)[1]
    assert entry.fields["title"] == f"{{{title}}}"
    assert entry.fields["chapter"] == str(int(source.stem[:2]))
    assert entry.fields["url"] == f"{address}chapters/{source.stem}.html"
    assert about["version"] in plain
    assert title in plain


def test_the_list_of_figures_holds_every_figure_of_the_chapters_and_its_words():
    shown = {}
    for source in CHAPTERS:
        name = f"chapters/{source.stem}.html"
        for place, figure in re.findall(r'<figure [^>]*id="([^"]+)">(.*?)</figure>', article(name), re.DOTALL):
            number, = all_text(r'<span class="caption-number">(.*?)</span>', figure)
            shown[number] = (f"../{name}#{place}", text(re.search(r'<img[^>]* alt="([^"]*)"', figure)[1]))
    entry = r'<dt><a [^>]*href="([^"]+)"><span [^>]*>(.*?)</span></a></dt><dd>.*?<em>In words:</em>(.*?)</p>\s*</dd>'
    listed = {number: (link, text(words))
              for link, number, words in re.findall(entry, article("appendices/figures.html"), re.DOTALL)}
    assert len(shown) > 50
    assert listed == shown


@pytest.mark.parametrize("name", PAGES)
def test_an_alt_text_says_what_the_picture_shows_and_nothing_that_was_meant_as_markup_is_left_over(name):
    alts = [re.search(r'alt="([^"]*)"', image) for image in re.findall(r"<img\b[^>]*>", article(name))]
    few = [alt and alt[1] for alt in alts if alt is None or len(alt[1].split()) < 8]
    assert few == []
    prose = re.sub(r'<(pre|code|script)\b.*?</\1>|<(span|div) class="math.*?</\2>', " ", article(name), flags=re.DOTALL)
    assert LEFT_OVER.findall(text(prose)) == []


def test_every_entry_of_the_bibliography_is_cited_and_every_citation_is_in_it():
    texts = [path.read_text(encoding="utf-8") for path in SOURCES]
    cited = {key.strip() for text in texts for keys in CITED.findall(text) for key in keys.split(",")}
    entries = re.findall(r"^@\w+\{([^,]+),", (ROOT / "references.bib").read_text(encoding="utf-8"), re.MULTILINE)
    assert cited == set(entries)
    listed = article("appendices/references.html").count('<div class="citation"')
    assert listed == len(entries), "one is cited in a comment or an alt text alone, where no reader finds it, or is there twice"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_one_title_headings_in_order_and_no_two_places_of_one_name(name):
    levels = [int(level) for level in re.findall(r"<h([1-6])\b", article(name))]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:]))
    places = re.findall(r'<[a-z][^>]*\sid="([^"]+)"', article(name))
    assert sorted(places) == sorted(set(places))


def test_every_page_is_in_the_table_of_contents_and_links_lead_to_it():
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    files = {*re.findall(r"(?:file|root): ([\w/-]+)", toc)}
    assert files == {path.relative_to(ROOT).with_suffix("").as_posix() for path in SOURCES}
    reached, waiting = set(), ["index.html"]
    while waiting:
        name = waiting.pop()
        reached.add(name)
        links = [urlsplit(urljoin(name, unquote(link))) for link in re.findall(r'<a [^>]*href="([^"]+)"', article(name))]
        waiting += [link.path for link in links if not link.netloc and link.path in PAGES and link.path not in reached]
    left_out = set(PAGES) - reached
    assert left_out == set(), "no text leads there: the table of contents alone does"


def test_a_symbol_and_a_word_are_defined_once_and_the_words_are_in_order():
    symbols = [text(symbol) for row in re.findall(r"<tr[^>]*><td>(.*?)</td>", article("appendices/notation.html"), re.DOTALL)
               for symbol in row.split(", ") if text(symbol) != "…"]
    assert len(symbols) > 15
    assert sorted(symbols) == sorted(set(symbols))
    known = set(BOLD.findall((ROOT / "appendices" / "notation.md").read_text(encoding="utf-8")))
    for chapter in CHAPTERS:
        letters = set(BOLD.findall(chapter.read_text(encoding="utf-8")))
        assert letters - known - set(OF_ONE_CHAPTER.get(chapter.name[:2], "")) == set(), f"{chapter.name}: not in the notation"
    glossary = (ROOT / "appendices" / "glossary.md").read_text(encoding="utf-8")
    words = re.findall(r"^(\w.*)\n  \S", glossary.partition("{glossary}")[2], re.MULTILINE)
    assert len(words) > 20
    assert words == sorted(set(words), key=str.lower)


def test_the_build_takes_a_reference_that_leads_nowhere_and_every_other_warning_for_a_failure():
    for goal in ("book", "pdf", "epub", "record"):
        said = subprocess.run(["make", "-n", goal], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        builds = [line for line in said.splitlines() if "jupyter-book build" in line]
        assert [line for line in builds if not {"-W", "-n"} <= set(line.split())] == []
        assert len(builds) == 1
    for quiet in ("suppress_warnings", "nitpick_ignore"):
        assert quiet not in (ROOT / "_config.yml").read_text(encoding="utf-8")


def test_links_in_the_readme_and_its_like_lead_to_files():
    pages = [path for folder in (ROOT, ROOT / "data", ROOT / "deploy") for path in folder.glob("*.md") if path not in SOURCES]
    links = [(path, link) for path in pages for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8"))]
    assert len(pages) >= 5
    assert [link for path, link in links if ":" not in link and not (path.parent / link.partition("#")[0]).exists()] == []


@pytest.mark.parametrize("name", [*PAGES, "search.html"])
def test_a_page_carries_its_policy_and_the_hash_of_each_of_its_scripts(name):
    element = re.search(r'<meta charset="utf-8" />\s*<meta http-equiv="Content-Security-Policy" content="([^"]+)"', page(name))
    directives = dict(directive.split(" ", 1) for directive in element[1].split("; "))
    assert directives["default-src"] == "'self' file:"
    assert "'unsafe-inline'" not in directives["script-src"]
    assert "'unsafe-eval'" not in directives["script-src"]
    addresses = re.findall(r"\bhttps?:|\*", element[1])
    assert addresses == []
    scripts = [script for tag, script in re.findall(r"<script([^>]*)>(.*?)</script>", page(name), re.DOTALL)
               if "src=" not in tag and "type=" not in tag]
    assert len(scripts) > 5
    assert [script for script in scripts if sha256(script) not in directives["script-src"]] == []
    ours = re.findall(r"<script>(?!kernelName)|<[a-z][^>]*\son[a-z]+\s*=", article(name))
    assert ours == [], "the policy would let it run: what a chapter or a cell writes has no scripts and no event handlers"


def test_no_page_of_the_site_is_without_a_policy():
    pages = [path for path in HTML.rglob("*.html") if "_static" not in path.relative_to(HTML).parts]
    assert len(pages) > len(PAGES) + len(CHAPTERS)                  # the search page and the slides, too
    heads = {path: path.read_text(encoding="utf-8").partition("</head>")[0] for path in pages}
    assert [path for path, head in heads.items() if '<meta http-equiv="Content-Security-Policy"' not in head] == []


def test_a_policy_knows_event_handlers_and_leaves_data_and_files_alone():
    html = '<a onclick="f(&quot;x&quot;)"><script>a = 1</script><script type="text/x">b</script><script src="c.js"></script>'
    allowed = policy.policy(html)
    assert set(re.findall(r"'sha256-([^']+)'", allowed)) == {sha256('f("x")'), sha256("a = 1")}
    assert "'unsafe-hashes'" in allowed
    assert "'unsafe-hashes'" not in policy.policy("<script>a = 1</script>")


@pytest.mark.parametrize("name", PAGES)
def test_a_card_names_the_page_and_its_picture_is_there(name):
    address = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["html"]["baseurl"]
    card = {key: unescape(value) for key, value in re.findall(r'<meta property="og:([\w:]+)" content="([^"]*)"', page(name))}
    assert card["url"] == address + name
    assert len(card["description"]) > 40
    assert card["image"].startswith(address)
    assert (HTML / card["image"][len(address):]).read_bytes().startswith(b"\x89PNG")
