"""What Binder and a class's hub are given: the image, the size of a hub, the values for Helm."""
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


def test_the_image_installs_the_locks_and_prepares_the_notebooks(tmp_path):
    pytest.importorskip("repo2docker")
    for path in ("binder", "deploy"):
        shutil.copytree(ROOT / path, tmp_path / path)
    rendered = subprocess.run([sys.executable, "-m", "repo2docker", "--no-build", "--debug", str(tmp_path)],
                              capture_output=True, text=True, check=True)
    dockerfile = (rendered.stdout + rendered.stderr).splitlines()
    steps = ['RUN ${KERNEL_PYTHON_PREFIX}/bin/pip install --no-cache-dir -r "binder/requirements.txt"',
             "COPY --chown=", "RUN ./binder/postBuild"]
    install, _, prepare = (max(k for k, line in enumerate(dockerfile) if line.startswith(step)) for step in steps)
    assert install < prepare
    assert any(line.startswith(steps[1]) and " src/ " in line for line in dockerfile[:install])
    assert "Building conda environment for python=3.11" in dockerfile
    named = [line.split()[1] for line in (ROOT / "binder/requirements.txt").read_text().splitlines() if line.startswith("-r")]
    assert {(ROOT / "binder" / name).resolve() for name in named} == {
        ROOT / "requirements.lock", ROOT / "deploy/requirements.lock"}


def test_the_two_locks_agree():
    def pins(path):
        """By package: the versions that are locked."""
        found = {}
        for name, pin in re.findall(r"^([\w.-]+)==([^\\\n]*)", path.read_text(encoding="utf-8"), re.MULTILINE):
            found.setdefault(name, set()).add(pin.split()[0])
        return found

    book, hub = pins(ROOT / "requirements.lock"), pins(ROOT / "deploy/requirements.lock")
    assert len(book.keys() & hub.keys()) > 30
    assert {name: hub[name] - book[name] for name in book.keys() & hub.keys() if not hub[name] <= book[name]} == {}


def test_the_image_opens_chapters_as_notebooks_whatever_is_mounted_over_the_home_folder(tmp_path):
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin" / "python"
    python.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\necho {tmp_path}\n')
    python.chmod(0o755)
    subprocess.run([ROOT / "binder/postBuild"], cwd=ROOT, check=True,
                   env={"PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}", "HOME": str(tmp_path / "home")})
    asked = (tmp_path / "asked").read_text()
    assert [command for command in ("-m pip install", "-e .", "load_time_machine()") if command not in asked] == []
    assert not (tmp_path / "home").exists()
    settings = json.loads((tmp_path / "etc/jupyter/labconfig/default_setting_overrides.json").read_text())
    assert settings["@jupyterlab/docmanager-extension:plugin"]["defaultViewers"] == {"markdown": "Jupytext Notebook"}


def test_the_hub_of_one_machine_listens_to_that_machine_alone_and_asks_for_a_password(tmp_path, monkeypatch, capsys):
    config = pytest.importorskip("traitlets.config").Config()
    monkeypatch.setenv("HUB_FOLDER", str(tmp_path / "hub"))
    monkeypatch.delenv("HUB_PASSWORD", raising=False)
    runpy.run_path(str(ROOT / "deploy/jupyterhub_config.py"), {"get_config": lambda: config})
    addresses = [config.JupyterHub.bind_url, config.JupyterHub.hub_bind_url, config.ConfigurableHTTPProxy.api_url]
    assert [address.rpartition(":")[0] for address in addresses] == 3 * ["http://127.0.0.1"]
    assert len(set(addresses)) == 3
    assert len(config.DummyAuthenticator.password) > 8
    assert config.DummyAuthenticator.password in capsys.readouterr().out
    assert (tmp_path / "hub").stat().st_mode & 0o077 == 0


size = SimpleNamespace(**runpy.run_path(str(ROOT / "deploy/size.py")))
RUNS = json.loads((ROOT / "bench/results/hub.json").read_text(encoding="utf-8"))["runs"]
VALUES = yaml.safe_load((ROOT / "deploy/zero-to-jupyterhub.yaml").read_text(encoding="utf-8"))


def test_the_size_of_a_hub_follows_from_what_a_student_uses():
    run = {"start_cpu_s": 3, "chapter": "a", "chapter_cpu_s": 18, "open_pss_mb": 300, "peak_rss_mb": 400}
    hub = size.size([run], 100, arrive_minutes=5, lesson_minutes=60, runs_a_lesson=4, node_cores=4, node_gib=16, node_share=0.5)
    # 300 MB are 287 MiB, 384 in steps of 128; 1.5 times 400 MB are 573 MiB; 1 core starts, 2 cores run, half of them busy
    assert (hub.memory_guarantee_mib, hub.memory_limit_mib, hub.memory_gib) == (384, 640, 37.5)
    assert (hub.cores, hub.cpu_guarantee) == (4, 0.04)
    assert hub.nodes == 5       # 8 GiB of a node are for students, 21 of them
    assert hub.rush_s == pytest.approx(100 * 18 / (2 * 5))


def test_the_record_of_the_hub_is_of_eight_students_at_once_and_of_all_chapters_of_its_day():
    together = [run for run in RUNS if run["student"] != "alone"]
    assert len({run["student"] for run in together}) == len(together) == 8
    assert len({run["chapter"] for run in RUNS}) == 18


def test_the_readme_of_deploy_shows_the_sizes_that_follow_from_the_record():
    assert size.table(RUNS) in (ROOT / "deploy/README.md").read_text(encoding="utf-8")


def test_the_readme_of_deploy_quotes_the_record():
    def between(key, runs=RUNS, digits=0):
        return f"{min(run[key] for run in runs):.{digits}f}–{max(run[key] for run in runs):.{digits}f}"

    together = [run for run in RUNS if run["student"] != "alone"]
    cells = [f"{between('ready_s', together)} s", between("start_cpu_s", together, 1), f"{between('open_pss_mb')} MB",
             f"{between('peak_rss_mb')} MB", f"{between('chapter_cpu_s')}, on average"]
    text = (ROOT / "deploy/README.md").read_text(encoding="utf-8")
    assert [cell for cell in cells if f"| {cell}" not in text] == []


def test_the_values_for_helm_are_those_of_a_class_of_300():
    hub, student = size.size(RUNS, 300), VALUES["singleuser"]
    assert student["memory"] == {"guarantee": f"{hub.memory_guarantee_mib}M", "limit": f"{hub.memory_limit_mib}M"}
    assert student["cpu"]["guarantee"] == hub.cpu_guarantee
    assert VALUES["scheduling"]["userPlaceholder"]["replicas"] == hub.placeholders
    assert VALUES["hub"]["activeServerLimit"] == 300 + hub.placeholders


def test_the_chart_knows_all_values():
    """Z2JH_CHART names the chart's folder, as `helm pull --untar` leaves it, with its default values and its schema."""
    if "Z2JH_CHART" not in os.environ:
        pytest.skip("Z2JH_CHART names no folder with the Helm chart jupyterhub")
    chart = Path(os.environ["Z2JH_CHART"])
    defaults, schema = (yaml.safe_load((chart / name).read_text(encoding="utf-8"))
                        for name in ("values.yaml", "values.schema.json"))

    def merged(below, above):
        if not (isinstance(below, dict) and isinstance(above, dict)):
            return above
        return {**below, **{key: merged(below.get(key), value) for key, value in above.items()}}

    pytest.importorskip("jsonschema").validate(merged(defaults, VALUES), schema)
