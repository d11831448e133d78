"""What is in the wheel and the source distribution, and what they say of themselves."""

import subprocess
import tarfile
from email import message_from_bytes
from zipfile import ZipFile

from envoy_mqtt import __version__
from tests.package.installed import ROOT, built


def tracked(*folders: str) -> set[str]:
    """The files git knows there."""
    listed = subprocess.run(["git", "ls-files", "-z", *folders], cwd=ROOT, capture_output=True, check=True)
    return set(filter(None, listed.stdout.decode().split("\0")))


def test_the_wheel_holds_the_package_whole_and_nothing_else() -> None:
    """The page's files and the mark of typed packages among them."""
    with ZipFile(built(".whl")) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert names == tracked("envoy_mqtt")
    assert "envoy_mqtt/py.typed" in names


def test_the_source_holds_what_it_takes_to_test_and_to_package_it() -> None:
    with tarfile.open(built(".tar.gz")) as source:
        names = {name.partition("/")[2] for name in source.getnames()}
    assert names >= tracked("envoy_mqtt", "tests", "benchmarks", "docs", "docker")
    assert names >= {"Dockerfile", ".dockerignore", "Makefile", "uv.lock", "config.example.toml", "LICENSE"}


def test_it_says_what_it_is_and_for_whom() -> None:
    with ZipFile(built(".whl")) as wheel:
        (file,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        said = message_from_bytes(wheel.read(file))
    assert (said["Name"], said["Version"]) == ("envoy-mqtt", __version__)
    assert (said["License-Expression"], said["Requires-Python"]) == ("MIT", ">=3.11")
    systems = {each for each in said.get_all("Classifier", []) if each.startswith("Operating System")}
    assert systems == {"Operating System :: POSIX :: Linux", "Operating System :: MacOS"}
