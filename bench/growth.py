"""How the time of a training step grows with the hidden size and with the length: our fast NumPy, Gluon, PyTorch.

The step is that of train_speed.py, with tuned Gluon and with PyTorch where make rosetta has set it up. One size is doubled
at a time: hidden units at 35 steps, then steps at 256 units. The exponent is the slope of the straight line through the
logarithms of CPU time and size; the last column says to whom the fast path loses, by the median of the ratios within a
round. Takes about three minutes.

    python bench/growth.py --json FILE
"""
import statistics
import time

import numpy as np
import round_robin
from results import record
from train_speed import BATCH_SIZE, NUM_HIDDENS, NUM_STEPS, check_equal, flop, fused, pytorch, tuned_gluon

from d2l_utils.datasets.text import Vocab, load_time_machine

ROUNDS, REPEATS = 7, 1
HIDDENS, STEPS = (64, 128, 256, 512, 1024), (35, 70, 140, 280, 560)
FUSED = "NumPy, fused"
PEERS = {"Gluon, tuned": tuned_gluon, "PyTorch nn.LSTM": pytorch, FUSED: fused}


def main():
    arguments = round_robin.arguments(__doc__)
    began, text = time.perf_counter(), load_time_machine(10_000)
    vocab = Vocab(text.characters)
    vocab_size, rows = len(vocab), []
    corpus = np.resize(vocab.encode(text.characters), 2 * BATCH_SIZE * max(STEPS))      # repeated, for the longest steps
    print(f"A training step on {text.source}: {vocab_size} characters, batch {BATCH_SIZE}; CPU ms, median of {ROUNDS} rounds")
    print(f"{'units':>6s} {'steps':>6s} {'GFLOP':>7s} " + " ".join(f"{name:>16s}" for name in PEERS) + "  fused loses to")
    for num_hiddens, num_steps in [(h, NUM_STEPS) for h in HIDDENS] + [(NUM_HIDDENS, n) for n in STEPS[1:]]:
        peers = round_robin.measure({name: (peer, corpus, vocab_size, num_hiddens, num_steps) for name, peer in PEERS.items()},
                                    ROUNDS, REPEATS)
        check_equal(peers)
        cpu = {name: 1000 * statistics.median(peer.cpu) for name, peer in peers.items() if not peer.missing}
        loses_to = [name for name in cpu if statistics.median(
            a / b for a, b in zip(peers[name].cpu, peers[FUSED].cpu)) < 1]
        rows.append({"num_hiddens": num_hiddens, "num_steps": num_steps, "cpu": cpu, "loses_to": loses_to,
                     "gflop": flop(vocab_size, num_hiddens, num_steps) / 1e9})
        print(f"{num_hiddens:6d} {num_steps:6d} {rows[-1]['gflop']:7.2f} "
              + " ".join(f"{cpu[name]:16.1f}" if name in cpu else f"{'missing':>16s}" for name in PEERS)
              + f"  {', '.join(loses_to) or '-'}", flush=True)
    print("\nexponent of the CPU time")
    exponents = []
    for name in cpu:
        slopes = {}
        for size, other in (("num_hiddens", "num_steps"), ("num_steps", "num_hiddens")):
            line = [row for row in rows if row[other] == {"num_steps": NUM_STEPS, "num_hiddens": NUM_HIDDENS}[other]]
            slopes[size] = np.polyfit(np.log([row[size] for row in line]), np.log([row["cpu"][name] for row in line]), 1)[0]
        exponents.append({"peer": name, **slopes})
        print(f"{name:34s} hidden size {slopes['num_hiddens']:5.2f}, length {slopes['num_steps']:5.2f}")
    print(f"measured in {time.perf_counter() - began:.0f} s")
    if arguments.json:
        settings = {"batch_size": BATCH_SIZE, "vocab_size": vocab_size, "rounds": ROUNDS, "unit": "ms"}
        record.write(arguments.json, settings, rows, text=text.source.split(",")[0], exponents=exponents,
                     **round_robin.about(peers))


if __name__ == "__main__":
    main()
