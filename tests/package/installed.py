"""What `make dist` made, and an empty virtual environment it is installed into."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
UV = ROOT / ".tools" / "bin" / "uv"


def built(ending: str) -> Path:
    """The one file in `dist/` with this ending."""
    (found,) = (ROOT / "dist").glob(f"*{ending}")
    return found


def install(folder: Path, extra: str = "") -> Path:
    """Install the wheel with pip into a new environment, as `pipx install` does; where its programs are."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    programs = folder / "bin"
    what = f"{built('.whl')}{extra}"
    subprocess.run([programs / "pip", "install", "--quiet", "--only-binary", ":all:", what], check=True)
    return programs
