"""A JupyterHub on one machine, to try a class on: `make hub` starts it, README.md beside this file says more.

WARNING: not for the open network. Whoever knows the one password is let in under any name, all names run as the user who
started the hub, and nothing is encrypted. So it listens on 127.0.0.1 alone: leave it there.
"""
import os
import secrets
import sys
from pathlib import Path
from urllib.parse import urlencode

BOOK = Path(__file__).resolve().parents[1]
FOLDER = Path(os.environ.get("HUB_FOLDER", BOOK / "_build" / "hub"))       # the hub's database and the users' folders
PORT = int(os.environ.get("PORT", "8000"))
PASSWORD = os.environ.get("HUB_PASSWORD") or secrets.token_urlsafe(8)
FOLDER.mkdir(mode=0o700, parents=True, exist_ok=True)

c = get_config()  # noqa: F821  JupyterHub defines it
c.JupyterHub.bind_url = f"http://127.0.0.1:{PORT}"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{PORT + 1}"
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{PORT + 2}"
c.ConfigurableHTTPProxy.command = [sys.executable, str(BOOK / "deploy" / "proxy.py")]
c.ConfigurableHTTPProxy.pid_file = str(FOLDER / "proxy.pid")
c.JupyterHub.db_url = f"sqlite:///{FOLDER / 'hub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(FOLDER / "cookie_secret")
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.Authenticator.username_pattern = "[a-z][a-z0-9-]{0,30}"                   # a name becomes a folder
c.DummyAuthenticator.password = PASSWORD

c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = str(FOLDER / "homes" / "{username}")
c.Spawner.cmd = [sys.executable, "-m", "jupyterhub.singleuser"]
c.Spawner.args = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
c.Spawner.default_url = "/lab"
c.Spawner.start_timeout = 300                                               # seconds; a class comes all at once
c.Spawner.http_timeout = 300
c.Spawner.env_keep = ["PATH", "PYTHONPATH", "LANG", "LC_ALL", "D2L_DATA"]
c.Spawner.environment = {
    "JUPYTER_CONFIG_PATH": str(BOOK / "binder"),                            # chapters open as notebooks on a double click
    "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",                    # many kernels share the cores
}

link = urlencode({"repo": BOOK.as_uri(), "urlpath": f"lab/tree/{BOOK.name}/chapters/03-gates.md"})
print(f"The hub is for this machine alone. Any name, this password: {PASSWORD}\n"
      f"A link that brings the chapters: http://127.0.0.1:{PORT}/hub/user-redirect/git-pull?{link}", flush=True)
