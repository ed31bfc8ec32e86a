"""What lies between the matrix products of a forward pass, compiled: NumPy in place, numexpr, numba, on one thread.

From the weighted sums of all steps each computes the gates, the candidate, the cell and the hidden state, and keeps them, as
the way back needs them; `fused.py` does it as the first row does. numexpr evaluates one line in one pass through memory,
numba compiles the whole step into one, or what stands around NumPy's tanh. They run in the environment that `make rosetta`
sets up. Takes some seconds.

    python bench/elementwise.py --json FILE
"""
import numpy as np
import round_robin
from results import record
from train_speed import BATCH_SIZE, NUM_HIDDENS, NUM_STEPS

ROUNDS, REPEATS = 25, 5


def room():
    """Weighted sums Z of i, f, o and candidate at all steps, (num_steps, 4, num_hiddens, batch_size); places for the rest."""
    shape = (NUM_STEPS, 4, NUM_HIDDENS, BATCH_SIZE)
    Z = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    gates, (C, H) = np.empty_like(Z), np.zeros((2, NUM_STEPS + 1, *shape[2:]), np.float32)
    return Z, gates, C, H


def mean_of_all(gates, C, H):
    """One number by which the rivals are compared."""
    return float(np.mean([gates.mean(), C.mean(), H.mean()]))


def numpy_in_place():
    Z, gates, C, H = room()
    share = np.empty_like(C[0])

    def work():
        for t in range(NUM_STEPS):
            (I, F, O, C_tilde), three = gates[t], gates[t, :3]
            np.multiply(Z[t, :3], 0.5, out=three)
            np.copyto(C_tilde, Z[t, 3])
            np.tanh(gates[t], out=gates[t])
            np.multiply(three, 0.5, out=three)
            np.add(three, 0.5, out=three)
            np.multiply(F, C[t], out=C[t + 1])
            np.multiply(I, C_tilde, out=share)
            np.add(C[t + 1], share, out=C[t + 1])
            np.tanh(C[t + 1], out=H[t + 1])
            np.multiply(O, H[t + 1], out=H[t + 1])
        return mean_of_all(gates, C, H)
    return work


def with_numexpr():
    import numexpr

    numexpr.set_num_threads(1)
    Z, gates, C, H = room()
    half, one = np.float32(0.5), np.float32(1)

    def work():
        for t in range(NUM_STEPS):
            I, F, O, C_tilde = gates[t]
            numexpr.evaluate("half * (one + tanh(half * Z))", {"Z": Z[t, :3], "half": half, "one": one}, out=gates[t, :3])
            numexpr.evaluate("tanh(Z)", {"Z": Z[t, 3]}, out=C_tilde)
            numexpr.evaluate("F * C + I * C_tilde", {"F": F, "C": C[t], "I": I, "C_tilde": C_tilde}, out=C[t + 1])
            numexpr.evaluate("O * tanh(C)", {"O": O, "C": C[t + 1]}, out=H[t + 1])
        return mean_of_all(gates, C, H)
    return work


def with_numba():
    import numba

    @numba.njit(fastmath=True)
    def all_steps(Z, gates, C, H):
        for t in range(len(Z)):
            for j in range(Z.shape[2]):
                for n in range(Z.shape[3]):
                    for gate in range(3):
                        gates[t, gate, j, n] = np.float32(0.5) + np.float32(0.5) * np.tanh(np.float32(0.5) * Z[t, gate, j, n])
                    gates[t, 3, j, n] = np.tanh(Z[t, 3, j, n])
                    C[t + 1, j, n] = gates[t, 1, j, n] * C[t, j, n] + gates[t, 0, j, n] * gates[t, 3, j, n]
                    H[t + 1, j, n] = gates[t, 2, j, n] * np.tanh(C[t + 1, j, n])

    Z, gates, C, H = room()

    def work():
        all_steps(Z, gates, C, H)
        return mean_of_all(gates, C, H)
    return work


def numba_around_tanh():
    import numba

    @numba.njit
    def before(Z, gates):
        for gate in range(4):
            scale = np.float32(0.5 if gate < 3 else 1)
            for j in range(Z.shape[1]):
                for n in range(Z.shape[2]):
                    gates[gate, j, n] = scale * Z[gate, j, n]

    @numba.njit
    def between(gates, C_before, C):
        for j in range(C.shape[0]):
            for n in range(C.shape[1]):
                for gate in range(3):
                    gates[gate, j, n] = np.float32(0.5) * gates[gate, j, n] + np.float32(0.5)
                C[j, n] = gates[1, j, n] * C_before[j, n] + gates[0, j, n] * gates[3, j, n]

    Z, gates, C, H = room()

    def work():
        for t in range(NUM_STEPS):
            before(Z[t], gates[t])
            np.tanh(gates[t], out=gates[t])
            between(gates[t], C[t], C[t + 1])
            np.tanh(C[t + 1], out=H[t + 1])
            np.multiply(gates[t, 2], H[t + 1], out=H[t + 1])
        return mean_of_all(gates, C, H)
    return work


def main():
    arguments = round_robin.arguments(__doc__)
    peers = round_robin.measure({"NumPy, in place": (numpy_in_place,), "numexpr": (with_numexpr,), "numba": (with_numba,),
                                 "numba around NumPy's tanh": (numba_around_tanh,)}, ROUNDS, REPEATS)
    found = [peer.first for peer in peers.values() if not peer.missing]
    np.testing.assert_allclose(found, found[0], rtol=1e-5)
    table = round_robin.rows(peers, 1000)
    print(f"All between the products of a forward pass: {NUM_STEPS} steps, {NUM_HIDDENS} units, batch {BATCH_SIZE}")
    round_robin.show(table, peers, "ms")
    if arguments.json:
        settings = {"num_hiddens": NUM_HIDDENS, "batch_size": BATCH_SIZE, "num_steps": NUM_STEPS, "unit": "ms"}
        record.write(arguments.json, settings, table, **round_robin.about(peers))


if __name__ == "__main__":
    main()
