"""Every word of the prose is in an English dictionary or in words.txt beside this file, which is kept by hand."""
import re
from functools import cache
from pathlib import Path

import pytest
from prose import passages
from spellchecker import SpellChecker

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = [ROOT, *(ROOT / name for name in ("chapters", "appendices", "data", "deploy", "bench"))]
PAGES = sorted(path for folder in FOLDERS for path in folder.glob("*.md"))
WORD = re.compile(r"\w(?:\w|['’](?=\w))*")
SYMBOL = re.compile(r".*[\d_]|[A-Z]+s?$|d[A-Z]|[½¼]|\w$")      # 3rd, x_t, LSTMs, dX, a: no words
MARKS = dict.fromkeys(["strong_open", "strong_close", "em_open", "em_close"], "")     # **n**o is one word


@cache
def dictionary():
    """Words in lower case. The dictionary is American: colour and its like are in words.txt."""
    words = Path(__file__).with_name("words.txt").read_text(encoding="utf-8").split()
    checker = SpellChecker()
    checker.word_frequency.load_words(words)
    return checker


def prose(text):
    """Yield the words a reader reads as sentences: without code, formulas, roles, addresses and options. Alt texts count."""
    for tokens, _ in passages(text):
        line = "".join(token.content if token.type in ("text", "image") else MARKS.get(token.type, " ") for token in tokens)
        yield from (word for word in WORD.findall(line) if not SYMBOL.match(word))


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_word_is_known(page):
    words = {re.sub("['’]s?$", "", word.replace("’", "'")) for word in prose(page.read_text(encoding="utf-8"))}
    assert sorted(dictionary().unknown(words)) == []


def test_a_misspelt_word_is_found_and_code_is_not_prose():
    page = "The *hiden* state $hdn$ `hdn`.\n\n```{dropdown} A choise\n:name: nme\nrigth\n```\n\n```python\nnot_prose = 1\n```\n"
    assert dictionary().unknown(prose(page)) == {"hiden", "choise", "rigth"}
