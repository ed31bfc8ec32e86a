"""A class on one machine: students log in to a JupyterHub at once, follow a link that brings the chapters, and run one.

Each student is a session of HTTP requests and a WebSocket, as a browser's would be; the hub, the servers and the kernels are
real. The chapters come from a bare copy of this repository by nbgitpuller. All stays on 127.0.0.1 and in a temporary folder,
and each wait has an end. All students run the first chapter named, at once; then the first student runs the others alone.
Linux only, after `make hub` has set up its environment:

    .venv-hub/bin/python deploy/try_hub.py --students 8 --json FILE 03-gates 07-from-scratch

Memory is the proportional set size (PSS), in which what processes share counts once, and for peaks the resident set (RSS).
"""
import argparse
import json
import os
import re
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from urllib.parse import urlencode

import psutil
import requests
import websocket

BOOK = Path(__file__).resolve().parents[1]
sys.path.append(str(BOOK / "bench" / "results"))

import record  # noqa: E402  it lies beside the other records

PATIENCE = 600      # seconds that a step may take before the trial fails
MB = 1e6


def free_ports():
    """The first of three free ports in a row: the proxy's, the hub's and that of the proxy's own interface."""
    while True:
        try:
            with socket.socket() as first, socket.socket() as second, socket.socket() as third:
                first.bind(("127.0.0.1", 0))
                port = first.getsockname()[1]
                second.bind(("127.0.0.1", port + 1))
                third.bind(("127.0.0.1", port + 2))
                return port
        except (OSError, OverflowError):
            continue


def until(condition, what):
    """What condition() returns, once that is true."""
    end = time.monotonic() + PATIENCE
    while not (found := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"waited {PATIENCE} s for {what}")
        time.sleep(0.2)
    return found


def used(processes):
    """What processes use now: MB of PSS, of RSS, of RSS at its highest so far, and the CPU seconds they have used."""
    total = dict.fromkeys(("pss_mb", "rss_mb", "peak_rss_mb", "cpu_s"), 0.0)
    for process in processes:
        memory, clock = process.memory_full_info(), process.cpu_times()
        highest = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())[1]
        for key, value in zip(total, (memory.pss / MB, memory.rss / MB, int(highest) * 1024 / MB, clock.user + clock.system)):
            total[key] += value
    return {key: round(value, 1) for key, value in total.items()}


class Hub:
    """A JupyterHub as deploy/jupyterhub_config.py sets it up, and a bare repository with the chapters."""

    def __init__(self, folder):
        self.port, self.password = free_ports(), secrets.token_urlsafe(8)
        self.address, self.repository = f"http://127.0.0.1:{self.port}", folder / "book.git"
        subprocess.run(["git", "clone", "-q", "--bare", str(BOOK), str(self.repository)], check=True)
        subprocess.run(["git", "update-ref", "refs/heads/class", "HEAD"], cwd=self.repository, check=True)
        self.log = folder / "log"
        settings = {"PORT": str(self.port), "HUB_FOLDER": str(folder / "hub"), "HUB_PASSWORD": self.password}
        command = [sys.executable, "-m", "jupyterhub", "-f", str(BOOK / "deploy" / "jupyterhub_config.py")]
        with self.log.open("w") as log:
            self.process = psutil.Popen(command, stdout=log, stderr=log, cwd=folder, env={**os.environ, **settings})

    def __enter__(self):
        until(self.answers, "the hub")
        return self

    def __exit__(self, *_):
        left = self.processes()
        self.process.terminate()                # the hub ends its proxy and the students' servers, they end their kernels
        _, left = psutil.wait_procs([self.process, *left], timeout=60)
        for process in left:
            process.kill()

    def answers(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"the hub ended:\n{self.log.read_text()}")
        try:
            return requests.get(f"{self.address}/hub/health", timeout=10).ok
        except requests.ConnectionError:
            return False

    def processes(self, name=None):
        """The processes of one student, or of all."""
        mine = f"http://127.0.0.1:{self.port + 1}/"
        found = []
        for process in psutil.process_iter():
            try:
                variables = process.environ()
            except psutil.Error:                # it has ended meanwhile, or is another person's
                continue
            if variables.get("JUPYTERHUB_API_URL", "").startswith(mine) and name in (None, variables["JUPYTERHUB_USER"]):
                found.append(process)
        return found


class Student:
    def __init__(self, hub, name):
        self.hub, self.name, self.web = hub, name, requests.Session()
        self.home = f"{hub.address}/user/{name}"

    def log_in(self):
        page = f"{self.hub.address}/hub/login"
        self.web.get(page, timeout=PATIENCE).raise_for_status()
        form = {"username": self.name, "password": self.hub.password, "_xsrf": self.web.cookies["_xsrf"]}
        self.web.post(page, data=form, timeout=PATIENCE, allow_redirects=False).raise_for_status()

    def follow_the_link(self):
        """The link that a teacher gives to all: the server starts, then git brings the chapters."""
        what = {"repo": self.hub.repository.as_uri(), "branch": "class"}
        link = f"{self.hub.address}/hub/user-redirect/git-pull?{urlencode({**what, 'urlpath': 'lab'})}"
        until(lambda: self.arrives(link), f"the server of {self.name}")
        answer = self.web.get(f"{self.home}/git-pull/api?{urlencode({**what, 'targetpath': 'book'})}", timeout=PATIENCE)
        if '"phase": "finished"' not in answer.text:
            raise RuntimeError(f"git-pull: {answer.text}")

    def arrives(self, link):
        """Has the link led to the student's own server, and not to the page that says that it is starting?"""
        answer = self.web.get(link, timeout=PATIENCE)
        return answer.ok and answer.url.startswith(f"{self.home}/git-pull")

    def run(self, chapter):
        """Open a chapter as a notebook, run all its cells in a kernel, and close it. Returns what it used before it closed."""
        before = used(self.hub.processes(self.name))
        path = f"book/chapters/{chapter}.md"
        self.web.get(f"{self.home}/lab/tree/{path}", timeout=PATIENCE).raise_for_status()
        cells = self.ask("get", f"contents/{path}?type=notebook")["content"]["cells"]
        wanted = {"path": path, "name": chapter, "type": "notebook", "kernel": {"name": "python3"}}
        session = self.ask("post", "sessions", json=wanted)
        channels = f"{self.home}/api/kernels/{session['kernel']['id']}/channels"
        cookies = self.web.prepare_request(requests.Request("GET", channels)).headers["Cookie"]
        line = websocket.create_connection(channels.replace("http", "ws", 1), cookie=cookies, timeout=PATIENCE)
        for cell in cells:
            if cell["cell_type"] == "code":
                execute(line, cell["source"])
        after = used(self.hub.processes(self.name))
        line.close()
        return {**after, "cpu_s": round(after["cpu_s"] - before["cpu_s"], 1)}, f"sessions/{session['id']}"

    def ask(self, verb, path, **what):
        """The answer of the student's server, as the page of JupyterLab gets it."""
        xsrf = next(cookie.value for cookie in self.web.cookies if cookie.name == "_xsrf" and self.name in cookie.path)
        answer = self.web.request(verb, f"{self.home}/api/{path}", headers={"X-XSRFToken": xsrf}, timeout=PATIENCE, **what)
        answer.raise_for_status()
        return answer.json() if answer.content else None


def execute(line, source):
    """Run a cell's source; an exception in it is one here."""
    number = uuid.uuid4().hex
    line.send(json.dumps({"channel": "shell", "header": {"msg_id": number, "msg_type": "execute_request", "version": "5.3",
                                                         "session": number, "username": "", "date": ""},
                          "parent_header": {}, "metadata": {}, "content": {"code": source, "silent": False}, "buffers": []}))
    while True:
        heard = json.loads(line.recv())
        if heard["msg_type"] == "execute_reply" and heard["parent_header"]["msg_id"] == number:
            if heard["content"]["status"] != "ok":
                raise RuntimeError(f"{heard['content'].get('evalue')} in:\n{source}")
            return


def attend(student, chapter, together):
    """A student's hour: what it took until the server was there, until the chapters were, and to run one."""
    together.wait()
    began = time.monotonic()
    student.log_in()
    student.follow_the_link()
    ready = time.monotonic() - began
    together.wait()
    time.sleep(2)                               # until the servers have done what they do after a start
    idle = used(student.hub.processes(student.name))
    together.wait()
    began = time.monotonic()
    after, session = student.run(chapter)
    ran = time.monotonic() - began
    together.wait()
    open_, _ = used(student.hub.processes(student.name)), together.wait()
    student.ask("delete", session)
    return {"student": student.name, "chapter": chapter, "ready_s": round(ready, 1), "start_cpu_s": idle["cpu_s"],
            "idle_pss_mb": idle["pss_mb"], "idle_rss_mb": idle["rss_mb"], "chapter_s": round(ran, 1),
            "chapter_cpu_s": after["cpu_s"], "open_pss_mb": open_["pss_mb"], "peak_rss_mb": after["peak_rss_mb"]}


def alone(student, chapter):
    began = time.monotonic()
    after, session = student.run(chapter)
    ran = time.monotonic() - began
    student.ask("delete", session)
    return {"student": "alone", "chapter": chapter, "chapter_s": round(ran, 1), "chapter_cpu_s": after["cpu_s"],
            "open_pss_mb": after["pss_mb"], "peak_rss_mb": after["peak_rss_mb"]}


def keep(path, settings, runs):
    """Say what the last run was, and write the record as far as it has come."""
    print(runs[-1], flush=True)
    if path:
        record.write(path, settings, runs, packages=("jupyterhub", "jupyterlab", "nbgitpuller", "numpy"),
                     load_average=round(os.getloadavg()[2], 1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("chapters", nargs="*", default=["03-gates"], help="files in chapters/, without .md")
    parser.add_argument("--students", type=int, default=8)
    parser.add_argument("--json", type=Path, help="where to write the record")
    arguments = parser.parse_args()
    first, *others = [chapter.removesuffix(".md") for chapter in arguments.chapters]
    with tempfile.TemporaryDirectory(prefix="hub-", ignore_cleanup_errors=True) as folder, Hub(Path(folder)) as hub:
        students = [Student(hub, f"student{k}") for k in range(1, arguments.students + 1)]
        together = Barrier(len(students), timeout=PATIENCE)
        with ThreadPoolExecutor(len(students)) as pool:
            runs = list(pool.map(lambda student: attend(student, first, together), students))
        proxy = [child for child in hub.process.children() if "proxy.py" in " ".join(child.cmdline())]
        settings = {"students": len(students), "cores": os.cpu_count(), "hub": used([hub.process, *proxy])}
        keep(arguments.json, settings, runs)
        for chapter in others:
            runs.append(alone(students[0], chapter))
            keep(arguments.json, settings, runs)
    for key in ("ready_s", "idle_pss_mb", "chapter_s", "chapter_cpu_s", "open_pss_mb", "peak_rss_mb"):
        values = [run[key] for run in runs[:len(students)]]
        print(f"{key:>14s}  median {statistics.median(values):7.1f}  least {min(values):7.1f}  most {max(values):7.1f}")


if __name__ == "__main__":
    main()
