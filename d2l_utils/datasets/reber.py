"""The Reber grammar, plain and embedded: an automaton as data, strings from it, and what may legally follow.

A grammar is a dict from a state to its arrows, and the arrows are a dict from a symbol to the next state. State 0 is
the start, the state without arrows is the end. Plain: Reber (1967), with the seven symbols of Cleeremans,
Servan-Schreiber & McClelland (1989). Embedded: the same authors; as a test of long lags, Hochreiter & Schmidhuber
(1997).
"""
import zlib
from dataclasses import dataclass

import numpy as np

SYMBOLS = "BTSXPVE"                                     # the order of the entries of a one-hot vector

REBER: dict = {
    0: {"B": 1},
    1: {"T": 2, "P": 3},
    2: {"S": 2, "X": 4},
    3: {"T": 3, "V": 5},
    4: {"X": 3, "S": 6},
    5: {"P": 4, "V": 6},
    6: {"E": 7},
    7: {},
}


def embedded(num_inner=1):
    """The embedded Reber grammar: B, then T or P, then num_inner Reber strings, then the same T or P again, then E.

    Returns a grammar. An automaton has no memory but its state, so the inner part is there twice: once for T, once
    for P. Raises ValueError unless num_inner is a whole number of at least 1. Hochreiter & Schmidhuber (1997), where
    num_inner is 1; more inner strings make the lag between the two equal symbols longer.
    """
    if not isinstance(num_inner, (int, np.integer)) or num_inner < 1:
        raise ValueError(f"num_inner must be a whole number of at least 1, got {num_inner!r}")
    width = 7 * num_inner + 1                           # states of one half; the end of an inner string starts the next
    before_end = 2 + 2 * width
    grammar: dict = {0: {"B": 1}, 1: {"T": 2, "P": 2 + width}}
    for symbol, first in grammar[1].items():
        for start in range(first, first + width - 1, 7):
            grammar.update({start + state: {s: start + to for s, to in REBER[state].items()} for state in range(7)})
        grammar[first + width - 1] = {symbol: before_end}
    return {**grammar, before_end: {"E": before_end + 1}, before_end + 1: {}}


def generate(grammar, rng):
    """One string of the grammar; where arrows fork, each is taken with the same probability. rng: a numpy Generator."""
    state, string = 0, ""
    while grammar[state]:
        arrows = list(grammar[state].items())
        symbol, state = arrows[rng.integers(len(arrows))] if len(arrows) > 1 else arrows[0]
        string += symbol
    return string


def split_of(string):
    """The side that a string belongs to, "train" or "test", by a hash of its text: about one string in three is "test".

    Whether a string is held out depends on nothing but the string, so the two sides never share one, and both have
    short and long strings. To draw distinct test strings first and to forbid them in training would be another thing:
    short strings are so frequent that nearly all of them would be drawn, and training would be left with long ones.
    """
    return "test" if zlib.crc32(string.encode()) % 3 == 0 else "train"


def generate_many(grammar, num_strings, rng, split=None, distinct=False):
    """A list of num_strings strings of the grammar.

    rng: a numpy Generator. split: "train" or "test" for strings of that side only (see `split_of`), None for all.
    distinct: no string twice; the list then has more long strings than chance would give, since short ones soon repeat.
    Raises ValueError for another split and for num_strings below 1.
    """
    if split not in (None, "train", "test"):
        raise ValueError(f'split must be None, "train" or "test", got {split!r}')
    if not isinstance(num_strings, (int, np.integer)) or num_strings < 1:
        raise ValueError(f"num_strings must be a whole number of at least 1, got {num_strings!r}")
    strings: list = []
    seen: set = set()
    while len(strings) < num_strings:
        string = generate(grammar, rng)
        if (split is None or split_of(string) == split) and not (distinct and string in seen):
            strings.append(string)
            seen.add(string)
    return strings


def walk(grammar, string):
    """The states that a string passes through: a list with the start and the state after each symbol.

    The string may stop early. Raises ValueError at the first symbol that has no arrow; the message names its position,
    counted from 0, and the symbols that would have been legal.
    """
    states = [0]
    for position, symbol in enumerate(string):
        arrows = grammar[states[-1]]
        if symbol not in arrows:
            legal = " or ".join(arrows) if arrows else "nothing, the string is over"
            raise ValueError(f"string: position {position} of {string!r} is {symbol!r}, "
                             f"and legal would have been {legal}")
        states.append(arrows[symbol])
    return states


def validate(grammar, string):
    """Return a string of the grammar as it is; raise ValueError for any other.

    The message names the first wrong position, counted from 0, and what would have been legal there. A string that
    stops before the end is refused too.
    """
    arrows = grammar[walk(grammar, string)[-1]]
    if arrows:
        raise ValueError(f"string: {string!r} stops at position {len(string)}, "
                         f"and legal would have been {' or '.join(arrows)}")
    return string


def legal_next(grammar, string):
    """What may follow each symbol of a string: a Boolean array (len(string), 7), in the order of SYMBOLS.

    Row t is True for the symbols that may come at position t + 1. After the last symbol of a whole string nothing may.
    The string may stop early; an illegal one raises ValueError, as `walk` does. This is all that can be known of the
    next symbol: Hochreiter & Schmidhuber (1997) call a network right if the legal symbols score highest at each step.
    """
    states = walk(grammar, string)[1:]
    return np.array([[symbol in grammar[state] for symbol in SYMBOLS] for state in states]).reshape(-1, len(SYMBOLS))


@dataclass(frozen=True)
class Packed:
    """Strings side by side. A string of length L fills the first L - 1 steps of its column; the rest is padding.

    X: (num_steps, batch_size, 7), each symbol as a one-hot vector. Y: like X, the symbol that came next. legal: like
    X, True for each symbol that may come next. mask: (num_steps, batch_size), True where there is a string. Padding is
    zero, or False.
    """

    X: np.ndarray
    Y: np.ndarray
    legal: np.ndarray
    mask: np.ndarray

    def take(self, columns):
        """The columns with these indices, as many steps as the longest of them needs.

        columns: whole numbers of any shape; (seeds, batch_size) gives X the shape (num_steps, seeds, batch_size, 7).
        """
        num_steps = int(self.mask[:, columns].sum(axis=0).max())
        return Packed(*(array[:num_steps, columns] for array in (self.X, self.Y, self.legal, self.mask)))


def pack(grammar, strings, dtype=np.float64):
    """Arrays of a list of strings, as a Packed: inputs, next symbols, legal next symbols, and a mask.

    dtype: of X and Y. Raises ValueError for an empty list and for a string that is not whole or not of the grammar.
    """
    if not strings:
        raise ValueError("strings must hold at least one string, got none")
    shape = (max(len(string) for string in strings) - 1, len(strings), len(SYMBOLS))
    X, Y, legal, mask = np.zeros(shape, dtype), np.zeros(shape, dtype), np.zeros(shape, bool), np.zeros(shape[:2], bool)
    eye = np.eye(len(SYMBOLS), dtype=dtype)
    for column, string in enumerate(strings):
        one_hot = eye[[SYMBOLS.index(symbol) for symbol in validate(grammar, string)]]
        steps = len(string) - 1
        X[:steps, column], Y[:steps, column] = one_hot[:-1], one_hot[1:]
        legal[:steps, column], mask[:steps, column] = legal_next(grammar, string)[:-1], True
    return Packed(X, Y, legal, mask)
