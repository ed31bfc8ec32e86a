"""Characters: *The Time Machine* (or our own tale), a vocabulary, and minibatches that follow one another in the text."""
import os
import re
import sys
import tempfile
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pooch

DATA_DIR = Path(__file__).resolve().parents[2] / "data"
TALE = "our-tale.txt"
UNKNOWN = "<unk>"
TIME_MACHINE = "timemachine.txt"
TIME_MACHINE_URL = "http://d2l-data.s3-accelerate.amazonaws.com/timemachine.txt"
TIME_MACHINE_SHA1 = "090b5e7e70c295757f55df93cb0a180b9691891a"


@dataclass(frozen=True)
class Text:
    """A text and where it came from. characters: as `normalize` leaves them, or as printed. source: a sentence."""

    characters: str
    source: str

    def __len__(self):
        return len(self.characters)


def _checked(path, folder):
    """path, if it is the text byte for byte. Otherwise it is kept in folder under another name, and ValueError says so."""
    found = pooch.file_hash(str(path), alg="sha1")
    if found == TIME_MACHINE_SHA1:
        return path
    aside = folder / f"{TIME_MACHINE}.damaged"
    try:
        os.replace(path, aside)
        kept = f"It was kept as {aside}: run again to load or download the text afresh."
    except OSError as error:
        kept = f"It could not be moved aside ({error.strerror}): remove it, or let D2L_DATA name another folder."
    raise ValueError(f"{folder / TIME_MACHINE} is not The Time Machine as d2l serves it: its SHA-1 is {found}, "
                     f"it should be {TIME_MACHINE_SHA1}. {kept}")


def _download(data_dir):
    """The text, fetched into data_dir, or None and a warning without a network. A wrong hash raises ValueError."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f"{TIME_MACHINE}.", dir=data_dir) as folder:
            partial = Path(folder) / TIME_MACHINE
            pooch.HTTPDownloader(progressbar=sys.stderr.isatty(), timeout=10)(TIME_MACHINE_URL, str(partial), None)
            os.replace(_checked(partial, data_dir), data_dir / TIME_MACHINE)    # the name is for a whole, checked file
        return data_dir / TIME_MACHINE
    except OSError as error:                # requests' errors are OSErrors: no network, no such server, a broken line
        warnings.warn(f"The Time Machine could not be downloaded ({type(error).__name__}).", stacklevel=4)
        return None


def _find(data_dir):
    """The file of *The Time Machine* and how it was come by, or (None, ...) when there is none to be had."""
    named = os.environ.get("D2L_DATA")
    if named and (Path(named) / TIME_MACHINE).is_file():
        return _checked(Path(named) / TIME_MACHINE, Path(named)), "read from the folder that D2L_DATA names"
    if (data_dir / TIME_MACHINE).is_file():
        return _checked(data_dir / TIME_MACHINE, data_dir), f"read from {data_dir.name}/"
    return _download(data_dir), "downloaded from d2l's data server"


def _unix_line_ends(raw):
    return raw.replace("\r\n", "\n").replace("\r", "\n")


def normalize(raw):
    """Lower case, each line end one space: what d2l's first loader did to the text, punctuation kept."""
    return _unix_line_ends(raw).replace("\n", " ").lower()


def load_time_machine(max_chars=None, data_dir=DATA_DIR, as_printed=False):
    """*The Time Machine* (H. G. Wells, 1895), or our own tale where it cannot be had; the result says which.

    The text is taken from the folder named by the environment variable D2L_DATA, then from data_dir, then downloaded
    to data_dir, and each time checked by its hash; without a network the tale in data/our-tale.txt stands in, and a
    warning says why.
    max_chars: keep that many characters from the start, or None for all. as_printed: keep capitals, and line ends as
    "\\n"; otherwise the text is in lower case, its line ends spaces (`normalize`). Returns a Text.
    Raises ValueError for a file with a wrong hash (kept aside as *.damaged) and for max_chars that the text cannot give.
    """
    data_dir = Path(data_dir)
    path, how = _find(data_dir)
    if path is not None:
        source = f"The Time Machine by H. G. Wells, {how}"
    else:
        path, source = DATA_DIR / TALE, "our own tale (data/our-tale.txt), because The Time Machine could not be had"
    raw = path.read_bytes().decode("utf-8")
    characters = _unix_line_ends(raw) if as_printed else normalize(raw)
    if max_chars is not None:
        if not 1 <= max_chars <= len(characters):
            raise ValueError(f"max_chars must lie between 1 and the text's length {len(characters)}, got {max_chars}")
        characters = characters[:max_chars]
    return Text(characters, source)


class Vocab:
    """The characters of a text in sorted order, each with its index; or the words of a list.

    text: a non-empty string, or a list of words. Raises ValueError if it is empty.
    """

    def __init__(self, text):
        if not text:
            raise ValueError("text must hold at least one character, got an empty one")
        self.characters = sorted(set(text))
        self._index = {character: i for i, character in enumerate(self.characters)}

    def __len__(self):
        return len(self.characters)

    def encode(self, text):
        """Indices of the characters, an integer array. Raises ValueError that names the first unknown character."""
        for position, character in enumerate(text):
            if character not in self._index:
                raise ValueError(f"text: the character {character!r} at position {position} is not in the vocabulary "
                                 f"of {len(self)} characters")
        return np.array([self._index[character] for character in text], dtype=np.int64)

    def decode(self, indices):
        """The string that encodes to these indices. Raises ValueError for an index outside the vocabulary."""
        return "".join(self.characters[i] for i in check_indices("indices", indices, len(self)).ravel())


def check_indices(name, indices, vocab_size):
    """indices as an array, or a ValueError if they are not whole numbers from 0 to vocab_size - 1. name: for the message."""
    indices = np.asarray(indices)
    if indices.size and indices.dtype.kind not in "iu":
        raise ValueError(f"{name} must be whole numbers, got {indices.dtype}")
    if indices.size and not (0 <= indices.min() and indices.max() < vocab_size):
        raise ValueError(f"{name} must lie between 0 and vocab_size - 1 = {vocab_size - 1}, "
                         f"got {indices.min()} to {indices.max()}")
    return indices


def words(text):
    """The words of a text in lower case, as a list: letters, with an apostrophe inside, and each mark as a word of its own."""
    return re.findall(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*|\d+|[^\w\s]|_", text.lower())


@dataclass(frozen=True)
class Split:
    """Three parts of a text that follow one another, as indices of one vocabulary."""

    vocab: Vocab
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def split(tokens, shares=(0.8, 0.1), min_count=2):
    """Cut a text into a part to learn from, one to make choices with, and one to judge by.

    tokens: a string, or a list of words. shares: of the first two parts; the third is the rest. The vocabulary is that of
    the first part: what occurs there less than min_count times, and what only the other parts have, is UNKNOWN in all three.
    Returns a Split.
    """
    first, second = (int(len(tokens) * share) for share in (shares[0], sum(shares)))
    counts = Counter(tokens[:first])
    known = [token if counts[token] >= min_count else UNKNOWN for token in tokens]
    vocab = Vocab([*known[:first], UNKNOWN])
    return Split(vocab, *(vocab.encode(part) for part in (known[:first], known[first:second], known[second:])))


def one_hot(indices, vocab_size, dtype=np.float64):
    """indices: whole numbers (...). Returns (..., vocab_size) with a 1 at each index. Raises ValueError outside the range."""
    return np.eye(vocab_size, dtype=dtype)[check_indices("indices", indices, vocab_size)]


def consecutive_batches(corpus, batch_size, num_steps):
    """Cut a text into batch_size long strips and yield pieces of num_steps, side by side, in reading order.

    corpus: a one-dimensional integer array. Yields (X, Y), each (num_steps, batch_size); Y is X one character later.
    Row b of a minibatch goes on where row b of the one before stopped: that is why the state can be carried over.
    Raises ValueError for an empty corpus, sizes below 1, and num_steps that do not fit into a strip.
    """
    corpus = np.asarray(corpus)
    if corpus.ndim != 1 or corpus.size == 0 or corpus.dtype.kind not in "iu":
        raise ValueError("corpus must be a non-empty one-dimensional array of whole numbers (Vocab.encode makes one), "
                         f"got the shape {corpus.shape} of {corpus.dtype}")
    for name, value in (("batch_size", batch_size), ("num_steps", num_steps)):
        if not isinstance(value, (int, np.integer)) or value < 1:
            raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")
    strip = len(corpus) // batch_size
    if strip < num_steps + 1:
        raise ValueError(f"num_steps = {num_steps} does not fit: {len(corpus)} characters in {batch_size} strips leave "
                         f"{strip} each, and {num_steps} steps need {num_steps + 1}")
    strips = corpus[:strip * batch_size].reshape(batch_size, strip)
    return _pieces(strips, num_steps)


def _pieces(strips, num_steps):
    for start in range(0, strips.shape[1] - num_steps, num_steps):
        yield strips[:, start:start + num_steps].T, strips[:, start + 1:start + num_steps + 1].T
