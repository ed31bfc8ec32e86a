"""The text by each of its ways, the vocabulary, and the minibatches. No test leaves this machine."""
import hashlib
import http.server
import os
import socket
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from d2l_utils.datasets import text
from d2l_utils.datasets.text import Vocab, consecutive_batches, load_time_machine, normalize, one_hot

GOOD = b"The Time Machine,\r\nby nobody in particular\n"     # stands in for the real file, which is not in the repository
NORMAL = "the time machine, by nobody in particular "
REAL = Path(os.environ.get("D2L_DATA", "")) / text.TIME_MACHINE


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """No D2L_DATA, the hash of GOOD, and a server's address where nobody listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    monkeypatch.delenv("D2L_DATA", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(text, "TIME_MACHINE_SHA1", hashlib.sha1(GOOD).hexdigest())
    monkeypatch.setattr(text, "TIME_MACHINE_URL", f"http://127.0.0.1:{port}/timemachine.txt")


@pytest.fixture
def server(monkeypatch):
    """A data server on this machine; what it sends is server.body, and server.missing bytes short of what it promises."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.requests += 1
            self.send_response(self.server.status)
            self.send_header("Content-Length", str(len(self.server.body) + self.server.missing))
            self.end_headers()
            self.wfile.write(self.server.body)

        def log_message(self, *args):
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.body, running.missing, running.status, running.requests = GOOD, 0, 200, 0
        monkeypatch.setattr(text, "TIME_MACHINE_URL", f"http://127.0.0.1:{running.server_port}/timemachine.txt")
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def put(folder, content):
    folder.mkdir(exist_ok=True)
    (folder / text.TIME_MACHINE).write_bytes(content)
    return folder


def test_the_folder_that_d2l_data_names_comes_first(tmp_path, monkeypatch):
    monkeypatch.setenv("D2L_DATA", str(put(tmp_path / "named", GOOD)))
    found = load_time_machine(data_dir=tmp_path / "data")
    assert found.characters == NORMAL
    assert found.source == "The Time Machine by H. G. Wells, read from the folder that D2L_DATA names"
    assert not (tmp_path / "data").exists()


def test_the_data_folder_comes_second_even_if_d2l_data_names_a_folder_without_the_file(tmp_path, monkeypatch):
    monkeypatch.setenv("D2L_DATA", str(tmp_path / "empty"))
    found = load_time_machine(data_dir=put(tmp_path / "data", GOOD))
    assert (found.characters, found.source) == (NORMAL, "The Time Machine by H. G. Wells, read from data/")


def test_a_download_is_checked_and_kept_for_the_next_time(tmp_path, server):
    found = load_time_machine(data_dir=tmp_path / "data")
    assert found.characters == NORMAL
    assert found.source == "The Time Machine by H. G. Wells, downloaded from d2l's data server"
    assert names_in(tmp_path / "data") == ["timemachine.txt"]
    assert load_time_machine(data_dir=tmp_path / "data").source.endswith("read from data/")
    assert server.requests == 1


def test_a_damaged_download_is_refused_and_kept_aside_and_the_next_run_goes_on(tmp_path, server, monkeypatch):
    server.body, given, rename = b"<html>please log in</html>", [], os.replace
    monkeypatch.setattr(text.os, "replace", lambda path, name: (given.append(name.name), rename(path, name)))
    with pytest.raises(ValueError, match=r"is not The Time Machine .* its SHA-1 is .* kept as .*\.damaged: run again"):
        load_time_machine(data_dir=tmp_path)
    assert names_in(tmp_path) == ["timemachine.txt.damaged"]
    assert (tmp_path / "timemachine.txt.damaged").read_bytes() == server.body
    assert given == ["timemachine.txt.damaged"]             # not for a moment did it have the final name
    server.body = GOOD
    assert load_time_machine(data_dir=tmp_path).characters == NORMAL


@pytest.mark.parametrize("way", ["D2L_DATA", "data"])
def test_a_damaged_file_is_refused_and_kept_aside_and_the_next_run_goes_on(way, tmp_path, server, monkeypatch):
    folder = put(tmp_path / way, GOOD[:-1])
    if way == "D2L_DATA":
        monkeypatch.setenv("D2L_DATA", str(folder))
    with pytest.raises(ValueError, match=r"is not The Time Machine .* kept as .*\.damaged"):
        load_time_machine(data_dir=tmp_path / "data")
    assert names_in(folder) == ["timemachine.txt.damaged"]
    assert load_time_machine(data_dir=tmp_path / "data").source.endswith("downloaded from d2l's data server")


def test_a_damaged_file_that_cannot_be_moved_says_what_to_do(tmp_path, monkeypatch):
    def refuse(*paths):
        raise PermissionError(13, "Permission denied")
    monkeypatch.setattr(text.os, "replace", refuse)
    with pytest.raises(ValueError, match=r"could not be moved aside \(Permission denied\): remove it, or let D2L_DATA"):
        load_time_machine(data_dir=put(tmp_path, GOOD[:-1]))
    assert names_in(tmp_path) == ["timemachine.txt"]


def assert_tale(found):
    assert found.source == "our own tale (data/our-tale.txt), because The Time Machine could not be had"
    assert "time traveller" in found.characters


def test_without_a_network_our_own_tale_stands_in_and_says_so(tmp_path):
    with pytest.warns(UserWarning, match=r"could not be downloaded \(ConnectionError\)") as caught:
        found = load_time_machine(data_dir=tmp_path)
    assert_tale(found)
    assert caught[0].filename == __file__                   # the warning points at the caller's line
    assert names_in(tmp_path) == []


def test_a_server_without_the_file_is_no_network_either(tmp_path, server):
    server.status = 404
    with pytest.warns(UserWarning, match=r"could not be downloaded \(HTTPError\)"):
        assert_tale(load_time_machine(data_dir=tmp_path))
    assert names_in(tmp_path) == []


def test_a_download_that_breaks_off_leaves_nothing_under_the_final_name(tmp_path, server):
    server.missing = 1000
    with pytest.warns(UserWarning, match="could not be downloaded"):
        assert_tale(load_time_machine(data_dir=tmp_path))
    assert names_in(tmp_path) == []


def test_the_file_gets_its_name_when_it_is_whole(tmp_path, server, monkeypatch):
    def interrupted(*args, **kwargs):
        def fetch(url, output, pooch):
            Path(output).write_bytes(GOOD[:10])
            assert not (tmp_path / text.TIME_MACHINE).exists()
            raise KeyboardInterrupt
        return fetch
    monkeypatch.setattr(text.pooch, "HTTPDownloader", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load_time_machine(data_dir=tmp_path)
    assert names_in(tmp_path) == []


def test_a_folder_that_cannot_be_written_is_no_reason_to_stop(tmp_path, server):
    (tmp_path / "file").write_text("no folder")
    with pytest.warns(UserWarning, match="could not be downloaded"):
        assert_tale(load_time_machine(data_dir=tmp_path / "file" / "data"))


@pytest.mark.skipif(not REAL.is_file(), reason="D2L_DATA names no folder with timemachine.txt")
def test_the_real_text(monkeypatch, tmp_path):
    monkeypatch.undo()                                      # the real hash and the real D2L_DATA
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        whole = load_time_machine(data_dir=tmp_path)
        start = load_time_machine(max_chars=10_000, data_dir=tmp_path)
    assert "D2L_DATA" in whole.source
    assert whole.characters.startswith(start.characters)
    assert len(start) == 10_000
    assert start.characters.startswith("the time machine, by h. g. wells")
    assert len(Vocab(start.characters)) == 43
    assert set(whole.characters) & set("ABCDEFGHIJKLMNOPQRSTUVWXYZ\n\r") == set()


def test_our_own_tale_is_fit_to_stand_in():
    raw = (text.DATA_DIR / text.TALE).read_bytes()
    assert raw.isascii()
    assert b"\r" not in raw
    assert len(raw) >= 12_000
    start = normalize(raw.decode())[:10_000]                # as much as the chapters read
    for prefix in ("traveller", "time traveller"):
        assert prefix in start
    assert Vocab(start).decode(Vocab(start).encode("the time traveller")) == "the time traveller"


def test_max_chars_takes_the_start_and_refuses_what_the_text_cannot_give(tmp_path):
    put(tmp_path, GOOD)
    assert load_time_machine(max_chars=8, data_dir=tmp_path).characters == "the time"
    for wrong in (0, -1, len(NORMAL) + 1):
        with pytest.raises(ValueError, match=f"max_chars must lie between 1 and the text's length {len(NORMAL)}"):
            load_time_machine(max_chars=wrong, data_dir=tmp_path)


def test_as_printed_keeps_capitals_and_line_ends(tmp_path):
    found = load_time_machine(data_dir=put(tmp_path, GOOD), as_printed=True)
    assert found.characters == "The Time Machine,\nby nobody in particular\n"


def test_each_line_end_of_any_kind_becomes_one_space():
    assert normalize("A\r\nB\nC\rD\n\nE") == "a b c d  e"


@given(st.text(min_size=1), st.data())
def test_what_is_encoded_decodes_to_itself(written, data):
    vocab = Vocab(written)
    some = data.draw(st.text(st.sampled_from(sorted(set(written)))))
    assert vocab.decode(vocab.encode(some)) == some
    assert sorted(vocab.encode("".join(vocab.characters))) == list(range(len(vocab)))


def test_the_vocabulary_is_sorted():
    assert Vocab("time machine").characters == [" ", "a", "c", "e", "h", "i", "m", "n", "t"]
    assert Vocab("time machine").encode("at").tolist() == [1, 8]


def test_one_hot_has_a_1_at_each_index():
    vectors = one_hot([[0, 2], [1, 1]], 3, np.float32)
    assert vectors.dtype == np.float32
    assert vectors.tolist() == [[[1, 0, 0], [0, 0, 1]], [[0, 1, 0], [0, 1, 0]]]


@given(st.integers(1, 5), st.integers(1, 7), st.integers(0, 60))
def test_minibatches_follow_one_another_in_the_text(batch_size, num_steps, extra):
    corpus = np.arange(batch_size * (num_steps + 1) + extra)    # the index is the place in the text
    batches = list(consecutive_batches(corpus, batch_size, num_steps))
    strip = len(corpus) // batch_size
    assert len(batches) == (strip - 1) // num_steps
    for X, Y in batches:
        assert X.shape == Y.shape == (num_steps, batch_size)
        assert (Y == X + 1).all()
    X = np.concatenate([X for X, _ in batches])
    for row in range(batch_size):
        assert X[:, row].tolist() == list(range(row * strip, row * strip + len(X)))


CORPUS = np.zeros(20, int)


@pytest.mark.parametrize(("refused", "message"), [
    (lambda: Vocab(""), r"text must hold at least one character, got an empty one"),
    (lambda: Vocab("abc").encode("cat"), r"text: the character 't' at position 2 is not in the vocabulary of 3"),
    (lambda: Vocab("abc").decode([0, 3]), r"indices must lie between 0 and vocab_size - 1 = 2, got 0 to 3"),
    (lambda: Vocab("abc").decode([-1]), r"indices must lie between 0 .* got -1 to -1"),
    (lambda: Vocab("abc").decode([0.5]), r"indices must be whole numbers, got float64"),
    (lambda: one_hot([0, 3], 3), r"indices must lie between 0 and vocab_size - 1 = 2, got 0 to 3"),
    (lambda: one_hot([[-1]], 3), r"indices must lie between 0 .* got -1 to -1"),
    (lambda: consecutive_batches([], 1, 1), r"corpus must be a non-empty .* got the shape \(0,\)"),
    (lambda: consecutive_batches(CORPUS[None], 1, 1), r"corpus must be .*one-dimensional.* got the shape \(1, 20\)"),
    (lambda: consecutive_batches("a text", 1, 1), r"corpus must be .* whole numbers .* got the shape \(\) of <U6"),
    (lambda: consecutive_batches(CORPUS, 0, 1), r"batch_size must be a whole number of at least 1, got 0"),
    (lambda: consecutive_batches(CORPUS, 2.0, 1), r"batch_size must be a whole number of at least 1, got 2\.0"),
    (lambda: consecutive_batches(CORPUS, 1, 0), r"num_steps must be a whole number of at least 1, got 0"),
    (lambda: consecutive_batches(CORPUS, 2, 10), r"num_steps = 10 does not fit: 20 characters in 2 strips leave 10 each"),
    (lambda: consecutive_batches(CORPUS, 21, 1), r"num_steps = 1 does not fit: 20 characters in 21 strips leave 0 each"),
])
def test_what_does_not_fit_is_refused_by_name(refused, message):
    with pytest.raises(ValueError, match=message):
        refused()


def test_words_and_marks():
    assert text.words("“Don’t stop,” he said; it's 1895.\nGo on -- the time_traveller!") == [
        "“", "don’t", "stop", ",", "”", "he", "said", ";", "it's", "1895", ".", "go", "on", "-", "-", "the", "time", "_",
        "traveller", "!"]
    assert text.words("") == []


def test_a_split_takes_its_vocabulary_from_the_first_part_alone():
    """Of ten words the first eight are learned from; c occurs once among them, d and e only behind them."""
    found = text.split(["a", "b", "a", "b", "c", "a", "b", "a", "d", "e"])
    assert found.vocab.characters == [text.UNKNOWN, "a", "b"]
    parts = [[found.vocab.characters[k] for k in part] for part in (found.train, found.validation, found.test)]
    assert parts == [["a", "b", "a", "b", text.UNKNOWN, "a", "b", "a"], [text.UNKNOWN], [text.UNKNOWN]]
    assert found.vocab.characters == text.split("ababcabade").vocab.characters


def test_the_parts_of_a_split_follow_one_another():
    found = text.split("abcde" * 200)
    whole = np.concatenate([found.train, found.validation, found.test])
    assert "".join(found.vocab.characters[k] for k in whole) == "abcde" * 200
    assert [len(part) for part in (found.train, found.validation, found.test)] == [800, 100, 100]
