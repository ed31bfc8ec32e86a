"""A worker of the sweep: takes configurations from a shared storage, trains them, and ends when none is left.

The same command on a laptop (start it in two terminals), in a SLURM array (slurm.sh) and in a Kubernetes Job (job.yaml):

    python bench/odyssey/enqueue.py --storage sweep.journal
    python bench/odyssey/worker.py --storage sweep.journal
    python bench/odyssey/report.py --storage sweep.journal --html sweep.html

Which configurations there are is settled beforehand, and a score follows from the configuration alone. So the result does
not depend on how many workers there are, nor on who takes what. The storage is one file, an Optuna journal, in a folder
that all workers share; it needs no server.

A worker that is killed leaves its trial running in the journal. Journals know no heartbeat, so ours is the modification
time of a file for each trial, in a folder beside the journal, which a worker touches as long as it lives. A trial whose
file is older than --patience fails, and a copy of it joins the queue.
"""
import argparse
import math
import os
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock
from optuna.trial import TrialState, create_trial

sys.path.append(str(Path(__file__).resolve().parents[1] / "results"))       # variants.py, which has the tasks
optuna.logging.set_verbosity(optuna.logging.WARNING)

STUDY = "odyssey"
KNOWS_NOTHING = {"adding": 1 / 6, "characters": math.log(28)}       # always 0.5; every character as likely as another


def score(settings, params):
    """Train one configuration: the scores of its seeds, smaller being better; None where training diverged.

    settings: what all have in common. params: task, variant and the hyperparameters.
    """
    import variants  # takes a second, which enqueue.py and report.py save

    task, (amount, much) = params["task"], settings["amount"][params["task"]]
    kept = variants.SETTINGS
    variants.SETTINGS = {**kept, **{name: params[name] for name in ("lr", "clip", "forget_bias")},
                         "num_seeds": settings["num_seeds"], task: {**kept[task], "num_hiddens": params["num_hiddens"]}}
    try:
        scores = variants.TASKS[task](params["variant"], **{amount: much})["scores"]
    finally:
        variants.SETTINGS = kept
    return [s if math.isfinite(s) else None for s in scores]


def value(task, scores):
    """The mean of the scores, in which nobody counts as worse than who knows nothing."""
    worst = KNOWS_NOTHING[task]
    return sum(worst if s is None else min(s, worst) for s in scores) / len(scores)


class Sweep:
    """The sweep in a storage. path: of the journal. patience: seconds without a sign of life until a trial is given up."""

    def __init__(self, path, patience=60.0):
        self.storage, self.patience = JournalStorage(JournalFileBackend(str(path))), patience
        self.study = optuna.create_study(storage=self.storage, study_name=STUDY, load_if_exists=True)
        self.beats = Path(f"{path}.beats")
        self.beats.mkdir(exist_ok=True)
        self.lock = JournalFileSymlinkLock(str(self.beats / "take_up"))

    def trials(self, *states):
        """The trials in one of these states, or all, in the order in which they joined the queue."""
        return self.study.get_trials(deepcopy=False, states=states or None)

    def enqueue(self, configuration, params, distributions):
        """Put one into the queue. configuration: its number, by which copies of it are known."""
        self.study.add_trial(create_trial(state=TrialState.WAITING, params=params, distributions=distributions,
                                          user_attrs={"configuration": configuration}))

    def _end(self, trial, state, scores=None):
        """Set the last state of a trial; False if it has one."""
        try:
            if scores is not None:
                self.storage.set_trial_user_attr(trial._trial_id, "scores", scores)
            self.storage.set_trial_state_values(trial._trial_id, state, scores and [value(trial.params["task"], scores)])
        except UpdateFinishedTrialError:
            return False
        return True

    def claim(self):
        """The first trial of the queue, now ours; None if the queue is empty."""
        for trial in self.trials(TrialState.WAITING):
            self._beat(trial)                                       # first, so that no claimed trial is without a file
            try:
                if self.storage.set_trial_state_values(trial._trial_id, TrialState.RUNNING):
                    return trial
            except UpdateFinishedTrialError:
                pass                                                # another worker has claimed it, and ended it
        return None

    def _beat(self, trial):
        (self.beats / str(trial.number)).touch()

    @contextmanager
    def alive(self, trial):
        """Touch the trial's file from time to time."""
        over = threading.Event()

        def keep_touching():
            while not over.wait(self.patience / 5):
                self._beat(trial)

        thread = threading.Thread(target=keep_touching, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def take_up(self):
        """Give up the trials of dead workers, and enqueue copies. One worker at a time; may be killed at any point."""
        self.lock.acquire()
        try:
            clock = self.beats / "clock"                            # of the machine that keeps the files
            clock.touch()
            for trial in self.trials(TrialState.RUNNING):
                if clock.stat().st_mtime - (self.beats / str(trial.number)).stat().st_mtime > self.patience:
                    self._end(trial, TrialState.FAIL)
            failed = {t.user_attrs["configuration"]: t for t in self.trials(TrialState.FAIL)}
            others = {t.user_attrs["configuration"] for t in self.trials() if t.state != TrialState.FAIL}
            for configuration in sorted(failed.keys() - others):
                self.enqueue(configuration, failed[configuration].params, failed[configuration].distributions)
        finally:
            self.lock.release()

    def work(self, score=score):
        """Train until nothing waits and nothing runs, here or elsewhere. score: as the function of that name."""
        while True:
            trial = self.claim()
            if trial:
                with self.alive(trial):
                    scores = score(self.study.user_attrs["settings"], trial.params)
                counts = self._end(trial, TrialState.COMPLETE, scores)
                print(trial.number, trial.params, scores, "" if counts else "(late: given up meanwhile)", flush=True)
                continue
            self.take_up()
            if not self.trials(TrialState.WAITING, TrialState.RUNNING):
                break
            if not self.trials(TrialState.WAITING):
                time.sleep(min(self.patience / 5, 5))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--storage", type=Path, required=True, help="the journal, which enqueue.py has filled")
    parser.add_argument("--patience", type=float, default=60, help="seconds after which a silent worker counts as dead")
    args = parser.parse_args()
    if not args.storage.exists():
        parser.error(f"{args.storage} does not exist: run enqueue.py first")
    Sweep(args.storage, args.patience).work()


if __name__ == "__main__":
    main()
