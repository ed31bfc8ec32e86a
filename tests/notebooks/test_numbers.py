"""A number in the prose is a setting, quoted with its source, computed in numbers.txt beside this file, or glued from a cell.

What needs no reason: whole numbers up to 20, years, and bare powers of ten; numbers of the code that the page shows or of
a script that it names; those that a question or an exercise sets, in its own answers; and those in a sentence with a
citation or a link to its source. But an approximate number ("about 5") and a share ("7 of 11", "nine of ten") are results,
whatever else they are equal to, and a factor ("5 times as long") or a percentage needs a reason however small it is. A
prediction claims nothing. All else is a result, which is glued: {glue:text}.
"""
import ast
import functools
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
from prose import OPTION, markdown, passages, split, title

ROOT = Path(__file__).resolve().parents[2]
PAGES = [path.relative_to(ROOT).with_suffix("").as_posix() for path in
         (ROOT / "index.md", *sorted((ROOT / "chapters").glob("*.md")), *sorted((ROOT / "appendices").glob("*.md")))]
NUMBER = re.compile(r"(?<![\w.,])\d+(?:,\d{3})*(?:\.\d+)?(?:e-?\d+)?(?!\w|[.,]\d|-[a-z])")
FREE = re.compile(r"1?\d|20|(19|20)\d\d|1e-?\d+")
APPROXIMATE = re.compile(r"\b(about|around|almost|near|nearly|roughly|some)[\s$+−-]*$")
OF = r"(?: out)? (?:of|in) (?:(?:the|all|its|our|these|those) )*"
SHARE = re.compile(OF.replace(" ", r"\s+") + r"(\d|<glue)")
UNITS = ["two", "three", "four", "five", "six", "seven", "eight", "nine"]
MORE = r"ten|eleven|twelve|\w+teen|(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:-\w+)?|hundred"
IN_WORDS = re.compile(rf"\b(?:none|{'|'.join(UNITS)}|{MORE}){OF}(?:a )?(?:{MORE})\b")
PERCENT = re.compile(r"\s*(?:\\?%|per ?cent\b)")
TIMES = re.compile(r"\s+times\s+(?:as|less|more|\w+er)\b")
SCRIPT = re.compile(r"\bbench/[\w/]+\.py\b")
OTHER = re.compile(                         # no results: names, and times that test_kept_true and test_teaching hold
    r"\*\d+ minutes\b|Reading: \d+ minutes|Running: \d+ seconds|\b\d{1,2}–\d{1,3}\b(?! ?%)"
    r"|\b(Python|MXNet|NumPy|CC BY) \d[\d.]*( to \d[\d.]*)?|\b\d\d[- ]bits?\b"
    r"|\b(chapters?|sections?|tables?|figures?|questions?|steps?|session) \d+")


def line(tokens):
    """A passage as one line: roles as <name>, a link as <source>, formulas without indices and exponents, no code."""
    said = ""
    for token in tokens:
        if token.type in ("text", "image"):
            said += token.content
        elif token.type in ("softbreak", "hardbreak"):
            said += " "
        elif token.type in ("em_open", "em_close"):
            said += "*"
        elif token.type == "myst_role":
            said += f"{title(token)}<{token.meta['name']}>"
        elif token.type == "link_open" and token.attrs["href"].startswith("http"):
            said += "<source>"
        elif token.type == "math_inline" or token.type.startswith("math_block") or token.info == "{math}":
            formula = re.sub(r"(?:(\d[\d.]*)\s*\\cdot\s*)?10\^\{?(-?\d+)\}?", lambda m: f"{m[1] or 1}e{m[2]}",
                             OPTION.sub("", token.content))
            said += "$" + re.sub(r"[_^](\{[^}]*\}|\w)", "", formula.replace("{,}", ",")) + "$"
    return said


def box(inside):
    """(name, whether it is the text that sets the numbers) of the question or exercise around a passage, if there is one."""
    for name, argument, content in inside:
        if name == "exercise":
            return re.search(r"^:label: ex-(.*)$", content, re.MULTILINE)[1], True
        if name == "solution":
            return argument.partition("ex-")[2], False
        if name == "admonition" and ":class: question\n" in content:
            return argument, "dropdown" not in {inner for inner, *_ in inside}
    return None, False


def sentences(page):
    """(sentence, box) of all passages but predictions, and without the sentences that have a source."""
    for tokens, inside in passages(page):
        if not any(":class: predict\n" in content for _, _, content in inside):
            for sentence in re.split(r"(?<=[.!?])\s+(?=[A-Z“$<*])", line(tokens)):
                if not re.search("<cite|<source", sentence):
                    yield sentence, box(inside)


def value(typed):
    return float(typed.replace(",", ""))


def numbers(sentence):
    """(as typed, whether it is one by its words: approximate or a share, its values) of each number that needs a reason."""
    sentence = OTHER.sub("", sentence)
    sentence = re.sub(rf"\b({'|'.join(UNITS)})(?= per ?cent\b)", lambda word: str(UNITS.index(word[0]) + 2), sentence)
    for share in IN_WORDS.finditer(sentence.lower()):
        yield share[0], True, set()
    for match in NUMBER.finditer(sentence):
        typed, after = match[0], sentence[match.end():]
        approximate = typed not in ("0", "1") and APPROXIMATE.search(sentence[:match.start()])
        claimed = bool(approximate or (typed.isdecimal() and SHARE.match(after)))
        percent = PERCENT.match(after)
        if claimed or percent or TIMES.match(after) or not FREE.fullmatch(typed):
            yield typed, claimed, {value(typed), value(typed) / 100} if percent else {value(typed)}


def literals(source):
    """The numbers in a piece of Python; a string is none, whatever it says."""
    return {float(node.value) for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.Constant) and isinstance(node.value, (int, float))}


def code(page):
    """The numbers in a page's code, that of its solutions too, and in the scripts that it names."""
    found = set().union(*(literals((ROOT / name).read_text(encoding="utf-8")) for name in SCRIPT.findall(page)))
    for token in markdown.parse(page):
        if token.info.startswith("{code-cell}"):
            found |= literals(split(token.content)[1])
        elif token.info == "python":
            found |= literals(token.content)
        elif token.type in ("fence", "colon_fence"):
            found |= code(token.content)
    return found


def results(page):
    """What a page types as if it were a result, as {typed: a sentence in which it stands}."""
    settings = code(page)
    given = {(name, typed) for sentence, (name, sets) in sentences(page) if sets
             for typed, claimed, _ in numbers(sentence) if not claimed}
    return {typed: sentence for sentence, (name, _) in sentences(page) for typed, claimed, values in numbers(sentence)
            if claimed or not (values & settings or (name, typed) in given)}


def kept():
    """numbers.txt as {page: {typed: the expression, or None where there is a reason instead}}."""
    pages = {}
    lines = Path(__file__).with_name("numbers.txt").read_text(encoding="utf-8").splitlines()
    for entry in (entry for entry in lines if entry and not entry.startswith("#")):
        if entry.startswith("["):
            entries = pages[entry.strip("[]")] = {}
        elif " = " in entry:
            typed, _, expression = entry.partition(" = ")
            entries[typed] = expression
        else:
            entries.update(dict.fromkeys(entry.partition(": ")[0].split()))
    return pages


@functools.cache
def glued(page):
    """What the cells of a page have glued, by name, from the notebook that the built book offers."""
    path = ROOT / "_build" / "html" / "notebooks" / "executed" / f"{Path(page).name}.ipynb"
    if not path.exists():
        pytest.fail(f"{path} is not built: say make book first")
    outputs = [output for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] for output in cell.get("outputs", [])
               if "scrapbook" in output.get("metadata", {})]
    return {output["metadata"]["scrapbook"]["name"]: output["data"]["application/papermill.record/text/plain"]
            for output in outputs}


def agrees(typed, exact):
    """Whether a typed number is the exact one, rounded to the digits that are typed; zeros at the end of 14,000 are none."""
    digits, _, exponent = typed.replace(",", "").partition("e")
    unit = 10 ** -len(digits.partition(".")[2]) if "." in digits else 10 ** (len(digits) - len(digits.rstrip("0")))
    return abs(value(typed) - exact) <= 0.5000001 * unit * 10.0 ** int(exponent or 0)


@pytest.mark.parametrize("page", PAGES)
def test_results_are_glued_or_computed(page):
    typed = results((ROOT / f"{page}.md").read_text(encoding="utf-8"))
    entries = kept().get(page, {})
    assert {number: typed[number] for number in typed.keys() - entries.keys()} == {}, "glue it, or compute it in numbers.txt"
    assert entries.keys() - typed.keys() == set(), "these lines of numbers.txt have nothing left to explain"


@pytest.mark.parametrize(("page", "typed", "expression"), [
    pytest.param(page, typed, expression, id=f"{page}-{typed}")
    for page, entries in kept().items() for typed, expression in entries.items() if expression])
def test_a_computed_number_is_right(page, typed, expression):
    names = {**vars(math), "np": np, "sigma": lambda z: 1 / (1 + math.exp(-z)),
             "glued": lambda name: float(glued(page)[name])}
    exact = eval(expression, names)
    assert agrees(typed, exact), f"{expression} is {exact}"


def test_every_page_of_the_list_exists():
    assert kept().keys() <= set(PAGES)


@pytest.mark.parametrize(("prose", "found"), [
    ("It reaches 0.83 on 640 strings.", {"0.83", "640"}),
    ("It reaches {glue:text}`accuracy` on 500 strings at 1.0 \\%.", set()),                 # glued; in the code below
    ("Of 12 seeds 7 of 12 end near 5, some 20 % lower; nine of ten do.", {"7", "5", "20", "nine of ten"}),
    ("Forty-three of its fifty, nine in ten; 3 out of 4. Four of six.", {"forty-three of its fifty", "nine in ten", "3"}),
    ("It is 7 times as fast on 9 threads, three percent or 4 per cent off; 8 times.", {"7", "3", "4"}),
    ("$$\na = 0.83\n$$\n\n```{math}\n:label: eq-2000\nb &= 0.69\n```\n\n<p>0.67</p>", {"0.83", "0.69", "0.67"}),
    ("In 1997 ten networks of 16 units had $10^{-6}$ to lose, near 0 or 1.", set()),
    ("The paper has 0.83 {cite}`key`. Ours has 0.84.", {"0.84"}),
    ("The page [prints](https://example.org) 0.83.", set()),
    ("$\\mathbf{W}_{25} \\in \\mathbb{R}^{30}$ and $0.95^{10} = 0.60$, $1.4 \\cdot 10^{-45}$.", {"0.95", "0.60", "1.4e-45"}),
    ("`0.83` in Python 3.11 of chapter 44.", set()),
    (":::{admonition} Predict first\n:class: predict\nIs it about 0.83?\n:::", set()),
    (":::{admonition} Question 1\n:class: question\nA gate of 0.83?\n\n```{dropdown} A. 0.83\nNo, 0.69.\n```\n:::", {"0.69"}),
    ("```{exercise} E\n:label: ex-e\n*40 minutes.* Take 0.83.\n```\n\n0.83\n\n```{solution} ex-e\n0.83 and 0.69\n```",
     {"0.83", "0.69"}),
    ("```{code-cell} ipython3\n---\nmystnb:\n  figure:\n    caption: A 0.83\n  image:\n    alt: >\n      B, 0.69\n---\n"
     "print('0.69')\n```", {"0.83", "0.69"}),
])
def test_the_rule(prose, found):
    page = f"{prose}\n\n```{{code-cell}} ipython3\n:tags: [hide-input]\n\nn, p = 500, 0.01\n```\n"
    assert set(results(page)) == found


@pytest.mark.parametrize(("typed", "exact", "agree"), [
    ("0.35", 0.3487, True), ("0.35", 0.3551, False), ("14,000", 13_781, True), ("14,000", 14_501, False), ("69", 68.97, True),
    ("1.4e-45", 1.401e-45, True), ("1.4e-45", 1.46e-45, False), ("0.60", 0.5987, True), ("0.60", 0.594, False)])
def test_a_number_agrees_in_the_digits_that_are_typed(typed, exact, agree):
    assert agrees(typed, exact) is agree
