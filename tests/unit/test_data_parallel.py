"""Two workers and a server, on one machine, against one process that sees whole minibatches."""
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "bench" / "odyssey"))


@pytest.fixture
def data_parallel(mx):
    import data_parallel
    return data_parallel


def difference(a, b):
    return max(np.abs(x - y).max() for x, y in zip(a, b))


def test_two_workers_train_the_model_of_one(data_parallel, tmp_path):
    """Their weights are the same, and those of one process but for rounding: 30 steps of sums in another order."""
    first, second = data_parallel.run_workers(tmp_path)
    single, half = data_parallel.train(), data_parallel.train(rank=0, num_workers=2)
    assert [w.shape for w in first] == [w.shape for w in single]
    assert difference(first, second) == 0
    assert difference(first, single) < 1e-5
    assert difference(half, single) > 1e-2         # so each worker has indeed heard of the other's half


def test_a_worker_that_fails_is_reported_and_nobody_is_left_behind(data_parallel, tmp_path, monkeypatch):
    started, popen = [], subprocess.Popen

    def start(*args, **more):
        started.append(popen(*args, **more))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", start)
    monkeypatch.setattr(data_parallel, "OTHERS", "raise SystemExit('no server today')")
    with pytest.raises(RuntimeError, match="no server today"):
        data_parallel.run_workers(tmp_path)
    assert len(started) == 4
    assert all(process.poll() is not None for process in started)
