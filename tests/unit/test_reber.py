"""The Reber grammars: strings, legal symbols, the split, the validator, and packed minibatches."""
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from d2l_utils.datasets.reber import (
    REBER,
    SYMBOLS,
    embedded,
    generate,
    generate_many,
    legal_next,
    pack,
    split_of,
    validate,
    walk,
)

GRAMMARS = {"plain": REBER, "embedded": embedded(), "four inner strings": embedded(4)}
LEGAL = [                                               # found by eye in the figure of Cleeremans et al. (1989)
    "BTXSE", "BPVVE", "BTSXSE", "BPVPSE", "BPTVVE", "BTXXVVE", "BTSSXXTVVE", "BPVPXVPXVPXVVE", "BTSXXTVPSE",
]


@pytest.mark.parametrize("string", LEGAL)
def test_strings_of_the_grammar_are_legal_plain_and_embedded(string):
    assert validate(REBER, string) == string
    for symbol in "TP":
        assert validate(embedded(), f"B{symbol}{string}{symbol}E")
        assert validate(embedded(2), f"B{symbol}{string}{string}{symbol}E")


@pytest.mark.parametrize(("grammar", "string", "position", "legal"), [
    (REBER, "BTXVE", 3, "X or S"),
    (REBER, "TXSE", 0, "B"),
    (REBER, "BTxSE", 2, "S or X"),
    (REBER, "BTXSEB", 5, "nothing, the string is over"),
    (REBER, "BPT", 3, "T or V"),
    (REBER, "", 0, "B"),
    (embedded(), "BTBTXSEPE", 7, "T"),
    (embedded(), "BPBTXSETE", 7, "P"),
    (embedded(), "BTBTXSETT", 8, "E"),
    (embedded(2), "BTBTXSETE", 7, "B"),
])
def test_an_illegal_string_is_refused_with_its_position_and_what_was_legal(grammar, string, position, legal):
    with pytest.raises(ValueError, match=rf"position {position}\b.*legal would have been {legal}$"):
        validate(grammar, string)


@pytest.mark.parametrize("grammar", GRAMMARS.values(), ids=GRAMMARS.keys())
@given(seed=st.integers(0, 2 ** 32))
def test_a_generated_string_is_legal_and_its_symbols_are_among_the_legal_ones(grammar, seed):
    string = validate(grammar, generate(grammar, np.random.default_rng(seed)))
    legal = legal_next(grammar, string)
    assert legal.shape == (len(string), 7)
    assert all(legal[t, SYMBOLS.index(string[t + 1])] for t in range(len(string) - 1))
    assert not legal[-1].any()
    assert set(legal[:-1].sum(axis=1)) <= {1, 2}


@given(seed=st.integers(0, 2 ** 32), position=st.integers(0, 10 ** 6), symbol=st.sampled_from(SYMBOLS))
def test_a_change_of_one_symbol_is_legal_only_if_the_symbol_was(seed, position, symbol):
    grammar = embedded()
    string = generate(grammar, np.random.default_rng(seed))
    position = position % (len(string) - 1) + 1
    may_follow = legal_next(grammar, string)[position - 1, SYMBOLS.index(symbol)]
    changed = string[:position] + symbol
    if may_follow:
        assert walk(grammar, changed)[-1] in grammar
    else:
        with pytest.raises(ValueError, match=f"position {position} "):
            walk(grammar, changed)


@pytest.mark.parametrize("num_inner", [1, 4])
def test_the_second_symbol_comes_back_as_the_second_to_last_and_is_then_alone_legal(num_inner, rng):
    grammar = embedded(num_inner)
    assert len(grammar) == 4 + 2 * (7 * num_inner + 1)
    for _ in range(50):
        string = generate(grammar, rng)
        assert string[1] == string[-2]
        assert "".join(np.array(list(SYMBOLS))[legal_next(grammar, string)[-3]]) == string[1]
        assert string.count("B") == string.count("E") == num_inner + 1


def test_the_same_seed_gives_the_same_strings_and_another_gives_others():
    first, again, other = (generate_many(embedded(), 20, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert first == again != other


def test_each_arrow_of_a_fork_is_taken_equally_often(rng):
    inner = generate_many(REBER, 4000, rng)
    share = Counter(string[1] for string in inner)["T"] / 4000
    shortest = Counter(inner)["BTXSE"] / 4000           # three forks
    assert abs(share - 1 / 2) < 4 * np.sqrt(1 / 4 / 4000)
    assert abs(shortest - 1 / 8) < 4 * np.sqrt(7 / 64 / 4000)


def test_the_two_sides_share_no_string_and_both_have_short_and_long_ones(rng):
    train, test = (generate_many(embedded(), 2000, rng, split=split) for split in ("train", "test"))
    assert not set(train) & set(test)
    assert {split_of(string) for string in train} == {"train"}
    for strings in (train, test):
        lengths = [len(string) for string in strings]
        assert min(lengths) <= 10
        assert max(lengths) >= 25


def test_about_a_third_is_held_out(rng):
    sides = Counter(map(split_of, generate_many(embedded(), 3000, rng, distinct=True)))
    assert abs(sides["test"] / 3000 - 1 / 3) < 4 * np.sqrt(2 / 9 / 3000)


def test_which_side_a_string_is_on_never_changes():
    assert [split_of(string) for string in ("BTBTXSETE", "BPBTXSEPE", "BTBPVVETE", "BPBPVVEPE", "BTBTSXSETE")] == [
        "train", "train", "train", "train", "test"]


def test_distinct_strings_are_distinct(rng):
    assert len(set(generate_many(embedded(), 500, rng, split="test", distinct=True))) == 500
    assert len(set(generate_many(embedded(), 500, rng, split="test"))) < 400


def test_packed_strings_can_be_read_back_and_padding_is_zero(rng):
    grammar, strings = embedded(), generate_many(embedded(), 12, rng)
    packed = pack(grammar, strings, dtype=np.float32)
    num_steps = max(map(len, strings)) - 1
    assert packed.X.shape == packed.Y.shape == packed.legal.shape == (num_steps, 12, 7)
    assert packed.mask.shape == (num_steps, 12)
    assert packed.X.dtype == packed.Y.dtype == np.float32
    for column, string in enumerate(strings):
        steps = len(string) - 1
        read = "".join(SYMBOLS[k] for k in packed.X[:steps, column].argmax(axis=-1))
        nexts = "".join(SYMBOLS[k] for k in packed.Y[:steps, column].argmax(axis=-1))
        assert (read, nexts) == (string[:-1], string[1:])
        np.testing.assert_array_equal(packed.legal[:steps, column], legal_next(grammar, string)[:-1])
        np.testing.assert_array_equal(packed.mask[:, column], np.arange(num_steps) < steps)
    for array in (packed.X, packed.Y):
        np.testing.assert_array_equal(array.sum(axis=-1), packed.mask)
    assert not packed.legal[~packed.mask].any()


def test_taking_columns_is_packing_those_strings(rng):
    grammar, strings = embedded(), generate_many(embedded(), 12, rng)
    columns = np.array([[7, 0, 7], [2, 3, 11]])
    taken = pack(grammar, strings).take(columns)
    wanted = pack(grammar, [strings[k] for k in columns.ravel()])
    for name in ("X", "Y", "legal", "mask"):
        array = getattr(wanted, name)
        np.testing.assert_array_equal(getattr(taken, name), array.reshape(len(array), 2, 3, *array.shape[2:]))


@pytest.mark.parametrize(("call", "message"), [
    (lambda: embedded(0), "num_inner must be a whole number of at least 1, got 0"),
    (lambda: embedded(1.5), "num_inner must be a whole number of at least 1, got 1.5"),
    (lambda: generate_many(REBER, 5, np.random.default_rng(0), split="dev"), 'split must be None, "train" or "test"'),
    (lambda: generate_many(REBER, 0, np.random.default_rng(0)), "num_strings must be a whole number of at least 1"),
    (lambda: pack(REBER, []), "at least one string, got none"),
    (lambda: pack(REBER, ["BTXSE", "BTXTE"]), "position 3 of 'BTXTE' is 'T', and legal would have been X or S"),
    (lambda: legal_next(REBER, "BTE"), "position 2 of 'BTE' is 'E', and legal would have been S or X"),
])
def test_what_is_wrong_is_said_at_the_door(call, message):
    with pytest.raises(ValueError, match=message):
        call()
