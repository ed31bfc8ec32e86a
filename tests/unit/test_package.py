"""What imports what, and the palette."""
import itertools
import re
import subprocess
import sys

import pytest

from d2l_utils import palette

BLOCK_MXNET = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "mxnet":
            raise ModuleNotFoundError("No module named 'mxnet'", name="mxnet")
sys.meta_path.insert(0, Blocker())
"""


def run(code):
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_cells_import_numpy_alone():
    loaded = set(run("import sys, d2l_utils.cells\nfor name in sys.modules: print(name.partition('.')[0])").split())
    assert "numpy" in loaded
    assert not loaded & {"mxnet", "matplotlib", "pooch", "requests", "tqdm", "scipy", "IPython"}


def test_the_package_imports_without_mxnet_and_gluon_says_what_is_missing():
    printed = run(BLOCK_MXNET + """
import importlib, pkgutil, d2l_utils
for module in pkgutil.walk_packages(d2l_utils.__path__, "d2l_utils."):
    if module.name.startswith("d2l_utils.frameworks."):
        continue                                            # each adapter needs its framework
    try:
        importlib.import_module(module.name)
    except ImportError as error:
        print(module.name, "|", error)
""")
    assert printed.count("\n") == 1, printed
    assert printed.startswith("d2l_utils.gluon | d2l_utils.gluon needs MXNet 1.9.1")


def test_importing_d2l_utils_first_makes_mxnet_importable(mx):
    assert run("import d2l_utils, mxnet; print(mxnet.nd.ones(2).sum().asscalar())").strip() == "2.0"


def luminance(hue):
    """Relative luminance as WCAG 2.1 defines it."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
              for c in (int(hue[i:i + 2], 16) / 255 for i in (1, 3, 5))]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_each_part_of_the_cell_has_a_hue_a_dash_a_letter_and_a_name_of_its_own():
    for table in (palette.HUES, palette.DASHES, palette.LETTERS, palette.NAMES):
        assert table.keys() == palette.HUES.keys()
        assert all(a != b for a, b in itertools.combinations(table.values(), 2))


@pytest.mark.parametrize("part", palette.HUES)
def test_lines_stand_out_from_white_paper(part):
    assert re.fullmatch("#[0-9a-f]{6}", palette.HUES[part])
    assert 1.05 / (luminance(palette.HUES[part]) + 0.05) >= 3
