"""Spoken requests for news in which every word has a label: our own grammar, a reader of the real set, spans and scores.

A label is O, or B- or I- and a kind: B-PROVIDER begins a span of words that name a provider, I-PROVIDER goes on with it
(Ramshaw & Marcus 1995). The real set is the one that a C++ network of 2015 was trained on: 1,000 requests in the file
news_tagged_data.txt of github.com/xingdi-eric-yuan/recurrent-net-lstm (dataset/, MIT licence). It is not part of this book.
"""
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

KINDS = ("NEWSTYPE", "PROVIDER", "KEYWORDS", "SECTION")
LABELS = ("O", *(f"{part}-{kind}" for kind in KINDS for part in "BI"))
REAL_SET = "news_tagged_data.txt"
UNKNOWN = "<unk>"

# What a request may be: a name in angle brackets stands for one of its lines, a name of KINDS for a span of that kind, any
# other word for itself. The same words serve several names, so that what a word is depends on its neighbours: "the
# harbour evening herald" is a provider because of its last word, "the harbour evening ferry" is what the news is about.
GRAMMAR: dict = {
    "request": ("<ask> <what>",) * 3 + ("<what>", "<ask> <what> please"),
    "ask": ("show me", "find", "i want to see", "could you bring up", "let me hear", "i have to read", "now open"),
    "what": ("<NEWSTYPE> <about> <KEYWORDS>", "<NEWSTYPE> from the <PROVIDER>", "<NEWSTYPE> from <KEYWORDS>",
             "<NEWSTYPE> <about> <KEYWORDS> in the <PROVIDER>", "<NEWSTYPE> in the <PROVIDER> <about> <KEYWORDS>",
             "the <SECTION> of the <PROVIDER>", "the <SECTION>", "the <PROVIDER>", "the <KEYWORDS> <NEWSTYPE>",
             "the <KEYWORDS> <NEWSTYPE> in the <PROVIDER>", "what the <PROVIDER> says <about> <KEYWORDS>",
             "what the <SECTION> says <about> <KEYWORDS>", "<KEYWORDS> in the <SECTION> of the <PROVIDER>"),
    "about": ("about", "on", "that deal with", "concerning"),
    "NEWSTYPE": ("<fresh> <items>", "<fresh> <items>", "<items>"),
    "fresh": ("breaking", "latest", "top", "evening", "morning", "local"),
    "items": ("news", "stories", "headlines", "news stories", "reports"),
    "PROVIDER": ("<name> <paper>", "<name> <name> <paper>", "<name> <topic> <paper>", "<name> <when> <paper>",
                 "<name> <name> <when> <paper>", "<name> <topic> news"),
    "when": ("daily", "evening", "morning", "weekly"),
    "paper": ("herald", "courier", "gazette", "post", "mirror", "observer", "star", "times"),
    "SECTION": ("<topic> section", "<topic> pages", "<topic> and <topic> section", "<name> <topic> pages", "<name> section"),
    "KEYWORDS": ("<name>", "<name> <event>", "<name> <name> <event>", "<topic> <event>", "<name> <topic> <event>",
                 "<name> <when> <event>", "<event> in <name>", "<event> of the <name> <paper>",
                 "<name> <paper> <event>", "<name> and <name>"),
    "topic": ("business", "sport", "health", "travel", "music", "science", "weather", "garden", "money"),
    "event": ("strike", "merger", "election", "fire", "flood", "visit", "scandal", "market", "ferry", "star", "post",
              "record", "trial", "bridge"),
    "name": ("<syllable><ending>",) * 2 + ("north <syllable><ending>", "lake <syllable><ending>", "<first> <syllable><ending>"),
    "first": ("anna", "omar", "lucia", "peter", "mei", "ivan"),
    "syllable": ("al", "bran", "cor", "dun", "el", "fen", "gar", "hol", "is", "kel", "lor", "mar", "nor", "os", "pen", "ru",
                 "sel", "tor", "ul", "vin"),
    "ending": ("ton", "by", "ford", "mere", "wick", "dale", "stad", "ia", "na", "o"),
}


@dataclass(frozen=True)
class Request:
    """words and labels: tuples of the same length."""

    words: tuple
    labels: tuple


def check_labels(labels, where):
    """labels, or a ValueError that names the first which is unknown or goes on with a span that never began."""
    for position, label in enumerate(labels):
        if label not in LABELS:
            raise ValueError(f"{where}: {label!r} at position {position} is not one of {', '.join(LABELS)}")
        if label[0] == "I" and (position == 0 or labels[position - 1][1:] != label[1:]):
            raise ValueError(f"{where}: {label!r} at position {position} goes on with a span that nothing began")
    return labels


def generate(rng, symbol="request"):
    """One request of GRAMMAR; its lines have the same probability each. rng: a numpy Generator. Returns a Request."""
    words: list = []
    labels: list = []
    for part in GRAMMAR[symbol][rng.integers(len(GRAMMAR[symbol]))].split(" "):
        names = [name for name in part.replace(">", "<").split("<") if name]
        if "<" not in part:
            words.append(part)
            labels.append("O")
        elif len(names) == 1:
            inner = generate(rng, names[0])
            words += inner.words
            kind = names[0]
            labels += inner.labels if kind not in KINDS else [f"B-{kind}", *[f"I-{kind}"] * (len(inner.words) - 1)]
        else:                                           # pieces of one word
            words.append("".join(generate(rng, name).words[0] for name in names))
            labels.append("O")
    return Request(tuple(words), tuple(labels))


def generate_many(num_requests, rng):
    """A list of num_requests different requests. Raises ValueError for num_requests below 1."""
    if not isinstance(num_requests, (int, np.integer)) or num_requests < 1:
        raise ValueError(f"num_requests must be a whole number of at least 1, got {num_requests!r}")
    requests: dict = {}
    while len(requests) < num_requests:
        request = generate(rng)
        requests[request.words] = request
    return list(requests.values())


def read_tagged(path):
    """The requests in a file with a word, a tab and its label a line, and an empty line between two requests.

    Returns a list of Requests. Raises FileNotFoundError, or ValueError that names the line, for a line of another form,
    an unknown label, and a label that goes on with a span that nothing began.
    """
    requests = []
    pairs: list = []
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    for number, line in enumerate([*lines, ""], start=1):
        if line.strip():
            pair = line.split("\t")
            if len(pair) != 2 or not all(pair):
                raise ValueError(f"{path}, line {number}: a line must be a word, a tab and a label, got {line!r}")
            pairs.append(pair)
        elif pairs:
            words, labels = zip(*pairs)
            requests.append(Request(words, check_labels(labels, f"{path}, the request that ends before line {number}")))
            pairs = []
    if not requests:
        raise ValueError(f"{path} holds no request")
    return requests


def load_news_requests():
    """The real set, from the folder that the environment variable D2L_DATA names. Returns a list of Requests.

    Raises FileNotFoundError that says where the file comes from, if it is not there; otherwise as `read_tagged`.
    """
    folder = os.environ.get("D2L_DATA")
    if not folder or not (Path(folder) / REAL_SET).is_file():
        raise FileNotFoundError(
            f"{REAL_SET} is not in the folder that D2L_DATA names ({folder or 'not set'}). It lies in dataset/ of "
            "https://github.com/xingdi-eric-yuan/recurrent-net-lstm; put it into a folder and let D2L_DATA name that folder")
    return read_tagged(Path(folder) / REAL_SET)


def word_index(requests):
    """A dict from each word of the requests to a number from 1 on, in sorted order; UNKNOWN has 0."""
    return {word: k for k, word in enumerate([UNKNOWN, *sorted({word for request in requests for word in request.words})])}


@dataclass(frozen=True)
class Padded:
    """Requests side by side. The first lengths[n] steps of column n are request n, the rest is padding.

    X: numbers of the words, Y: of the labels in LABELS, each (num_steps, batch_size), 0 in the padding. lengths:
    (batch_size,).
    """

    X: np.ndarray
    Y: np.ndarray
    lengths: np.ndarray

    @property
    def mask(self):
        """True where there is a request, (num_steps, batch_size)."""
        return np.arange(len(self.X))[:, None] < self.lengths


def pad(requests, index):
    """Requests as a Padded minibatch, as many steps as the longest needs.

    index: from `word_index`; a word that it lacks is UNKNOWN. Raises ValueError for an empty list.
    """
    if not requests:
        raise ValueError("requests must hold at least one request, got none")
    lengths = np.array([len(request.words) for request in requests])
    X, Y = np.zeros((2, lengths.max(), len(requests)), np.int64)
    for n, request in enumerate(requests):
        X[:lengths[n], n] = [index.get(word, index[UNKNOWN]) for word in request.words]
        Y[:lengths[n], n] = [LABELS.index(label) for label in request.labels]
    return Padded(X, Y, lengths)


def spans(labels):
    """The spans that labels mark: a set of (start, stop, kind), the words from start to before stop.

    A span is a B- label and the I- labels of its kind that follow. A model may also say I- where no span of that kind is
    under way; such a label begins one, as in the scorer of CoNLL-2000.
    """
    found = set()
    start = 0
    for t, label in enumerate([*labels, "O"]):
        before = labels[t - 1] if t else "O"
        goes_on = label[0] == "I" and before[1:] == label[1:]
        if before != "O" and not goes_on:
            found.add((start, t, before[2:]))
        if not goes_on:
            start = t
    return found


@dataclass(frozen=True)
class Score:
    """accuracy: the share of words with the right label. f1: of spans, 1 where all and only the right ones are found."""

    accuracy: float
    f1: float


def score(true, predicted):
    """Compare labels with what they should be, over many requests.

    true, predicted: sequences of sequences of labels, or ValueError where lengths differ. A span counts as found if
    start, stop and kind are right; f1 = 2 * right / (spans there are + spans said), and 1 if there are none of either.
    """
    if [len(labels) for labels in true] != [len(labels) for labels in predicted] or not any(len(t) for t in true):
        raise ValueError("true and predicted must hold labels for the same words, at least one")
    pairs = [(t, p) for labels, said in zip(true, predicted) for t, p in zip(labels, said)]
    right = there = found = 0
    for labels, said in zip(true, predicted):
        wanted, got = spans(labels), spans(said)
        right, there, found = right + len(wanted & got), there + len(wanted), found + len(got)
    return Score(sum(t == p for t, p in pairs) / len(pairs), 2 * right / (there + found) if there + found else 1.0)
