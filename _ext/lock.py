"""One process at a time. The lock belongs to the process: however that ends, the system gives the lock back.

Windows has no lock of this kind; there nobody keeps two processes apart.
"""
from pathlib import Path

try:
    import fcntl
except ImportError:
    fcntl = None


def wait_for(path: Path, busy: str) -> "object | None":
    """Lock the file at path, saying `busy` if another process has it, and return what holds the lock."""
    if fcntl is None:
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"{busy}: waiting until it has ended", flush=True)
        fcntl.flock(lock, fcntl.LOCK_EX)
    return lock
