"""Executes the chapters that changed, all at once, before Sphinx reads the first of them.

MyST-NB executes one notebook after the other, and its cache (jupyter-cache) looks at a notebook's cells alone. Here
the stale notebooks run in as many processes as there are cores and their outputs are put into that same cache, where
MyST-NB then finds them. The cache's folder is named after what else decides the outputs: the package d2l_utils and
the data, so that a change in either executes everything again. Without MXNet its cells show records (records.py).
"""
import hashlib
import json
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path

import nbformat
import records
import widgets
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from myst_nb.core.read import create_nb_reader
from nbclient import NotebookClient
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

TEXT = "timemachine.txt"
CHANGING = "changing"
RECORDING = "RECORD" in os.environ      # make record

# What makes two executions print the same: one thread, one hash seed, fixed dates and names inside figures, and no
# progress bars, which belong on a screen and not on a page.
KERNEL_ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "TQDM_DISABLE": "1",
    "MATPLOTLIBRC": str(Path(__file__).with_name("matplotlibrc")),
    "SOURCE_DATE_EPOCH": "0",
}
KERNEL_ARGUMENTS = [
    "--InlineBackend.figure_formats=svg",
    "--IPKernelApp.log_level=ERROR",
    f"--IPKernelApp.exec_files={Path(__file__).with_name('no_network.py')}",
    # NumPy 2 shows a number as np.float64(0.9), which glue cannot format: numbers look as they did in NumPy 1
    "--IPKernelApp.exec_lines=import numpy; int(numpy.__version__[0]) < 2 or numpy.set_printoptions(legacy='1.25')",
]


def fingerprint(root: Path, without: "Path | None" = None) -> str:
    """A hash of all files outside the chapters that decide what the chapters print, but the file `without`."""
    folders = ["d2l_utils", "data", "bench/results"]
    files = [path for folder in folders for path in (root / folder).rglob("*")]
    files += [root / "requirements.lock", Path(__file__), Path(KERNEL_ENVIRONMENT["MATPLOTLIBRC"])]
    files += [Path(os.environ.get("D2L_DATA", root), TEXT)]
    skipped = {"__pycache__", "records"} if records.mxnet_is_installed() else {"__pycache__"}
    digest = hashlib.sha256()
    for path in sorted(files):
        if path.is_file() and path != without and path.parent.name not in skipped:
            digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


@contextmanager
def changing(caches: Path) -> Iterator[None]:
    """A mark while a cache is half made, half filled or half removed: where it is found, no cache is good any more."""
    caches.mkdir(parents=True, exist_ok=True)
    mark = caches / CHANGING
    mark.touch()
    yield
    mark.unlink()


def choose_cache(app: Sphinx, config: object) -> None:
    caches = Path(app.outdir).parent / ".jupyter_cache"
    current = caches / fingerprint(Path(app.srcdir))
    was_cut_off = (caches / CHANGING).exists()
    with changing(caches):
        for cache in caches.iterdir():
            if cache.is_dir() and (was_cut_off or cache != current):
                shutil.rmtree(cache)
    app.config.nb_execution_cache_path = str(current)


def keep_cache_after_download(app: Sphinx, exception: "Exception | None") -> None:
    """The first run on a machine may download a text into data/, which changes the fingerprint: if all chapters ran
    in this build they ran with that text, and the cache goes by its new name."""
    root, cache = Path(app.srcdir), Path(app.config.nb_execution_cache_path)
    text = root / "data" / TEXT
    if exception is None and app.env.all_chapters_ran and text.exists() and fingerprint(root, without=text) == cache.name:
        cache.rename(cache.with_name(fingerprint(root)))


def execute(notebook: nbformat.NotebookNode, source: Path, root: Path, timeout: int) -> float:
    """Execute a notebook in place, in a fresh kernel that finds d2l_utils; return the seconds it took."""
    with_mxnet = records.mxnet_is_installed()
    path = os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH")]))
    start = time.perf_counter()
    client = NotebookClient(
        notebook,
        timeout=timeout,
        record_timing=False,    # it would go into the cells' metadata, by which the cache knows a notebook
        coalesce_streams=True,  # into how many pieces a kernel cuts what it prints is chance
        extra_arguments=KERNEL_ARGUMENTS,
        resources={"metadata": {"path": str(source.parent)}},
        skip_cells_with_tag="skip-execution" if with_mxnet else records.TAG,
    )
    client.execute(env={**os.environ, **KERNEL_ENVIRONMENT, "PYTHONPATH": path})
    name_widgets(notebook, source.stem)
    if not with_mxnet:
        records.recall(notebook, source)
    return time.perf_counter() - start


def name_widgets(notebook: nbformat.NotebookNode, page: str) -> None:
    """Name the saved widgets after the page and their order on it: ipywidgets draws their names by chance."""
    states = notebook.metadata.get("widgets", {}).get(widgets.STATE, {}).get("state", {})
    text = json.dumps(notebook)
    for number, name in enumerate(states):
        text = text.replace(name, f"{page}-{number}")       # in the outputs, in the states, and where one names another
    notebook.update(nbformat.from_dict(json.loads(text)))


def execute_stale_chapters(app: Sphinx, env: BuildEnvironment, docnames: list) -> None:
    cache = get_cache(env.mystnb_config.execution_cache_path)
    caches = cache.path.parent
    with changing(caches):
        cache.db        # noqa: B018  made when it is first asked for
    root, record = Path(app.srcdir), Path(app.outdir).parent / "execution-seconds.json"
    seconds = json.loads(record.read_text()) if record.exists() else {}
    seconds = {name: value for name, value in seconds.items() if name in env.found_docs}

    stale = {}
    for name in docnames:
        source = Path(env.doc2path(name))
        text = source.read_text(encoding="utf-8")
        reader = create_nb_reader(str(source), env.myst_config, env.mystnb_config, text)
        if reader is None:
            continue
        notebook = reader.read(text)
        try:
            seconds[name] = cache.match_cache_notebook(notebook).data["execution_seconds"]
            if RECORDING:
                records.keep(cache.merge_match_into_notebook(notebook)[1], source)
        except KeyError:
            stale[name] = (source, notebook)
    env.all_chapters_ran = len(stale) == len(seconds.keys() | stale.keys())

    failures = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:    # threads suffice: the work is done in the kernels
        jobs = {
            pool.submit(execute, notebook, source, root, env.mystnb_config.execution_timeout): name
            for name, (source, notebook) in stale.items()
        }
        for count, job in enumerate(as_completed(jobs), 1):
            name = jobs[job]
            source, notebook = stale[name]
            try:
                seconds[name] = round(job.result(), 2)
            except Exception as error:      # a failing cell, a dead kernel, a cell that takes too long: all the same
                failures.append(f"{name}\n{without_colours(str(error))}")
                print(f"  {count}/{len(stale)} {name} FAILED", flush=True)
            else:
                data = {"execution_seconds": seconds[name]}
                with changing(caches):
                    cache.cache_notebook_bundle(
                        CacheBundleIn(notebook, str(source), data=data), check_validity=False, overwrite=True
                    )
                if RECORDING:
                    records.keep(notebook, source)
                print(f"  {count}/{len(stale)} {name} executed in {seconds[name]:.1f} s", flush=True)
    half = record.with_suffix(".half")
    half.write_text(json.dumps(dict(sorted(seconds.items())), indent=1) + "\n")
    half.replace(record)
    if failures:
        print("\n\n".join(failures), file=sys.stderr)
        sys.exit("A chapter failed: nothing was built.")    # an exception would bury the message under tracebacks


def without_colours(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def setup(app: Sphinx) -> dict:
    app.connect("config-inited", choose_cache)
    app.connect("env-before-read-docs", execute_stale_chapters)
    app.connect("build-finished", keep_cache_after_download)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
