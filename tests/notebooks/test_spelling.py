"""Every word of the prose, and of the words in code, is in an English dictionary or in words.txt beside this file.

The list is kept by hand. The dictionary is American: what is written otherwise in Britain is refused, unless the list has it.
"""
import io
import re
import tokenize
from functools import cache
from pathlib import Path

import jupytext
import pytest
from prose import passages, title
from spellchecker import SpellChecker

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = [ROOT, *(ROOT / name for name in ("chapters", "appendices", "data", "deploy", "bench"))]
PAGES = sorted(path for folder in FOLDERS for path in folder.glob("*.md"))
CODE = sorted([*ROOT.glob("d2l_utils/**/*.py"), *ROOT.glob("d2l_utils/widgets/*.js"), *ROOT.glob("assets/static/*.js"),
               *ROOT.glob("chapters/*.md")])
JAVASCRIPT = re.compile(r"/\*.*?\*/|//[^\n]*|\"[^\"\n]*\"|`[^`]*`", re.DOTALL)
NO_WORDS = re.compile(              # in a string: values, code, markup, formulas, options of matplotlib, orders of gates
    r"\{[^{}]*\}|`[^`]*`|https?:\S+|<[^>]*>|\\[A-Za-z]+|\b(?:(?:upper|lower) center|center left)\b|\b[cfghiorwz]{2,4}\b")
WORD_OF_CODE = re.compile(r"(?<![\w./\\-])[A-Za-z][a-z]+(?:['’][a-z]+)?(?![\w(=/\\-]|\.\w)")
WORD = re.compile(r"\w(?:\w|['’](?=\w))*")
TWICE = re.compile(r"\b([A-Za-z]+) \1\b")                    # the the: two words that are no word
SYMBOL = re.compile(r".*[\d_]|[A-Z]+s?$|d[A-Z]|[½¼]|\w$")      # 3rd, x_t, LSTMs, dX, a: no words
AMERICAN = re.compile(
    r"(?!(?:re)?siz|priz|seiz)\w+[iy]z(?:e|ed|er|ers|es|ing|ations?)|(?:behavi|col|fav|flav|harb|hon|hum|lab|neighb|vap)or"
    r"(?:s|ed|ing|ful|hood|able|ite)?|(?:catalog|center|defense|gotten|gray|skillful)\w*|fulfills?"
    r"|(?:cancel|label|level|model|signal|travel)(?:ed|ing|ers?)")
MARKS = dict.fromkeys(["strong_open", "strong_close", "em_open", "em_close"], "")     # **n**o is one word


@cache
def dictionary():
    """The checker, which has its words in lower case, and those of our own."""
    words = Path(__file__).with_name("words.txt").read_text(encoding="utf-8").split()
    checker = SpellChecker()
    checker.word_frequency.load_words(words)
    return checker, set(words)


def unknown(words):
    """Those that are in no list, in lower case. What ends with 's is known by what stands before."""
    checker, ours = dictionary()
    words = {re.sub("['’]s?$", "", word.replace("’", "'")).lower() for word in words}
    return sorted(checker.unknown(words) | {word for word in words - ours if AMERICAN.fullmatch(word)})


def prose(text):
    """Yield the words a reader reads as sentences: without code, formulas, roles, addresses and options. Alt texts count."""
    for tokens, _ in passages(text):
        line = "".join(token.content if token.type in ("text", "image") else title(token) if token.type == "myst_role"
                       else MARKS.get(token.type, " ") for token in tokens)
        yield from (word for word in WORD.findall(line) if not SYMBOL.match(word))
        yield from (twice[0] for twice in TWICE.finditer(line))


def remarks(source, language):
    """The comments and strings of a program, and its other names."""
    if language == "js":
        return [said.strip("`") for said in JAVASCRIPT.findall(source)], set(re.findall(r"\w+", JAVASCRIPT.sub("", source)))
    tokens = [(tokenize.tok_name[token.type], token.string) for token in tokenize.generate_tokens(io.StringIO(source).readline)]
    return ([said for kind, said in tokens if kind in ("COMMENT", "STRING", "FSTRING_MIDDLE")],
            {name for kind, name in tokens if kind == "NAME"})


def words_of_code(source, language):
    """Yield the words of its comments and of its strings of more than one word, without the names that it has itself."""
    said, names = remarks(source, language)
    for text in said:
        text = NO_WORDS.sub(" ", text)
        if len(text.split()) > 1:
            yield from (word for word in WORD_OF_CODE.findall(text) if word not in names)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_word_is_known(page):
    assert unknown(prose(page.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_word_of_a_comment_a_docstring_a_hint_and_a_label_is_known(path):
    people = set(re.findall(r"[a-z]+", (ROOT / "references.bib").read_text(encoding="utf-8").lower()))
    sources = [path.read_text(encoding="utf-8")]
    if path.suffix == ".md":
        sources = [cell.source for cell in jupytext.read(path, fmt="md:myst").cells if cell.cell_type == "code"]
    words = {word for source in sources for word in words_of_code(source, path.suffix[1:])}
    assert [word for word in unknown(words) if word not in people] == []


def test_a_misspelt_word_in_code_is_found_and_a_name_is_none():
    python = 'def hdn(sgm):\n    """Teh hdn state."""\n    # itt\n    # hier it is\n    return f"a choise of {sgm}", "onewrd"\n'
    assert unknown(words_of_code(python, "py")) == ["choise", "hier", "itt", "teh"]
    assert unknown(words_of_code('const fgt = 1;  // teh fgt\nlabel("forgett gate", `a ${fgt} choise`, "fgtg");', "js")) == [
        "choise", "forgett", "teh"]


def test_a_misspelt_word_is_found_and_code_is_not_prose():
    page = "The *hiden* state $hdn$ `hdn`.\n\n```{dropdown} A choise\n:name: nme\nrigth\n```\n\n```python\nnot_prose = 1\n```\n"
    assert unknown(prose(page)) == ["choise", "hiden", "rigth"]
    assert unknown(prose("The state of the\nthe *cell cell*, had $a$ had `a` had.")) == ["cell cell", "the the"]
    page = "```{figure} a\n:alt: teh\n\nitt\n```\n\n{ref}`hier <plaice>` {cite}`gers2000`\n\n<p>sutch</p>\n"
    assert unknown(prose(page)) == ["hier", "itt", "sutch", "teh"]


def test_an_american_word_is_refused_and_its_british_neighbours_are_not():
    assert unknown(["Optimized", "modeling", "color's", "gray"]) == ["color", "gray", "modeling", "optimized"]
    assert unknown(["size", "optimizer", "honorary", "modelling", "colours", "grey", "recognise", "fulfilled"]) == []
