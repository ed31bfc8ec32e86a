"""Every word of the prose is in an English dictionary or in words.txt beside this file, which is kept by hand."""
import re
from functools import cache
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from mdit_py_plugins.colon_fence import colon_fence_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.front_matter import front_matter_plugin
from mdit_py_plugins.myst_role import myst_role_plugin
from spellchecker import SpellChecker

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = [ROOT, *(ROOT / name for name in ("chapters", "appendices", "data", "deploy", "bench"))]
PAGES = sorted(path for folder in FOLDERS for path in folder.glob("*.md"))
OPTION = re.compile(r"^\s*:[\w-]+:.*$", re.MULTILINE)
WORD = re.compile(r"\w(?:\w|['’](?=\w))*")
SYMBOL = re.compile(r".*[\d_]|[A-Z]+s?$|[½¼]|\w$")      # 3rd, x_t, LSTMs, a: no words of a language
MARKS = dict.fromkeys(["strong_open", "strong_close", "em_open", "em_close"], "")     # **n**o is one word

markdown = MarkdownIt().enable("table")
for plugin in (colon_fence_plugin, dollarmath_plugin, front_matter_plugin, myst_role_plugin):
    markdown.use(plugin)


@cache
def dictionary():
    """Words in lower case. The dictionary is American: colour and its like are in words.txt."""
    words = Path(__file__).with_name("words.txt").read_text(encoding="utf-8").split()
    checker = SpellChecker()
    checker.word_frequency.load_words(words)
    return checker


def prose(text):
    """Yield the words a reader reads as sentences: without code, formulas, roles, addresses and the options of directives."""
    for token in markdown.parse(text):
        if token.type in ("fence", "colon_fence") and token.info.startswith("{"):
            directive, _, title = token.info.partition("}")
            if directive not in ("{code-cell", "{math", "{bibliography", "{raw"):
                yield from prose(title)
                yield from prose(OPTION.sub("", token.content))
        line = "".join(child.content if child.type in ("text", "image") else MARKS.get(child.type, " ")
                       for child in token.children or [])
        yield from (word for word in WORD.findall(line) if not SYMBOL.match(word))


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_word_is_known(page):
    words = {re.sub("['’]s?$", "", word.replace("’", "'")) for word in prose(page.read_text(encoding="utf-8"))}
    assert sorted(dictionary().unknown(words)) == []


def test_a_misspelt_word_is_found_and_code_is_not_prose():
    page = "The *hiden* state $hdn$ `hdn`.\n\n```{dropdown} A choise\n:name: nme\nrigth\n```\n\n```python\nnot_prose = 1\n```\n"
    assert dictionary().unknown(prose(page)) == {"hiden", "choise", "rigth"}
