"""The widgets in a real JupyterLab, with a kernel behind them: state goes both ways."""
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

pytestmark = [pytest.mark.browser, pytest.mark.slow]
ROOT = Path(__file__).resolve().parents[2]
CELLS = [
    "from d2l_utils.widgets import GateLab\nlab = GateLab(z_f=2.0)\nlab",
    "print(f'forget gate {lab.trace[\"F\"]:.6f} of {lab.z_f}')",
    "lab.z_f = -3.0",
]


@pytest.fixture
def jupyterlab(tmp_path):
    """The address of a JupyterLab that shows a notebook with CELLS."""
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = new_notebook(cells=[new_code_cell(source) for source in CELLS], metadata=kernel)
    nbformat.write(notebook, tmp_path / "lab.ipynb")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folders = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    home = {name: str(tmp_path / name) for name in folders}
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}",
               "--IdentityProvider.token=", f"--ServerApp.root_dir={tmp_path}"]
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log,
                                  env={**os.environ, **home, "PYTHONPATH": path, "JUPYTER_CONFIG_PATH": str(ROOT / "binder")})
        address = f"http://127.0.0.1:{port}/"
        try:
            for _ in range(240):
                assert server.poll() is None, (tmp_path / "log").read_text()
                try:
                    urllib.request.urlopen(address + "api", timeout=1).close()
                    break
                except OSError:
                    time.sleep(0.5)
            yield address
        finally:
            server.terminate()
            server.wait(timeout=20)


def test_the_gate_lab_and_its_kernel_hear_each_other(chromium, jupyterlab):
    page = chromium.new_page(viewport={"width": 1200, "height": 900})
    page.set_default_timeout(90_000)
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(jupyterlab + "lab/tree/lab.ipynb?reset")
    cells = page.locator(".jp-Notebook .jp-CodeCell")

    def run(number):
        cells.nth(number).locator(".jp-InputArea-editor").click()
        page.keyboard.press("Control+Enter")

    cells.nth(2).wait_for()
    page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").first.wait_for()             # the kernel is up
    def kernel_says(text):
        """Changes reach the kernel when it is idle, so it is asked until it has heard."""
        for _ in range(30):
            run(1)
            page.wait_for_timeout(500)
            if text in cells.nth(1).locator(".jp-OutputArea").all_inner_texts()[-1]:
                return True
        return False

    run(0)
    widget = page.locator(".lstm-widget")
    widget.wait_for()
    slider = widget.get_by_label("sum into the forget gate")
    assert slider.input_value() == "2"
    slider.focus()
    for _ in range(5):
        slider.press("ArrowRight")
    assert slider.input_value() == "2.5"
    assert kernel_says("forget gate 0.924142 of 2.5")                   # sigmoid(2.5)
    run(2)
    page.wait_for_function("slider => slider.value === '-3'", arg=slider.element_handle())
    widget.get_by_text("The numbers").click()
    assert widget.get_by_role("row", name="forget gate").get_by_role("cell").all_inner_texts() == ["−3.000000", "0.047426"]
    assert kernel_says("forget gate 0.047426 of -3.0")
    widget.get_by_role("button", name="Copy this state").click()
    assert errors == []
    page.close()
