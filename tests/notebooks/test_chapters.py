"""Every chapter: its stubs are stubs, its solutions pass, wrong answers meet the hint that fits, its cells are right."""
import ast
import importlib
import importlib.util
import re
from pathlib import Path

import jupytext
import numpy as np
import pytest

import d2l_utils
from d2l_utils.cells import LSTM, RNN

ROOT = Path(__file__).resolve().parents[2]
MXNET = importlib.util.find_spec("mxnet") is not None
CHAPTERS = sorted((ROOT / "chapters").glob("*.md"))
EXERCISE = re.compile(r"^`{3,}\{exercise\}.*?^:label: ex-([\w-]+)$", re.MULTILINE | re.DOTALL)
SOLUTION = re.compile(r"^````\{solution\} ex-([\w-]+)$(.*?)^````$", re.MULTILINE | re.DOTALL)
PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


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


EXERCISES = [pytest.param(chapter, name, id=f"{topic(chapter)}-{name}") for chapter in CHAPTERS for name in exercises(chapter)]
WRONG = [pytest.param(chapter, name, why, id=f"{topic(chapter)}-{name}-{why}") for chapter in CHAPTERS
         for name, answers in wrong_answers(chapter).items() for why in answers]


def test_all_eight_chapters_are_there():
    assert [chapter.name[:2] for chapter in CHAPTERS] == [f"{k:02d}" for k in range(1, len(CHAPTERS) + 1)]
    assert len(CHAPTERS) >= 8


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
    solutions = {label.replace("-", "_"): text for label, text in SOLUTION.findall(chapter.read_text(encoding="utf-8"))}
    namespace = definitions(chapter)
    for code in PYTHON.findall(solutions[name]):
        exec(code, namespace)
    verdict = check_of(chapter, name)(namespace[name])
    assert verdict.passed, verdict


@pytest.mark.parametrize(("chapter", "name", "why"), WRONG)
def test_a_wrong_answer_meets_its_hint(chapter, name, why):
    answer, word = wrong_answers(chapter)[name][why]
    verdict = check_of(chapter, name)(answer)
    assert not verdict.passed
    assert word in verdict.message


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
