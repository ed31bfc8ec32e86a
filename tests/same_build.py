"""Is the book the same wherever and whenever it is built? `make same` builds it once more and compares every file.

The other build starts from nothing, in a copy of the sources in another folder, with another hash seed and in another time
zone. What is measured, time above all, is never the same twice: so the cells in MEASURED, and no others, may show something
else. The chapters are executed and compared cell by cell; then the outputs of these cells are taken over from the present
build, and all that is made of them, pages, slides, notebooks, the search index, has to be the same, byte for byte.
"""
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
from jupyter_cache import get_cache

ROOT = Path(__file__).resolve().parents[1]
REPORT = "report.html"          # make report adds it to the pages: the seconds that they took

# The chapters with cells that show what was measured: why, and of each such cell a line that no other cell has.
MEASURED = {
    "08-gluon": ("which of two programs for the same arithmetic is faster, a clock alone can say", [
        "for name, t in zip(models, medians):",
    ]),
    "09-backward-pass": ("tracemalloc counts what the kernel's own threads hold as well, a few hundred bytes more or less", [
        "    peak[k] = tracemalloc.get_traced_memory()[1] / 1e6",               # a figure
        'glue("peak-10", peak[10], display=False)',
    ]),
    "16-variants": ("what a step of a cell costs beside its arithmetic, a clock alone can say", [
        "times = np.median(rounds, axis=0)",
    ]),
    "17-making-it-fast": ("the chapter is about time (and memory) on the machine that built the page, as it says", [
        "    peak = 2 * 1024 ** 3 / np.median(t) / 1e9",
        '    low, middle, high, word = gain(t["four"], t["one"])',
        "for name, t in layouts.items():",
        "for name, t in ladder.items():",
        "best = max(gains, key=lambda name: gains[name][1])",                   # a figure
        'low, middle, high, word = gain(sigmoids["exp"], sigmoids["tanh"])',
        "low, middle, high, word = gain(*way_back.values())",
        "for name, t in step_times.items():",
        "p_forward = np.median(forward / second)",
        "    most = megabytes(lambda: model.loss_and_grads(X, Y, state32))",     # tracemalloc again
        "for name, b in bandwidth.items():",
        "for units, speeds in ((256, small), (2048, large)):",
        "roof = max(peak, *small.values(), *large.values())",                   # a figure
        "for name, t in writing.items():",
        "    gflops, kernels = in_a_process(**environment)",
        "for name, t in walls.items():",
        '    t = race({"denormal": work(faded), "ordinary": work(ordinary)}, 5)',
        '    print(f"{name:25s} {1e6 * np.median(t) / 200:6.1f} µs here")',
    ]),
}


def build(folder, *arguments):
    """Build the book in a folder, otherwise than `make book` in all that should not matter."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONHASHSEED": "1", "TZ": "Pacific/Kiritimati"}
    command = [Path(sys.executable).with_name("jupyter-book"), "build", ".", "-q", "-W", "-n", "--keep-going", *arguments]
    subprocess.run(command, cwd=folder, env=environment, check=True)


def excerpt(first, second, around=40):
    """Where two texts (str or bytes) part, and how they go on."""
    at = next((k for k, (a, b) in enumerate(zip(first, second)) if a != b), min(len(first), len(second)))
    pieces = [text[max(0, at - around):at + around] for text in (first, second)]
    if isinstance(first, bytes):
        pieces = [piece.decode("utf-8", "backslashreplace") for piece in pieces]
    return "at {}:\n    {!r}\n    {!r}".format(at, *pieces)


def compare_outputs(present, other, measured):
    """The differences between two executions of a chapter. Cells with a line in `measured` may differ: `other` gets the
    outputs of `present` there."""
    found = []
    for number, (cell, again) in enumerate(zip(present.cells, other.cells), 1):
        if not measured.isdisjoint(cell.source.splitlines()):
            again.outputs = cell.outputs
        elif cell.outputs != again.outputs:
            found.append(f"cell {number} (of those with code), {excerpt(repr(cell.outputs), repr(again.outputs))}")
    if present.metadata != other.metadata:
        found.append(f"the widgets, {excerpt(repr(present.metadata), repr(other.metadata))}")
    return found


def compare_files(present, other):
    """The differences between two folders."""
    first, second = ({path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()}
                     for root in (present, other))
    found = [f"{name} is in one build alone" for name in sorted((first.keys() ^ second.keys()) - {REPORT})]
    for name in sorted(first.keys() & second.keys()):
        texts = first[name].read_bytes(), second[name].read_bytes()
        if texts[0] != texts[1]:
            found.append(f"{name}, {excerpt(*texts)}")
    return found


def files_that_tell(folder, path):
    """The files in a folder that hold a path of the machine that built them, which is nobody's business."""
    return [f"{file.relative_to(folder).as_posix()} holds {path}" for file in sorted(folder.rglob("*"))
            if file.is_file() and os.fsencode(path) in file.read_bytes()]


def executed(book):
    """{hash of a chapter's cells: (the chapter, the file that keeps it executed)}"""
    database, = (book / "_build" / ".jupyter_cache").glob("*/global.db")
    return {record.hashkey: (Path(record.uri).stem, database.parent / "executed" / record.hashkey / "base.ipynb")
            for record in get_cache(database.parent).list_cache_records()}


def execute_and_compare(folder):
    """Execute the chapters in `folder`, take over what was measured, and return all other differences to the present."""
    build(folder, "--builder", "custom", "--custom-builder", "dummy")
    found, kept = [], executed(ROOT)
    for key, (chapter, path) in sorted(executed(folder).items(), key=lambda item: item[1]):
        present, other = nbformat.read(kept[key][1], as_version=4), nbformat.read(path, as_version=4)
        _, lines = MEASURED.get(chapter, ("", []))
        found += [f"{chapter}: {difference}" for difference in compare_outputs(present, other, set(lines))]
        nbformat.write(other, path)
    for place in (folder / "_build").iterdir():
        if place.name != ".jupyter_cache":
            shutil.rmtree(place) if place.is_dir() else place.unlink()
    return found


def main():
    folder = Path(tempfile.mkdtemp(prefix="same-")) / "book"
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(".*", "_build", "__pycache__"), copy_function=shutil.copy)
    print(f"Building the book once more, in {folder}: first the chapters", flush=True)
    found = execute_and_compare(folder)
    if not found:
        print("The chapters print and draw the same: now the pages", flush=True)
        build(folder)
        site = folder / "_build" / "html"
        found = compare_files(ROOT / "_build" / "html", site)
        found += [fault for path in (folder, sys.prefix) for fault in files_that_tell(site, path)]
    if found:
        # an old build is not always as if made in one go: Sphinx never forgets a word that was once in the search index
        found.append(f"{len(found)} differences between {ROOT} and {folder}, which is kept. If the pages are older than the "
                     "last change, try: make clean same")
        sys.exit("\n".join(found))
    shutil.rmtree(folder.parent)
    print("Done. Two builds of the book are the same.")


if __name__ == "__main__":
    main()
