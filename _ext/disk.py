"""One build of a book at a time, and a full disk in one sentence instead of a page that is half there."""
import errno
import logging
import shutil
import sys
from pathlib import Path

import lock
import strict
from sphinx.application import Sphinx

NEEDED = 100        # megabytes; the pages are 30, what else the build keeps 25, and for a moment some are there twice
WRITERS = ("sphinx.builders.html", "sphinx.builders._epub_base", "sphinx.builders.latex")


def full_disk(error: "BaseException | None") -> "BaseException | None":
    """The error, or the one behind it, that says that a disk is full."""
    while error is not None:
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or "disk is full" in str(error):   # SQLite's words
            return error
        error = error.__cause__ or error.__context__
    return None


def room(folder: Path) -> str:
    return f"{folder} has {shutil.disk_usage(folder).free // 10**6} MB left, and to build the book takes {NEEDED} MB."


def look_for_room(app: Sphinx, config: object) -> None:
    there = sum(path.stat().st_size for path in Path(app.outdir).rglob("*") if path.is_file())
    folder = Path(app.outdir).parent
    if shutil.disk_usage(folder).free + there < NEEDED * 10**6:
        sys.exit(f"The disk is too full: {room(folder)} Nothing was built.")


def say_that_the_disk_is_full(app: Sphinx, exception: "Exception | None") -> None:
    found = full_disk(exception)
    if found:
        words = room(Path(app.outdir).parent)
        strict.forget(app)
        sys.exit(f"The disk is full ({found}): {words} The unfinished pages were removed.")


def stop_at_what_cannot_be_written(record: logging.LogRecord) -> bool:
    """Sphinx says of a page or a picture that it could not write it, and goes on with the next."""
    for part in record.args or ():
        if isinstance(part, OSError) and full_disk(part):
            raise part
    return True


def setup(app: Sphinx) -> dict:
    folder = Path(app.outdir).parent
    app.lock = lock.wait_for(folder / "lock", f"Another build is at work in {folder}")      # held until the process ends
    app.connect("config-inited", look_for_room, priority=0)
    app.connect("build-finished", say_that_the_disk_is_full, priority=0)
    for name in WRITERS:
        logging.getLogger(f"sphinx.{name}").addFilter(stop_at_what_cannot_be_written)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
