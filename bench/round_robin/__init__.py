"""Peers measured side by side: a process for each, which stays, and all asked in turn.

So a machine that is busy for a while is busy for all of them, and no library's threads or settings reach another's. A
peer's time in a round is the median of its repeats; a ratio is taken within a round, and its spread is over the rounds.
A peer whose library the book's environment lacks runs in the one that `make rosetta` sets up, where that is there.
"""
import argparse
import multiprocessing
import os
import platform
import site
import statistics
import sys
import time
from importlib.metadata import version
from multiprocessing.spawn import set_executable
from pathlib import Path

from threadpoolctl import threadpool_info

# One thread for everyone, said aloud: left alone, MXNet takes one and NumPy all. The processes inherit it.
os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))


ROSETTA = Path(__file__).resolve().parents[2] / ".venv-rosetta" / "bin" / "python"
LIBRARIES = ("numpy", "mxnet", "torch", "numexpr", "numba")


def serve(connection, factory, arguments):
    """What a peer's process does: make the work, do it once, then as often as asked, with the clocks running."""
    sys.path[:0] = site.getsitepackages()       # multiprocessing hands down the caller's packages; one's own come first
    try:
        work = factory(*arguments)
    except ImportError as error:
        connection.send({"missing": str(error)})
        return
    connection.send({"first": work(), "blas": threadpool_info(), "versions": loaded()})
    for repeats in iter(connection.recv, 0):
        times = []
        for _ in range(repeats):
            cpu, wall = time.process_time(), time.perf_counter()
            work()
            times.append((time.process_time() - cpu, time.perf_counter() - wall))
        connection.send(times)


class Peer:
    """A process that does one piece of work again and again.

    factory: a function that returns the work, a function without arguments; an ImportError of it makes the peer missing.
    What the work returns the first time is `first`; `blas` is the linear algebra that its process has loaded, `versions`
    are those of the libraries compared.
    """

    def __init__(self, factory, *arguments):
        said = self.start(sys.executable, factory, arguments)
        if "missing" in said and ROSETTA.exists():
            said = self.start(ROSETTA, factory, arguments)
        self.missing, self.first = said.get("missing"), said.get("first")
        self.blas, self.versions = said.get("blas", []), said.get("versions", {})
        self.cpu, self.wall = [], []                    # seconds, the median of each round

    def start(self, python, factory, arguments):
        """Start a process of that interpreter. Returns the first thing that it says."""
        spawn = multiprocessing.get_context("spawn")
        self.connection, theirs = spawn.Pipe()
        self.process = spawn.Process(target=serve, args=(theirs, factory, arguments), daemon=True)
        set_executable(str(python))
        self.process.start()
        theirs.close()                                  # so that a peer that dies ends our waiting
        return self.connection.recv()

    def round(self, repeats):
        """Do the work that often, and write down the median times."""
        self.connection.send(repeats)
        cpu, wall = zip(*self.connection.recv())
        self.cpu.append(statistics.median(cpu))
        self.wall.append(statistics.median(wall))


def measure(work, rounds, repeats):
    """work: dict of a name to a factory and its arguments, as a tuple. Returns dict of a name to its Peer, measured.

    A peer whose library is not installed is there too, and says so.
    """
    peers = {name: Peer(*what) for name, what in work.items()}
    present = [peer for peer in peers.values() if not peer.missing]
    for peer in present:
        peer.round(repeats)                             # to warm up
        peer.cpu.clear()
        peer.wall.clear()
    for _ in range(rounds):
        for peer in present:
            peer.round(repeats)
    for peer in present:
        peer.connection.send(0)
        peer.process.join()
    return peers


def quartiles(numbers):
    """(lower quartile, median, upper quartile)."""
    return statistics.quantiles(numbers, n=4)


def rows(peers, scale):
    """A row for each peer that is there: its times, multiplied by scale, and the ratio of its CPU time to the first one's."""
    table, reference = [], next(peer for peer in peers.values() if not peer.missing)
    for name, peer in peers.items():
        if not peer.missing:
            cpu, ratio = quartiles(peer.cpu), quartiles([a / b for a, b in zip(peer.cpu, reference.cpu)])
            table.append({"peer": name, "cpu": cpu[1] * scale, "cpu_quartiles": [cpu[0] * scale, cpu[2] * scale],
                          "wall": statistics.median(peer.wall) * scale,
                          "ratio": ratio[1], "ratio_quartiles": [ratio[0], ratio[2]]})
    return table


def show(table, peers, unit, **columns):
    """Print the table, who is missing, and the machine. columns: heading=function of a row, for more columns."""
    print(f"{'':34s} {'CPU ' + unit:>9s} {'quartiles':>15s} {'wall ' + unit:>9s} {'ratio':>6s} {'quartiles':>13s}"
          + "".join(f" {heading:>10s}" for heading in columns))
    for row in table:
        low, high = row["cpu_quartiles"]
        print(f"{row['peer']:34s} {row['cpu']:9.1f} {f'{low:.1f} - {high:.1f}':>15s} {row['wall']:9.1f} {row['ratio']:6.3f} "
              f"{'{:.3f} - {:.3f}'.format(*row['ratio_quartiles']):>13s}"
              + "".join(f" {value(row):10.2f}" for value in columns.values()))
    for name, peer in peers.items():
        if peer.missing:
            print(f"{name:34s} missing: {peer.missing}")
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""      # Windows has no such number
    print(f"\n{cpu_name()}, {os.cpu_count()} cores{load}; {platform.system()}, Python {platform.python_version()}, "
          + ", ".join(f"{name} {number}" for name, number in versions(peers).items()))
    for line in blas(peers):
        print(line)


def about(peers):
    """What a record keeps of them beside the table: the machine and what ran on it."""
    return {"cpu": cpu_name(), "blas": blas(peers), "libraries": versions(peers),
            "missing": [name for name, peer in peers.items() if peer.missing]}


def blas(peers):
    """A line for each library for linear algebra, or for threads, that some peer has loaded, as threadpoolctl sees it."""
    lines = {}
    for name, peer in peers.items():
        for library in peer.blas:
            path = Path(library["filepath"])
            kernels = f", kernels {library['architecture']}" if "architecture" in library else ""
            line = (f"{path.parent.name}/{path.name}: {library['internal_api']} {library['version']}{kernels}, "
                    f"{library['num_threads']} thread")
            lines.setdefault(line, []).append(name)
    return [f"{line} ({'; '.join(names)})" for line, names in lines.items()]


def cpu_name():
    """What the processor calls itself."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def loaded():
    """The versions of those of the libraries compared that this process has loaded."""
    return {name: version(name) for name in LIBRARIES if name in sys.modules}


def versions(peers):
    """The same for all peers."""
    return {name: number for peer in peers.values() for name, number in peer.versions.items()}


def arguments(doc):
    """The command line of a script: --json FILE."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="where to write what is printed")
    return parser.parse_args()
