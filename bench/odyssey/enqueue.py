"""Fills the storage of the sweep with configurations, drawn from one seed: random search, as in Greff et al. (2017).

Each variant on each task gets as many configurations, drawn independently: the learning rate, the width and the norm at
which gradients are clipped evenly on a logarithmic scale, the forget bias evenly. A storage that holds a sweep is
refused.
"""
import argparse
from pathlib import Path

import numpy as np
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from worker import KNOWS_NOTHING, Sweep

from d2l_utils.cells import VARIANTS

SPACE = {
    "task": CategoricalDistribution(list(KNOWS_NOTHING)),
    "variant": CategoricalDistribution(list(VARIANTS)),
    "lr": FloatDistribution(1e-4, 1e-1, log=True),
    "num_hiddens": IntDistribution(4, 32, log=True),
    "forget_bias": FloatDistribution(-2, 4),
    "clip": FloatDistribution(0.1, 10, log=True),
}
SETTINGS = {"seed": 2017, "num_configurations": 14, "num_seeds": 2,
            "amount": {"adding": ["num_updates", 300], "characters": ["num_epochs", 3]}}


def configurations(settings):
    """Dicts of parameters, settings["num_configurations"] for each variant on each task of settings["amount"]."""
    rng = np.random.default_rng(settings["seed"])

    def draw(space):
        if not space.log:
            return round(rng.uniform(space.low, space.high), 2)
        drawn = float(np.exp(rng.uniform(np.log(space.low), np.log(space.high))))
        return round(drawn) if isinstance(space, IntDistribution) else float(f"{drawn:.3g}")

    drawn = {name: space for name, space in SPACE.items() if name not in ("task", "variant")}
    return [{"task": task, "variant": variant, **{name: draw(space) for name, space in drawn.items()}}
            for _ in range(settings["num_configurations"]) for task in settings["amount"] for variant in VARIANTS]


def enqueue(sweep, settings):
    """Fill an empty sweep. settings: a dict like SETTINGS. Raises ValueError for a sweep that is not empty."""
    if sweep.trials():
        raise ValueError("the storage holds a sweep: remove it with its folder of heartbeats, or name another file")
    sweep.study.set_user_attr("settings", settings)
    for k, params in enumerate(configurations(settings)):
        sweep.enqueue(k, params, SPACE)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--storage", type=Path, required=True, help="the journal, an Optuna storage in one file")
    parser.add_argument("--seed", type=int, default=SETTINGS["seed"], help="of the random search")
    parser.add_argument("--configurations", type=int, default=SETTINGS["num_configurations"],
                        help="for each variant on each task")
    args = parser.parse_args()
    sweep = Sweep(args.storage)
    try:
        enqueue(sweep, {**SETTINGS, "seed": args.seed, "num_configurations": args.configurations})
    except ValueError as error:
        parser.error(str(error))
    print(f"{len(sweep.trials())} configurations wait in {args.storage}")


if __name__ == "__main__":
    main()
