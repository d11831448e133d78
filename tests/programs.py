"""Programs of the system that tests talk to; `tests/need.sh` installs them."""

import os
import shutil
import sys
from typing import NoReturn

import pytest

# Debian puts servers where only root's PATH leads.
SEARCH_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))


IN_CI = os.environ.get("CI") == "true"


def lacking(what: str) -> NoReturn:
    """The test that needs this is skipped, or, in CI, fails."""
    if IN_CI:
        pytest.fail(what)
    pytest.skip(what)


def unprepared(why: str) -> NoReturn:
    """A command that prepares tests ends, and they are skipped; in CI that is a failure."""
    print(why if IN_CI else f"{why}: its tests are skipped")
    sys.exit(int(IN_CI))


def require(command: str, package: str | None = None) -> str:
    """The path of a program. Without it the test is skipped, or, in CI, fails."""
    found = shutil.which(command, path=SEARCH_PATH)
    if found is None:
        lacking(f"{command} is not installed (sudo apt install {package or command})")
    return found
