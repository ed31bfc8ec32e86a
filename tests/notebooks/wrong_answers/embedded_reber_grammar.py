"""Plausible wrong answers to the exercises of chapter 11, named after the misconception, with a word of the hint."""
import numpy as np

from d2l_utils.datasets.reber import REBER, embedded, walk

GRAMMAR = embedded()


def follow(grammar, start):
    return set(grammar[walk(grammar, start)[-1]])


def either_at_the_end(start):
    """Knows the place in the inner string and has lost the bit."""
    legal = follow(GRAMMAR, start)
    return {"T", "P"} if start.count("E") == 1 and legal <= {"T", "P"} else legal


def no_end(start):
    return follow(GRAMMAR, start) or {"B"}


def plain(start):
    """Takes the frame for a string of the plain grammar."""
    try:
        return follow(REBER, start)
    except ValueError:
        return set()


def every_arrow_is_there(string):
    """Asks for arrows, and not for the end."""
    try:
        walk(GRAMMAR, string)
    except ValueError:
        return False
    return True


def frame_only(string):
    return len(string) > 3 and string[1] == string[-2] and string[0] == "B" and string[-1] == "E"


def inner_only(string):
    """Looks at the inner string and not at the frame."""
    try:
        return not REBER[walk(REBER, string[2:-2])[-1]]
    except ValueError:
        return False


def inner_length(length):
    share = {0: 1.0}
    for _ in range(length):
        following = {}
        for state, p in share.items():
            for to in REBER[state].values():
                following[to] = following.get(to, 0.0) + p / len(REBER[state])
        share = following
    return share.get(7, 0.0)


def per_state(grammar):
    return np.log(2) * np.mean([len(arrows) == 2 for arrows in grammar.values() if arrows])


def visits(grammar):
    """How often a string comes by each state, on average."""
    states = list(grammar)
    step = np.array([[(to in grammar[at].values()) / max(len(grammar[at]), 1) for to in states] for at in states])
    return np.linalg.solve(np.eye(len(states)) - step.T, np.eye(len(states))[0])


def nats(grammar):
    return np.log(2) * sum(v for v, arrows in zip(visits(grammar), grammar.values()) if len(arrows) == 2)


def length(grammar):
    return sum(v for v, arrows in zip(visits(grammar), grammar.values()) if arrows)


WRONG_ANSWERS = {
    "legal_after": {
        "bit forgotten": (either_at_the_end, "has to come back"),
        "no end": (no_end, "nothing may come"),
        "plain grammar": (plain, "may come B"),
    },
    "is_legal": {
        "prefix is enough": (every_arrow_is_there, "stops before the end"),
        "frame only": (frame_only, "no arrow"),
        "inner string only": (inner_only, "does not come back"),
    },
    "lag_probability": {
        "length of the inner string": (inner_length, "the lag is longer"),
        "length of the string": (lambda k: inner_length(k - 4) if k > 4 else 0.0, "whole string"),
        "at most k": (lambda k: sum(inner_length(n) for n in range(k)), "at most"),
    },
    "best_loss": {
        "bits": (lambda grammar: nats(grammar) / np.log(2) / (length(grammar) - 1), "bits"),
        "per string": (nats, "whole string"),
        "first symbol counted": (lambda grammar: nats(grammar) / length(grammar), "first symbol"),
        "states equally often": (per_state, "equally often"),
        "everything can be known": (lambda grammar: 0.0, "cannot be known"),
    },
}
