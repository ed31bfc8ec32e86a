"""Records that the pages show as records: the first steps of a run, repeated, give the recorded numbers."""
import importlib.util
import json
from pathlib import Path

import jupytext
import pytest

from d2l_utils.character_models import load as load_character_models
from d2l_utils.datasets.text import load_time_machine

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "bench" / "results"


@pytest.fixture(scope="module")
def seed_perplexity():
    pytest.importorskip("mxnet")
    spec = importlib.util.spec_from_file_location("seed_perplexity", RESULTS / "seed_perplexity.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def record():
    return json.loads((RESULTS / "seed_perplexity.json").read_text())


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


@pytest.mark.filterwarnings("ignore:The Time Machine could not be downloaded")
def test_the_character_models_are_as_good_as_their_file_says_and_their_training_repeats():
    import character_models as script

    models, vocab, kept = load_character_models()
    text = load_time_machine(as_printed=True)
    if not text.source.startswith(kept["text"]):
        pytest.skip("the record is about The Time Machine, which cannot be had here")
    assert kept["settings"] == script.SETTINGS
    again, corpus, unseen = script.folded_text(text.characters)
    assert again.characters == vocab.characters
    corpus, unseen = vocab.encode(corpus), vocab.encode(unseen)
    assert script.table_perplexities(corpus, unseen, len(vocab)) == pytest.approx(kept["table_perplexities"])
    for run in kept["runs"]:
        found = script.held_out_perplexity(models[run["model"]], unseen[:1000])
        assert found == pytest.approx(run["start_perplexity"], rel=1e-5)
        assert run["start_perplexity"] == pytest.approx(run["held_out_perplexity"], rel=0.05)
    rnn = kept["runs"][0]
    assert script.run(rnn["model"], 1, vocab, corpus, unseen[:1000])["training_perplexity"] == pytest.approx(
        rnn["training_perplexity"][:1], rel=1e-3)
