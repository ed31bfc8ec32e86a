"""The widgets in a real JupyterLab, with a kernel behind them: state goes both ways."""
import contextlib
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import expect

from d2l_utils import widgets
from d2l_utils.cells import sigmoid

pytestmark = [pytest.mark.browser, pytest.mark.slow]
ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 240_000          # milliseconds: JupyterLab, a kernel and six widgets take their time where others are at work

# By class: a trait, the label of its control, the key that a reader presses, the value after it, and one that Python sets.
CHANGES = {
    "GateLab": ("z_f", "sum into the forget gate", "ArrowRight", 2.1, -3.0),
    "ProgramACell": ("task", "task", "ArrowDown", "count", "ignore"),
    "GradientHighway": ("num_steps", "length of the sequence", "ArrowLeft", 59, 30),
    "TrainIt": ("updates", "updates made", "ArrowRight", 1, 150),
    "ReadACell": ("text", "text to read: type", "x", None, "'Here and there,' he said."),
    "WhoIsRemembered": ("logarithmic", "shade by the logarithm", "Space", True, False),
}
CELLS = [
    f"""import ipywidgets
import numpy as np
from d2l_utils import widgets

def heard(widget, trait):
    label = ipywidgets.Label()
    def hear(_):
        total = sum(np.sum(np.asarray(numbers, float)) for numbers in widget.trace.values())
        label.value = f"{{type(widget).__name__}} {{getattr(widget, trait)!r:.30}} {{total:.9f}}"
    widget.observe(hear)
    hear(None)
    return label

changes = {CHANGES}
shown = {{name: getattr(widgets, name)() for name in changes}}
for name, widget in shown.items():
    display(widget, heard(widget, changes[name][0]))""",
    "for name, (trait, *_, value) in changes.items():\n    setattr(shown[name], trait, value)",
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
            for _ in range(480):
                assert server.poll() is None, (tmp_path / "log").read_text()
                try:
                    urllib.request.urlopen(address + "api", timeout=10).close()
                    break
                except OSError:
                    time.sleep(0.5)
            yield address
        finally:
            server.terminate()
            server.wait(timeout=240)


def test_the_widgets_and_their_kernel_hear_each_other(chromium, jupyterlab):
    page = chromium.new_page(viewport={"width": 1200, "height": 900})
    page.set_default_timeout(PATIENCE)
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(jupyterlab + "lab/tree/lab.ipynb?reset")
    cells = page.locator(".jp-Notebook .jp-CodeCell")

    def run(number):
        """Runs a cell. What is asked before its kernel is there JupyterLab forgets, so it is asked until it has begun."""
        prompt = cells.nth(number).locator(".jp-InputPrompt")
        for _ in range(12):
            cells.nth(number).locator(".jp-InputArea-editor").click()
            page.keyboard.press("Control+Enter")
            with contextlib.suppress(AssertionError):
                expect(prompt).to_have_text(re.compile(r"[*\d]"), timeout=20_000)
                break
        expect(prompt).to_have_text(re.compile(r"\d"), timeout=PATIENCE)

    def until_heard(name, value, sum_before):
        """What the kernel has of a widget: the sum of its trace, once it has this value and another trace than before."""
        page.wait_for_function("""([start, before]) => [...document.querySelectorAll(".jp-OutputArea .widget-label")]
            .some(label => label.textContent.startsWith(start) && label.textContent.split(" ").at(-1) !== before)""",
                               arg=[f"{name} {value!r:.30} ", sum_before])
        return page.locator(".jp-OutputArea .widget-label").get_by_text(f"{name} ").inner_text().split(" ")[-1]

    cells.nth(1).wait_for()
    page.get_by_text("(ipykernel) | Idle").wait_for()
    run(0)
    page.locator(".lstm-widget").nth(len(CHANGES) - 1).wait_for()
    sums = {}
    for number, (name, (trait, label, key, value, _)) in enumerate(CHANGES.items()):
        control = page.locator(".lstm-controls").nth(number).get_by_label(label)
        default = getattr(widgets, name)().trait_defaults()[trait]
        sums[name] = until_heard(name, default, "0.000000000")
        control.focus()
        control.press(key)
        value = control.input_value() if name == "ReadACell" else value
        assert value != default
        sums[name] = until_heard(name, value, None if trait == "logarithmic" else sums[name])
    I, F, O, C_tilde = sigmoid(1.0), sigmoid(2.1), sigmoid(0.0), np.tanh(1.0)
    C = F * 0.5 + I * C_tilde
    assert sums["GateLab"] == f"{I + F + O + C_tilde + C + O * np.tanh(C):.9f}"
    run(1)
    for number, (name, (trait, label, _, _, value)) in enumerate(CHANGES.items()):
        until_heard(name, value, None if trait == "logarithmic" else sums[name])
        control = page.locator(".lstm-controls").nth(number).get_by_label(label)
        shown = {"ProgramACell": "3", "WhoIsRemembered": "on"}.get(name, str(value).replace(".0", ""))
        page.wait_for_function("([control, shown]) => control.value === shown", arg=[control.element_handle(), shown])
    lab = page.locator(".lstm-widget").first
    lab.locator("summary", has_text="The numbers").evaluate("summary => { summary.parentElement.open = true; }")
    lab.locator("table").wait_for()
    assert lab.get_by_role("row", name="forget gate").get_by_role("cell").all_inner_texts() == ["−3.000000", "0.047426"]
    lab.get_by_role("button", name="Copy this state").click()
    assert errors == []
    page.close()
