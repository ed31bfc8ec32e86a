"""The sweep of bench/odyssey: who takes what does not matter, nothing is lost or counted twice, and shares are right."""
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from optuna.trial import TrialState

ROOT = Path(__file__).resolve().parents[2]
ODYSSEY = ROOT / "bench" / "odyssey"
sys.path.append(str(ODYSSEY))

import enqueue  # noqa: E402
import report  # noqa: E402
import worker  # noqa: E402

TINY = {"seed": 3, "num_configurations": 1, "num_seeds": 2, "amount": {"adding": ["num_updates", 1]}}
COMMAND = ["bench/odyssey/worker.py", "--storage"]

# A worker that says which trial it holds, and does not come back from it.
STUCK = """
import sys, time
sys.path.append(sys.argv[1])
import worker

def never(settings, params):
    print(params["variant"], flush=True)
    time.sleep(3600)

worker.Sweep(sys.argv[2], patience=1).work(never)
"""
# A worker whose scores take no time, but depend on all that a score may depend on.
QUICK = """
import sys
sys.path.append(sys.argv[1])
import worker

worker.Sweep(sys.argv[2], patience=1).work(lambda settings, params: [len(repr((settings, params))) / 1e4, params["lr"]])
"""


def quick(settings, params):
    return [len(repr((settings, params))) / 1e4, params["lr"]]


def filled(path, settings=TINY):
    sweep = worker.Sweep(path)
    enqueue.enqueue(sweep, settings)
    return sweep


def configurations(sweep, *states):
    return sorted(t.user_attrs["configuration"] for t in sweep.trials(*states))


def test_the_configurations_follow_from_the_seed():
    found = enqueue.configurations(enqueue.SETTINGS)
    assert found == enqueue.configurations(enqueue.SETTINGS)
    assert found != enqueue.configurations({**enqueue.SETTINGS, "seed": 2018})
    assert found[:18] == enqueue.configurations({**enqueue.SETTINGS, "num_configurations": 1})
    assert len({(r["task"], r["variant"]) for r in found}) == 18
    for name, space in enqueue.SPACE.items():
        assert all(space._contains(space.to_internal_repr(r[name])) for r in found), name
    widths, rates = (np.array([r[name] for r in found]) for name in ("num_hiddens", "lr"))
    assert (widths.min(), widths.max()) == (4, 31)
    assert 0.4 < (rates < 10 ** -2.5).mean() < 0.6      # even on a logarithmic scale


def test_a_sweep_is_not_filled_twice(tmp_path):
    sweep = filled(tmp_path / "s.journal")
    with pytest.raises(ValueError, match="holds a sweep"):
        enqueue.enqueue(sweep, TINY)


def test_the_trials_of_a_killed_worker_are_taken_up(tmp_path):
    """Two workers share a storage; one is killed in the middle of a trial. The result is that of one worker alone."""
    alone, shared = filled(tmp_path / "alone.journal"), filled(tmp_path / "shared.journal")
    alone.work(quick)
    arguments = [str(ODYSSEY), str(tmp_path / "shared.journal")]
    processes = [subprocess.Popen([sys.executable, "-c", STUCK, *arguments], stdout=subprocess.PIPE, text=True)]
    try:
        assert processes[0].stdout.readline() == "vanilla\n"                # it is in the middle of its first trial
        processes.append(subprocess.Popen([sys.executable, "-c", QUICK, *arguments], stdout=subprocess.PIPE, text=True))
        assert processes[1].stdout.readline().startswith("1 ")              # the other has done one
        assert processes[0].poll() is None
        processes[0].kill()
        processes[1].communicate(timeout=120)
        assert processes[1].returncode == 0
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    assert configurations(shared, TrialState.COMPLETE) == list(range(9))
    assert report.rows(shared) == report.rows(alone)
    failed = shared.trials(TrialState.FAIL)
    assert 0 in configurations(shared, TrialState.FAIL)
    assert len(shared.trials()) == 9 + len(failed)


def test_a_living_worker_keeps_its_trial_and_a_late_one_is_not_counted(tmp_path):
    sweep = filled(tmp_path / "s.journal")
    trial = sweep.claim()
    sweep.take_up()
    assert configurations(sweep, TrialState.RUNNING) == [0]
    for name in os.listdir(sweep.beats):
        os.utime(sweep.beats / name, (0, 0))            # as if it had been silent since 1970
    sweep.take_up()
    sweep.take_up()
    assert configurations(sweep, TrialState.FAIL) == [0]
    assert configurations(sweep, TrialState.WAITING) == list(range(9))
    assert not sweep._end(trial, TrialState.COMPLETE, [0.1, 0.1])           # it lived after all
    other = worker.Sweep(tmp_path / "s.journal")
    other.work(quick)
    assert configurations(sweep, TrialState.COMPLETE) == list(range(9))
    assert report.rows(sweep)[0]["scores"] == quick(TINY, trial.params)


def test_a_copy_is_made_though_the_one_who_gave_the_trial_up_was_killed_before(tmp_path):
    sweep = filled(tmp_path / "s.journal")
    sweep._end(sweep.claim(), TrialState.FAIL)
    sweep.take_up()
    assert configurations(sweep, TrialState.WAITING) == list(range(9))


def test_the_worker_is_a_command_and_its_score_a_function_of_the_configuration(tmp_path, monkeypatch):
    sweep = worker.Sweep(tmp_path / "s.journal")
    params = {**enqueue.configurations(TINY)[0], "num_hiddens": 4}
    sweep.study.set_user_attr("settings", TINY)
    sweep.enqueue(0, params, enqueue.SPACE)
    monkeypatch.setattr(sys, "argv", ["worker.py", "--storage", str(tmp_path / "s.journal")])
    worker.main()
    run, = report.rows(sweep)
    assert run["scores"] == worker.score(TINY, params)
    assert run["scores"] != worker.score(TINY, {**params, "lr": 2 * params["lr"]})
    assert len(set(run["scores"])) == 2                         # two seeds


def test_nobody_counts_as_worse_than_who_knows_nothing():
    assert worker.value("adding", [None, 5.0, 0.1]) == pytest.approx((2 / 6 + 0.1) / 3)


def test_shares_of_what_is_known(rng):
    """y = a + noise + b c: a explains its variance alone, b and c only together."""
    a, b, c, d = (rng.integers(0, 4, 4000) for _ in range(4))
    columns = {"a": a, "b": b, "c": c, "d": d}
    parts = [a - 1.5, (b - 1.5) * (c - 1.5), rng.normal(size=4000)]
    variances = np.array([1.25, 1.25 ** 2, 1.0])
    alone, together = report.importance(sum(parts), columns)
    shares = variances / variances.sum()
    for found, wanted in ((alone, {"a": shares[0]}), (together, {"b x c": shares[1]})):
        for name, share in found.items():
            assert share == pytest.approx(wanted.get(name, 0), abs=0.03), name      # 4,000 draws: within about 0.01
    assert all(limit < 0.01 for limit in report.chance(sum(parts), columns, num_shuffles=20))


def test_as_many_in_each_bin_and_too_few_runs_are_refused(rng):
    assert np.bincount(report.levels(rng.random(20))).tolist() == [5, 5, 5, 5]
    assert report.levels(["b", "a", "b"]).tolist() == [1, 0, 1]
    with pytest.raises(ValueError, match="7 runs are too few for 4 means"):
        report.explained(rng.random(7), np.array([0, 1, 2, 3, 0, 1, 2]))


def test_the_page_and_the_record(tmp_path, monkeypatch):
    """Scores that follow from the learning rate alone: the page says so."""
    runs = [{**r, "scores": [r["lr"]], "value": r["lr"] ** 0.5} for r in enqueue.configurations(enqueue.SETTINGS)]
    tasks = {"adding": [r for r in runs if r["task"] == "adding"]}
    monkeypatch.setattr(report, "chance", lambda y, columns: (0.1, 0.2))
    summaries = {"adding": report.summary(tasks["adding"])}
    shares = summaries["adding"]["importance"]
    assert shares["lr"] > 0.8
    assert all(share < 0.1 for name, share in shares.items() if name != "lr")
    text = report.page(enqueue.SETTINGS, tasks, summaries)
    assert text.count("<svg") == 1
    assert f"<th scope=row>lr<td>{shares['lr']}" in text
    assert f"<th scope=row>NOAF<td>{summaries['adding']['best']['NOAF']['value']}" in text


def test_the_job_runs_the_worker():
    job = yaml.safe_load((ODYSSEY / "job.yaml").read_text())
    spec, pod = job["spec"], job["spec"]["template"]["spec"]
    container, = pod["containers"]
    assert (job["apiVersion"], job["kind"], spec["completionMode"]) == ("batch/v1", "Job", "Indexed")
    assert spec["completions"] == spec["parallelism"] > 1
    assert pod["restartPolicy"] == "Never"                                  # which backoffLimitPerIndex asks for
    assert container["command"][1:3] == COMMAND
    mount, = container["volumeMounts"]
    assert container["command"][3].startswith(mount["mountPath"] + "/")
    assert [volume["name"] for volume in pod["volumes"]] == [mount["name"]]


def test_the_slurm_script_runs_the_worker():
    script = ODYSSEY / "slurm.sh"
    subprocess.run(["bash", "-n", str(script)], check=True)
    lines = script.read_text().splitlines()
    options = dict(line[len("#SBATCH --"):].partition("=")[::2] for line in lines if line.startswith("#SBATCH --"))
    assert options["array"] == "0-7"
    assert "requeue" in options
    command = lines[-1].split()
    assert command[2:4] == COMMAND
    assert (ROOT / command[2]).is_file()


@pytest.fixture(scope="module")
def record():
    return json.loads((ROOT / "bench" / "results" / "odyssey.json").read_text())


def test_the_record_is_the_sweep_and_its_summary_follows(record):
    found = [{name: r[name] for name in enqueue.SPACE} for r in record["runs"]]
    assert found == enqueue.configurations(record["settings"])
    assert all(r["value"] == worker.value(r["task"], r["scores"]) for r in record["runs"])
    for task, kept in record["summary"].items():
        alone, together = report.importance(*report.table_of([r for r in record["runs"] if r["task"] == task]))
        assert kept["importance"] == pytest.approx(alone, abs=1e-3)
        assert kept["interactions"] == pytest.approx(together, abs=1e-3)


def test_a_run_of_the_record_repeats(record):
    """The narrowest net that has learned to add slowly: machines round differently, and 300 updates carry that on."""
    run = min((r for r in record["runs"] if r["task"] == "adding" and r["lr"] < 0.005 and r["value"] < 0.1),
              key=lambda r: r["num_hiddens"])
    assert worker.score(record["settings"], run) == pytest.approx(run["scores"], rel=0.02)
