"""Builds that are cut off, two builds at once, and a full disk: on a book of two pages, with Sphinx alone."""
import errno
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import disk
import environment
import execution
import lock
import pytest
import strict

EXTENSIONS = Path(__file__).resolve().parents[2] / "_ext"
CONF = """
extensions = ["disk", "strict", "fault"]
html_theme = "basic"
exclude_patterns = ["_build"]
"""
KILLED = """
import os, signal
def setup(app):
    app.connect("build-finished", lambda app, exception: os.kill(os.getpid(), signal.SIGKILL))
"""
FULL_DISK = """
import builtins, errno, io, os
opened = builtins.open
def full(file, mode="r", *args, **kwargs):
    if "w" in mode and str(file).endswith({name!r}):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(file))
    return opened(file, mode, *args, **kwargs)
def setup(app):
    builtins.open = io.open = full
"""


class Book:
    def __init__(self, folder):
        self.folder, self.html = folder, folder / "_build" / "html"
        for name, text in {"conf.py": CONF, "one.rst": "One\n===\n",
                           "index.rst": "A book\n======\n\n.. toctree::\n\n   one\n"}.items():
            (folder / name).write_text(text)
        self.plant()

    def plant(self, fault="def setup(app): pass"):
        (self.folder / "fault.py").write_text(fault)

    def start(self, builder="html"):
        command = [sys.executable, "-m", "sphinx", "-q", "-b", builder, "-d", "_build/.doctrees", ".", f"_build/{builder}"]
        path = os.pathsep.join([str(EXTENSIONS), str(self.folder)])
        return subprocess.Popen(command, cwd=self.folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                env={**os.environ, "PYTHONPATH": path})

    def build(self, builder="html"):
        process = self.start(builder)
        said = process.communicate(timeout=300)[0]
        return process.returncode, said


@pytest.fixture
def book(tmp_path):
    return Book(tmp_path)


def test_a_build_that_was_cut_off_is_begun_again_and_a_whole_one_is_kept(book):
    """Killed after the last page was written and before the end: all looks whole, and is not."""
    book.plant(KILLED)
    assert book.build() == (-signal.SIGKILL, "")
    page, figure = book.html / "one.html", book.folder / "_build" / "jupyter_execute" / "figure.svg"
    page.write_text("half a p")
    figure.parent.mkdir()
    figure.write_text("<sv")
    book.plant()

    assert book.build() == (0, "")
    whole = page.read_text()
    assert whole.rstrip().endswith("</html>")
    assert not figure.exists()          # MyST-NB keeps a figure of the right name

    page.write_text(whole + "<!-- seen -->")
    assert book.build() == (0, "")
    assert page.read_text().endswith("<!-- seen -->")
    assert book.build("dirhtml") == (0, "")
    assert book.build() == (0, "")      # what Sphinx has read it read for another kind of pages
    assert page.read_text() == whole


@pytest.mark.skipif(lock.fcntl is None, reason="Windows has no lock that ends with its process")
def test_a_second_build_waits_for_the_first_and_says_so(book):
    held = lock.wait_for(book.folder / "_build" / "lock", "")
    process = book.start()
    try:
        said = f"Another build is at work in {book.folder / '_build'}: waiting until it has ended\n"
        assert process.stdout.readline() == said
        assert process.poll() is None
        assert not book.html.exists()
    finally:
        held.close()
    assert process.communicate(timeout=300)[0] == ""
    assert process.returncode == 0
    assert (book.html / "one.html").exists()


@pytest.mark.parametrize("name", ["one.html", "searchindex.js.tmp"])        # Sphinx only warns of the first
def test_a_full_disk_is_said_once_and_leaves_no_page(book, name):
    book.plant(FULL_DISK.format(name=name))
    status, said = book.build()
    assert status == 1
    assert said.startswith(f"The disk is full ([Errno {errno.ENOSPC}] {os.strerror(errno.ENOSPC)}: ")
    assert f"{name}'): {book.folder / '_build'} has " in said
    assert said.endswith(f" MB left, and to build the book takes {disk.NEEDED} MB. The unfinished pages were removed.\n")
    assert said.count("\n") == 1
    assert list(book.html.iterdir()) == []
    book.plant()
    assert book.build() == (0, "")


def test_no_build_begins_where_the_book_has_no_room_but_a_built_book_is_its_own_room(tmp_path, monkeypatch):
    html = tmp_path / "html"
    html.mkdir()
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda folder: SimpleNamespace(free=disk.NEEDED * 10**6 - 1))
    with pytest.raises(SystemExit, match=rf"too full: {tmp_path} has {disk.NEEDED - 1} MB .* Nothing was built"):
        disk.look_for_room(SimpleNamespace(outdir=html), None)
    (html / "page.html").write_text("a page")
    disk.look_for_room(SimpleNamespace(outdir=html), None)


def test_the_error_behind_an_error_tells_that_the_disk_is_full():
    error, cause = RuntimeError("Unexpected error accessing jupyter cache"), OSError(errno.ENOSPC, "No space left on device")
    error.__cause__ = cause
    assert disk.full_disk(error) is cause
    assert disk.full_disk(Exception("(sqlite3.OperationalError) database or disk is full"))
    assert not disk.full_disk(OSError(errno.EACCES, "Permission denied"))
    assert not disk.full_disk(None)


def test_outputs_that_were_half_put_away_are_not_used(tmp_path, monkeypatch):
    """jupyter-cache notes a notebook before it writes it, and finds no way out of half a notebook or half a database."""
    monkeypatch.setattr(execution, "fingerprint", lambda root: "now")
    app = SimpleNamespace(outdir=tmp_path / "html", srcdir=tmp_path, config=SimpleNamespace())
    caches = tmp_path / ".jupyter_cache"

    def names_after_a_build_began():
        for name in ("now", "before"):
            (caches / name).mkdir(parents=True, exist_ok=True)
        execution.choose_cache(app, None)
        return [path.name for path in caches.iterdir()]

    assert names_after_a_build_began() == ["now"]
    with pytest.raises(KeyboardInterrupt), execution.changing(caches):
        raise KeyboardInterrupt
    assert names_after_a_build_began() == []
    assert names_after_a_build_began() == ["now"]


def test_a_failed_chapter_leaves_the_last_pages_as_they_were(tmp_path):
    """The mark goes when all chapters ran: a handler of the same event, after the one that runs them."""
    connected = []
    app = SimpleNamespace(connect=lambda event, handler, priority=500: connected.append((event, priority, handler.__name__)))
    strict.setup(app)
    execution.setup(app)
    order = [name for event, _, name in sorted(connected, key=lambda entry: entry[1]) if event == "env-before-read-docs"]
    assert order == ["execute_stale_chapters", "remove_mark"]


class Pip:
    """In place of pip: takes down what it is asked for, and may be cut off."""

    def __init__(self, monkeypatch, folder):
        self.asked, self.cut_off, self.made = [], False, 0
        monkeypatch.chdir(folder)
        monkeypatch.setattr(environment, "run", self)
        monkeypatch.setattr(environment.venv, "create", self.create)
        for name in ("requirements.lock", "pyproject.toml"):
            (folder / name).touch()

    def create(self, folder, **settings):
        assert not folder.exists()
        folder.mkdir()
        self.made += 1

    def __call__(self, *command):
        assert not Path(".venv/installed").exists()
        if self.cut_off:
            raise KeyboardInterrupt
        self.asked.append(command[-1])

    def make(self):
        environment.make(Path(".venv"), ["requirements.lock"])
        return self.made, self.asked


def test_an_environment_that_was_left_half_made_is_made_afresh(tmp_path, monkeypatch):
    pip = Pip(monkeypatch, tmp_path)
    pip.cut_off = True
    with pytest.raises(KeyboardInterrupt):
        pip.make()
    Path(".venv/half-a-package").touch()
    pip.cut_off = False
    assert pip.make() == (2, ["requirements.lock", "."])
    assert [path.name for path in Path(".venv").iterdir()] == ["installed"]
    assert pip.make() == (2, ["requirements.lock", "."])                        # all is there
    os.utime(".venv/installed", (0, 0))
    assert pip.make() == (2, ["requirements.lock", "."] * 2)                    # a newer lock file: in place


@pytest.mark.skipif(lock.fcntl is None, reason="Windows has no lock that ends with its process")
def test_a_second_make_waits_for_the_first_and_then_has_nothing_to_install(tmp_path, monkeypatch):
    Pip(monkeypatch, tmp_path)
    held = lock.wait_for(Path("_build/.venv.lock"), "")
    process = subprocess.Popen([sys.executable, EXTENSIONS / "environment.py", ".venv", "requirements.lock"],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert process.stdout.readline() == "Another make is installing into .venv: waiting until it has ended\n"
        Path(".venv").mkdir()
        Path(".venv/installed").touch()
    finally:
        held.close()
    assert process.communicate(timeout=300)[0] == ""
    assert process.returncode == 0
