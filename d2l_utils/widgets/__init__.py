"""Widgets whose mathematics runs in the page: in JupyterLab with a kernel, and on the book's pages without one.

Each is a class of traits and one JavaScript module beside it, which imports from lstm.js (the mathematics) and ui.js (what
all widgets share). A page opened from disk cannot load one module from another, so they are joined into one text here.
"""
import json
import math
import re
from pathlib import Path

import anywidget
import traitlets

from d2l_utils.character_models import PATH as CHARACTER_MODELS
from d2l_utils.datasets.patterns import PATTERNS
from d2l_utils.palette import DASHES, HUES, LETTERS, NAMES

_FOLDER = Path(__file__).parent
_IMPORT = re.compile(r'^import \{[^}]*\} from "\./(\w+\.js)";\n', re.MULTILINE)


def module(file_name):
    """The text of one self-contained ES module: a file of this folder after all that it imports, and the palette."""
    order: list = []

    def visit(name):
        source = (_FOLDER / name).read_text(encoding="utf-8")
        for imported in _IMPORT.findall(source):
            visit(imported)
        if name not in order:
            order.append(name)

    visit(file_name)
    texts = [_IMPORT.sub("", (_FOLDER / name).read_text(encoding="utf-8")) for name in order]
    inlined = [re.sub(r"^export (?!default)", "", text, flags=re.MULTILINE) for text in texts]
    dashes = {part: [] if dash == "-" else [3 * d for d in dash[1]] for part, dash in DASHES.items()}
    palette = {"hues": HUES, "dashes": dashes, "letters": LETTERS, "names": NAMES}
    return f"const PALETTE = {json.dumps(palette)};\n" + "".join(inlined)


class Widget(anywidget.AnyWidget):
    """What all widgets have. trace: the numbers that the page computed last, by name; empty until the widget is shown.

    A subclass names its JavaScript: _esm = module("gate_lab.js").
    """

    _css = (_FOLDER / "widgets.css").read_text(encoding="utf-8")
    trace = traitlets.Dict().tag(sync=True)

    def __repr__(self):
        return f"<widget {type(self).__name__}>"        # without an address, by which a notebook would be another in each build


class _Number(traitlets.Float):
    """A number within its bounds, which NaN is not, though it is neither below nor above them."""

    def validate(self, obj, value):
        number = super().validate(obj, value)
        if math.isnan(number):
            raise traitlets.TraitError(f"{self.name} must lie between {self.min} and {self.max}, got {value}")
        return number


def _number(value, low, high):
    """A trait for a slider: a number between low and high, or a TraitError that says so."""
    return _Number(value, min=low, max=high).tag(sync=True)


class GateLab(Widget):
    """One step of one cell: four weighted sums and the old cell, and the gates, the cell and the hidden state they give.

    z_i, z_f, z_o: weighted sums of the gates, -6 to 6. z_c: of the candidate, -3 to 3. c: the old cell, -2 to 2.
    predict: whether the result is hidden at first. trace: I, F, O, C_tilde, C, H.
    """

    _esm = module("gate_lab.js")
    z_i = _number(1.0, -6, 6)
    z_f = _number(2.0, -6, 6)
    z_o = _number(0.0, -6, 6)
    z_c = _number(1.0, -3, 3)
    c = _number(0.5, -2, 2)
    predict = traitlets.Bool(False).tag(sync=True)


class ProgramACell(Widget):
    """The weights of one cell with two inputs, a value and a command, and how well it does one of four tasks with them.

    task: latch, count, reset or ignore. b_i, b_f, b_c: biases of input gate, forget gate and candidate. w_i, w_f: weights
    of the command in the two gates. w_c: of the value in the candidate. All other weights are 0. trace: I, F, C_tilde, C, H
    and target, a number a step; score, the share of steps within 0.25 of the target; passed, whether all are.
    """

    _esm = module("program_a_cell.js")
    task = traitlets.Enum(("latch", "count", "reset", "ignore"), "latch").tag(sync=True)
    b_i = _number(0.0, -8, 8)
    w_i = _number(0.0, -16, 16)
    b_f = _number(0.0, -8, 8)
    w_f = _number(0.0, -16, 16)
    b_c = _number(0.0, -4, 4)
    w_c = _number(1.0, -4, 4)


class GradientHighway(Widget):
    """The length of a gradient over the distance it has come, in an RNN, in an LSTM, and on the LSTM's direct path.

    forget_bias: of the LSTM, -2 to 6. radius: spectral radius of all recurrent matrices, 0.05 to 1.5. strength: standard
    deviation of the inputs, 0 to 2. num_steps: 10 to 80. seed: of weights and input, 0 to 99. trace: rnn_h, lstm_h, lstm_c
    and direct, the natural logarithm of the length at distance 0, 1, ...; slopes, of these four.
    """

    _esm = module("gradient_highway.js")
    forget_bias = _number(2.0, -2, 6)
    radius = _number(1.0, 0.05, 1.5)
    strength = _number(0.5, 0, 2)
    num_steps = traitlets.Int(60, min=10, max=80).tag(sync=True)
    seed = traitlets.Int(0, min=0, max=99).tag(sync=True)


class TrainIt(Widget):
    """An LSTM of four units that learns in the page to keep a marked sign until the end of a noisy sequence.

    forget_bias: -2 to 5. seed: of weights and minibatches, 0 to 19. num_steps: 10 to 30. updates: how many have been made, 0
    to 200. unit: the unit shown, 1 to 4, or 0 for the one whose memory tells most. trace: losses, one an update; of two test
    sequences with opposite signs I, F, O, C_tilde, C, H, (num_steps, 2, 4), and P, the probabilities of the right answers.
    """

    _esm = module("train_it.js")
    forget_bias = _number(3.0, -2, 5)
    seed = traitlets.Int(0, min=0, max=19).tag(sync=True)
    num_steps = traitlets.Int(20, min=10, max=30).tag(sync=True)
    updates = traitlets.Int(0, min=0, max=200).tag(sync=True)
    unit = traitlets.Int(0, min=0, max=4).tag(sync=True)


# H. G. Wells, The Time Machine, from the part of chapter 12 that the models have not been trained on
EXCERPT = """\
The Medical Man rose, came to the lamp, and examined the flowers.
'The gynaeceum's odd,' he said. The Psychologist leant forward to
see, holding out his hand for a specimen.

'I'm hanged if it isn't a quarter to one,' said the Journalist.
'How shall we get home?'

'Plenty of cabs at the station,' said the Psychologist.

'It's a curious thing,' said the Medical Man; 'but I certainly don't
know the natural order of these flowers. May I have them?'

The Time Traveller hesitated. Then suddenly: 'Certainly not.'
"""


def _character_models(*kinds):
    """The weights of these models as the page reads them, and their characters."""
    record = json.loads(CHARACTER_MODELS.read_text(encoding="utf-8"))
    weights = {run["model"]: run["weights"] for run in record["runs"]}
    return {"characters": record["characters"], "weights": {kind: weights[kind] for kind in kinds}}


class ReadACell(Widget):
    """A text as the book's character LSTM reads it, coloured by one gate or state of one unit.

    text: any; its first 2,000 characters are read. quantity: I, F, O, C_tilde, C or H. unit: 0 to 63. pattern: a key of
    `datasets.patterns.PATTERNS`. position: the character, from 1, after which the next is predicted. temperature, seed: of
    what the model writes on from there. trace: values of the unit over the text; probabilities of the next character;
    saturation, the shares of I, F and O of the unit below 0.1 and above 0.9; r, the correlations of all 384 series with
    the pattern; shifted_best, the strongest of them with the pattern shifted by half the text; written, as indices.
    """

    _esm = module("read_a_cell.js")
    _models = traitlets.Dict(_character_models("LSTM")).tag(sync=True)
    text = traitlets.Unicode(EXCERPT).tag(sync=True)
    quantity = traitlets.Enum(("I", "F", "O", "C_tilde", "C", "H"), "C").tag(sync=True)
    pattern = traitlets.Enum(tuple(PATTERNS), "position in word").tag(sync=True)
    unit = traitlets.Int(28, min=0, max=63).tag(sync=True)
    position = traitlets.Int(68, min=1, max=2000).tag(sync=True)
    temperature = _number(0.7, 0.1, 2)
    seed = traitlets.Int(0, min=0, max=999).tag(sync=True)


class WhoIsRemembered(Widget):
    """The gradient of one prediction in every earlier character, for the book's RNN, GRU and LSTM.

    text: any; its first 400 characters are read, after a line end. position: the predicted character, from 1. logarithmic:
    whether the shade is the logarithm. trace: RNN, GRU, LSTM, the norm of d loss / d X_t for each step before the
    predicted character; losses of the three, in nats.
    """

    _esm = module("who_is_remembered.js")
    _models = traitlets.Dict(_character_models("RNN", "GRU", "LSTM")).tag(sync=True)
    text = traitlets.Unicode(EXCERPT[175:320]).tag(sync=True)
    position = traitlets.Int(60, min=1, max=400).tag(sync=True)
    logarithmic = traitlets.Bool(False).tag(sync=True)
