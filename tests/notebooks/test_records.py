"""Records that the pages show as records: the first steps of a run, repeated, give the recorded numbers."""
import importlib
import json
from pathlib import Path

import adding_faster
import character_models
import claims
import continual_reber
import forget_bias
import gradient_laws
import jupytext
import lags_and_biases
import long_lags
import longer_lags
import numpy as np
import one_cell_longer
import one_cell_timing
import pytest
import reber
import reber_seeds
import record as record_module
import reference_training
import sixteen_strings
import slide_probabilities
import stacked_language_model
import tagging
import three_cells
import variants

from d2l_utils.cells import GRU, VARIANTS, LSTMVariant, sigmoid
from d2l_utils.character_models import load as load_character_models
from d2l_utils.datasets.reber import split_of
from d2l_utils.datasets.synthetic import Criterion, adding
from d2l_utils.datasets.tagging import load_news_requests
from d2l_utils.datasets.text import Vocab, load_time_machine
from d2l_utils.ensemble import Ensemble, EnsembleDense
from d2l_utils.losses import perplexity
from d2l_utils.ngrams import KneserNey

ROOT = Path(__file__).resolve().parents[2]


def kept(script):
    """The record that a script in bench/results has written."""
    return json.loads((ROOT / "bench" / "results" / f"{script}.json").read_text())


@pytest.fixture(scope="module")
def seed_perplexity():
    pytest.importorskip("mxnet")
    return importlib.import_module("seed_perplexity")


@pytest.fixture(scope="module")
def record():
    return kept("seed_perplexity")


@pytest.mark.filterwarnings("ignore:The Time Machine could not be downloaded")
@pytest.mark.parametrize("model", ["scratch nd", "NumPy", "NumPy, two biases", "Gluon", "Gluon, one bias"])
def test_the_record_of_perplexities_repeats(seed_perplexity, record, model):
    text = load_time_machine(10_000)
    if not text.source.startswith(record["text"]):
        pytest.skip("the record is about The Time Machine, which cannot be had here")
    again = seed_perplexity.run(model, 0, 2, text, text.characters)
    recorded = next(r for r in record["runs"] if r["model"] == model and r["seed"] == 0)
    assert again["perplexity"] == pytest.approx(recorded["perplexity"][:2], rel=1e-3)


def test_the_record_is_whole(record):
    runs = {(r["model"], r["seed"]): r for r in record["runs"]}
    assert len(runs) == 5 * 3
    assert all(len(r["perplexity"]) == record["settings"]["num_epochs"] == 160 for r in runs.values())


@pytest.mark.parametrize("chapter", sorted(ROOT.glob("chapters/*.md")), ids=lambda chapter: chapter.stem)
def test_every_cell_that_needs_mxnet_has_its_record(chapter):
    cells = [cell.source for cell in jupytext.read(chapter).cells if "needs-mxnet" in cell.metadata.get("tags", [])]
    kept = ROOT / "data" / "records" / f"{chapter.stem}.json"
    recorded = [cell["source"] for cell in json.loads(kept.read_text())["cells"]] if kept.exists() else []
    assert recorded == cells, "a cell has changed since its outputs were recorded: make record"


def test_the_record_of_timing_is_whole():
    runs = kept("one_cell_timing")["runs"]
    names = ("kind", "period", "num_hiddens", "peepholes", "start")
    assert [(*(r[name] for name in names), len(r["solved"]), r["num_updates"]) for r in runs] == one_cell_timing.CASES
    assert all(r["lasting"] <= sum(update > 0 for update in r["solved"]) for r in runs)


@pytest.mark.parametrize("peepholes", ["diagonal", None])
def test_the_record_of_timing_repeats(peepholes):
    """Two cells learn the cosine soonest: of ten seeds, those that had learned it by 300 updates, and when."""
    case = ("cosine", 10, 2, peepholes, "2002")
    recorded = kept("one_cell_timing")["runs"]
    names = ("kind", "period", "num_hiddens", "peepholes", "start")
    solved = next(r["solved"] for r in recorded if tuple(r[name] for name in names) == case)
    early = [update if update <= 300 else 0 for update in solved[:10]]
    assert any(early)
    assert one_cell_timing.run(*case, 10, 300)["solved"] == early


@pytest.mark.parametrize("row", [("adding", 50, (float("inf"), -3)), ("temporal order", 100, (None, None))])
def test_the_record_of_long_lags_repeats(row):
    """The mean error of the first 2,000 sequences, seed by seed."""
    again = long_lags.run(*row, most_updates=125)
    name = long_lags.named(*row)
    runs = kept("lags_and_biases")["runs"]
    recorded = [r["error"][0] for r in runs if name == {key: r[key] for key in name}]
    assert [r["error"][0] for r in again] == pytest.approx(recorded, rel=0.01)


def test_the_record_of_streams_is_whole():
    record = kept("continual_reber")
    assert record["settings"] == {**continual_reber.SETTINGS, "looks": continual_reber.LOOKS}
    assert [(r["row"], r["seed"]) for r in record["runs"]] == [(row, k) for row in continual_reber.ROWS for k in range(10)]
    assert all(r["perfect"] == (min(r["wrong"]) == 0) and len(r["wrong"]) == 10 for r in record["runs"])


@pytest.mark.parametrize("row", ["forget bias 1", "1997"])
def test_the_record_of_streams_repeats(row):
    """The mean loss of the first 240 updates, seed by seed."""
    again = continual_reber.run(row, tests=1, num_seeds=2, num_symbols=10)
    recorded = [r for r in kept("continual_reber")["runs"] if r["row"] == row][:2]
    assert [r["loss"][0] for r in again] == pytest.approx([r["loss"][0] for r in recorded], rel=0.01)


@pytest.mark.filterwarnings("ignore:The Time Machine could not be downloaded")
def test_the_character_models_are_as_good_as_their_file_says_and_their_training_repeats():
    models, vocab, file = load_character_models()
    text = load_time_machine(as_printed=True)
    if not text.source.startswith(file["text"]):
        pytest.skip("the record is about The Time Machine, which cannot be had here")
    assert file["settings"] == character_models.SETTINGS
    again, corpus, unseen = character_models.folded_text(text.characters)
    assert again.characters == vocab.characters
    corpus, unseen = vocab.encode(corpus), vocab.encode(unseen)
    assert character_models.table_perplexities(corpus, unseen, len(vocab)) == pytest.approx(file["table_perplexities"])
    for run in file["runs"]:
        found = character_models.held_out_perplexity(models[run["model"]], unseen[:1000])
        assert found == pytest.approx(run["start_perplexity"], rel=1e-5)
        assert run["start_perplexity"] == pytest.approx(run["held_out_perplexity"], rel=0.05)
    gru, = (run for run in file["runs"] if run["model"] == "GRU")       # the RNN's first epoch depends on the last bits
    assert character_models.run("GRU", 1, vocab, corpus, unseen[:1000])["training_perplexity"] == pytest.approx(
        gru["training_perplexity"][:1], rel=1e-3)


@pytest.fixture(scope="module")
def reber_record():
    return kept("reber")


def test_the_record_of_reber_strings_is_whole(reber_record):
    assert reber_record["settings"] == {"poll": reber.POLL, "rows": reber.ROWS}
    assert [(run["net"], run["seed"]) for run in reber_record["runs"]] == [
        (name, seed) for name, row in reber.ROWS.items() for seed in range(row["num_seeds"])]
    for run in reber_record["runs"]:
        row = reber.ROWS[run["net"]]
        if run["solved_after"] is not None:
            assert 0 < run["solved_after"] <= row["most"]
            assert run["right"] == 1 or "recipe" in row


@pytest.mark.parametrize(("net", "seed"), [("RNN", 6), ("LSTM", 10), ("LSTM, full peepholes", 6)])
def test_the_record_of_reber_strings_repeats(reber_record, net, seed):
    recorded = next(run for run in reber_record["runs"] if (run["net"], run["seed"]) == (net, seed))
    again, = reber.run(reber.ROWS[net], [seed])
    assert again["solved_after"] == pytest.approx(recorded["solved_after"], abs=2 * reber.POLL)


def test_the_record_of_variants_is_whole():
    record = kept("variants")
    assert record["settings"] == variants.SETTINGS
    assert [(r["task"], r["variant"], len(r["scores"])) for r in record["runs"]] == [
        (task, variant, 10) for task in variants.TASKS for variant in VARIANTS]
    assert all(score is None or score > 0 for r in record["runs"] for score in r["scores"])


@pytest.mark.filterwarnings("ignore:The Time Machine could not be downloaded")
@pytest.mark.parametrize(("task", "variant"), [("adding", "FGR"), ("characters", "NIAF")])
def test_the_record_of_variants_repeats(task, variant):
    """What is reached after 50 updates, or one epoch, seed by seed."""
    record = kept("variants")
    if task == "characters" and not load_time_machine(100).source.startswith(record["text"]):
        pytest.skip("the record is about The Time Machine, which cannot be had here")
    recorded = next(r["early"] for r in record["runs"] if (r["task"], r["variant"]) == (task, variant))
    assert variants.TASKS[task](variant, variants.EARLY[task])["scores"] == pytest.approx(recorded, rel=1e-3)


@pytest.mark.parametrize("variant", VARIANTS)
def test_variants_side_by_side_are_the_plain_cells(variant, rng):
    cells = [LSTMVariant(3, 4, variant, rng=rng, sigma=0.6, forget_bias=1.0) for _ in range(2)]
    both, X, d_H = variants.SideBySide(cells), rng.standard_normal((6, 2, 5, 3)), rng.standard_normal((6, 2, 5, 4))
    memory, _ = both.forward(X, both.begin_state(5))
    grads = both.backward(memory, d_H)
    for k, cell in enumerate(cells):
        trace, _ = cell.forward(X[:, k], cell.begin_state(5))
        np.testing.assert_allclose(memory[-1][:, k], trace.H, rtol=1e-12)
        plain, _, _ = cell.backward(trace, d_H[:, k])
        cell.params = plain                                 # gradients have the shapes of parameters, and are joined alike
        for name, g in variants.SideBySide([cell]).params.items():
            np.testing.assert_allclose(grads[name][k], g[0], rtol=1e-10, atol=1e-13)


@pytest.mark.filterwarnings("ignore:The Time Machine could not be downloaded")
def test_the_record_of_three_cells_is_whole_and_repeats():
    record = kept("three_cells")
    assert record["settings"] == three_cells.SETTINGS
    assert [(r["cell"], r["num_hiddens"], r["seed"]) for r in record["runs"]] == [
        (kind.__name__, h, seed) for kind, h in three_cells.CONTESTANTS for seed in range(10)]
    if not load_time_machine(100).source.startswith(record["text"]):
        pytest.skip("the record is about The Time Machine, which cannot be had here")
    again = three_cells.run(GRU, 32, 0, num_epochs=1)
    recorded = next(r for r in record["runs"] if (r["cell"], r["num_hiddens"], r["seed"]) == ("GRU", 32, 0))
    assert again["perplexity"] == pytest.approx(recorded["perplexity"][:1], rel=1e-3)


def test_the_record_of_stacked_language_models_is_whole():
    record = kept("stacked_language_model")
    assert record["settings"] == {**stacked_language_model.TRAINING, "rows": stacked_language_model.ROWS,
                                  "sizes": record["settings"]["sizes"]}
    rows = stacked_language_model.ROWS.items()
    assert [(r["model"], r["seed"]) for r in record["runs"] if "seed" in r] == [
        (name, seed) for name, row in rows for seed in range(row["num_seeds"])]
    assert [r["model"] for r in record["runs"] if "order" in r] == [
        f"{level}, {order}-gram" for level in ("words", "characters") for order in stacked_language_model.ORDERS]
    for r in record["runs"]:
        if "seed" in r:
            assert r["best_epoch"] == r["validation"].index(min(r["validation"])) + 1


@pytest.mark.filterwarnings("ignore:The Time Machine could not be downloaded")
@pytest.mark.parametrize("level", ["words", "characters"])
def test_the_record_of_stacked_language_models_repeats(level):
    """Its 5-gram, and the first steps of its LSTMs."""
    record, text = kept("stacked_language_model"), load_time_machine()
    if not text.source.startswith(record["text"]):
        pytest.skip("the record is about The Time Machine, which cannot be had here")
    cut = stacked_language_model.parts(level, text)
    runs = {r["model"]: r for r in reversed(record["runs"])}            # of several seeds the first
    found = perplexity(KneserNey(cut.train, len(cut.vocab), 5).losses(cut.test).mean())
    assert found == pytest.approx(runs[f"{level}, 5-gram"]["test"], abs=1e-3)
    for name, row in stacked_language_model.ROWS.items():
        if row["level"] == level:
            again = stacked_language_model.first_steps(row, runs[name]["seed"], cut)
            assert again == pytest.approx(runs[name]["first_steps"], rel=0.01), name


def test_the_record_of_tagging_is_whole():
    record = kept("tagging")
    assert record["settings"] == tagging.SETTINGS
    assert [(row["model"], row["changed"]) for row in record["validation"]] == tagging.CANDIDATES
    cases = [(name, k, size or 800) for name, k, size in tagging.CASES]
    assert [(run["model"], run["split"], run["num_training"]) for run in record["runs"]] == cases
    best = {row["model"]: row["f1"] for row in record["validation"] if not row["changed"]}
    assert all(row["f1"] <= best[row["model"]] for row in record["validation"])     # the settings are the best of those tried


def test_the_record_of_tagging_repeats():
    """A small run on our own requests; and on the real set, where it is to be had, two lookups and a window of few requests."""
    recorded, again = kept("tagging"), [tagging.generated()]
    wanted = [recorded["generated"]]
    try:
        requests = load_news_requests()
    except FileNotFoundError:
        requests = []
    for case in [("majority", 0, None), ("word lookup", 0, None), ("linear window", 0, 100)] if requests else []:
        again.append(tagging.run(*case[:2], requests, case[2]))
        wanted.append(recorded["runs"][tagging.CASES.index(case)])
    for got, run in zip(again, wanted):
        assert {key: got[key] for key in ("model", "split", "num_training")}.items() <= run.items()
        for key in (key for key in run if key.endswith(("accuracy", "f1"))):
            assert got[key] == pytest.approx(run[key], abs=0.02), key      # another machine rounds differently as it trains


def test_the_record_of_the_reference_training_is_whole_and_its_sgd_is_the_plain_cells(record):
    kept_runs = kept("reference_training")
    assert kept_runs["settings"] == {**reference_training.SETTINGS, "roads": reference_training.ROADS}
    runs = {(r["road"], r["seed"]): r["perplexity"] for r in kept_runs["runs"]}
    assert {name: len(curve) for name, curve in runs.items()} == {
        (name, seed): road["num_epochs"] for name, road in reference_training.ROADS.items()
        for seed in range(road["num_seeds"])}
    assert max(curve[-1] for (road, _), curve in runs.items() if road == "Adam, falling") <= 1.3
    plain = {r["seed"]: r["perplexity"] for r in record["runs"] if r["model"] == "NumPy"}
    for seed, curve in plain.items():           # float32 rounds differently, and after some forty epochs that shows
        assert runs["SGD", seed][:20] == pytest.approx(curve[:20], rel=1e-3)
        assert runs["SGD", seed] == pytest.approx(curve, rel=0.1)


@pytest.mark.filterwarnings("ignore:The Time Machine could not be downloaded")
@pytest.mark.parametrize(("road", "num_epochs", "tolerance"), [("SGD", 2, 1e-3), ("Adam, falling", 1, 1e-2)])
def test_the_record_of_the_reference_training_repeats(road, num_epochs, tolerance):
    """tolerance: Adam divides by small gradients, whose rounding other kernels do in another way."""
    text, recorded = load_time_machine(10_000), kept("reference_training")
    if not text.source.startswith(recorded["text"]):
        pytest.skip("the record is about The Time Machine, which cannot be had here")
    vocab = Vocab(text.characters)
    again = reference_training.run(road, 0, vocab.encode(text.characters), len(vocab), num_epochs)
    curve = next(r["perplexity"] for r in recorded["runs"] if (r["road"], r["seed"]) == (road, 0))
    assert again["perplexity"] == pytest.approx(curve[:num_epochs], rel=tolerance)


def test_the_record_of_gradient_laws_is_whole_and_repeats():
    record = kept("gradient_laws")
    s = gradient_laws.SETTINGS
    assert record["settings"] == s
    sizes = {"radius": 2 * len(s["radii"]), "saturation": len(s["saturation"]["radii"]) * len(s["saturation"]["sizes"]),
             "carousel": len(s["carousel"]["forget_biases"])}
    assert {law: len(claims.chosen(record, law=law)) for law in sizes} == {law: 5 * n for law, n in sizes.items()}
    for again in (gradient_laws.radius_run("orthogonal", 0.9, 0), gradient_laws.radius_run("Gaussian", 1.5, 3),
                  gradient_laws.saturation_run(1.1, 0.3, 1)):
        recorded, = (run for run in record["runs"] if run.items() >= {k: v for k, v in again.items() if k != "slope"}.items())
        assert again["slope"] == pytest.approx(recorded["slope"], abs=1e-4)
    again = gradient_laws.carousel_run(1.0, 0)
    recorded, = claims.chosen(record, law="carousel", forget_bias=1.0, seed=0)
    assert again["left"] == pytest.approx(recorded["left"], rel=0.05)
    assert again["relative_error"] <= 1e-14             # a thousand roundings of half of 2e-16, which mostly cancel


def test_the_record_of_more_reber_seeds_is_whole_and_repeats():
    record = kept("reber_seeds")
    assert record["settings"] == {"poll": reber.POLL, "rows": reber_seeds.ROWS}
    assert [(run["net"], run["seed"]) for run in record["runs"]] == [
        (name, seed) for name, row in reber_seeds.ROWS.items() for seed in range(row["num_seeds"])]
    for net, pair in (("LSTM", 0), ("recipe of 1997, 295 weights", 1)):
        row = reber_seeds.ROWS[net]
        seeds = np.split(np.arange(row["num_seeds"]), row.get("num_pairs", 1))[pair]
        runs = [run for run in claims.chosen(record, net=net) if run["seed"] in seeds and run["solved_after"]]
        soonest = min(runs, key=lambda run: run["solved_after"])
        again, = reber.run(row, [soonest["seed"]], pair)
        assert again["solved_after"] == pytest.approx(soonest["solved_after"], abs=2 * reber.POLL)


def test_the_record_of_sixteen_strings_is_whole_and_repeats():
    record = kept("sixteen_strings")
    assert record["settings"] == {"poll": reber.POLL, "row": sixteen_strings.ROW}
    assert [run["seed"] for run in record["runs"]] == list(range(10))
    again, = reber.run(sixteen_strings.EARLY, [0])
    recorded, = record["early"]
    assert {key: again[key] for key in ("right", "second_to_last", "T_or_P")} == pytest.approx(
        {key: recorded[key] for key in ("right", "second_to_last", "T_or_P")}, abs=0.02)


def test_the_recipe_of_1997_has_sets_as_in_the_paper():
    row = reber.ROWS["recipe of 1997"]
    train, test, held_out = (
        ["".join(reber.SYMBOLS[k] for k in X[mask].argmax(axis=-1)) for X, mask in zip(packed.X.swapaxes(0, 1), packed.mask.T)]
        for packed in reber.data(row, 2))
    assert len(train) == 256
    assert test[:256] == train
    assert len(test) == 512
    assert len(set(held_out)) == len(held_out) == 1000
    assert not set(train) & {*test[256:], *held_out}
    assert {split_of(string + "E") for string in train} == {"train", "test"}        # the grammar as it is, no split by hash


@pytest.mark.parametrize("changed", [{}, {"lr": 0.6, "candidate_rate": 2, "cell_biases": False}])
def test_the_recipe_of_1997_is_gradient_descent_with_the_paper_s_squashing_functions(changed):
    """The loss of the network as printed is written out here, and its gradient is found by differences."""
    row = {**reber.ROWS["recipe of 1997"], **changed}
    cell, dense, _ = reber.network(row, 3)
    batch = reber.data(row)[0].take(np.array([[5]]))
    candidate = ("W_xc", "W_hc", "b_c")
    printed = {name: w * (2 if name in candidate else 1) for name, w in {**cell.params, **dense.params}.items()}

    def loss(p):
        h = c = np.zeros(6)
        total = 0
        for x, y in zip(batch.X[:, 0, 0], batch.Y[:, 0, 0]):
            i, o, z = (x @ p[f"W_x{gate}"] + h @ p[f"W_h{gate}"] + p[f"b_{gate}"] for gate in "ioc")
            c = c + sigmoid(i) * (4 * sigmoid(z) - 2)
            h = sigmoid(o) * (2 * sigmoid(c) - 1)
            total += 0.5 * ((sigmoid(h @ p["W_hq"] + p["b_q"]) - y) ** 2).sum()
        return total

    ensemble, layer = Ensemble([cell]), EnsembleDense([dense])
    trace, _ = ensemble.forward(batch.X, ensemble.begin_state(1))
    dense_grads, d_H = layer.backward(trace.H, reber.gradient(row, layer.forward(trace.H), batch))
    grads = {**ensemble.backward(trace, d_H)[0], **dense_grads}
    reber.as_squashed(row, grads)
    reber.SGD(row["lr"]).step({**ensemble.params, **layer.params}, grads)
    stepped = {**ensemble.cell(0).params, **layer.dense(0).params}
    for name in (name for name in printed if not name.endswith("f")):
        rate = row["lr"] * (row.get("candidate_rate", 1) if name in candidate else 1)
        if name == "b_c" and changed:
            rate = 0
        slope = np.zeros_like(printed[name])
        for place in np.ndindex(slope.shape):
            up, down = ({**printed, name: printed[name].copy()} for _ in range(2))
            up[name][place] += 1e-5
            down[name][place] -= 1e-5
            slope[place] = (loss(up) - loss(down)) / 2e-5
        got = stepped[name] * (2 if name in candidate else 1)
        np.testing.assert_allclose(got, printed[name] - rate * slope, rtol=0, atol=1e-9, err_msg=name)


def test_the_record_of_probabilities_is_whole_and_repeats():
    record, s = kept("slide_probabilities"), slide_probabilities.SETTINGS
    assert record["settings"] == s
    assert [run["seed"] for run in record["runs"]] == list(range(s["num_seeds"]))
    assert all(len(run["epochs"]) == s["num_epochs"] for run in record["runs"])
    again, = slide_probabilities.run(*slide_probabilities.EARLY)
    recorded, = record["early"]
    assert again["epochs"][0] == pytest.approx(recorded["epochs"][0], rel=1e-3)


def test_the_record_of_forget_biases_is_whole_and_agrees_with_that_of_the_variants(monkeypatch):
    record, usual = kept("forget_bias"), dict(variants.SETTINGS)
    runs = {(r["task"], r["forget_bias"]): r["scores"] for r in record["runs"]}
    assert list(runs) == [(task, bias) for task in variants.TASKS for bias in forget_bias.FORGET_BIASES]
    for run in claims.chosen(kept("variants"), variant="NP"):
        assert runs[run["task"], usual["forget_bias"]] == pytest.approx(run["scores"], rel=0.01)
    monkeypatch.setitem(variants.TASKS, "adding", lambda *_: {"scores": [variants.SETTINGS["forget_bias"]]})
    assert forget_bias.run("adding", 0.25)["scores"] == [0.25]
    assert variants.SETTINGS == usual


def test_the_record_of_longer_training_begins_as_the_shorter_one_and_repeats():
    """From the start that the shorter one does not have, its first seeds run until one of them keeps time."""
    record, shorter = kept("one_cell_longer"), kept("one_cell_timing")
    assert len(record["runs"]) == len(one_cell_longer.CASES)
    for run, (kind, period, num_hiddens, peepholes, start, num_seeds, num_updates) in zip(
            record["runs"], one_cell_longer.CASES):
        assert (run["start"], run["peepholes"], len(run["solved"]), run["num_updates"]) == (
            start, peepholes, num_seeds, num_updates)
        if start == "open":
            first = min(filter(None, run["solved"][:20]), default=50)
            again = one_cell_timing.run(kind, period, num_hiddens, peepholes, start, 20, first)
            assert again["solved"] == [update if update <= first else 0 for update in run["solved"][:20]]
            continue
        recorded, = (r for r in claims.chosen(shorter, kind=kind, period=period, num_hiddens=num_hiddens, peepholes=peepholes,
                                              start=start) if r["num_updates"] == 2000)
        assert [update if update <= 2000 else 0 for update in run["solved"]] == recorded["solved"]


@pytest.mark.parametrize("script", [long_lags, lags_and_biases, longer_lags, adding_faster], ids=lambda script: script.__name__)
def test_the_records_of_long_lags_are_whole(script):
    record = kept(script.__name__)
    assert record["settings"] == script.SETTINGS
    names = [{**long_lags.named(*row), "seed": seed} for row in script.ROWS for seed in range(10)]
    assert [{key: r[key] for key in names[0]} for r in record["runs"]] == names
    assert all(r["passed"] == (r["test_wrong"] is not None and r["test_wrong"] <= 3) for r in record["runs"])
    assert all((r["sequences"] is None) == (r["test_wrong"] is None) for r in record["runs"])


def test_the_record_of_faster_adding_repeats():
    """The mean error of the first 2,000 sequences over 100 steps, seed by seed."""
    record = kept("adding_faster")
    again = long_lags.run(*adding_faster.ROWS[0], **{**adding_faster.CHANGED, "most_updates": 125})
    assert [r["error"][0] for r in again] == pytest.approx([r["error"][0] for r in record["runs"][:10]], rel=0.02)


def test_the_network_that_is_tested_may_have_the_mean_of_the_weights(monkeypatch):
    tested, easy = {}, Criterion(tolerance=9, average=9)
    monkeypatch.setitem(long_lags.TASKS, "adding", (adding, easy, 2, 1))
    for averaged in (0.0, 0.5, 1 - 1e-6):
        monkeypatch.setattr(long_lags, "wrong_of_2560",
                            lambda task, steps, cell, dense, key=averaged: tested.update({key: (cell, dense)}) or (0, True))
        run, = long_lags.run("adding", 20, (float("inf"), -6), averaged, batch_size=80, most_updates=25, num_seeds=1)
        assert (run["sequences"], run["passed"]) == (2000, True)
    cells, layers = long_lags.networks((float("inf"), -6), 2, 1, 1)
    fresh = {**cells.cell(0).params, **layers.dense(0).params}
    trained, half, mean = ({**cell.params, **dense.params} for cell, dense in tested.values())
    for name, w in fresh.items():
        np.testing.assert_allclose(mean[name], w, atol=1e-4)     # a mean that keeps nearly all of itself is the start
    assert np.abs(half["W_hq"] - fresh["W_hq"]).max() > 0.1
    assert 1e-3 < np.abs(half["W_hq"] - trained["W_hq"]).max() < 0.1                    # one of two updates or so behind
    assert np.isposinf(half["b_f"]).all()


def test_three_symbols_decide_the_class_of_temporal_order_6b(rng):
    X, classes = longer_lags.temporal_order_6b(rng, 500, 100)
    symbols = X.argmax(axis=-1)
    assert 100 <= len(X) <= 110
    assert set(classes) == set(range(8))
    for column, number in zip(symbols.T, classes):
        steps = np.flatnonzero(column >= 6)
        assert [(10 <= steps[0] <= 20), (33 <= steps[1] <= 43), (66 <= steps[2] <= 76)] == [True] * 3
        assert list(column[steps] - 6) == [number // 4, number // 2 % 2, number % 2]
    assert (symbols[0] == 4).all()
    assert (symbols[-1] == 5).all()


def test_input_biases_in_turn(rng):
    cells, _ = long_lags.networks((float("inf"), [-3, -6]), 2, 1, 1)
    assert cells.cell(0).params["b_i"].tolist() == [-3, -6] * 4


@pytest.mark.parametrize(("checks", "wanted"), [
    ({"a": True, "b": True}, "reproduced"), ({"a": True, "b": False}, "partly"), ({"a": False}, "not reproduced"),
    (None, "not run")])
def test_a_verdict_follows_from_the_checks(checks, wanted):
    assert claims.verdict(checks) == wanted


@pytest.mark.parametrize("row", claims.ROWS, ids=lambda row: row.name)
def test_every_claim_has_its_scripts_and_its_answer(row):
    records = claims.load()
    words, checks = claims.answer(row, records)
    assert len(words) > 20
    assert "nan" not in words
    assert checks
    assert all((claims.HERE / f"{script}.py").exists() for script in row.scripts + row.beyond)
    needed = {script: records[script] for script in row.scripts}
    assert claims.answer(row, needed)[1] == checks      # what goes beyond the claim does not count
    needed.popitem()
    assert claims.verdict(claims.answer(row, needed)[1]) == "not run"


def test_a_worse_record_gives_a_worse_verdict():
    records = claims.load()
    row, = (row for row in claims.ROWS if row.name == "adding")
    assert claims.verdict(claims.answer(row, records)[1]) == "reproduced"
    for run in claims.chosen(records["long_lags"], task="adding", forget_bias="inf", input_bias=-3)[:1]:
        run["passed"] = False
    assert claims.verdict(claims.answer(row, records)[1]) == "partly"


def test_the_table_has_every_row_and_names_those_without_a_record():
    lines = claims.summary({}).splitlines()
    assert len(lines) == 2 + len(claims.ROWS) == 18
    assert all(line.count("|") == 3 and line.endswith(" not run |") for line in lines[2:])
    assert "radius.json" not in claims.details(claims.ROWS[0], {})


def test_a_row_that_is_not_there_is_refused_with_those_that_are(monkeypatch):
    monkeypatch.setattr("sys.argv", ["claims.py", "nothing"])
    with pytest.raises(SystemExit, match="no row nothing; there are: radius, "):
        claims.main()


def test_a_record_goes_on_where_it_stopped_unless_its_settings_have_changed(tmp_path):
    path = tmp_path / "some.json"
    assert record_module.begun(path, {"lr": 1}) == record_module.begun(None, {"lr": 1}) == []
    record_module.write(path, {"lr": 1}, [{"seed": 0}, {"seed": 1}])
    assert record_module.begun(path, {"lr": 1}) == [{"seed": 0}, {"seed": 1}]
    with pytest.raises(SystemExit, match="other settings"):
        record_module.begun(path, {"lr": 2})
