"""Settings and fixtures that tests of all kinds share."""
import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

# The same examples in every run, and no example fails because the machine is busy.
settings.register_profile("book", derandomize=True, deadline=None, max_examples=50)
settings.load_profile("book")


@pytest.fixture
def rng():
    """A Generator with a fixed seed, fresh for each test."""
    return np.random.default_rng(2)


@pytest.fixture
def mx():
    """MXNet, or the test is skipped where it has no wheel. d2l_utils comes first: it puts numpy.bool back."""
    import d2l_utils  # noqa: F401
    return pytest.importorskip("mxnet")


class ByPage(LoadScopeScheduling):
    """All tests of a page run in one process, which looks at the page once for all of them; other tests run where they may."""

    def _split_scope(self, nodeid):
        page = re.search(r"(?:http-|file-)?([\w/.-]+\.html)", nodeid)
        return page[1] if page else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    return ByPage(config, log)


def pytest_terminal_summary(terminalreporter):
    weights = {
        page: megabytes for report in terminalreporter.stats.get("passed", []) + terminalreporter.stats.get("failed", [])
        for name, (megabytes, page) in getattr(report, "user_properties", []) if name == "weight"
    }
    if weights:
        heaviest = max(weights, key=weights.get)
        terminalreporter.write_line(f"Heaviest page: {heaviest}, {weights[heaviest]:.2f} MB decoded with all that it loads")
        (Path(__file__).resolve().parents[1] / "_build" / "weights.json").write_text(json.dumps(weights, indent=1) + "\n")
