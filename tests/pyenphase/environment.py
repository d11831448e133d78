"""pyenphase from PyPI, in a virtual environment of its own: `python -m tests.pyenphase.environment`.

It and the bridge pull in different versions of the same libraries, so it can be no part of uv.lock. It is
made once, below `.tools`, of exactly what `requirements.txt` names. Where that cannot be had it ends with
status 1 in CI, and elsewhere with 0 and a word.
"""

import subprocess
import sys
from pathlib import Path

from tests.programs import unprepared

ROOT = Path(__file__).parents[2]
HOME = ROOT / ".tools" / "pyenphase"
PYTHON = HOME / "bin" / "python"
READY = HOME / "ready"
REQUIREMENTS = Path(__file__).with_name("requirements.txt")


def build() -> None:
    """Make it where it is not there yet as this file wants it."""
    if READY.exists() and READY.read_text() == wanted():
        return
    print("making pyenphase's environment, once")
    try:
        uv("venv", "--clear", "--python", sys.executable, str(HOME))
        uv("pip", "sync", "--python", str(PYTHON), "--only-binary", ":all:", str(REQUIREMENTS))
    except (OSError, subprocess.CalledProcessError):
        unprepared("pyenphase could not be installed from PyPI (uv's own words are above)")
    READY.write_text(wanted())


def wanted() -> str:
    """What `ready` says of an environment that is as this file wants it."""
    return f"{sys.version}\n{REQUIREMENTS.read_text()}"


def uv(*arguments: str) -> None:
    subprocess.run([ROOT / ".tools" / "bin" / "uv", "--quiet", *arguments], check=True)


if __name__ == "__main__":
    build()
