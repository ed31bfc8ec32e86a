"""What the patterns say of texts small enough to mark by hand."""
import numpy as np
import pytest

from d2l_utils.datasets.patterns import (
    PATTERNS,
    capitals,
    correlations,
    inside_quotes,
    position_in_line,
    position_in_word,
    white_space,
)


@pytest.mark.parametrize(("text", "marks"), [
    ("He said 'no' to me.", "0000000011100000000"),
    ("'I don't know,' said he.", "111111111111110000000000"),       # an apostrophe closes nothing
    ("the boys' 'Yes.'", "0000000000111110"),                       # nor does the mark of a plural open anything
    ('a "b c" d', "001111000"),
    ("('x')", "01100"),
    ("--'x--' y", "001111000"),
    ("'a\nb\n\nc", "1111100"),                           # a paragraph's end closes what is open
    ("'a\n\n'b' c", "111011000"),
    ("'He said, \"go on\"' b", "11111111111111111000"),
    ("", ""),
])
def test_inside_quotes(text, marks):
    assert "".join(str(int(m)) for m in inside_quotes(text)) == marks


def test_positions_count_from_1_and_are_0_where_there_is_none():
    assert position_in_line("ab\n\ncd e").tolist() == [1, 2, 0, 0, 1, 2, 3, 4]
    assert position_in_word("ab, c\nd'e").tolist() == [1, 2, 0, 0, 1, 0, 1, 0, 1]


def test_kinds_of_characters():
    assert white_space("a b\nc").tolist() == [0, 1, 0, 1, 0]
    assert capitals("aB ÉI.").tolist() == [0, 1, 0, 1, 1, 0]


@pytest.mark.parametrize("name", PATTERNS)
def test_every_pattern_has_one_number_a_character_of_any_text(name):
    for text in ("", "x", "😀 \t“é”", "<script>alert('x')</script>\n" * 3):
        values = PATTERNS[name](text)
        assert values.shape == (len(text),)
        assert np.isfinite(values).all()


def test_correlations_are_pearsons_and_0_where_nothing_moves(rng):
    series, pattern = rng.standard_normal((50, 3)), rng.standard_normal(50)
    series[:, 1] = 0.999 + 1e-6 * rng.standard_normal(50)
    wanted = [np.corrcoef(series[:, k], pattern)[0, 1] for k in (0, 2)]
    found = correlations(series, pattern)
    np.testing.assert_allclose(found[[0, 2]], wanted, rtol=1e-12)
    assert found[1] == 0
    assert correlations(np.stack([pattern, -3 * pattern + 1], axis=1), pattern) == pytest.approx([1, -1])
    assert (correlations(series, np.ones(50)) == 0).all()
    with pytest.raises(ValueError, match="each of the 50 steps"):
        correlations(series, pattern[:-1])
