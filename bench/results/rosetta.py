"""Runs the book's cell in every framework that this machine has, and keeps what came out: the chapter "The same cell in every
framework" shows it.

    python bench/results/rosetta.py [--python PYTHON ...] [--only FRAMEWORK ...]

Each framework runs in a process of its own, under the first of the interpreters that can import it (this one, if none is
named). A framework that none has is named and left as the record has it. The exit code is 1 if a framework is not as
d2l_utils.frameworks.TABLE says.
"""
import argparse
import json
import subprocess
import sys
from pathlib import Path

import record

from d2l_utils.frameworks import TABLE, conformance

RECORD = Path(__file__).with_suffix(".json")
ROOT = RECORD.parents[2]


def measure(name, pythons):
    """(what was found, why not): a dict from the first interpreter that has the framework, or a message."""
    message = ""
    for python in pythons:
        done = subprocess.run([python, "-m", "d2l_utils.frameworks", "measure", name], capture_output=True, text=True,
                              check=False, cwd=ROOT)
        if done.returncode == 0:
            return json.loads(done.stdout.splitlines()[-1]), None
        message = done.stderr.strip().splitlines()[-1]
        if not message.startswith("ImportError: "):
            raise RuntimeError(f"{name} under {python}:\n{done.stderr}")
    return None, message[len("ImportError: "):]


def complaints(name, found, rows):
    """What is not as the table says, one sentence each."""
    for key in ("order", "biases", "forget_bias"):
        wanted = getattr(TABLE[name], key)
        if key in found and found[key] != wanted:
            yield f"{name}: {key} is {found[key]}, the table says {wanted}"
    for row in rows:
        if not conformance.as_tabled(name, row):
            yield f"{name}: not as the table says: {row}"


def line(name, found, rows):
    """One line of the table: version, order, and the largest errors."""
    def worst(part, dtype):
        values = [row[part] for row in rows if row["dtype"] == dtype and row[part] is not None
                  and TABLE[name].faulty.get(row["form"]) != part]
        return f"{max(values):7.0e}" if values else "      -"

    faults = "; ".join(f"{part} of {form!r} wrong" for form, part in TABLE[name].faulty.items())
    return (f"{name:17s}{found['version']:12s}{found['order']:6s}{worst('forward', 'float32')}{worst('gradients', 'float32')}"
            f"{worst('forward', 'float64')}{worst('gradients', 'float64')}  {faults}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", nargs="+", default=[sys.executable])
    parser.add_argument("--only", nargs="+", choices=TABLE, default=list(TABLE))
    asked = parser.parse_args()
    runs = {run["framework"]: run for run in json.loads(RECORD.read_text())["runs"]} if RECORD.exists() else {}
    wrong = []
    print(f"{'':35s}    float32       float64\n{'':17s}{'version':12s}{'gates':6s}forward  grads.forward grads.")
    for name in asked.only:
        run, missing = measure(name, asked.python)
        if missing:
            print(f"{name:17s}{missing}")
            continue
        runs[name] = run
        wrong += complaints(name, run["found"], run["rows"])
        print(line(name, run["found"], run["rows"]), flush=True)
        record.write(RECORD, {"seeds": len(conformance.SEEDS)}, [runs[name] for name in TABLE if name in runs])
    print(*wrong, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
