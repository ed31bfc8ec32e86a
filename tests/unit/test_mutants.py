"""The record of make mutants: of the faults planted in a module the tests notice at least 95 %, and each other is explained."""
import json
from pathlib import Path

RECORD = json.loads((Path(__file__).resolve().parents[2] / "bench" / "results" / "mutants.json").read_text(encoding="utf-8"))
MODULES = {"cells/base.py", "cells/gru.py", "cells/lstm.py", "cells/rnn.py", "cells/variants.py", "losses.py", "optim.py",
           "fused.py", "widgets/lstm.js"}


def test_the_tests_notice_faults_in_every_module():
    counts = {run["module"]: run for run in RECORD["runs"] if "mutants" in run}
    assert counts.keys() == {f"d2l_utils/{name}" for name in MODULES}
    for run in counts.values():
        assert run["noticed"] >= 0.95 * run["tried"] > 0


def test_each_survivor_of_the_mutants_is_explained():
    survivors = [run for run in RECORD["runs"] if "mutants" not in run]
    assert len(survivors) == sum(run["tried"] - run["noticed"] for run in RECORD["runs"] if "mutants" in run)
    assert all(len(run["why"].split()) >= 5 for run in survivors)
