"""Runs the book's cell in every framework that this machine has, and keeps what came out: the chapter "The same cell in every
framework" shows it.

    python bench/results/rosetta.py [--python PYTHON ...] [--only FRAMEWORK ...]

Each framework runs in a process of its own, under the first of the interpreters that can import it (this one, if none is
named). A framework that none has is named and left as the record has it. The exit code is 1 if a framework is not as
d2l_utils.frameworks.TABLE says.

The chapter's minimal reproductions of known faults run in the version that is installed; what other versions gave stays in the
record. To add one, put it in front: PYTHONPATH=folder python bench/results/rosetta.py --only reproductions --python PYTHON
"""
import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

import record

from d2l_utils.frameworks import TABLE, conformance
from d2l_utils.frameworks.seeds import SEEDS

RECORD = Path(__file__).with_suffix(".json")
ROOT = RECORD.parents[2]
CHAPTER = ROOT / "chapters" / "18-one-cell-every-framework.md"
EVERYTHING = [*TABLE, *SEEDS, "reproductions"]


def tabs():
    """The code of the chapter's tabs by the name of the framework."""
    names = {framework.title: name for name, framework in TABLE.items()}
    found = re.findall(r"\{tab-item\} ([^\n]+)\n+```python\n(.*?)```", CHAPTER.read_text(encoding="utf-8"), re.DOTALL)
    return {names[title]: code for title, code in found}


def reproductions():
    """The code of the chapter's minimal reproductions by the name of the framework."""
    names = {framework.title: name for name, framework in TABLE.items()}
    found = re.findall(r"```python\n# Reproduction: ([^\n]+)\n(.*?)```", CHAPTER.read_text(encoding="utf-8"), re.DOTALL)
    return {names[title]: code for title, code in found}


def ask(pythons, *command, given=""):
    """(answer, why there is none): the last line of the first interpreter that has what it takes, or a message."""
    message = ""
    for python in pythons:
        done = subprocess.run([python, "-m", "d2l_utils.frameworks", *command], capture_output=True, text=True,
                              check=False, cwd=ROOT, input=given)
        if done.returncode == 0:
            return json.loads(done.stdout.splitlines()[-1]), None
        kind, _, message = done.stderr.strip().splitlines()[-1].partition(": ")
        if kind not in ("ImportError", "ModuleNotFoundError"):
            raise RuntimeError(f"{command} under {python}:\n{done.stderr}")
    return None, message


def complaints(name, run):
    """What is not as the table says, one sentence each."""
    found, rows = run["found"], run["rows"]
    if run.get("tab", 0) > TABLE[name].float32:
        yield f"{name}: the code of its tab is off by {run['tab']}"
    for key in ("order", "weights", "first", "biases", "forget_bias"):
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
    parser.add_argument("--only", nargs="+", choices=EVERYTHING, default=EVERYTHING)
    asked = parser.parse_args()
    old = json.loads(RECORD.read_text()) if RECORD.exists() else {"runs": [], "seeds": {}, "reproductions": {}}
    runs, seeds, reproduced = {run["framework"]: run for run in old["runs"]}, old["seeds"], old["reproductions"]
    wrong = []

    def keep():
        record.write(RECORD, {"seeds": len(conformance.SEEDS)}, [runs[name] for name in TABLE if name in runs], seeds=seeds,
                     reproductions=reproduced)

    print(f"{'':35s}    float32       float64\n{'':17s}{'version':12s}{'gates':6s}forward  grads.forward grads.")
    for name in [name for name in asked.only if name in TABLE]:
        run, missing = ask(asked.python, "measure", name, given=tabs().get(name, ""))
        if missing:
            print(f"{name:17s}{missing}")
            continue
        runs[name] = run
        wrong += complaints(name, run)
        print(line(name, run["found"], run["rows"]), flush=True)
        keep()
    for name in [name for name in asked.only if name in SEEDS]:
        answer, missing = ask(asked.python, "seed", name)
        if missing:
            print(f"{name:30s}{missing}")
            continue
        seeds[name] = answer["off"]
        if answer["off"] > 1e-12:
            wrong.append(f"{name}: off by {answer['off']}")
        print(f"{name:30s}off by {answer['off']:.0e}, float64", flush=True)
        keep()
    for name, code in reproductions().items() if "reproductions" in asked.only else ():
        answer, missing = ask(asked.python, "reproduce", name, given=code)
        if missing:
            print(f"{name:17s}{missing}")
            continue
        reproduced.setdefault(name, {})[answer["version"]] = answer["got"]
        off = conformance.error(answer["got"], answer["right"])
        print(f"{name:17s}{answer['version']:12s}the minimal reproduction is off by {off:.2f}", flush=True)
        keep()
    print(*wrong, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
