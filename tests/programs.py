"""Programs of the system that tests talk to; `tests/need.sh` installs them."""

import os
import shutil

import pytest

# Debian puts servers where only root's PATH leads.
SEARCH_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))


def require(command: str, package: str | None = None) -> str:
    """The path of a program. Without it the test is skipped, or, in CI, fails."""
    found = shutil.which(command, path=SEARCH_PATH)
    if found is None:
        missing = f"{command} is not installed (sudo apt install {package or command})"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    return found
