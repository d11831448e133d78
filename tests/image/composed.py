"""What Compose itself makes of our compose files, with the values that people fill in."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.image.environment import ROOT, TOOLS


def folder(place: Path, **secrets: str) -> Path:
    """A copy of `docker/`, where somebody has filled in secrets."""
    found = place / "docker"
    shutil.copytree(ROOT / "docker", found)
    (found / "secrets").mkdir()
    for name, text in secrets.items():
        (found / "secrets" / name).write_text(f"{text}\n")
    return found


def compose(place: Path, *words: str, env: str = "") -> subprocess.CompletedProcess[str]:
    """`docker compose WORDS` in that folder, with this as its `.env`."""
    (place / ".env").write_text(env)
    # The `docker compose` plugin itself, for its Python wrapper drops the status; these words need no engine.
    (plugin,) = TOOLS.parent.glob("lib/*/site-packages/compose/docker-compose")
    return subprocess.run(
        [plugin, *words],
        cwd=place,
        env={"PATH": os.environ["PATH"], "HOME": str(place)},
        capture_output=True,
        text=True,
        check=False,
    )


def resolved(place: Path, *words: str, env: str = "") -> dict[str, Any]:
    """All files merged and all variables filled in, as Compose would run it."""
    done = compose(place, *words, "config", "--format", "json", env=env)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found
