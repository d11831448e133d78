"""What the page is made of: small, all of it here, and nothing that its own policy would refuse."""

import re
from hashlib import sha256

import pytest

from envoy_mqtt.web.files import HERE, KINDS, Files

PAGE = [path for path in HERE.rglob("*") if path.suffix in KINDS]
TEXTS = [
    path for path in PAGE if path.suffix in (".css", ".html", ".js", ".svg") and path.parent.name != "vendor"
]

# Of npm's uplot 1.6.32, dist/uPlot.iife.min.js, as it is. The font is Figtree 2.0 (npm's
# @fontsource-variable/figtree 5.3.0, latin) with only what a page in English with prices shows.
VENDORED = {"uplot.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f"}


def test_all_of_it_is_at_most_150_kb() -> None:
    assert 50_000 < sum(path.stat().st_size for path in PAGE) <= 150_000


@pytest.mark.parametrize(("name", "digest"), VENDORED.items())
def test_what_is_vendored_is_what_was_published(name: str, digest: str) -> None:
    assert sha256((HERE / "vendor" / name).read_bytes()).hexdigest() == digest


def test_whatever_one_file_names_is_there() -> None:
    for path in TEXTS:
        named = re.findall(r"""(?:from |src=|href=|url\()["']([./\w-]+\.\w+)["']""", path.read_text())
        assert all((path.parent / each).is_file() for each in named), path
    assert Files().__contains__("/")


def test_nothing_of_it_is_elsewhere() -> None:
    for path in TEXTS:
        found = re.findall(r"(?:https?:)?//[\w.-]+\.[a-z]{2,}\S*", path.read_text())
        assert set(found) <= {'http://www.w3.org/2000/svg";', 'http://www.w3.org/2000/svg"'}, path


def test_every_address_is_relative() -> None:
    for path in TEXTS:
        assert not re.findall(r"""(?:src|href|url|fetched|EventSource)\W{1,3}/\w""", path.read_text()), path


def test_no_script_and_no_style_is_in_the_page_itself() -> None:
    page = (HERE / "index.html").read_text()
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page)
    assert not any("innerHTML" in path.read_text() for path in TEXTS)
