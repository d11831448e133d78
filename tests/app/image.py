"""The program as the app's image has it: where every user may read it, which a folder of root's is not."""

import os
import shutil
import sys
import sysconfig
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement

import envoy_mqtt
from tests.app.test_form import FOLDER

# Of Python's library what no program wants, and what other programs have installed there.
ASIDE = shutil.ignore_patterns(
    *("test", "tests", "idlelib", "tkinter", "lib2to3", "ensurepip", "site-packages", "config-*")
)

# A library of many files that only a tariff with holidays reads.
LEFT_OUT = "holidays"


def lay_out(folder: Path) -> None:
    """Everything that `entry.sh` wants, and itself, into `folder`, which is also where programs are found."""
    packages = folder / "packages"
    for name in needed("envoy-mqtt", {"envoy-mqtt", LEFT_OUT}):
        _copy(name, packages)
    shutil.copytree(Path(envoy_mqtt.__file__).parent, packages / "envoy_mqtt", ignore=ASIDE)
    shutil.copy(FOLDER / "entry.sh", folder)
    program = folder / "envoy-mqtt"
    found = f"PYTHONPATH={packages} LD_LIBRARY_PATH={folder / 'lib'}"
    program.write_text(f'#!/bin/sh\n{found} exec {_python(folder)} -m envoy_mqtt "$@"\n')
    program.chmod(0o755)


def needed(name: str, seen: set[str]) -> Iterator[str]:
    """The names of the packages that one needs to run, and of those that they need."""
    for line in distribution(name).requires or ():
        wanted = Requirement(line)
        if wanted.name not in seen and (wanted.marker is None or wanted.marker.evaluate({"extra": ""})):
            seen.add(wanted.name)
            yield wanted.name
            yield from needed(wanted.name, seen)


def _copy(name: str, packages: Path) -> None:
    found = distribution(name)
    for file in found.files or ():
        if file.parts[0] != "..":
            target = packages / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(str(found.locate_file(file)), target)


def _python(folder: Path) -> Path:
    """An interpreter that everybody may run: this one, or a copy of it."""
    python = Path(sys.executable).resolve()
    if all(each.stat().st_mode & 0o001 for each in (python, *python.parents)):
        return python
    library = Path(sysconfig.get_path("stdlib"))
    shutil.copytree(library, folder / "lib" / library.name, ignore=ASIDE)
    for shared in library.parent.glob("libpython*.so*"):
        shutil.copy(shared, folder / "lib")
    (folder / "bin").mkdir()
    copy = folder / "bin" / python.name
    shutil.copy(python, copy)
    return copy


def may_become_another() -> bool:
    """Whether this is root, who alone can."""
    return os.geteuid() == 0
