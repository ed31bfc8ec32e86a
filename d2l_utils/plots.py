"""Figures of the book: diagrams drawn by code, and traces of a cell. Every function returns the Axes that it drew on."""
import json

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Circle, FancyBboxPatch
from matplotlib.ticker import LogLocator

from d2l_utils.palette import DASHES, HUES, INK, LETTERS, NAMES

PALE = "#c4c4c4"
STYLE: dict = {
    "figure.figsize": (6.4, 3.2), "figure.constrained_layout.use": True,
    "font.family": "DejaVu Sans", "font.size": 10, "mathtext.fontset": "cm",
    "axes.titlesize": 11, "axes.labelsize": 10, "axes.edgecolor": INK, "axes.labelcolor": INK, "text.color": INK,
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "axes.axisbelow": True,
    "grid.color": "#9a9a9a", "grid.alpha": 0.35, "grid.linewidth": 0.6,
    "xtick.color": INK, "ytick.color": INK, "lines.linewidth": 1.8, "lines.solid_capstyle": "butt",
    "legend.frameon": False, "legend.handlelength": 3.2, "savefig.bbox": "tight",
}


def use_style():
    """Give all figures that follow the book's look. Backgrounds are left as they are: white, or none in the book."""
    plt.rcParams.update(STYLE)


def line_style(part):
    """Keyword arguments of `Axes.plot` for a part of the cell: its hue, its dash, its weight, its name as label.

    part: a key of `palette.HUES`, such as "forget_gate".
    """
    return {"color": HUES[part], "linestyle": DASHES[part], "linewidth": 2.6 if part == "cell" else 1.8,
            "label": f"{NAMES[part]} ${LETTERS[part]}_t$"}


def _blank_axes(ax, width, height, scale=0.62):
    if ax is None:
        _, ax = plt.subplots(figsize=(width * scale, height * scale))
    ax.set(xlim=(0, width), ylim=(0, height), aspect="equal")
    ax.axis("off")
    return ax


def _arrow(ax, points, color=INK, head=True, **style):
    """A line through points [(x, y), ...], with a head at its end."""
    style = {"linewidth": 1.5, **style}
    x, y = zip(*points)
    ax.plot(x, y, color=color, solid_joinstyle="round", zorder=1, **style)
    if head:
        ax.annotate("", xy=points[-1], xytext=points[-2], zorder=1,
                    arrowprops={"arrowstyle": "-|>", "color": color, "linewidth": 0, "shrinkA": 0, "shrinkB": 0,
                                "mutation_scale": 13})


def _box(ax, x, y, text, color=INK, width=1.1, height=0.9, **style):
    ax.add_patch(FancyBboxPatch((x - width / 2, y - height / 2), width, height, boxstyle="round,pad=0,rounding_size=0.15",
                                facecolor="white", edgecolor=color, linewidth=style.pop("linewidth", 1.8), zorder=2, **style))
    ax.text(x, y, text, ha="center", va="center", fontsize=11, color=PALE if color == PALE else INK, zorder=3)


def _circle(ax, x, y, text, color=INK, radius=0.28, fontsize=13):
    ax.add_patch(Circle((x, y), radius, facecolor="white", edgecolor=color, linewidth=1.5, zorder=2))
    ax.text(x, y, text, ha="center", va="center_baseline", fontsize=fontsize, color=color, zorder=3)


def unrolled_network(num_steps=4, labels=None, ax=None):
    """A recurrent network drawn as a loop on the left and unrolled over num_steps on the right.

    labels: one string a step written under X_t (characters, say), or None.
    """
    ax = _blank_axes(ax, 3.6 + 2 * num_steps, 4.8)

    def column(x, step):
        _arrow(ax, [(x, 1.1), (x, 1.9)])
        _arrow(ax, [(x, 2.8), (x, 3.6)])
        _box(ax, x, 2.35, rf"$\mathbf{{H}}_{{{step}}}$")
        ax.text(x, 0.75, rf"$\mathbf{{X}}_{{{step}}}$", ha="center", va="center", fontsize=12)
        ax.text(x, 3.95, rf"$\mathbf{{Y}}_{{{step}}}$", ha="center", va="center", fontsize=12)

    column(1.1, "t")
    _arrow(ax, [(1.65, 2.55), (2.15, 2.55), (2.15, 3.15), (0.3, 3.15), (0.3, 2.35), (0.55, 2.35)], color=HUES["hidden"])
    ax.text(2.85, 2.35, "=", ha="center", va="center", fontsize=18)
    for t in range(1, num_steps + 1):
        x = 2.4 + 2 * t
        _arrow(ax, [(x - (1.45 if t > 1 else 1.1), 2.35), (x - 0.55, 2.35)], color=HUES["hidden"])
        column(x, t)
        if labels is not None:
            ax.text(x, 0.25, f"“{labels[t - 1]}”", ha="center", va="center", fontsize=10)
    return ax


def cell_diagram(show=("gates", "candidate", "cell", "hidden"), ax=None):
    """One LSTM cell as a wiring diagram. What `show` does not name is drawn pale, so that a chapter can point.

    show: any of "gates", "candidate", "cell", "hidden", and "peepholes", which are not drawn at all unless named.
    """
    unknown = set(show) - {"gates", "candidate", "cell", "hidden", "peepholes"}
    if unknown:
        raise ValueError(f"show may name gates, candidate, cell, hidden and peepholes, got {sorted(unknown)}")
    ax = _blank_axes(ax, 11.4, 6.6)
    gates, candidate, cell, hidden = (name in show for name in ("gates", "candidate", "cell", "hidden"))

    def hue(part, shown):
        return HUES[part] if shown else PALE

    def ink(shown):
        return INK if shown else PALE

    y_c, y_in, y_box = 5.4, 0.9, 2.1
    x_f, x_i, x_g, x_o = 2.6, 4.2, 5.8, 7.4

    # the inputs, which every box reads
    _arrow(ax, [(1.0, y_in), (x_o, y_in)], color=INK, head=False)
    for x, shown in ((x_f, gates), (x_i, gates), (x_g, candidate), (x_o, gates)):
        _arrow(ax, [(x, y_in), (x, y_box - 0.45)], color=ink(shown))
    ax.text(0.85, y_in, r"$\mathbf{X}_t,\ \mathbf{H}_{t-1}$", ha="right", va="center", fontsize=12)

    # forget gate, then the memory cell from left to right
    _arrow(ax, [(1.0, y_c), (10.6, y_c)], color=hue("cell", cell), linewidth=3 if cell else 2)
    ax.text(0.85, y_c, r"$\mathbf{C}_{t-1}$", ha="right", va="center", fontsize=12, color=ink(cell))
    ax.text(10.75, y_c, r"$\mathbf{C}_t$", ha="left", va="center", fontsize=12, color=ink(cell))
    _arrow(ax, [(x_f, y_box + 0.45), (x_f, y_c - 0.28)], color=hue("forget_gate", gates), head=cell)
    _circle(ax, x_f, y_c, r"$\odot$", ink(cell))
    x_w = (x_i + x_g) / 2
    _arrow(ax, [(x_i, y_box + 0.45), (x_i, 3.9), (x_w - 0.28, 3.9)], color=hue("input_gate", gates), head=cell)
    _arrow(ax, [(x_g, y_box + 0.45), (x_g, 3.9), (x_w + 0.28, 3.9)], color=hue("candidate", candidate), head=cell)
    _arrow(ax, [(x_w, 4.18), (x_w, y_c - 0.28)], color=ink(cell))
    _circle(ax, x_w, 3.9, r"$\odot$", ink(cell))
    _circle(ax, x_w, y_c, r"$+$", ink(cell))

    # output gate and hidden state
    x_h = 9.0
    _arrow(ax, [(x_h, y_c), (x_h, 4.75)], color=hue("cell", hidden), head=False)
    _box(ax, x_h, 4.3, "tanh", ink(hidden), height=0.7)
    _arrow(ax, [(x_h, 3.95), (x_h, 3.38)], color=ink(hidden))
    _arrow(ax, [(x_o, y_box + 0.45), (x_o, 3.1), (x_h - 0.28, 3.1)], color=hue("output_gate", gates), head=hidden)
    _circle(ax, x_h, 3.1, r"$\odot$", ink(hidden))
    _arrow(ax, [(x_h + 0.28, 3.1), (10.6, 3.1)], color=hue("hidden", hidden), linestyle=DASHES["hidden"] if hidden else "-",
           linewidth=2)
    ax.text(10.75, 3.1, r"$\mathbf{H}_t$", ha="left", va="center", fontsize=12, color=ink(hidden))

    for x, part, squash, shown in ((x_f, "forget_gate", r"\sigma", gates), (x_i, "input_gate", r"\sigma", gates),
                                   (x_g, "candidate", r"\tanh", candidate), (x_o, "output_gate", r"\sigma", gates)):
        _box(ax, x, y_box, rf"$\mathbf{{{LETTERS[part]}}}_t\ {squash}$", hue(part, shown))
        ax.text(x, 0.35, NAMES[part], ha="center", va="center", fontsize=9, color=ink(shown))

    if "peepholes" in show:         # the old cell to forget and input gate, the new one to the output gate
        x_old, x_new = 1.55, 8.3
        for points in ([(x_old, y_c), (x_old, y_box), (x_f - 0.55, y_box)], [(x_new, y_c), (x_new, y_box), (x_o + 0.55, y_box)],
                       [(x_old, 3.1), (x_i - 0.85, 3.1), (x_i - 0.85, y_box), (x_i - 0.55, y_box)]):
            _arrow(ax, points, color=HUES["cell"], linestyle=(0, (4, 2)), linewidth=1.4)
        ax.plot([x_old, x_new], [y_c, y_c], "o", color=HUES["cell"], markersize=5, zorder=3)
        for x, name in ((x_old, r"$\mathbf{C}_{t-1}$"), (x_new, r"$\mathbf{C}_t$")):
            ax.text(x - 0.12, 4.45, name, ha="right", va="center", fontsize=10)
    return ax


def gates_over_time(trace, unit=0, batch=0, parts=("input_gate", "forget_gate", "output_gate", "cell"), labels=None, ax=None):
    """What one unit of an LSTM does over a sequence: its gates, candidate, cell or hidden state at every step.

    trace: an LSTMTrace. unit, batch: which one. parts: keys of `palette.HUES`. labels: one string a step, or None.
    """
    arrays = {"input_gate": trace.I, "forget_gate": trace.F, "output_gate": trace.O,
              "candidate": trace.C_tilde, "cell": trace.C, "hidden": trace.H}
    if ax is None:
        _, ax = plt.subplots()
    steps = np.arange(1, len(trace.H) + 1)
    for part in parts:
        ax.plot(steps, arrays[part][:, batch, unit], **line_style(part))
    ax.set(xlabel="time step $t$", ylabel="value")
    if labels is not None:
        ax.set_xticks(steps, labels)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
    return ax


def automaton(arrows, places, strong=(), ax=None):
    """A finite automaton as circles and arrows. The start is filled, the end has a double edge.

    arrows: dict from a state to a dict from symbol to next state; state 0 is the start, the state without arrows the
    end. places: dict from a state to its (x, y), at least 1 apart. strong: pairs (state, symbol) of arrows to be thick.
    """
    x, y = np.array(list(places.values())).T
    ax = _blank_axes(ax, x.max() + 0.6, y.max() + 0.9)
    for state, out in arrows.items():
        a = np.array(places[state])
        ax.add_patch(Circle(places[state], 0.24, facecolor="#d0d0d0" if state == 0 else "white", edgecolor=INK,
                            linewidth=1.4, zorder=2))
        if not out:
            ax.add_patch(Circle(places[state], 0.17, fill=False, edgecolor=INK, linewidth=1.0, zorder=3))
        for symbol, to in out.items():
            thick = (state, symbol) in strong
            if to == state:                             # a loop, on the side where its neighbours are not
                near = [k for k in arrows if k in out.values() or state in arrows[k].values()]
                side = -1 if np.mean([places[k][1] for k in near]) > a[1] else 1
                angle = np.linspace(-0.3, 1.3, 24) * np.pi
                points = [(a[0] + 0.2 * np.cos(k), a[1] + side * (0.39 + 0.2 * np.sin(k))) for k in angle]
                label = (a[0], a[1] + side * 0.78)
            else:
                along = np.array(places[to]) - a
                along = along / np.hypot(*along)
                points = [tuple(a + 0.24 * along), tuple(places[to] - 0.24 * along)]
                label = np.mean(points, axis=0) + 0.2 * np.array([-along[1], along[0]])
            _arrow(ax, points, linewidth=3 if thick else 1.3)
            ax.text(*label, symbol, ha="center", va="center_baseline", fontsize=10, weight="bold" if thick else "normal")
    return ax


def sensitivity(strengths, ax=None):
    """Rows of nodes over time, each filled as strongly as the first input still counts there.

    strengths: dict from a row's name to an array (num_steps,) of numbers from 0 to 1; each node shows its number.
    """
    num_steps = max(len(row) for row in strengths.values())
    ax = _blank_axes(ax, num_steps + 2.2, 1.5 * len(strengths) + 0.7)
    for r, (name, row) in enumerate(strengths.items()):
        y = 1.5 * (len(strengths) - r) - 0.35
        ax.text(2.0, y, name, ha="right", va="center", fontsize=10)
        for t, value in enumerate(row):
            if not 0 <= value <= 1:
                raise ValueError(f"strengths must lie between 0 and 1, got {value} in row {name!r}")
            x = 2.6 + t
            if t:
                _arrow(ax, [(x - 0.62, y), (x - 0.38, y)], color=HUES["hidden"])
            ax.add_patch(Circle((x, y), 0.38, facecolor=(0.1, 0.1, 0.1, value), edgecolor=INK, linewidth=1, zorder=2))
            ax.text(x, y, f"{value:.2f}".lstrip("0") if value < 0.995 else "1", ha="center", va="center_baseline", fontsize=7.5,
                    color="white" if value > 0.5 else INK, zorder=3)
    for t in range(num_steps):
        ax.text(2.6 + t, 0.2, f"{t + 1}", ha="center", va="center", fontsize=9)
    ax.text(2.0, 0.2, "time step", ha="right", va="center", fontsize=9)
    return ax


def learning_curves(histories, ax=None):
    """Perplexity over epochs on a logarithmic axis, one curve a model.

    histories: dict from a model's name to the list of Epochs that `training.train` returned, four models at most.
    """
    if ax is None:
        _, ax = plt.subplots()
    looks = [("#8a8a8a", "-", 3.4), (INK, "--", 1.6), (INK, ":", 1.8), (INK, "-.", 1.4)]    # one shows under another
    for (name, history), (color, dash, width) in zip(histories.items(), looks):
        ax.plot([e.epoch for e in history], [e.perplexity for e in history], color=color, linestyle=dash, linewidth=width,
                label=name)
    ax.set(xlabel="epoch", ylabel="training perplexity", yscale="log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.minorticks_off()
    ax.legend()
    return ax


def graph(symbol, hide=("weight", "bias"), colors=None, ax=None):
    """The graph of an `mx.sym` symbol, inputs below and results on top, laid out here: no other program is needed.

    Inputs are dotted, results have a thick edge. hide: inputs whose names end so are left out. colors: dict from a
    node's name to its hue, or None.
    """
    read = json.loads(symbol.tojson())
    nodes, results = read["nodes"], {k for k, *_ in read["heads"]}
    kept = [k for k, node in enumerate(nodes) if not (node["op"] == "null" and node["name"].endswith(tuple(hide)))]
    parents = {k: [p for p, *_ in nodes[k]["inputs"] if p in kept] for k in kept}
    depth: dict = {}
    for k in kept:                                      # tojson lists a node after its inputs
        depth[k] = 1 + max((depth[p] for p in parents[k]), default=-1)
    for k in kept:                                      # an input stands right below the first node that reads it
        if not parents[k]:
            depth[k] = min(depth[c] for c in kept if k in parents[c]) - 1
    # an arrow goes from row to row; where it skips rows, a place is kept for it between the boxes
    ways: list = [[p, *((p, k, d) for d in range(depth[p] + 1, depth[k])), k] for k in kept for p in parents[k]]
    depth.update({stop: stop[2] for way in ways for stop in way[1:-1]})
    x = _places(depth, [pair for way in ways for pair in zip(way, way[1:])], {k: 2.2 if k in kept else 0.7 for k in depth})
    y = {k: 0.6 + 1.4 * d for k, d in depth.items()}
    ax = _blank_axes(ax, max(x[k] for k in kept) + 1.1, max(y.values()) + 0.6)
    for way in ways:
        points = [(x[k], y[k] + side) for k in way for side in (-0.42, 0.42)]
        _arrow(ax, points[1:-1], color=HUES["hidden"], linewidth=1.1)
    for k in kept:
        op = nodes[k]["op"]
        text = nodes[k]["name"] if op == "null" else f"{nodes[k]['name']}\n{_verb(nodes[k])}"
        color = (colors or {}).get(nodes[k]["name"], INK)
        _box(ax, x[k], y[k], "", color, width=1.95, height=0.84, linestyle=":" if op == "null" else "-",
             linewidth=3 if k in results else 1.8)
        ax.text(x[k], y[k], text, ha="center", va="center", fontsize=8.5, color=INK, zorder=3)
    return ax


def _places(depth, edges, width):
    """An x for each node of a layered graph: near its neighbours, and never over another of its row.

    depth: dict from node to row. edges: pairs of nodes in neighbouring rows. width: dict from node to its room.
    The rows are sorted by the mean place of what each node is joined to, up and down again, after Sugiyama et al. (1981).
    """
    below: dict = {k: [a for a, b in edges if b == k] for k in depth}
    above: dict = {k: [b for a, b in edges if a == k] for k in depth}
    rows = [[k for k in depth if depth[k] == d] for d in range(max(depth.values()) + 1)]
    x = {k: float(i) for row in rows for i, k in enumerate(row)}
    for sweep in range(80):
        order, sides = (rows, [below]) if sweep % 2 == 0 else (rows[::-1], [above])
        if sweep >= 20:                                 # the order is settled: now each node goes between its neighbours
            sides = [below, above]
        for row in order:
            joined = {k: [x[j] for side in sides for j in side[k]] or [x[k]] for k in row}
            for k in row:                               # a long arrow wants to be straight more than short
                joined[k] += 8 * [x[j] for side in sides for j in side[k] if isinstance(k, tuple) and isinstance(j, tuple)]
            if sweep < 20:
                row.sort(key=lambda k: np.mean(joined[k]))
            room = np.cumsum([width[k] for k in row]) - [width[k] / 2 for k in row]
            wish = [np.mean(joined[k]) - r for k, r in zip(row, room)]
            for i, k in enumerate(row):                 # the nearest places to all wishes that keep order and room
                x[k] = room[i] + max(min(np.mean(wish[a:b]) for b in range(i + 1, len(row) + 1)) for a in range(i + 1))
    left = min(x[k] - width[k] / 2 for k in depth)
    return {k: x[k] - left for k in depth}


def _verb(node):
    """What a node does, in a word: MXNet says `elemwise_mul` and `Activation`, a reader says multiply and tanh."""
    words = {"elemwise_mul": "multiply", "elemwise_add": "add", "_mul": "multiply", "_plus": "add", "broadcast_mul": "multiply",
             "broadcast_add": "add", "FullyConnected": "linear", "Concat": "concatenate"}
    return node.get("attrs", {}).get("act_type") or words.get(node["op"], node["op"])
