"""What teachers get: the plans of the chapters, timetables that add up, and assignments, with the real nbgrader."""
import re
import shutil
import sys
from pathlib import Path

import assignments
import nbformat
import pytest
import teaching
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from traitlets.config import Config, PyFileConfigLoader

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = sorted((ROOT / "chapters").glob("*.md"))
NAME = "05-memory-cell"


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.stem)
def test_a_plan_has_the_objectives_of_its_chapter(chapter):
    text = chapter.read_text(encoding="utf-8")
    plan, box = teaching.plan(chapter.stem, text), text.partition(":class: objectives")[2].partition(":::")[0]
    objectives = re.findall(r"^- \*\*.*$", box, re.MULTILINE)
    assert len(objectives) >= 3
    assert all(objective in plan for objective in objectives)
    assert set(re.findall(r"\{doc\}`(\d\d-[\w-]+)`", box)) <= set(re.findall(r"\{doc\}`/chapters/([\w-]+)`", plan))


def test_timetables_have_no_gap():
    page = (ROOT / "appendices/for-teachers.md").read_text(encoding="utf-8")
    ends = []
    for table in re.findall(r"^\| minutes \|.*\n\| ---.*\n((?:\|.*\n)+)", page, re.MULTILINE):
        minutes = [int(minute) for row in re.findall(r"^\| (\d+)–(\d+) \|", table, re.MULTILINE) for minute in row]
        assert minutes[0] == 0
        assert minutes[1:-1:2] == minutes[2::2]
        assert len(minutes) == 2 * table.count("\n")
        ends.append(minutes[-1])
    assert ends == [90] * 4
    for block in re.findall(r"(?<=\| )0–\d+ [^|]*;[^|]*", page):        # a block of the week, within one cell
        minutes = [int(minute) for spell in re.findall(r"\b(\d+)–(\d+) ", block) for minute in spell]
        assert minutes[1:-1:2] == minutes[2::2]
        assert minutes[-1] in (90, 120)


def graded(notebook):
    return {cell.metadata.nbgrader.grade_id: cell for cell in notebook.cells}


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.stem)
def test_an_assignment_has_each_exercise_of_its_chapter_for_any_notebook(chapter):
    text = chapter.read_text(encoding="utf-8")
    notebook = assignments.assignment(text)
    nbformat.validate(notebook)
    cells, labels = graded(notebook), re.findall(r"^:label: ex-([\w-]+)$", text, re.MULTILINE)
    assert len(cells) == len(notebook.cells) == 2 + 3 * len(labels)
    for label in labels:
        name, check = label.replace("-", "_"), cells[f"check-{label}"]
        assert f"def {name}(" in cells[label].source.partition("### BEGIN SOLUTION")[0]
        assert check.metadata.nbgrader.points >= 5
        assert check.metadata.nbgrader.locked
        assert not cells[label].metadata.nbgrader.locked
        assert not re.search(r"\{\w+\}`|^:::|^```\{|sol-", cells[f"text-{label}"].source, re.MULTILINE)


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course of one chapter, and nbgrader to run it, which finds its kernel's Python beside the one that runs here."""
    chapters = tmp_path / "chapters"
    chapters.mkdir()
    shutil.copy(ROOT / "chapters" / f"{NAME}.md", chapters)
    assignments.write_course(chapters, tmp_path / "course")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:/usr/bin:/bin")
    config = Config(PyFileConfigLoader("nbgrader_config.py", str(tmp_path / "course")).load_config())
    config.CourseDirectory.root = str(tmp_path / "course")
    return tmp_path / "course", NbGraderAPI(config=config)


def hand_in(course, student, released, answers):
    """A copy of the released notebook with answers in the place of its stubs."""
    notebook = nbformat.from_dict(released)
    for label, answer in answers.items():
        graded(notebook)[label].source = answer
    target = course / "submitted" / student / NAME / f"{NAME}.ipynb"
    target.parent.mkdir(parents=True)
    nbformat.write(notebook, target)


@pytest.mark.filterwarnings("ignore:Object of type")      # SQLAlchemy, of what nbgrader does
def test_nbgrader_releases_an_assignment_and_marks_a_right_and_a_wrong_submission(course):
    course, nbgrader = course
    outcome = nbgrader.generate_assignment(NAME)
    assert outcome["success"], outcome["log"]
    released = nbformat.read(course / "release" / NAME / f"{NAME}.ipynb", 4)
    stubs, solutions = assignments.code_of_exercises((ROOT / "chapters" / f"{NAME}.md").read_text(encoding="utf-8"))
    labels = {label: label.replace("-", "_") for label in graded(released) if label.replace("-", "_") in stubs}
    for label, name in labels.items():
        assert graded(released)[label].source == stubs[name]
    assert not any("SOLUTION" in cell.source for cell in released.cells)

    right = {label: solutions[name] for label, name in labels.items()}
    wrong_answers = ROOT / "tests/notebooks/wrong_answers/memory_cell.py"
    wrong = (f"import runpy\n\nwrong = runpy.run_path({str(wrong_answers)!r})\n"
             "half_life = wrong['WRONG_ANSWERS']['half_life']['sign'][0]")
    hand_in(course, "right", released, right)
    hand_in(course, "wrong", released, {**right, "half-life": wrong, "latch-weights": stubs["latch_weights"]})
    for student in ("right", "wrong"):
        outcome = nbgrader.autograde(NAME, student)
        assert outcome["success"], outcome["log"]
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        scores = {student: {grade.name: grade.score for notebook in gradebook.find_submission(NAME, student).notebooks
                            for grade in notebook.grades} for student in ("right", "wrong")}
    points = {"check-half-life": 5, "check-forget-bias-for": 10, "check-latch-weights": 20, "check-direct-path": 15}
    assert scores["right"] == points
    assert scores["wrong"] == {**points, "check-half-life": 0, "check-latch-weights": 0}
    marked = nbformat.read(course / "autograded" / "wrong" / NAME / f"{NAME}.ipynb", 4)
    assert "a time is positive" in str(graded(marked)["check-half-life"].outputs)
