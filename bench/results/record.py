"""How a script in this folder keeps what it measured: a dated JSON file with one run a line."""
import json
import platform
from datetime import date
from importlib.metadata import version


def write(path, settings, runs, packages=("numpy", "d2l_utils"), **more):
    """Write the record of an experiment, whole, so that it can be called again after each run.

    path: of the JSON file. settings: dict of what all runs share. runs: list of dicts. packages: whose versions count.
    more: other entries, such as text="The Time Machine".
    """
    head = {"date": date.today().isoformat(), **more, "machine": f"{platform.system()} {platform.machine()}, one thread",
            "versions": {"python": platform.python_version(), **{name: version(name) for name in packages}},
            "settings": settings}
    lines = ",\n".join(json.dumps(run) for run in runs)
    path.write_text(f'{json.dumps(head)[:-1]}, "runs": [\n{lines}\n]}}\n')
