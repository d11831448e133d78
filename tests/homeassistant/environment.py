"""Home Assistant from PyPI, in a virtual environment of its own: `python -m tests.homeassistant.environment`.

It pins old versions of what the bridge uses, so it can be no part of uv.lock. It is made once, below
`.tools`, from the first fitting Python on the machine, with what the manifests of the integrations used here
ask for. Without such a Python it ends with status 1 in CI, and elsewhere with 0 and a word.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.programs import unprepared

ROOT = Path(__file__).parents[2]
HOME = ROOT / ".tools" / "homeassistant"
PYTHON = HOME / "bin" / "python"
READY = HOME / "ready"

# What pip offers Python 3.13.0 at most; later ones want 3.13.2 and then 3.14, and would do as well.
VERSION = "2025.4.4"
SERIES = (3, 13)

INTEGRATIONS = (
    *("api", "auth", "config", "energy", "frontend", "history", "http", "mqtt", "onboarding", "recorder"),
    *("binary_sensor", "button", "number", "sensor", "websocket_api"),
)

# What `ready` says of an environment that is as this file wants it.
WANTED = " ".join((VERSION, *INTEGRATIONS))

NO_PYTHON = (
    f"Home Assistant {VERSION} wants Python {SERIES[0]}.{SERIES[1]}, and there is none in PATH nor in pyenv"
)


def build() -> None:
    """Make it where it is not there yet as this file wants it."""
    if READY.exists() and READY.read_text() == WANTED:
        return
    python = next((path for path in candidates() if fits(path)), None)
    if python is None:
        unprepared(NO_PYTHON)
    print(f"making Home Assistant {VERSION} with {python}, once")
    uv("venv", "--clear", "--python", str(python), str(HOME))
    install("--no-deps", f"homeassistant=={VERSION}")
    (package,) = HOME.glob("lib/*/site-packages/homeassistant")
    constraints = str(package / "package_constraints.txt")
    install("--constraint", constraints, f"homeassistant=={VERSION}", *sorted(requirements(package)))
    READY.write_text(WANTED)


def candidates() -> Iterator[Path]:
    """Where a Python may be: in PATH, and among those that pyenv keeps."""
    name = f"python{SERIES[0]}.{SERIES[1]}"
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        yield from (Path(folder) / each for each in (name, "python3"))
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted(pyenv.glob(f"versions/{SERIES[0]}.{SERIES[1]}*/bin/python"))


def fits(python: Path) -> bool:
    """Whether it runs (pyenv puts names into PATH that do not) and is of the right series."""
    try:
        told = subprocess.run(
            [python, "-c", "import sys; print(*sys.version_info[:2])"],
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return told.stdout.split() == [str(part) for part in SERIES]


def requirements(package: Path) -> set[str]:
    """What the integrations used, and those they depend on, want installed."""
    wanted: set[str] = set()
    waiting, seen = list(INTEGRATIONS), set[str]()
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            manifest = json.loads((package / "components" / name / "manifest.json").read_text())
            wanted.update(manifest.get("requirements", []))
            waiting += manifest.get("dependencies", [])
    return wanted


def install(*what: str) -> None:
    uv("pip", "install", "--python", str(PYTHON), *what)


def uv(*arguments: str) -> None:
    subprocess.run([ROOT / ".tools" / "bin" / "uv", "--quiet", *arguments], check=True)


if __name__ == "__main__":
    build()
