"""Node-RED from npm, below `.tools`: `python -m tests.consumers.environment`.

It is installed once, in exactly this version. Where that cannot be had it ends with status 1 in CI, and
elsewhere with 0 and a word.
"""

import subprocess
from pathlib import Path

from tests.programs import unprepared

ROOT = Path(__file__).parents[2]
HOME = ROOT / ".tools" / "node-red"
PROGRAM = HOME / "node_modules" / "node-red" / "red.js"
READY = HOME / "ready"

VERSION = "4.1.15"

QUIET = ("--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error")


def build() -> None:
    """Make it where it is not there yet as this file wants it."""
    if READY.exists() and READY.read_text() == VERSION:
        return
    print(f"installing Node-RED {VERSION}, once")
    HOME.mkdir(parents=True, exist_ok=True)
    try:
        # Its scripts only look for compilers of optional extras.
        subprocess.run(
            ["npm", "install", "--prefix", HOME, "--ignore-scripts", *QUIET, f"node-red@{VERSION}"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
    except (OSError, subprocess.CalledProcessError):
        unprepared("Node-RED could not be installed from npm (its own words are above)")
    READY.write_text(VERSION)


if __name__ == "__main__":
    build()
