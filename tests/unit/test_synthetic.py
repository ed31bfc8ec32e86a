"""Tasks made from a seed: what they promise about marks, values, targets and lags, and the criteria of 1997."""
import numpy as np
import pytest

from d2l_utils.datasets.synthetic import (
    ADDING,
    SYMBOLS,
    TEMPORAL_ORDER,
    adding,
    adding_error,
    periodic,
    temporal_order,
    temporal_order_error,
)


@pytest.fixture(params=[20, 50, 100])
def adding_task(request, rng):
    return request.param, *adding(rng, 3000, request.param)


def test_the_adding_problem_marks_two_pairs_where_1997_marks_them(adding_task):
    min_steps, X, _ = adding_task
    marked = X[:, :, 1] == 1
    assert (marked.sum(axis=0) == 2).all()
    assert marked[:10].any(axis=0).all()                        # one of the first ten
    assert set(np.flatnonzero(marked.any(axis=1))) == set(range(min_steps // 2))      # the lag is T/2 at least


def test_the_adding_problem_has_values_markers_and_a_length_as_in_1997(adding_task):
    min_steps, X, _ = adding_task
    assert min_steps <= len(X) <= min_steps + min_steps // 10
    values, markers = X[1:, :, 0], X[:, :, 1]
    assert np.abs(values).max() <= 1
    assert np.var(values) == pytest.approx(1 / 3, rel=0.02)
    assert (markers[-1] == -1).all()
    assert set(markers[0]) == {-1.0, 1.0}
    assert set(markers[1:-1].ravel()) == {0.0, 1.0}


def test_the_target_of_the_adding_problem_is_the_scaled_sum_and_a_marked_first_value_is_zero(adding_task):
    _, X, target = adding_task
    values, marked = X[:, :, 0], X[:, :, 1] == 1
    np.testing.assert_allclose(target, 0.5 + (values * marked).sum(axis=0) / 4)
    np.testing.assert_array_equal(values[0] == 0, marked[0])
    assert target.shape == (3000,)


def test_the_second_mark_falls_on_every_unmarked_pair_alike(rng):
    X, _ = adding(rng, 40_000, 100)
    counts = (X[:, :, 1] == 1).sum(axis=1)
    # the first draw falls on each of ten pairs alike, the second on each of the other 49
    np.testing.assert_allclose(counts[:10] / 40_000, 1 / 10 + 9 / 10 / 49, rtol=0.05)
    np.testing.assert_allclose(counts[10:50] / 40_000, 1 / 49, rtol=0.15)


def test_lengths_vary_and_the_same_seed_gives_the_same_sequences():
    lengths = {len(adding(np.random.default_rng(seed), 1, 100)[0]) for seed in range(200)}
    assert lengths == set(range(100, 111))
    for task in (adding, temporal_order):
        for one, other in zip(task(np.random.default_rng(7), 4, 50), task(np.random.default_rng(7), 4, 50)):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("min_steps", [20, 100, 200])
def test_temporal_order_has_two_letters_that_count_and_the_class_of_their_order(rng, min_steps):
    X, classes = temporal_order(rng, 2000, min_steps)
    assert min_steps <= len(X) <= min_steps + min_steps // 10
    assert (X.sum(axis=2) == 1).all()                           # one symbol a step
    letters = np.array(list(SYMBOLS))[X.argmax(axis=2)]
    assert (letters[0] == "E").all()
    assert (letters[-1] == "B").all()
    relevant = np.isin(letters, ["X", "Y"])
    assert (relevant.sum(axis=0) == 2).all()
    first, second = relevant.argmax(axis=0), len(X) - 1 - relevant[::-1].argmax(axis=0)
    assert (first.min(), first.max()) == (min_steps // 10, min_steps // 5)
    assert (second.min(), second.max()) == (min_steps // 2, min_steps // 2 + min_steps // 10)
    pairs = [letters[a, k] + letters[b, k] for k, (a, b) in enumerate(zip(first, second))]
    assert [("XX", "XY", "YX", "YY")[c] for c in classes] == pairs
    assert set(letters[1:-1][~relevant[1:-1]]) == set("abcd")
    assert set(classes) == {0, 1, 2, 3}


def test_an_adding_answer_is_wrong_from_an_error_of_0_04_on():
    errors = adding_error(np.array([0.539, 0.461, 0.54001, 0.45]), np.full(4, 0.5))
    np.testing.assert_allclose(errors, [0.039, 0.039, 0.04001, 0.05])
    np.testing.assert_array_equal(ADDING.wrong(errors), [0, 0, 1, 1])
    assert ADDING.wrong(0.04)
    with pytest.raises(ValueError, match="shape"):
        adding_error(np.zeros((4, 1)), np.zeros(4))


def test_an_order_is_wrong_as_soon_as_one_output_is_off_by_0_3():
    outputs = np.array([[0.9, 0.1, 0.0, 0.0], [0.4, 0.9, 0.0, 0.0], [0.0, 0.0, 0.6, 0.0]])
    errors = temporal_order_error(outputs, np.array([0, 1, 2]))
    np.testing.assert_allclose(errors, [0.1, 0.4, 0.4])
    np.testing.assert_array_equal(TEMPORAL_ORDER.wrong(errors), [0, 1, 1])
    for bad_outputs, bad_classes in ((outputs[:, :3], [0, 1, 2]), (outputs, [0, 1])):
        with pytest.raises(ValueError, match="outputs"):
            temporal_order_error(bad_outputs, np.array(bad_classes))


@pytest.mark.parametrize("criterion", [ADDING, TEMPORAL_ORDER])
def test_training_stops_by_the_last_2000_sequences_alone(criterion):
    errors = np.full((2001, 3), 0.9 * criterion.average)
    errors[0] = 10                                              # too long ago to count
    errors[1, 1] = criterion.tolerance                          # one wrong, though the average is low
    errors[1:, 2] = 1.01 * criterion.average                    # none wrong, but the average is not low enough
    np.testing.assert_array_equal(criterion.stops(errors), [True, False, False])
    assert not criterion.stops(errors[2:]).any()                # fewer than 2000: not yet


def test_a_network_passes_with_at_most_3_of_2560_wrong():
    errors = np.zeros((2560, 2))
    errors[:3, 0] = errors[:4, 1] = 1
    np.testing.assert_array_equal(ADDING.passes(errors), [True, False])
    with pytest.raises(ValueError, match="2560"):
        ADDING.passes(errors[1:])


@pytest.mark.parametrize("task", [adding, temporal_order])
@pytest.mark.parametrize(("batch_size", "min_steps", "named"), [(0, 50, "batch_size"), (4, 19, "min_steps"),
                                                                (4, 50.0, "min_steps")])
def test_a_task_too_short_is_refused_at_the_door(rng, task, batch_size, min_steps, named):
    with pytest.raises(ValueError, match=named):
        task(rng, batch_size, min_steps)


@pytest.mark.parametrize(("kind", "first"), [
    ("cosine", [0.25 * (3 - 5 ** 0.5) / 2, 0.345492, 0.654508, 0.904508, 1, 0.904508, 0.654508, 0.345492, 0.095492, 0]),
    ("triangle", [0.2, 0.4, 0.6, 0.8, 1, 0.8, 0.6, 0.4, 0.2, 0]),
    ("rectangle", [0, 0, 0, 0, 0, 1, 1, 1, 1, 0]),
    ("spikes", [0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
])
def test_periodic_functions_have_their_shape_and_their_period(kind, first):
    np.testing.assert_allclose(periodic(kind, 10, 10), first, atol=1e-6)
    np.testing.assert_allclose(periodic(kind, 10, 35), (first * 4)[:35], atol=1e-6)


def test_an_odd_period_has_its_triangle_and_rectangle_too():
    np.testing.assert_allclose(periodic("triangle", 5, 5), [0.4, 0.8, 0.8, 0.4, 0])
    np.testing.assert_allclose(periodic("rectangle", 5, 5), [0, 0, 1, 1, 0])


@pytest.mark.parametrize(("arguments", "message"), [
    (("sine", 10, 5), "kind must be one of cosine, triangle, rectangle, spikes, got 'sine'"),
    (("cosine", 1, 5), "period must be a whole number of at least 2, got 1"),
    (("cosine", 2.5, 5), "period .* got 2.5"),
])
def test_a_periodic_function_that_is_none_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        periodic(*arguments)
