"""How much memory a training step takes at its peak: our fast NumPy and our plain NumPy, as multiples of the trace.

The trace is what backpropagation through time has to keep: three gates, candidate, cell and hidden state at every step. The
step is that of train_speed.py, after a first one; the peak counts all that the model holds and makes: weights, gradients,
buffers, temporary arrays. tracemalloc sees the memory that Python and NumPy ask for. It does not see the libraries
themselves, nor the workspace into which BLAS copies blocks of matrices, nor another framework's arrays: no row for those.
Takes some seconds.

    python bench/memory.py --json FILE
"""
import tracemalloc

import numpy as np
import round_robin
from results import record
from train_speed import BATCH_SIZE, NUM_HIDDENS, NUM_STEPS, fused, plain

from d2l_utils.datasets.text import Vocab, load_time_machine

ARRAYS = ("I", "F", "O", "C_tilde", "C", "H")


def measured(factory, corpus, vocab_size, num_steps):
    """Bytes held between two training steps, and at the peak of one."""
    tracemalloc.start()
    try:
        work = factory(corpus, vocab_size, NUM_HIDDENS, num_steps)
        work()
        held = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        work()
        return held, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def main():
    arguments = round_robin.arguments(__doc__)
    text = load_time_machine(10_000)
    vocab, rows = Vocab(text.characters), []
    weights = 4 * (4 * NUM_HIDDENS * (NUM_HIDDENS + len(vocab) + 1) + (NUM_HIDDENS + 1) * len(vocab))
    print(f"A training step on {text.source}: {NUM_HIDDENS} units, batch {BATCH_SIZE}, float32; "
          f"weights {weights / 1e6:.1f} MB; NumPy {np.__version__}")
    print(f"{'':34s} {'steps':>6s} {'trace MB':>9s} {'between steps MB':>17s} {'peak MB':>9s} {'peak / trace':>13s}")
    for num_steps in (NUM_STEPS, 4 * NUM_STEPS):
        trace = 4 * len(ARRAYS) * num_steps * BATCH_SIZE * NUM_HIDDENS
        for name, factory in (("NumPy, the plain cell", plain), ("NumPy, fused", fused)):
            held, peak = measured(factory, vocab.encode(text.characters), len(vocab), num_steps)
            rows.append({"peer": name, "num_steps": num_steps, "trace": trace, "held": held, "peak": peak,
                         "times_trace": peak / trace})
            print(f"{name:34s} {num_steps:6d} {trace / 1e6:9.1f} {held / 1e6:17.1f} {peak / 1e6:9.1f} {peak / trace:13.2f}")
    if arguments.json:
        settings = {"num_hiddens": NUM_HIDDENS, "batch_size": BATCH_SIZE, "vocab_size": len(vocab), "unit": "bytes",
                    "weights": weights}
        record.write(arguments.json, settings, rows, text=text.source.split(",")[0])


if __name__ == "__main__":
    main()
