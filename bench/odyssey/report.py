"""Reads the storage of a sweep and says what mattered: a page with the best of each variant, importance and interactions.

Greff et al. (2017) fitted random forests to their runs and decomposed the variance of what the forests predict (fANOVA).
Our runs are few, so we do it by hand: numbers are put into four bins of as many runs each, and the share of the variance
of the scores that the means of the bins explain is the importance of a hyperparameter. What the means of all cells of two
hyperparameters explain beyond the sum of two such effects is their interaction. Shares are corrected for the number of
means, so that noise has share 0 on average, and may be negative; "by chance" is what the largest of all shares reaches in
one of twenty shuffles of the scores.
"""
import argparse
import html
import io
from itertools import combinations
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from optuna.trial import TrialState
from worker import KNOWS_NOTHING, Sweep

FACTORS = ("variant", "lr", "num_hiddens", "forget_bias", "clip")
MEASURED = {"adding": "mean error", "characters": "nats a character"}
NUM_BINS = 4


def rows(sweep):
    """The configurations that are done, as dicts of parameters, scores and value, each once and in their order."""
    done = {t.user_attrs["configuration"]: {**t.params, "scores": t.user_attrs["scores"], "value": t.value}
            for t in sweep.trials(TrialState.COMPLETE)}
    return [done[k] for k in sorted(done)]


def levels(values):
    """Names become their numbers; a number becomes that of its bin, of which each holds as many."""
    if isinstance(values[0], str):
        return np.unique(values, return_inverse=True)[1]
    return np.searchsorted(np.quantile(values, np.arange(1, NUM_BINS) / NUM_BINS), values, side="right")


def fitted(y, *columns):
    """The best sum of effects, one for each level of each column: (what it says about y, how many effects are free)."""
    A = np.hstack([column[:, None] == np.unique(column) for column in columns]).astype(float)
    effects, _, rank, _ = np.linalg.lstsq(A, y, rcond=None)
    return A @ effects, rank


def explained(y, *columns):
    """The share of the variance of y that a sum of effects of the columns explains: R squared, adjusted.

    Raises ValueError for fewer than twice as many y as effects.
    """
    prediction, rank = fitted(y, *columns)
    if len(y) < 2 * rank:
        raise ValueError(f"{len(y)} runs are too few for {rank} means")
    return 1 - ((y - prediction) ** 2).sum() / (len(y) - rank) / y.var(ddof=1)


def importance(y, columns):
    """Shares of the variance of y. columns: dict of levels by name. Returns (alone, together): dicts by name, by pair."""
    alone = {name: explained(y, column) for name, column in columns.items()}
    together = {}
    for a, b in combinations(columns, 2):
        cells = columns[a] * (columns[b].max() + 1) + columns[b]
        together[f"{a} x {b}"] = explained(y, cells) - explained(y, columns[a], columns[b])
    return alone, together


def chance(y, columns, num_shuffles=100):
    """What the largest share reaches in one of twenty shuffles of y, where nothing matters: (alone, together)."""
    rng = np.random.default_rng(0)
    largest = [[max(shares.values()) for shares in importance(rng.permutation(y), columns)] for _ in range(num_shuffles)]
    return np.quantile(largest, 0.95, axis=0)


def table_of(runs):
    """The values of the runs of one task, an array, and the levels of their hyperparameters, a dict."""
    return np.array([r["value"] for r in runs]), {name: levels([r[name] for r in runs]) for name in FACTORS}


def summary(runs):
    """What the page and the record say about the runs of one task: a dict."""
    y, columns = table_of(runs)
    (alone, together), limits = importance(y, columns), chance(y, columns)
    best = {}
    for variant in dict.fromkeys(r["variant"] for r in runs):
        first = min((r for r in runs if r["variant"] == variant), key=lambda r: r["value"])
        best[variant] = {"value": round(first["value"], 5), **{name: first[name] for name in FACTORS[1:]}}
    return {"best": best, "importance": {name: round(share, 3) for name, share in alone.items()},
            "interactions": {pair: round(share, 3) for pair, share in together.items()},
            "by chance": {"importance": round(limits[0], 3), "interactions": round(limits[1], 3)}}


def heat(ax, numbers, title, across, down):
    """A table of numbers, coloured. across, down: the labels."""
    ax.imshow(numbers, aspect="auto", cmap="Blues")
    middle = (np.nanmin(numbers) + np.nanmax(numbers)) / 2
    for (i, j), x in np.ndenumerate(numbers):
        if np.isfinite(x):
            ax.text(j, i, f"{x:.3f}", ha="center", va="center", color="black" if x < middle else "white")
    ax.set_title(title)
    ax.set_xticks(range(len(across)), across, rotation=30, ha="right")
    ax.set_yticks(range(len(down)), down)


def figure(tasks, summaries):
    """The picture as SVG, a row for each task: all shares, then rate and width in detail."""
    fig, axes = plt.subplots(len(tasks), 3, figsize=(16, 4.6 * len(tasks)), squeeze=False, layout="constrained")
    for row, (task, runs) in zip(axes, tasks.items()):
        y, columns = table_of(runs)
        shares = np.full((len(FACTORS), len(FACTORS)), np.nan)
        np.fill_diagonal(shares, list(summaries[task]["importance"].values()))
        shares.T[np.triu_indices(len(FACTORS), 1)] = list(summaries[task]["interactions"].values())
        heat(row[0], shares, f"{task}: shares alone (diagonal) and together", FACTORS, FACTORS)
        rate, width = columns["lr"], columns["num_hiddens"]
        labels = [[f"{np.min(x[k == i]):.2g} to {np.max(x[k == i]):.2g}" for i in range(NUM_BINS)] for name, k in
                  (("lr", rate), ("num_hiddens", width)) for x in [np.array([r[name] for r in runs])]]
        for ax, title, z in ((row[1], f"{MEASURED[task]}, mean", y),
                             (row[2], "beyond the sum of two effects", y - fitted(y, rate, width)[0])):
            means = [[z[(rate == i) & (width == j)].mean() if ((rate == i) & (width == j)).any() else np.nan
                      for i in range(NUM_BINS)] for j in range(NUM_BINS)]
            heat(ax, np.array(means), title, *labels)
            ax.set(xlabel="lr", ylabel="num_hiddens")
    text = io.StringIO()
    fig.savefig(text, format="svg", metadata={"Date": None})
    plt.close(fig)
    return text.getvalue()[text.getvalue().index("<svg"):]


def table(caption, head, lines):
    """An HTML table."""
    body = "\n".join("<tr><th scope=row>" + "<td>".join(html.escape(str(cell)) for cell in line) for line in lines)
    return f"<table><caption>{caption}</caption>\n<tr>{''.join(f'<th scope=col>{name}' for name in head)}\n{body}\n</table>"


def page(settings, tasks, summaries):
    """The page as HTML. tasks: dict of runs by task. summaries: dict of `summary` by task."""
    parts = [f"<!doctype html><html lang=en><meta charset=utf-8><title>The sweep</title>\n<style>body {{font: 16px sans-serif; "
             f"margin: 2em auto; max-width: 75em}} table {{display: inline-table; margin: 0 2em 2em 0; vertical-align: top}} "
             f"td, th {{padding: 0 .5em; text-align: right}} svg {{max-width: 100%; height: auto}}</style>\n"
             f"<h1>The sweep</h1>\n<p>{html.escape(str(settings))}</p>\n<p>{html.escape(str(__doc__))}</p>",
             figure(tasks, summaries)]
    for task, s in summaries.items():
        best = [(variant, *values.values()) for variant, values in s["best"].items()]
        parts += [f"<h2>{task}: {len(tasks[task])} configurations</h2>",
                  table("The best of each variant", ("variant", MEASURED[task], *FACTORS[1:]), best)]
        parts += [table(f"{name}: shares of the variance; {s['by chance'][name]} by chance", ("", "share"), s[name].items())
                  for name in ("importance", "interactions")]
    return "\n".join([*parts, "</html>\n"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--storage", type=Path, required=True, help="the journal")
    parser.add_argument("--html", type=Path, required=True, help="the page to write")
    parser.add_argument("--json", type=Path, help="a dated record to write, of the runs and what they say")
    args = parser.parse_args()
    if not args.storage.exists():
        parser.error(f"{args.storage} does not exist")
    sweep = Sweep(args.storage)
    runs, settings = rows(sweep), sweep.study.user_attrs["settings"]
    print(f"{len(runs)} of {len({t.user_attrs['configuration'] for t in sweep.trials()})} configurations are done")
    tasks = {task: [r for r in runs if r["task"] == task] for task in KNOWS_NOTHING}
    try:
        summaries = {task: summary(some) for task, some in tasks.items() if some}
    except ValueError as error:
        parser.error(str(error))
    args.html.write_text(page(settings, {task: tasks[task] for task in summaries}, summaries), encoding="utf-8")
    if args.json:
        import record

        record.write(args.json, settings, runs, ("numpy", "optuna", "d2l_utils"), summary=summaries)


if __name__ == "__main__":
    main()
