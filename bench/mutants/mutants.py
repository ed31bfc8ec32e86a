"""Would the tests notice a fault? Small ones are planted in the code, one at a time, and the tests are run on each.

In Python mutmut plants them, and the fast tests of tests/unit below run until the first that fails. In lstm.js Stryker does,
and what the tests of lstm.js compute is compared with the numbers that passed them (check.mjs): they were NumPy's. A fault
that no test notices survives. Of each survivor explained.json says why it is none, or what it would take to notice it.

    make mutants

runs all of this in an environment of its own, in about seven minutes of an idle machine with two processors. It needs npm for
the part in JavaScript. The environment's own Python runs

    python bench/mutants/mutants.py [--json FILE] [--found]

and ends with an error if of some module fewer than 95 % are noticed or a survivor is unexplained.
"""
import argparse
import functools
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "bench" / "results")]     # this environment has not installed the book's own package
import record  # noqa: E402

BUILT = ROOT / "_build" / "mutants"
WANTED = 0.95
MODULES = ("cells/*.py", "losses.py", "optim.py", "fused.py")
TESTS = ("cells", "gradients", "variants", "losses_and_optim", "fused")
# Left out are tests that plant faults themselves, need MXNet, or count the bytes that functions allocate: there
# mutmut adds its own.
NOT_THESE = "not this_mutant and not mxnet and not allocate"
SURVIVED = (0, 5, 33)               # mutmut's codes: the tests passed, or none runs the function
SETTINGS = """\
[mutmut]
source_paths=
    d2l_utils
only_mutate=
    {modules}
pytest_add_cli_args=
    -p
    no:cacheprovider
    -k
    {not_these}
pytest_add_cli_args_test_selection=
    tests/unit
"""


def in_python():
    """Each mutant of the Python modules: (module, what stood there, what stands there now, whether a test noticed).

    The lines are told of survivors only. Whether is None for a mutant not tried: mutmut was stopped, or asked for some only.
    """
    place = BUILT / "python"
    shutil.rmtree(place, ignore_errors=True)
    (place / "tests" / "unit").mkdir(parents=True)
    shutil.copytree(ROOT / "d2l_utils", place / "d2l_utils", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "tests/conftest.py", *(f"tests/unit/test_{name}.py" for name in TESTS)):
        shutil.copy(ROOT / name, place / name)
    modules = "\n    ".join(f"d2l_utils/{name}" for name in MODULES)
    (place / "setup.cfg").write_text(SETTINGS.format(modules=modules, not_these=NOT_THESE))
    subprocess.run([sys.executable, "-m", "mutmut", "run", "--max-children", str(os.cpu_count())], cwd=place, check=True)
    return list(found_in_python(place))


def found_in_python(place):
    os.chdir(place)                     # where mutmut looks for its mutants, and for its settings as soon as it is imported
    from mutmut.mutation.diff_apply import get_diff_for_mutant

    for path in sorted(Path("mutants").rglob("*.py.meta")):
        module = str(path.relative_to("mutants").with_suffix(""))
        for name, code in json.loads(path.read_text())["exit_code_by_key"].items():
            noticed = None if code is None else code not in SURVIVED
            lines = get_diff_for_mutant(name, path=module).splitlines()[2:] if noticed is False else []     # takes its time
            was, becomes = (" ".join(line[1:].strip() for line in lines if line[:1] == sign) for sign in "-+")
            yield module, was, becomes, noticed


def in_javascript():
    """The same for lstm.js."""
    place = BUILT / "javascript"
    place.mkdir(parents=True, exist_ok=True)
    for path in (HERE / "package.json", HERE / "check.mjs", ROOT / "d2l_utils" / "widgets" / "lstm.js"):
        shutil.copy(path, place)
    (place / "golden.json").write_text(json.dumps(golden(place)))
    settings = {"testRunner": "command", "commandRunner": {"command": "node check.mjs"}, "mutate": ["lstm.js"],
                "reporters": ["json", "progress-append-only"], "jsonReporter": {"fileName": "report.json"},
                "concurrency": os.cpu_count()}
    (place / "stryker.config.json").write_text(json.dumps(settings))
    subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent"], cwd=place, check=True)
    subprocess.run(["npx", "stryker", "run"], cwd=place, check=True)
    return list(found_in_javascript(place))


def golden(place):
    """What the tests of lstm.js compute, [{body, given, answer}, ...], after they have held it against NumPy."""
    spec = importlib.util.spec_from_file_location("test_lstm_js", ROOT / "tests" / "browser" / "test_lstm_js.py")
    tests = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tests)
    cases = []
    rng = functools.partial(np.random.default_rng, 2)   # as the fixture of the tests

    def run(body, source=None, **given):                # as the tests' fixture, with node in the place of Chromium
        case = {"body": body, "given": tests.plain(given)}
        node = subprocess.run(["node", "check.mjs", "--record"], input=json.dumps([case]), text=True, cwd=place, check=True,
                              stdout=subprocess.PIPE)
        case["answer"], = json.loads(node.stdout)
        cases.append(case)
        return case["answer"]

    for kind in (tests.LSTM, tests.RNN):
        for shape in tests.SHAPES:
            tests.test_values_and_gradients_are_numpys(run, kind, shape, rng())
        tests.test_states_that_are_left_out_are_zero_and_the_weights_gradients_may_be_left_out(run, kind, rng())
        tests.test_a_sequence_of_no_steps_has_no_gradients_of_its_own(run, kind, rng())
    tests.test_scores_of_a_thousand_do_not_overflow(run)
    tests.test_the_output_layer_and_the_loss_are_numpys(run, rng())
    tests.test_adam_is_numpys_and_leaves_its_arguments_alone(run, rng())
    for seed in (0, 1, 42, 2**32 - 1):
        tests.test_random_numbers_are_the_same_to_the_last_bit(run, seed)
    return cases


def found_in_javascript(place):
    (name, file), = json.loads((place / "report.json").read_text())["files"].items()
    lines = file["source"].splitlines(keepends=True)
    for mutant in file["mutants"]:
        start, end = (sum(map(len, lines[:at["line"] - 1])) + at["column"] - 1 for at in
                      (mutant["location"]["start"], mutant["location"]["end"]))
        first, last = file["source"].rfind("\n", 0, start) + 1, file["source"].find("\n", end)
        line = [file["source"][first:start], file["source"][start:end], file["source"][end:last]]
        was, becomes = (f"{line[0]}{middle}{line[2]}".strip() for middle in (line[1], mutant["replacement"]))
        yield f"d2l_utils/widgets/{name}", was, becomes, mutant["status"] in ("Killed", "Timeout")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="where to write the record")
    parser.add_argument("--found", action="store_true", help="count what the last run tried, which lies in _build/mutants")
    arguments = parser.parse_args()
    path = arguments.json and arguments.json.resolve()
    began = time.time()
    if arguments.found:
        mutants = [*found_in_javascript(BUILT / "javascript"), *found_in_python(BUILT / "python")]
    else:
        mutants = [*in_javascript(), *in_python()]
    explained = {tuple(change): group["why"] for group in json.loads((HERE / "explained.json").read_text(encoding="utf-8"))
                 for change in group["changes"]}
    modules, survivors = {}, []
    for module, was, becomes, noticed in mutants:
        counts = modules.setdefault(module, {"module": module, "mutants": 0, "tried": 0, "noticed": 0})
        counts["mutants"] += 1
        counts["tried"] += noticed is not None
        counts["noticed"] += noticed is True
        if noticed is False:
            survivors.append({"module": module, "was": was, "becomes": becomes, "why": explained.get((was, becomes))})
    for module, counts in modules.items():
        print(f"{module:32s} {counts['mutants']:5d} mutants, {counts['tried']:5d} tried, {counts['noticed']:5d} noticed, "
              f"{100 * counts['noticed'] / max(1, counts['tried']):5.1f} %")
    unexplained = [each for each in survivors if each["why"] is None]
    for each in unexplained:
        print(f"\n{each['module']}: nobody says why no test notices\n  - {each['was']}\n  + {each['becomes']}")
    if path:
        settings = {"tools": ["mutmut", "Stryker"], "tests": [f"test_{name}" for name in TESTS], "without": NOT_THESE}
        record.write(path, settings, [*modules.values(), *survivors], packages=("numpy", "mutmut"),
                     stryker=json.loads((HERE / "package.json").read_text())["devDependencies"]["@stryker-mutator/core"],
                     seconds=None if arguments.found else round(time.time() - began))
    few = [module for module, counts in modules.items() if not counts["noticed"] >= WANTED * counts["tried"] > 0]
    if few or unexplained:
        sys.exit(f"\nFewer than {WANTED:.0%} are noticed in: {', '.join(few) or 'none'}. Unexplained: {len(unexplained)}")


if __name__ == "__main__":
    main()
