"""Checks of the exercises in chapter 7, The LSTM from scratch."""
import numpy as np

from d2l_utils.cells import LSTM
from d2l_utils.checks import WrongAnswer, as_numbers, exercise, expect, with_keys
from d2l_utils.datasets.text import DATA_DIR, TALE, Vocab, normalize
from d2l_utils.losses import softmax
from d2l_utils.optim import SGD, Adam
from d2l_utils.training import LanguageModel, train


@exercise
def num_weights(answer):
    for d, h in ((43, 256), (5, 3)):
        part = d * h + h * h + h
        wanted = 4 * part + h * d + d
        expect(answer(d, h), wanted, f"num_weights({d}, {h})", tolerance=1e-9, misconceptions=[
            (4 * part, "the output layer has weights too"),
            (part + h * d + d, "each of the three gates and the candidate has weights of its own"),
            (3 * part + h * d + d, "the candidate has weights too, like the three gates"),
            (wanted - 4 * h - d, "the biases are missing"),
            (wanted + 4 * h, "this counts two biases for each gate; the cell of this chapter has one"),
        ])
    return "Longer sequences do not change it: each step uses the same weights."


@exercise
def draw(answer):
    y = np.log([0.5, 0.3, 0.2])
    for temperature, u in ((1.0, 0.1), (1.0, 0.6), (1.0, 0.95), (2.0, 0.6), (2.0, 0.79), (0.5, 0.6)):
        def pick(p, u=u):
            return np.argmax(np.cumsum(p) > u)

        expect(answer(y + 3, temperature, u), pick(softmax(y / temperature)), f"draw(y, {temperature}, {u})", misconceptions=[
            (0, "this looks like the likeliest character: it has to depend on u") if temperature == 1 else (-1, ""),
            (pick(softmax(y)), "the temperature does not seem to count, or it cancels out"),
            (pick(softmax(y * temperature)), "the temperature divides the scores: a high one makes the choice more even"),
            (pick(softmax(y) / temperature), "divide the scores before the softmax, not the probabilities after it"),
        ])
    return "Low temperatures play safe, high ones take risks."


@exercise
def words(answer):
    cases = {
        "The Time Machine.": ["the", "time", "machine", "."],
        "Don't stop; go on!": ["don't", "stop", ";", "go", "on", "!"],
        "one  two\nthree": ["one", "two", "three"],
        "": [],
    }
    for text, wanted in cases.items():
        got = answer(text)
        if not isinstance(got, (list, tuple)) or not all(isinstance(word, str) for word in got):
            raise WrongAnswer("return a list of strings")
        if list(got) == wanted:
            continue
        hints = [
            (text.split(), "marks stick to their words, and capitals remain"),
            (text.lower().split(), "marks stick to their words: machine. and machine count as two"),
            ([w for w in wanted if w.isalpha() or "'" in w], "the marks are words of their own, they must not vanish"),
            (list(text.lower()), "these are characters"),
        ]
        hint = next((hint for wrong, hint in hints if list(got) == wrong and wrong != wanted), None)
        if hint is None and "'" in text and not any("'" in word and len(word) > 1 for word in got):
            hint = "an apostrophe inside a word belongs to it"
        raise WrongAnswer(hint or f"words({text!r}) should have {len(wanted)} entries like {wanted}, got {list(got)}")
    return "A model of words needs no other change than this."


@exercise
def settings(answer):
    chosen = with_keys(answer(), ("optimizer", "lr", "clip", "sigma", "forget_bias"))
    if chosen["optimizer"] not in ("sgd", "adam"):
        raise WrongAnswer(f'optimizer is "sgd" or "adam", got {chosen["optimizer"]!r}')
    text = normalize((DATA_DIR / TALE).read_text(encoding="utf-8"))[:3000]
    vocab, rng = Vocab(text), np.random.default_rng(0)
    cell = LSTM(len(vocab), 32, rng=rng, sigma=chosen["sigma"], forget_bias=chosen["forget_bias"])
    optimizer = (SGD if chosen["optimizer"] == "sgd" else Adam)(chosen["lr"])
    try:
        history = train(LanguageModel(cell, rng, chosen["sigma"]), vocab.encode(text), num_epochs=15, num_steps=25,
                        batch_size=16, optimizer=optimizer, clip=chosen["clip"])
    except FloatingPointError:
        raise WrongAnswer("the loss is no longer a number: the steps are too long") from None
    reached = history[-1].perplexity
    if reached >= 6.5:
        hint = "it diverges: make the steps shorter" if reached > len(vocab) else "try the key that changes the steps"
        raise WrongAnswer(f"these settings reach a perplexity of {reached:.2f}; {hint}")
    return f"It reaches a perplexity of {reached:.2f}."


def _waves(seed):
    """300 values of a sum of two waves with a little noise."""
    rng, t = np.random.default_rng(seed), np.arange(300)
    slow, fast = rng.uniform(10, 14), rng.uniform(4, 6)
    return 0.7 * np.sin(2 * np.pi * t / slow) + 0.3 * np.sin(2 * np.pi * t / fast) + 0.05 * rng.standard_normal(300)


@exercise
def forecast(answer):
    series = _waves(0)
    past, future = series[:200], series[200:]
    got = as_numbers(answer(past.copy(), future.copy()), "forecast(past, future)")
    if got.shape != future.shape:
        raise WrongAnswer(f"forecast(past, future) should have the shape {future.shape}, got {got.shape}")
    spoilt = future.copy()
    spoilt[50:] = 0.0
    again = as_numbers(answer(past.copy(), spoilt), "forecast(past, future)")
    if not np.allclose(got[:51], again[:51], atol=1e-3):
        raise WrongAnswer("a forecast uses entries that come after it: when future[50:] changes, the forecasts up to 50 must "
                          "not (or two runs differ: give the weights a fixed seed)")
    last = series[199:-1]
    share = np.mean((got - future) ** 2) / np.mean((last - future) ** 2)
    if share >= 0.25:
        raise WrongAnswer(f"its squared error is {share:.2f} of that of repeating the last value; it has to be below 0.25")
    return f"Its squared error is {share:.2f} of that of repeating the last value."
