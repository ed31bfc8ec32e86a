"""What each character of a text is part of: a quotation, a line, a word. Nothing in a model is told any of it."""
import numpy as np


def inside_quotes(text):
    """1.0 from an opening quotation mark to the last character before the closing one, 0.0 elsewhere.

    A single mark opens at the start, after white space, and between a dash, bracket or double mark and a letter; it closes
    unless a letter follows, for between two letters it is an apostrophe. A double mark opens and closes in turn. An empty
    line closes all, because a quotation that goes on in the next paragraph is opened there once more.
    """
    single = double = False
    inside = np.zeros(len(text))
    for t, c in enumerate(text):
        before, after = text[t - 1:t], text[t + 1:t + 2]
        if c == "'":
            if not before or before.isspace() or (before in '-("' and after.isalpha()):
                single = True
            elif not after.isalpha():
                single = False
        elif c == '"':
            double = not double
        elif c == "\n" and before == "\n":
            single = double = False
        inside[t] = single or double
    return inside


def _count_since(ends):
    """How many entries ago the last True stood, counted from the start before the first one."""
    t = np.arange(len(ends))
    last = np.maximum.accumulate(np.where(ends, t, -1))
    return (t - last).astype(np.float64)


def position_in_line(text):
    """The first character of a line is 1, the line end that closes the line before it is 0."""
    return _count_since(np.array([c == "\n" for c in text], dtype=bool))


def position_in_word(text):
    """The first letter of a word is 1; 0 for all that is no letter."""
    return _count_since(np.array([not c.isalpha() for c in text], dtype=bool))


def white_space(text):
    """1.0 at spaces and line ends."""
    return np.array([float(c.isspace()) for c in text])


def capitals(text):
    """1.0 at capital letters."""
    return np.array([float(c.isupper()) for c in text])


PATTERNS = {"inside quotes": inside_quotes, "position in line": position_in_line, "position in word": position_in_word,
            "white space": white_space, "capital letters": capitals}


def correlations(series, pattern):
    """Pearson's correlation of each column of series with a pattern, an array (num_columns,).

    series: (num_steps, num_columns). pattern: (num_steps,). What hardly moves, with a standard deviation below 0.0001,
    follows nothing: its correlation is 0. Raises ValueError for lengths that differ.
    """
    series, pattern = np.asarray(series, np.float64), np.asarray(pattern, np.float64)
    if series.ndim != 2 or pattern.shape != series.shape[:1]:
        raise ValueError(f"pattern must have one number for each of the {len(series)} steps, got {pattern.shape}")
    series, pattern = series - series.mean(axis=0), pattern - pattern.mean()
    variance = (series ** 2).mean(axis=0) * (pattern ** 2).mean()
    moves = ((series ** 2).mean(axis=0) > 1e-8) & ((pattern ** 2).mean() > 1e-8)
    return np.where(moves, (series * pattern[:, None]).mean(axis=0) / np.sqrt(np.where(moves, variance, 1.0)), 0.0)
