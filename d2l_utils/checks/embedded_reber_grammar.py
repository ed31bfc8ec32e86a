"""Checks of the exercises in chapter 11, The embedded Reber grammar."""
import numpy as np

from d2l_utils.checks import WrongAnswer, exercise, expect
from d2l_utils.datasets.reber import REBER, SYMBOLS, embedded, generate_many, legal_next


@exercise
def legal_after(answer):
    grammar = embedded()
    for string in generate_many(grammar, 40, np.random.default_rng(3)):
        for end, legal in enumerate(legal_next(grammar, string), start=1):
            start, wanted = string[:end], {symbol for symbol, may in zip(SYMBOLS, legal) if may}
            got = answer(start)
            if got is None:
                raise WrongAnswer(f"legal_after({start!r}) is None: is a return missing?")
            if set(got) == wanted:
                continue
            if end == len(string) - 2 and set(got) == {"T", "P"}:
                raise WrongAnswer(f"after {start!r} only {string[1]} may come: the second symbol has to come back")
            if not wanted:
                raise WrongAnswer(f"after {start!r} the string is over, and nothing may come")
            raise WrongAnswer(f"after {start!r} may come {' or '.join(sorted(wanted))}, "
                              f"and your answer is {''.join(sorted(map(str, got))) or 'nothing'}")
    return "This is what a perfect memory knows of the next symbol."


@exercise
def is_legal(answer):
    strings = generate_many(embedded(), 40, np.random.default_rng(4))
    swap = {"T": "P", "P": "T"}
    cases = [(string, True, "it is a string of the grammar") for string in strings]
    for string in strings:
        cases += [
            (string[:-2] + swap[string[-2]] + "E", False, "its second symbol does not come back as the second-to-last"),
            (string[:-1], False, "it stops before the end"),
            (string + "B", False, "it goes on after its end"),
            (string[:3] + "E" + string[3:], False, "it has a symbol for which there is no arrow"),
        ]
    cases += [("", False, "it stops before the end"), ("BTBTXSE", False, "it stops before the end"),
              ("BTXSE", False, "it has no frame: it is a string of the plain grammar")]
    for string, wanted, why in cases:
        got = answer(string)
        if got is None:
            raise WrongAnswer(f"is_legal({string!r}) is None: is a return missing?")
        if bool(got) != wanted:
            raise WrongAnswer(f"is_legal({string!r}) should be {wanted}: {why}")
    return "It is legal if there is a way from the start to the end, and the symbols name it."


def _inner_lengths(longest=200):
    """The probability of each length of a plain string, by following the automaton."""
    share, found = {0: 1.0}, np.zeros(longest)
    for length in range(1, longest):
        following: dict = {}
        for state, p in share.items():
            for to in REBER[state].values():
                following[to] = following.get(to, 0.0) + p / len(REBER[state])
        found[length] = following.pop(7, 0.0)
        share = following
    return found


@exercise
def lag_probability(answer):
    inner = _inner_lengths()
    got = np.array([answer(k) for k in range(1, 61)], dtype=object)
    if any(p is None for p in got):
        raise WrongAnswer("lag_probability(1) is None: is a return missing?")
    expect(got.astype(float), inner[0:60], "the probability of the lags 1 to 60", tolerance=1e-6, misconceptions=[
        (inner[1:61], "this is the probability that the inner string has k symbols; the lag is longer"),
        (inner[2:62], "the lag is longer than the inner string, not shorter"),
        (np.append(np.zeros(1), inner[:59]), "one too many: a lag counts the steps between two symbols, not the symbols"),
        (np.append(np.zeros(3), inner[:57]), "this is the probability that the whole string has k symbols"),
        (np.cumsum(inner)[:60], "this is the probability of a lag of at most k"),
    ])
    return f"One string in four has the shortest lag, 6; the mean is {1 + (inner * np.arange(200)).sum():.0f}."


@exercise
def best_loss(answer):
    length = (_inner_lengths() * np.arange(200)).sum()                      # of a plain string, on average
    cases = (("REBER", REBER, 6, length - 1), ("embedded()", embedded(), 7, length + 3),
             ("embedded(4)", embedded(4), 25, 4 * length + 3))
    for name, grammar, forks, symbols in cases:
        states = [arrows for arrows in grammar.values() if arrows]
        expect(answer(grammar), np.log(2) * forks / symbols, f"best_loss({name})", misconceptions=[
            (forks / symbols, "this is in bits: a toss of a coin is ln 2 nats"),
            (np.log(2) * forks, "this is a whole string; divide by the number of its symbols after the first"),
            (np.log(2) * forks / (symbols + 1), "the first symbol is not predicted: leave it out of the mean"),
            (np.log(2) * np.mean([len(arrows) == 2 for arrows in states]),
             "states are not visited equally often: a loop brings a string back to its state"),
            (0.0, "the tosses cannot be known: each costs even the best network ln 2"),
        ])
    return "No network can do better, and one that forgets the bit pays ln 2 more a string."
