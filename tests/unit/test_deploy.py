"""What Binder and a class's hub are given: the image, the size of a hub, the values for Helm."""
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

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
