"""The widgets' generator of random numbers, for Python: the same seed gives the same numbers in the page and in NumPy."""
import numpy as np


class Mulberry32:
    """Uniform numbers from 0 to 1 by Tommy Ettinger's mulberry32, as in lstm.js. seed: a whole number from 0 to 2**32 - 1."""

    def __init__(self, seed):
        if not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**32:
            raise ValueError(f"seed must be a whole number from 0 to 2**32 - 1, got {seed!r}")
        self._a = int(seed)

    def random(self, shape=()):
        """The next number, or as many as fit into `shape`, row by row."""
        return np.array([self._next() for _ in range(int(np.prod(shape)))]).reshape(shape)[()]

    def _next(self):
        mask = 0xFFFFFFFF
        self._a = a = (self._a + 0x6D2B79F5) & mask
        t = (a ^ a >> 15) * (a | 1) & mask
        t ^= t + ((t ^ t >> 7) * (t | 61) & mask) & mask
        return ((t ^ t >> 14) & mask) / 4294967296
