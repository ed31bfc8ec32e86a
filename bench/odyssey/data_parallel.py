"""One model, two workers: each takes half of every minibatch, and a server adds up their gradients and takes the step.

Gluon's distributed KVStore in its mode dist_sync, whose four processes (a scheduler, a server, two workers) run here on
one machine and talk over its loopback address. The workers end with the same weights, and those are the weights of one
process that sees whole minibatches, but for the rounding of sums in another order. Needs MXNet:

    python bench/odyssey/data_parallel.py
"""
import contextlib
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

import d2l_utils  # noqa: F401  (before mxnet: it puts numpy.bool back)

NUM_WORKERS, NUM_UPDATES, BATCH_SIZE, LR = 2, 30, 16, 0.5
OTHERS = "import d2l_utils, mxnet"      # MXNet becomes a scheduler or a server when it is imported, and exits afterwards


def train(kvstore="local", rank=0, num_workers=1):
    """Train an LSTM on the adding problem. kvstore: a name or a KVStore. Of each minibatch, only every num_workers-th
    sequence is seen, from the rank-th on. Returns the weights: a list of arrays."""
    from d2l_utils.cells import LSTM
    from d2l_utils.datasets.synthetic import adding
    from d2l_utils.gluon import autograd, gluon, nd, to_gluon

    rng = np.random.default_rng(0)
    layer, dense = to_gluon(LSTM(2, 8, rng=rng, sigma=0.3)), gluon.nn.Dense(1, in_units=8)
    dense.initialize()
    dense.weight.set_data(nd.array(rng.normal(0, 0.3, (1, 8))))
    params = [p for block in (layer, dense) for p in block.collect_params().values()]
    trainer, loss = gluon.Trainer(params, "sgd", {"learning_rate": LR}, kvstore=kvstore), gluon.loss.L2Loss()
    for _ in range(NUM_UPDATES):
        X, wanted = adding(rng, BATCH_SIZE, min_steps=20)       # all workers draw the same minibatch
        share = slice(rank, None, num_workers)
        with autograd.record():
            L = loss(dense(layer(nd.array(X[:, share]))[-1]), nd.array(wanted[share])).sum()
        L.backward()
        trainer.step(BATCH_SIZE)                                # divides the sum over all workers
    return [p.data().asnumpy() for p in params]


def free_port():
    """A port of the loopback address that nobody listens on, and below those that systems give away by themselves."""
    for port in random.sample(range(20_000, 32_000), 100):
        with socket.socket() as s, contextlib.suppress(OSError):
            s.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("none of 100 ports between 20000 and 32000 is free")


def run_workers(folder, timeout=300):
    """Train with all four processes. folder: for weights and messages. timeout: in seconds, for all of it.

    Returns the weights of each worker. Raises RuntimeError with what the processes wrote if one fails or time is up. No
    process is left behind.
    """
    common = {**os.environ, "DMLC_PS_ROOT_URI": "127.0.0.1", "DMLC_PS_ROOT_PORT": str(free_port()),
              "DMLC_NODE_HOST": "127.0.0.1", "DMLC_NUM_SERVER": "1", "DMLC_NUM_WORKER": str(NUM_WORKERS)}
    weights = [Path(folder) / f"worker-{k}.npz" for k in range(NUM_WORKERS)]
    commands = {"scheduler": ["-c", OTHERS], "server": ["-c", OTHERS],
                **{path.stem: [__file__, str(path)] for path in weights}}
    processes, deadline = {}, time.monotonic() + timeout
    try:
        for name, command in commands.items():
            with open(Path(folder) / f"{name}.txt", "w") as messages:
                processes[name] = subprocess.Popen([sys.executable, *command], stdout=messages, stderr=messages,
                                                   env={**common, "DMLC_ROLE": name.split("-")[0]})
        while any(process.poll() is None for process in processes.values()):
            if any(process.poll() for process in processes.values()) or time.monotonic() > deadline:
                break
            time.sleep(0.05)
        ends = {name: process.poll() for name, process in processes.items()}
    finally:
        for process in processes.values():
            process.kill()
            process.wait()
    if any(end != 0 for end in ends.values()):
        said = "\n".join(f"{name}: {'still running' if end is None else f'ended with {end}'}\n"
                         f"{(Path(folder) / f'{name}.txt').read_text()[-2000:]}" for name, end in ends.items())
        raise RuntimeError(f"the four processes did not all finish within {timeout} s:\n{said}")
    found = []
    for path in weights:
        with np.load(path) as kept:
            found.append(list(kept.values()))
    return found


def main():
    if len(sys.argv) > 1:                                       # a worker, started by run_workers
        from mxnet import kv

        kvstore = kv.create("dist_sync")
        np.savez(sys.argv[1], *train(kvstore, kvstore.rank, kvstore.num_workers))
        return
    with tempfile.TemporaryDirectory() as folder:
        first, second = run_workers(folder)
    single = train()
    for name, weights in (("worker 0 and worker 1", second), ("worker 0 and one process", single)):
        print(f"{name:28s} differ by at most {max(abs(a - b).max() for a, b in zip(first, weights)):.1e}")
    print(f"the weights themselves go up to {max(abs(w).max() for w in single):.2f}")


if __name__ == "__main__":
    main()
