"""Makes an environment whole: python _ext/environment.py .venv requirements.lock ...

For the Makefile, with any Python that can make environments. The stamp FOLDER/installed is removed first and written last. An
environment without one was left half made, perhaps by pip, which takes a package for installed that is not: it is made afresh.
"""
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import lock

PIP = ["install", "-qq", "--disable-pip-version-check", "--no-input"]


def run(*command: "str | Path") -> None:
    subprocess.run(command, check=True)


def make(folder: Path, locks: list) -> None:
    held = lock.wait_for(Path("_build", f"{folder.name}.lock"), f"Another make is installing into {folder}")
    stamp = folder / "installed"
    if stamp.exists() and all(stamp.stat().st_mtime >= Path(each).stat().st_mtime for each in [*locks, "pyproject.toml"]):
        return
    print(f"Installing the packages of {' and '.join(locks)} into {folder} (a minute or two, once)", flush=True)
    if stamp.exists():
        stamp.unlink()
    else:
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, symlinks=sys.platform != "win32", with_pip=True)
    python = folder / "bin" / "python"
    run(python, "-m", "pip", *PIP, "--require-hashes", *[word for each in locks for word in ("-r", each)])
    run(python, "-m", "pip", *PIP, "--no-deps", "--no-build-isolation", "-e", ".")
    stamp.touch()
    if held:
        held.close()


if __name__ == "__main__":
    try:
        make(Path(sys.argv[1]), sys.argv[2:])
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)          # pip has said what was wrong
