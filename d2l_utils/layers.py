"""What turns a cell into a model."""
import numpy as np


class Dense:
    """Y = H W_hq + b_q: scores from hidden states.

    num_inputs, num_outputs: widths of H and Y. dtype: of the parameters. rng: a numpy Generator (None: a fresh
    `default_rng(0)`). sigma: standard deviation of the Gaussian weights; the bias is zero.
    """

    def __init__(self, num_inputs, num_outputs, dtype=np.float64, rng=None, sigma=0.01):
        rng = np.random.default_rng(0) if rng is None else rng
        self.params = {"W_hq": (sigma * rng.standard_normal((num_inputs, num_outputs))).astype(dtype),
                       "b_q": np.zeros(num_outputs, dtype)}

    def forward(self, H):
        """H: (..., num_inputs). Returns (..., num_outputs); raises ValueError for another width."""
        if H.shape[-1] != len(self.params["W_hq"]):
            raise ValueError(f"H must have the shape (..., {len(self.params['W_hq'])}), got {H.shape}")
        return H @ self.params["W_hq"] + self.params["b_q"]

    def backward(self, H, d_Y):
        """H: what `forward` was given; d_Y: like its result. Returns (grads, d_H)."""
        flat_H, flat_d_Y = H.reshape(-1, H.shape[-1]), d_Y.reshape(-1, d_Y.shape[-1])
        grads = {"W_hq": flat_H.T @ flat_d_Y, "b_q": flat_d_Y.sum(axis=0)}
        return grads, d_Y @ self.params["W_hq"].T
