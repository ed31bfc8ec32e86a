"""The promises of SECURITY.md: what stays is explained, and nothing but the loader uses the network."""
import ast
import contextlib
import re
import subprocess
import sys
from pathlib import Path

import jupytext

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ["requirements.lock", "deploy/requirements.lock", "rosetta.lock"]
NETWORK = {"aiohttp", "asyncio", "ftplib", "http", "httpx", "pooch", "requests", "smtplib", "socket", "ssl", "urllib",
           "urllib3", "webbrowser", "xmlrpc"}
PROGRAMS = {"multiprocessing", "os", "pexpect", "pty", "subprocess"}
STARTS = re.compile("exec|fork|popen|posix_spawn|spawn|startfile|system")      # names in os that start a program


def rows():
    table = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    return re.findall(r"^\| ([a-z][\w.-]*) \| (\d\S*) \| (\S+) \((CVE-\d{4}-\d+)\) \| (.+) \|$", table, re.MULTILINE)


def test_each_weakness_that_make_audit_ignores_is_explained_and_still_in_a_lock_file():
    said = subprocess.run(["make", "-n", "audit"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    audits = [line for line in said.splitlines() if "pip-audit --strict" in line]
    assert [line.split(" -r ")[1] for line in audits] == [*LOCKS, "_build/audit/torch.txt"]
    for line in audits:
        assert re.findall(r"--ignore-vuln (\S+)", line) == [finding for _, _, finding, _, _ in rows()]
    texts = [(ROOT / lock).read_text() for lock in LOCKS]
    for lock, text in zip(LOCKS, texts):
        files = re.findall(r"^([\w.-]+)(?:\[.*\])?==.*\\\n +--hash=sha256:[0-9a-f]{64}\b", text, re.MULTILINE)
        assert files == re.findall(r"^[^\s#][\w.-]*", text, re.MULTILINE), f"a package of {lock} has no hash"
    texts += re.findall(r'^ *"(torch==.*)', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    pinned = re.findall(r"^([\w.-]+)==([^\s;]+)", "\n".join(texts), re.MULTILINE)
    for package, version, finding, _, why in rows():
        assert (package, version) in pinned, f"{finding}: {package} {version} is in no lock file any more"
        assert len(why.split()) > 5, finding
    assert len(rows()) == len({finding for _, _, finding, _, _ in rows()}) > 0


def imported(code):
    """The modules that Python imports, also in a string that is a program; of os only if it starts programs with it."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "import " in node.value:
            with contextlib.suppress(SyntaxError):          # words, and no program
                yield from imported(node.value)
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "os" and STARTS.match(node.attr):
            yield "os"
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            yield from (name.partition(".")[0] for name in names if name != "os")


def test_the_loader_alone_imports_what_reaches_other_machines():
    found = {}
    for path in sorted((ROOT / "d2l_utils").rglob("*.py")):
        found[path.relative_to(ROOT).as_posix()] = set(imported(path.read_text(encoding="utf-8")))
    for path in sorted([*ROOT.glob("chapters/*.md"), *ROOT.glob("appendices/*.md"), ROOT / "index.md"]):
        cells = [cell.source for cell in jupytext.read(path, fmt="md:myst").cells if cell.cell_type == "code"]
        found[path.relative_to(ROOT).as_posix()] = {name for code in cells for name in imported(code)}
        assert not re.search(r"^[!%]|get_ipython\(", "\n".join(cells), re.MULTILINE), f"{path.name}: a shell command"
    online = {name: modules & NETWORK for name, modules in found.items() if modules & NETWORK}
    assert online == {"d2l_utils/datasets/text.py": {"pooch"}}
    programs = {name: modules & PROGRAMS for name, modules in found.items() if modules & PROGRAMS}
    assert programs == {"chapters/17-making-it-fast.md": {"subprocess"}}, "nobody watches what a program asks of the network"


def test_a_kernel_lets_the_loader_alone_reach_other_machines():
    """What Python announces before it connects or looks a name up, announced here without doing it."""
    done = subprocess.run([sys.executable, "-c", f"""
import pathlib, runpy, sys, warnings
from d2l_utils.datasets import text
runpy.run_path({str(ROOT / "_ext" / "no_network.py")!r})
def asks(event, *args):
    try:
        sys.audit(event, *args)
    except RuntimeError as error:
        return str(error).split(".")[0]
    return "may"
for args in [("socket.connect", None, ("example.org", 80)), ("socket.connect", None, ("2001:db8::1", 80, 0, 0)),
             ("socket.getaddrinfo", "example.org", 80, 0, 0, 0), ("socket.getaddrinfo", b"example.org", 80, 0, 0, 0),
             ("socket.getaddrinfo", "localhost.example.org", 80, 0, 0, 0), ("socket.gethostbyname", "127.example.org"),
             ("socket.gethostbyaddr", "192.0.2.1"), ("socket.getnameinfo", ("192.0.2.1", 80)),
             ("socket.sendto", None, ("192.0.2.1", 53)), ("socket.sendmsg", None, ("192.0.2.1", 53))]:
    assert asks(*args).startswith("A chapter may not use the network, and this one asked for "), args
for args in [("socket.connect", None, ("127.0.0.1", 80)), ("socket.connect", None, ("::1", 80, 0, 0)),
             ("socket.connect", None, "/run/a-socket"), ("socket.getaddrinfo", None, 80, 0, 0, 0),
             ("socket.getaddrinfo", "localhost", 80, 0, 0, 0), ("socket.sendmsg", None, None), ("open", "a-file", "r", 0)]:
    assert asks(*args) == "may", args
def download(*given):
    answers.append(asks("socket.connect", None, ("example.org", 80)))
    raise ConnectionError
answers = []
text.pooch.HTTPDownloader = lambda **settings: download
warnings.simplefilter("ignore")
text._download(pathlib.Path({str(ROOT / "data")!r}))
assert answers == ["may"], answers
"""], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
