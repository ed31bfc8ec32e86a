"""Every chapter: its stubs are stubs, its solutions pass, wrong answers meet the hint that fits, its cells are right."""
import ast
import importlib
import importlib.util
import inspect
import itertools
import re
from pathlib import Path

import jupytext
import notebooks
import numpy as np
import pytest

import d2l_utils
from d2l_utils import frameworks
from d2l_utils.cells import LSTM, RNN, VARIANTS, LSTMVariant
from d2l_utils.datasets import reber
from d2l_utils.datasets.patterns import correlations
from d2l_utils.ensemble import Ensemble
from d2l_utils.language_model import StackedLanguageModel
from d2l_utils.layers import Bidirectional
from d2l_utils.training import LanguageModel

ROOT = Path(__file__).resolve().parents[2]
MXNET = importlib.util.find_spec("mxnet") is not None
CHAPTERS = sorted((ROOT / "chapters").glob("*.md"))
EXERCISE = re.compile(r"^`{3,}\{exercise\}.*?^:label: ex-([\w-]+)$", re.MULTILINE | re.DOTALL)


def topic(chapter):
    """The module of a chapter's checks: 05-memory-cell.md -> memory_cell."""
    return chapter.stem.partition("-")[2].replace("-", "_")


def wrong_answers(chapter):
    path = Path(__file__).parent / "wrong_answers" / f"{topic(chapter)}.py"
    if not path.exists():
        return {}           # the test below says so, for this chapter alone
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.WRONG_ANSWERS


def check_of(chapter, name):
    return getattr(importlib.import_module(f"d2l_utils.checks.{topic(chapter)}"), name)


def definitions(chapter):
    """The namespace of a chapter's imports, functions and classes, without running its experiments."""
    namespace = {}
    for cell in jupytext.read(chapter).cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type == "code" and (MXNET or "needs-mxnet" not in tags):
            kept = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
            body = [node for node in ast.parse(cell.source).body if isinstance(node, kept)]
            exec(compile(ast.Module(body, []), chapter.name, "exec"), namespace)
    return namespace


def exercises(chapter):
    return [label.replace("-", "_") for label in EXERCISE.findall(chapter.read_text(encoding="utf-8"))]


def solutions(chapter):
    """The cells of each exercise's solution in the teacher's notebook, in their order, by the exercise's name."""
    found = {}
    for cell in jupytext.reads(notebooks.for_teachers(chapter.read_text(encoding="utf-8")), fmt="md:myst").cells:
        for tag in cell.metadata.get("tags", []):
            if tag.startswith("ex-"):
                found.setdefault(tag[3:].replace("-", "_"), []).append(cell.source)
    return found


EXERCISES = [pytest.param(chapter, name, id=f"{topic(chapter)}-{name}") for chapter in CHAPTERS for name in exercises(chapter)]
WRONG = [pytest.param(chapter, name, why, id=f"{topic(chapter)}-{name}-{why}") for chapter in CHAPTERS
         for name, answers in wrong_answers(chapter).items() for why in answers]


def test_all_chapters_are_there():
    assert [chapter.name[:2] for chapter in CHAPTERS] == [f"{k:02d}" for k in range(1, len(CHAPTERS) + 1)]
    assert len(CHAPTERS) == 18


@pytest.mark.parametrize("chapter", CHAPTERS, ids=topic)
def test_a_chapter_has_three_to_five_exercises_each_with_wrong_answers(chapter):
    assert 3 <= len(exercises(chapter)) <= 5
    assert set(wrong_answers(chapter)) == set(exercises(chapter))
    assert all(wrong_answers(chapter).values())


@pytest.mark.parametrize(("chapter", "name"), EXERCISES)
def test_the_stub_is_not_yet_right(chapter, name):
    verdict = check_of(chapter, name)(definitions(chapter)[name])
    assert not verdict.passed
    assert verdict.message.startswith("Not yet")


@pytest.mark.parametrize(("chapter", "name"), EXERCISES)
def test_the_solution_passes_its_check(chapter, name):
    namespace = definitions(chapter)
    for code in solutions(chapter)[name]:
        exec(code, namespace)
    verdict = check_of(chapter, name)(namespace[name])
    assert verdict.passed, verdict


@pytest.mark.parametrize("chapter", CHAPTERS, ids=topic)
def test_a_students_notebook_has_the_exercises_and_no_solution(chapter):
    given = notebooks.for_students(chapter.read_text(encoding="utf-8"))
    assert EXERCISE.findall(given) == EXERCISE.findall(chapter.read_text(encoding="utf-8"))
    assert set(solutions(chapter)) == set(exercises(chapter))
    for name, codes in solutions(chapter).items():
        assert f"check.{name}({name})" in given
        assert not any(code in given for code in codes)


@pytest.mark.parametrize(("chapter", "name", "why"), WRONG)
def test_a_wrong_answer_meets_its_hint(chapter, name, why):
    answer, word = wrong_answers(chapter)[name][why]
    verdict = check_of(chapter, name)(answer)
    assert not verdict.passed
    assert word in verdict.message


def test_a_gradient_check_that_nudges_in_place_is_right_though_it_puts_back_a_rounded_number():
    def wrong_gradients(loss, gradients, values):
        wrong = []
        for name, g in gradients(values).items():
            slope = np.empty_like(g)
            for index in np.ndindex(g.shape):
                values[name][index] += 1e-5
                above = loss(values)
                values[name][index] -= 2e-5
                slope[index] = (above - loss(values)) / 2e-5
                values[name][index] += 1e-5
            if np.linalg.norm(g - slope) > 1e-6 * np.linalg.norm(slope):
                wrong.append(name)
        return wrong

    assert importlib.import_module("d2l_utils.checks.backward_pass").wrong_gradients(wrong_gradients).passed


def test_an_error_in_the_answer_is_shown_to_its_author():
    def broken(f):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        importlib.import_module("d2l_utils.checks.memory_cell").half_life(broken)


def test_the_package_never_reads_a_chapter():
    for module in Path(d2l_utils.__file__).parent.rglob("*.py"):
        assert "chapters/" not in module.read_text(encoding="utf-8")


def chapter_functions(number):
    return definitions(next(chapter for chapter in CHAPTERS if chapter.name.startswith(number)))


@pytest.fixture
def run(rng):
    """An LSTM, its trace over random input from a random state, and a random gradient of its hidden states."""
    cell = LSTM(3, 5, rng=rng, sigma=0.6, forget_bias=1.0)
    state = (rng.uniform(-1, 1, (4, 5)), rng.standard_normal((4, 5)))
    trace, _ = cell.forward(rng.standard_normal((6, 4, 3)), state)
    return cell, trace, rng.standard_normal(trace.H.shape)


def test_the_recurrent_network_of_chapter_1_and_its_step_back_in_chapter_2_are_the_packages(rng):
    cell = RNN(3, 5, rng=rng, sigma=0.6)
    X, H_0 = rng.standard_normal((6, 4, 3)), rng.uniform(-1, 1, (4, 5))
    trace, (last,) = cell.forward(X, (H_0,))
    states, H = chapter_functions("01")["rnn"](X, H_0, **cell.params)
    np.testing.assert_allclose(states, trace.H, rtol=1e-13)
    np.testing.assert_allclose(H, last, rtol=1e-13)
    d_H, d_trace = rng.standard_normal(trace.H.shape), trace.empty_like()
    d_H[:-1] = 0
    cell.backward(trace, d_H, d_trace=d_trace)
    back = chapter_functions("02")["one_step_back"](d_trace.H[4], trace.H[4], cell.params["W_hh"])
    np.testing.assert_allclose(back, d_trace.H[3], rtol=1e-12)


def test_the_gates_of_chapter_3_and_the_step_of_chapter_6_are_the_packages(run):
    cell, trace, _ = run
    H, C = trace.before(2)
    gates = chapter_functions("03")["gates"](trace.X[2], H, cell.params)
    step = chapter_functions("06")["lstm_step"](trace.X[2], H, C, cell.params)
    wanted = [getattr(trace, name)[2] for name in ("I", "F", "O", "C_tilde", "C", "H")]
    for got, right in [*zip(gates, wanted), *zip(step, wanted)]:
        np.testing.assert_allclose(got, right, rtol=1e-13)


def test_the_backward_pass_of_chapter_7_is_the_packages(run):
    cell, trace, d_H = run
    grads, _, _ = cell.backward(trace, d_H)
    by_page = chapter_functions("07")["backward"](cell, trace, d_H)
    assert set(by_page) == set(grads)
    for name, g in grads.items():
        np.testing.assert_allclose(by_page[name], g, rtol=1e-10, atol=1e-13)


def test_the_backward_passes_of_chapter_9_are_the_packages(run):
    cell, trace, d_H = run
    page, d_state = chapter_functions("09"), (d_H[0], d_H[1])
    ours = page["forward"](cell.params, trace.X, *trace.state)
    for name in ("I", "F", "O", "C_tilde", "C", "H"):
        np.testing.assert_allclose(getattr(ours, name), getattr(trace, name), rtol=1e-13)
    grads, d_X, (d_H_0, d_C_0) = cell.backward(trace, d_H, d_state)
    by_page, d_X_page, (d_H_page, d_C_page) = page["backward"](cell.params, ours, d_H, d_state)
    pairs = [(d_X_page, d_X), (d_H_page, d_H_0), (d_C_page, d_C_0), *((by_page[name], g) for name, g in grads.items())]
    for got, right in pairs:
        np.testing.assert_allclose(got, right, rtol=1e-10, atol=1e-13)

    whole, _, _ = cell.backward(trace, d_H)                 # in pieces: with the gradient handed on, and without
    first, _ = cell.forward(trace.X[:4], trace.state)
    rest, _ = cell.forward(trace.X[4:], (trace.H[3], trace.C[3]))
    cut = [cell.backward(part, d)[0] for part, d in ((first, d_H[:4]), (rest, d_H[4:]))]
    recomputed = page["recomputing"](cell.params, trace.X, trace.state, d_H, 4)
    truncated = page["truncated"](cell.params, trace.X, trace.state, d_H, 4)
    for name, g in whole.items():
        np.testing.assert_allclose(recomputed[name], g, rtol=1e-10, atol=1e-13)
        np.testing.assert_allclose(truncated[name], cut[0][name] + cut[1][name], rtol=1e-10, atol=1e-13)
        assert not np.allclose(truncated[name], g, rtol=1e-3)


@pytest.mark.parametrize("fault", [None, *importlib.import_module("d2l_utils.checks.backward_pass").FAULTS])
def test_each_planted_fault_of_chapter_9_shows_clearly_and_the_right_backward_pass_is_right(fault):
    check = importlib.import_module("d2l_utils.checks.backward_pass")
    source = inspect.getsource(check.forward) + inspect.getsource(check.backward)
    assert fault is None or source.count(check.FAULTS[fault][0]) == 1
    off = check._errors(fault, seed=2)
    wrong = [error for error in off.values() if error > 1e-12]
    assert (len(off), bool(wrong)) == (15, fault is not None)
    assert min(wrong, default=1) > 0.01                     # no answer may hang on a reader's tolerance


@pytest.mark.parametrize("peepholes", ["diagonal", "full"])
def test_the_step_with_peepholes_of_chapter_10_is_the_packages(peepholes, rng):
    cell = LSTM(3, 5, peepholes, rng=rng, sigma=0.6, forget_bias=1.0)
    state = (rng.uniform(-1, 1, (4, 5)), rng.standard_normal((4, 5)))
    trace, _ = cell.forward(rng.standard_normal((6, 4, 3)), state)
    step = chapter_functions("10")[f"{peepholes}_step"](trace.X[2], *trace.before(2), cell.params)
    for got, name in zip(step, ("I", "F", "O", "C_tilde", "C", "H")):
        np.testing.assert_allclose(got, getattr(trace, name)[2], rtol=1e-13)


def test_the_backward_step_of_chapter_10_is_the_packages(rng):
    cell = LSTM(3, 5, "diagonal", rng=rng, sigma=0.6, forget_bias=1.0)
    H, C = rng.uniform(-1, 1, (4, 5)), rng.standard_normal((4, 5))
    trace, _ = cell.forward(rng.standard_normal((1, 4, 3)), (H, C))
    d_H, d_C = rng.standard_normal((2, 4, 5))
    grads, _, (_, d_C_before) = cell.backward(trace, d_H[None], (np.zeros_like(d_H), d_C))
    d_Z, back, d_W = chapter_functions("10")["backward_step"](d_H, d_C, *trace.step(0), C, cell.params)
    np.testing.assert_allclose(back, d_C_before, rtol=1e-12)
    for gate, d in zip("ifoc", d_Z):
        np.testing.assert_allclose(d.sum(axis=0), grads[f"b_{gate}"], rtol=1e-12)
    for name, d in d_W.items():
        np.testing.assert_allclose(d, grads[name], rtol=1e-12)


@pytest.mark.parametrize("period", [2, 7, 50, 200])
def test_the_spikers_of_chapter_10_keep_time_with_and_without_peepholes(period):
    page = chapter_functions("10")
    target = page["periodic"]("spikes", period, 20 * period)
    cell, (plain, dense) = page["spiker"](period), page["plain_spiker"](period)
    assert (cell.peepholes, plain.peepholes) == ("diagonal", None)
    H, plain_H = (each.forward(np.zeros((len(target), 1, 1)), each.begin_state(1))[0].H for each in (cell, plain))
    np.testing.assert_allclose(H[:, 0, 0], target, atol=0.05)
    np.testing.assert_allclose(page["sigmoid"](dense.forward(plain_H))[:, 0, 0], target, atol=1e-8)


def test_the_echo_of_chapter_12_is_how_a_fresh_cell_stretches_a_small_disturbance(rng):
    """Equation eq-echo against the package's LSTM: the derivative of C_t by C_{t-1}, where all but the biases is small."""
    cell = LSTM(2, 4, rng=rng, sigma=0.3, forget_bias=1.0)
    cell.params["b_i"] -= 1.0
    d = 1e-6 * np.eye(4)
    trace, _ = cell.forward(np.zeros((2, 4, 2)), (np.zeros((4, 4)), d))
    still, _ = cell.forward(np.zeros((2, 4, 2)), (np.zeros((4, 4)), 0 * d))
    first, second = ((trace.C[t] - still.C[t]) / 1e-6 for t in (0, 1))
    step = np.linalg.solve(first, second)                   # H_0 was zero, so the echo begins with the second step
    assert chapter_functions("12")["echo"](cell) == pytest.approx(np.abs(np.linalg.eigvals(step)).max(), rel=1e-5)


def test_the_fresh_cells_of_chapter_12_are_those_of_its_record():
    spec = importlib.util.spec_from_file_location("long_lags", ROOT / "bench" / "results" / "long_lags.py")
    long_lags = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(long_lags)
    cells, _ = long_lags.networks((3, -3), 2, 1, 2)
    for name, w in chapter_functions("12")["fresh"](3.0, -3.0, 1).params.items():
        np.testing.assert_allclose(cells.cell(1).params[name], w, rtol=1e-6)


def test_the_loss_and_the_criterion_of_chapter_11(rng):
    """The gradient against differences, the plateau of a lost bit, and a string with one legal symbol too low."""
    page, grammar = chapter_functions("11"), reber.embedded()
    packed = reber.pack(grammar, reber.generate_many(grammar, 3, rng))
    scores, v = rng.standard_normal((2, *packed.X.shape))
    above, below = (page["string_loss"](scores + eps * v, packed)[0] for eps in (1e-6, -1e-6))
    assert (above - below) / 2e-6 == pytest.approx((page["string_loss"](scores, packed)[1] * v).sum(), rel=1e-6)
    sure = np.where(packed.legal, 40.0, -40.0)
    assert page["right"](sure, packed).all()
    last = packed.mask.sum(axis=0) - 2
    for column, step in enumerate(last):
        sure[step, column, [reber.SYMBOLS.index(symbol) for symbol in "TP"]] = 0.0
    assert page["string_loss"](sure, packed)[0] == pytest.approx(2 * np.log(2))
    assert not page["right"](sure, packed).any()
    np.testing.assert_array_equal(page["second_to_last"](packed, packed.Y), packed.Y[last, np.arange(3)])
    strings = [reber.SYMBOLS[k] for k in page["twins"](packed.X)[1].argmax(axis=-1)]
    assert strings == [{"T": "P", "P": "T"}[reber.SYMBOLS[k]] for k in packed.X[1].argmax(axis=-1)]


def test_the_correlation_of_chapter_13_is_the_packages_and_a_silenced_unit_is_heard_by_nobody(rng):
    chapter = chapter_functions("13")
    series, pattern = rng.standard_normal((30, 4)), rng.standard_normal(30)
    np.testing.assert_allclose(chapter["correlations"](series, pattern), correlations(series, pattern), rtol=1e-12)
    chapter["vocab"] = "abcde"
    model = LanguageModel(LSTM(5, 64, rng=rng, sigma=0.3), sigma=0.3)
    held, X, state = chapter["silenced"](model, 7, 0.4), rng.integers(0, 5, (6, 2)), model.begin_state(2)
    found, trace, _ = held.forward(X, state)
    H, C = state                                # step by step, with the unit's hidden state put to 0.4 for its readers
    for t in range(6):
        told = H.copy()
        told[:, 7] = 0.4
        _, step, (H, C) = model.forward(X[t:t + 1], (told, C))
        told = H.copy()
        told[:, 7] = 0.4
        np.testing.assert_allclose(found[t], model.dense.forward(told), rtol=1e-12)
        np.testing.assert_allclose(trace.C[t], step.C[0], rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_each_forward_pass_of_chapter_17_gives_the_packages_numbers(dtype, rng):
    page, cell = chapter_functions("17"), LSTM(6, 5, dtype=dtype, rng=rng, sigma=0.6, forget_bias=1.0)
    X, state = rng.integers(0, 6, (7, 4)), tuple(rng.uniform(-1, 1, (2, 4, 5)).astype(dtype))
    trace, _ = cell.forward(np.eye(6, dtype=dtype)[X], state)
    works = {**page["in_rows"](cell, X, state), **page["turned"](cell, X, state)}
    assert len(works) == 8
    for work in works.values():
        for got, wanted in zip(work(), (trace.C, trace.H)):
            np.testing.assert_allclose(got, wanted, atol=1e-12 if dtype is np.float64 else 1e-5)
            assert got.dtype == dtype


def test_the_one_matrix_of_chapter_17_lies_in_rows_and_its_sum_over_steps_is_a_product(rng):
    page, cell = chapter_functions("17"), LSTM(6, 5, rng=rng, sigma=0.6)
    assert page["one_matrix"](*page["stack"](cell.params)).flags.c_contiguous     # the other order would be slower
    H, d_Z = rng.standard_normal((6, 4, 5)), rng.standard_normal((6, 4, 20))
    np.testing.assert_allclose(page["at_once"](H, d_Z), page["step_by_step"](H, d_Z), rtol=1e-12)


def test_the_race_of_chapter_17_takes_turns_and_its_verdicts_are_fair():
    page, order, clock = chapter_functions("17"), [], itertools.count()
    seconds = page["race"]({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, 3, lambda: next(clock))
    assert "".join(order) == "ab" * 4               # once to warm up
    assert {name: list(s) for name, s in seconds.items()} == {"a": [1, 1, 1], "b": [1, 1, 1]}
    steps = np.array([1.0, 2.0, 4.0, 8.0, 16.0])    # a machine that becomes slower
    for factor, word in ((1.5, "gain"), (1.0, "tie"), (1.02, "tie"), (0.5, "loss")):
        assert page["gain"](factor * steps, steps)[1:] == (pytest.approx(factor), pytest.approx(factor), word)
    assert page["amdahl"](0.6, 3) == pytest.approx(1 / 0.6)


def test_the_loop_of_chapter_17_allocates_nothing_as_large_as_an_array_of_a_step(rng):
    page, cell = chapter_functions("17"), LSTM(6, 128, dtype=np.float32, rng=rng)
    a, W = page["room"](9, 16, 128, 6, np.float32), page["one_matrix"](*page["stack"](cell.params))
    a.HX[...], a.C[...] = 0, 0
    page["all_in_one"](a, W)
    assert 2 ** 20 * page["megabytes"](lambda: page["all_in_one"](a, W)) < a.C[0].nbytes


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_step_of_chapter_16_is_the_packages(variant, rng):
    cell = LSTMVariant(3, 5, variant, rng=rng, sigma=0.6, forget_bias=1.0)
    state = tuple(rng.uniform(0, 1, (4, 5)) for _ in cell.state_names)
    trace, _ = cell.forward(rng.standard_normal((1, 4, 3)), state)
    H, C, *gates = state
    step = chapter_functions("16")["variant_step"](trace.X[0], H, C, cell.params, variant, gates)
    for got, name in zip(step, ("I", "F", "O", "C_tilde", "C", "H")):
        np.testing.assert_allclose(got * np.ones((4, 5)), getattr(trace, name)[0], rtol=1e-13)


def test_the_bidirectional_layer_of_chapter_15_is_the_packages(rng):
    cells = [LSTM(3, 5, "diagonal", rng=rng, sigma=0.6) for _ in range(2)]
    X, lengths = rng.standard_normal((6, 4, 3)), np.array([6, 2, 5, 1])
    layer = Bidirectional(*cells)
    trace, _ = layer.forward(X, layer.begin_state(4), lengths)
    np.testing.assert_allclose(chapter_functions("15")["bidirectional"](*cells, X, lengths), trace.H, rtol=1e-12, atol=1e-15)


def test_the_layers_of_chapter_14_are_the_packages_and_its_masked_steps_go_back_as_they_came(rng):
    page, model = chapter_functions("14"), StackedLanguageModel(7, 5, bound=0.5)
    X, state = rng.integers(0, 7, (6, 3)), tuple(rng.standard_normal((3, 5)) for _ in range(4))
    layer_masks, above = model.draw_masks(6, 3)
    wanted, _, last = model.forward(X, state, (layer_masks, above))
    Y, found = page["stacked"](model.embedding, model.stack.cells, model.dense, X, state,
                               [*(mask for mask, _ in layer_masks), above])
    for one, other in ((Y, wanted), *zip(found, last)):
        np.testing.assert_allclose(one, other, rtol=1e-12)
    cells = Ensemble([LSTM(1, 4, rng=rng, sigma=0.5) for _ in range(2)])
    X, masks = rng.standard_normal((5, 3, 1)), page["draw_mask"](rng, 0.4, (5, 2, 3, 4))
    for where in ("H", "C"):
        traces, (H, _) = page["run_masked"](cells, X, masks, where)
        A = rng.standard_normal(H.shape)
        grads = page["back_masked"](cells, traces, masks, where, A)
        v, w = rng.standard_normal(grads["W_h"].shape), cells.params["W_h"].copy()
        sums = []
        for eps in (1e-5, -1e-5):
            cells.params["W_h"] = w + eps * v
            sums.append((A * page["run_masked"](cells, X, masks, where)[1][0]).sum())
        cells.params["W_h"] = w
        assert (sums[0] - sums[1]) / 2e-5 == pytest.approx((grads["W_h"] * v).sum(), rel=1e-6)


def test_the_stack_of_chapter_18_is_the_packages(rng):
    cell = LSTM(3, 5, rng=rng, sigma=0.6, forget_bias=1.0)
    for got, wanted in zip(chapter_functions("18")["stack"](cell.params, "iofc"), frameworks.stack(cell, "iofc")):
        np.testing.assert_array_equal(got, wanted)
