"""The hue, dash and letter of each part of the cell, once: figures, stylesheets and widgets take them from here.

Hues are those of Okabe & Ito (2008), which stay apart for most colour-blind readers. A hue never stands alone: each
part has a dash and a letter too, so that the figures survive a grey printer.
"""
HUES = {
    "input_gate": "#009e73",
    "forget_gate": "#d55e00",
    "output_gate": "#0072b2",
    "candidate": "#cc79a7",
    "cell": "#1a1a1a",
    "hidden": "#767676",
}
DASHES: dict = {
    "input_gate": (0, (5, 1.5)),
    "forget_gate": (0, (1.2, 1.2)),
    "output_gate": (0, (5, 1.5, 1.2, 1.5)),
    "candidate": (0, (9, 2.5)),
    "cell": "-",
    "hidden": (0, (3, 2)),
}
LETTERS = {
    "input_gate": "I",
    "forget_gate": "F",
    "output_gate": "O",
    "candidate": r"\tilde{C}",
    "cell": "C",
    "hidden": "H",
}
NAMES = {
    "input_gate": "input gate",
    "forget_gate": "forget gate",
    "output_gate": "output gate",
    "candidate": "candidate",
    "cell": "memory cell",
    "hidden": "hidden state",
}
INK = "#1a1a1a"
