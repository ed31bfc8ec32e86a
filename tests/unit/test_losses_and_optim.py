"""Cross entropy, perplexity, clipping and the two optimizers: against MXNet, by hand, and at the edges."""
import numpy as np
import pytest

from d2l_utils.layers import Dense
from d2l_utils.losses import cross_entropy, perplexity, softmax
from d2l_utils.optim import SGD, Adam, clip_by_global_norm


@pytest.fixture(params=["numpy", "mxnet"])
def array(request):
    """Makes an array of one kind or the other from numbers: the optimizers serve both."""
    if request.param == "numpy":
        return lambda numbers: np.array(numbers, np.float64)
    mx = request.getfixturevalue("mx")
    return lambda numbers: mx.nd.array(numbers, dtype="float64")


def as_numpy(w):
    return w if isinstance(w, np.ndarray) else w.asnumpy()


def test_cross_entropy_and_its_gradient_agree_with_mxnet(mx, rng):
    Y, targets = 5 * rng.standard_normal((7, 3, 11)), rng.integers(11, size=(7, 3))
    scores = mx.nd.array(Y, dtype="float64")
    scores.attach_grad()
    with mx.autograd.record():
        wanted = mx.gluon.loss.SoftmaxCrossEntropyLoss()(scores, mx.nd.array(targets, dtype="float64")).mean()
    wanted.backward()
    loss, d_Y = cross_entropy(Y, targets)
    assert loss == pytest.approx(wanted.asscalar(), rel=1e-14)
    np.testing.assert_allclose(d_Y, scores.grad.asnumpy(), rtol=1e-12, atol=1e-17)


def test_the_gradient_of_cross_entropy_is_its_slope(rng):
    Y, targets = rng.standard_normal((4, 2, 5)), rng.integers(5, size=(4, 2))
    _, d_Y = cross_entropy(Y, targets)
    v, h = rng.standard_normal(Y.shape), 1e-3
    near, far = (cross_entropy(Y + s * v, targets)[0] - cross_entropy(Y - s * v, targets)[0] for s in (h, 2 * h))
    assert (d_Y * v).sum() == pytest.approx((8 * near - far) / (12 * h), rel=1e-9)


def test_scores_of_ten_thousand_neither_overflow_nor_lose_the_loss():
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        loss, d_Y = cross_entropy([[1e4, -1e4, 0.0], [1e4, -1e4, 0.0]], [0, 1])
        assert softmax(np.array([1e4, -1e4])).tolist() == [1.0, 0.0]
    assert loss == 1e4                                      # 0 for the first token, 20,000 for the second
    assert d_Y.tolist() == [[0.0, 0.0, 0.0], [0.5, -0.5, 0.0]]


def test_each_token_is_measured_by_its_own_largest_score():
    """Shifted by the largest of all scores, the first token's would all underflow."""
    Y = np.array([[-2000.0, -2000.0], [0.0, 0.0]])
    assert softmax(Y).tolist() == [[0.5, 0.5], [0.5, 0.5]]
    loss, d_Y = cross_entropy(Y, [0, 1])
    assert loss == pytest.approx(np.log(2), rel=1e-15)
    np.testing.assert_allclose(d_Y, [[-0.25, 0.25], [0.25, -0.25]], rtol=1e-15)


def test_a_single_token_needs_no_axis_of_its_own():
    loss, d_Y = cross_entropy(np.zeros(4), 2)
    assert loss == pytest.approx(np.log(4), rel=1e-15)
    np.testing.assert_allclose(d_Y, [0.25, 0.25, -0.75, 0.25], rtol=1e-15)


@pytest.mark.filterwarnings("error")
def test_the_perplexity_of_a_loss_beyond_all_numbers_is_infinite_without_a_warning():
    assert perplexity(710.0) == np.inf
    assert perplexity(700.0) == pytest.approx(np.exp(700.0), rel=1e-15)


def test_softmax_adds_up_to_one_and_ignores_a_shift(rng):
    Y = rng.standard_normal((6, 9))
    np.testing.assert_allclose(softmax(Y).sum(axis=-1), 1, rtol=1e-14)
    np.testing.assert_allclose(softmax(Y + 100), softmax(Y), rtol=1e-12)


@pytest.mark.parametrize("vocab_size", [2, 28, 43])
def test_the_perplexity_of_a_guess_at_random_is_the_size_of_the_vocabulary(vocab_size):
    loss, _ = cross_entropy(np.zeros((5, vocab_size)), np.zeros(5, int))
    assert perplexity(loss) == pytest.approx(vocab_size, rel=1e-14)


def test_cross_entropy_keeps_float32():
    assert cross_entropy(np.zeros((2, 3), np.float32), [0, 1])[1].dtype == np.float32


def test_dense_is_an_affine_map_and_backward_is_its_transpose(rng):
    dense = Dense(4, 3, rng=rng, sigma=1.0)
    dense.params["b_q"] += rng.standard_normal(3)
    H, d_Y = rng.standard_normal((5, 2, 4)), rng.standard_normal((5, 2, 3))
    np.testing.assert_allclose(dense.forward(H)[3, 1], H[3, 1] @ dense.params["W_hq"] + dense.params["b_q"], rtol=1e-14)
    grads, d_H = dense.backward(H, d_Y)
    np.testing.assert_allclose(grads["W_hq"], np.einsum("tbh,tbq->hq", H, d_Y), rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(grads["b_q"], d_Y.sum(axis=(0, 1)), rtol=1e-13)
    np.testing.assert_allclose(d_H, np.einsum("tbq,hq->tbh", d_Y, dense.params["W_hq"]), rtol=1e-13, atol=1e-15)


def test_clipping_scales_all_gradients_by_one_factor(array):
    grads = {"W": array([[3.0, 0.0]]), "b": array([4.0])}
    kept = dict(grads)
    assert clip_by_global_norm(grads, 1.0) == 5.0           # the norm before
    np.testing.assert_allclose(as_numpy(grads["W"]), [[0.6, 0.0]], rtol=1e-15)
    np.testing.assert_allclose(as_numpy(grads["b"]), [0.8], rtol=1e-15)
    assert all(grads[name] is kept[name] for name in grads)  # in place: autograd holds the same arrays


@pytest.mark.parametrize("max_norm", [5.0, 7.0])
def test_clipping_leaves_short_gradients_alone(max_norm, array):
    grads = {"W": array([[3.0, 0.0]]), "b": array([4.0])}
    assert clip_by_global_norm(grads, max_norm) == 5.0
    assert as_numpy(grads["W"]).tolist() == [[3.0, 0.0]]
    assert as_numpy(grads["b"]).tolist() == [4.0]


def test_an_array_that_is_no_float_is_asked_for_its_number():
    """As MXNet's: the sum of an array is an array, which float() refuses."""
    class Deferred:
        def __mul__(self, other):
            return self

        def sum(self):
            return self

        def asscalar(self):
            return 25.0

    assert clip_by_global_norm({"w": Deferred()}, 5.0) == 5.0


def test_sgd_takes_one_step_downhill_in_place(array):
    w = array([1.0, -2.0])
    SGD(0.5).step({"w": w}, {"w": array([4.0, 1.0])})
    assert as_numpy(w).tolist() == [-1.0, -2.5]


def test_adam_worked_out_by_hand(array):
    """Algorithm 1 with gradients 1 and 3. In step 1 the corrections cancel; eps is large, so that its place matters."""
    w, adam = array([1.0]), Adam(0.1, eps=0.25)
    adam.step({"w": w}, {"w": array([1.0])})
    first = 1 - 0.1 / (1 + 0.25)
    np.testing.assert_allclose(as_numpy(w), first, rtol=1e-12)
    adam.step({"w": w}, {"w": array([3.0])})
    m_hat = (0.9 * 0.1 * 1 + 0.1 * 3) / (1 - 0.9 ** 2)
    v_hat = (0.999 * 0.001 * 1 + 0.001 * 9) / (1 - 0.999 ** 2)
    np.testing.assert_allclose(as_numpy(w), first - 0.1 * m_hat / (v_hat ** 0.5 + 0.25), rtol=1e-12)


def test_adam_agrees_with_mxnets(array, mx, rng):
    """With eps = 0: MXNet adds it before it corrects v. The tolerance is MXNet's: it keeps its constants in float32."""
    gradients = rng.standard_normal((10, 4))
    w, adam = array(np.ones(4)), Adam(0.01, eps=0.0)
    wanted, theirs = mx.nd.ones(4, dtype="float64"), mx.optimizer.Adam(learning_rate=0.01, epsilon=0.0)
    state = theirs.create_state(0, wanted)
    for g in gradients:
        adam.step({"w": w}, {"w": array(g)})
        theirs.update(0, wanted, mx.nd.array(g, dtype="float64"), state)
    np.testing.assert_allclose(as_numpy(w), wanted.asnumpy(), rtol=1e-6)


ONES = np.ones


@pytest.mark.parametrize(("refused", "message"), [
    (lambda: cross_entropy(ONES((2, 3, 5)), np.zeros((3, 2), int)), r"targets must have the shape .*\(2, 3\), got \(3, 2\)"),
    (lambda: cross_entropy(ONES((2, 5)), [0, 5]), r"targets must lie between 0 and vocab_size - 1 = 4, got 0 to 5"),
    (lambda: cross_entropy(ONES((1, 2, 5)), [[0, 5]]), r"targets must lie between 0 and vocab_size - 1 = 4, got 0 to 5"),
    (lambda: cross_entropy(ONES((2, 5)), [-1, 0]), r"targets must lie between 0 .* got -1 to 0"),
    (lambda: cross_entropy(ONES((2, 5)), [0.0, 1.0]), r"targets must be whole numbers, got float64"),
    (lambda: cross_entropy(ONES((0, 5)), np.zeros(0, int)), r"targets must hold at least one token"),
    (lambda: Dense(4, 3).forward(ONES((2, 5))), r"H must have the shape \(\.\.\., 4\), got \(2, 5\)"),
    (lambda: clip_by_global_norm({"w": ONES(2)}, 0), r"max_norm must be greater than 0, got 0"),
    (lambda: clip_by_global_norm({"w": ONES(2)}, float("nan")), r"max_norm must be greater than 0, got nan"),
    (lambda: SGD(0).step({"w": ONES(2)}, {"w": ONES(2)}), r"lr must be greater than 0, got 0"),
    (lambda: Adam(-1).step({"w": ONES(2)}, {"w": ONES(2)}), r"lr must be greater than 0, got -1"),
    (lambda: SGD(1).step({"w": ONES(2), "b": ONES(1)}, {"w": ONES(2), "c": ONES(1)}), r"grads .*\['b', 'c'\]"),
    (lambda: Adam(1).step({"w": ONES((3, 2))}, {"w": ONES(2)}), r"grads\['w'\] .* \(3, 2\), got \(2,\)"),
])
def test_what_does_not_fit_is_refused_by_name(refused, message):
    with pytest.raises(ValueError, match=message):
        refused()
