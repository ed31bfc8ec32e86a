"""Kills builds and looks whether the next build makes the same pages: python tests/kill_builds.py (twenty minutes)

A book of two pages with the real book's extensions is built twice without a disturbance. Then, for each kind of file that a
build writes, a build from nothing is killed (all its processes, signal 9) when it has opened such a file and written
nothing into it, and others are killed at random times. Each is followed by a build, whose pages are compared.
"""
import argparse
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from unit.test_execution import CHAPTER, EXERCISE, Book

FIGURE = """
```{code-cell} ipython3
from IPython.display import SVG
SVG('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><circle r="9"/></svg>')
```
"""
# Put into the building process: says which files below _build it opens to write, and kills it at one of them.
TRAP = """
import builtins, io, os, signal
opened = builtins.open
def trapped(file, mode="r", *args, **kwargs):
    made = opened(file, mode, *args, **kwargs)
    if set(mode) & set("wax+") and isinstance(file, (str, os.PathLike)):
        path = os.path.abspath(file)
        if path.startswith(os.environ["TRAP_FOLDER"]):
            path = os.path.relpath(path, os.environ["TRAP_FOLDER"])
            with opened(os.environ["TRAP_LOG"], "a") as log:
                log.write(path + chr(10))
            if path == os.environ.get("TRAP_FILE"):
                os.killpg(0, signal.SIGKILL)
    return made
builtins.open = io.open = trapped
"""


def build(folder: Path, trap: Path, file: str = "", seconds: "float | None" = None) -> "tuple[int, str]":
    """Build, with a trap at a file or an end after so many seconds; return the exit status and what was said."""
    environment = {**os.environ, "PYTHONPATH": f"{trap}{os.pathsep}{folder}", "TRAP_FOLDER": str(folder / "_build"),
                   "TRAP_LOG": str(trap / "log"), "TRAP_FILE": file}
    command = [Path(sys.executable).with_name("jupyter-book"), "build", ".", "-q", "-W", "-n", "--keep-going"]
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True, start_new_session=True)
    try:
        said = process.communicate(timeout=seconds)[0]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        said = process.communicate()[0]
    return process.returncode, said


def pages(folder: Path) -> dict:
    root = folder / "_build" / "html"
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def kind(name: str) -> str:
    """Files of one kind are written by one piece of code: the folder and the ending, without names that are hashes."""
    path = Path(re.sub(r"[0-9a-f]{16,}", "*", name))
    return f"{path.parent}/*{path.suffix}" if path.parts[0] in ("html", "jupyter_execute", ".doctrees") else str(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--random", type=int, default=10, help="how many builds are killed at random times")
    parser.add_argument("--only", default="", help="a regular expression: kinds of files to try")
    parser.add_argument("--static", action="store_true", help="try each folder below _static, too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder, trap = Path(temporary, "book"), Path(temporary, "trap")
        trap.mkdir()
        Book(folder).write("chapters/one.md", CHAPTER + FIGURE + EXERCISE)
        (trap / "sitecustomize.py").write_text(TRAP)
        start = time.monotonic()
        status, said = build(folder, trap)
        seconds = time.monotonic() - start
        names = (trap / "log").read_text().splitlines()
        wanted = pages(folder)
        shutil.rmtree(folder / "_build")
        build(folder, trap)
        again = pages(folder)
        differ = {name for name in wanted.keys() | again.keys() if wanted.get(name) != again.get(name)}
        print(f"undisturbed: status {status}, {seconds:.0f} s, {len(names)} files opened; twice the same but {differ}")

        kinds: dict = {}
        for name in names:
            if options.static or "_static" not in name:
                kinds.setdefault(kind(name), []).append(name)
        random.seed(0)
        ways = [("file", random.choice(found)) for each, found in sorted(kinds.items()) if re.search(options.only, each)]
        ways += [("time", random.uniform(0, seconds)) for _ in range(options.random)]
        bad = 0
        for way, where in ways:
            shutil.rmtree(folder / "_build")
            status, _ = build(folder, trap, **({"file": where} if way == "file" else {"seconds": where}))
            killed = status == -signal.SIGKILL
            status, said = build(folder, trap)
            found = pages(folder)
            both = (wanted.keys() | found.keys()) - differ
            wrong = sorted(name for name in both if wanted.get(name) != found.get(name))
            fine = status == 0 and not wrong
            bad += not fine
            when = f"killed at {where}" if killed else f"ended before {where}"
            print(f"{'same' if fine else 'BAD'} {when}: then status {status}, {len(wrong)} differ {wrong[:4]}", flush=True)
            if status != 0:
                print("     " + said.strip()[-400:].replace("\n", "\n     "), flush=True)
        print(f"{len(ways) - bad} of {len(ways)} builds were followed by a build with the same pages")
        sys.exit(bad > 0)


if __name__ == "__main__":
    main()
