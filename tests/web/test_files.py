"""The page's files: each under its own address, and no address is ever a path."""

from hashlib import sha256
from pathlib import Path

import pytest

from envoy_mqtt.web.files import HERE, KINDS, Files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    web = tmp_path / "web"
    (web / "charts").mkdir(parents=True)
    (web / "index.html").write_text("<!doctype html>")
    (web / "page.css").write_text("b{}")
    (web / "page.js").write_text("1")
    (web / "charts" / "chart.js").write_text("2")
    (web / "server.py").write_text("secret")
    (web / "server.pyc").write_text("secret")
    (tmp_path / "outside.css").write_text("secret")
    return web


@pytest.mark.parametrize(
    ("address", "kind", "body"),
    [
        ("/", "text/html; charset=utf-8", b"<!doctype html>"),
        ("/page.css", "text/css; charset=utf-8", b"b{}"),
        ("/page.js", "text/javascript; charset=utf-8", b"1"),
        ("/charts/chart.js", "text/javascript; charset=utf-8", b"2"),
    ],
)
async def test_a_file_is_under_its_address_with_its_kind(
    folder: Path, address: str, kind: str, body: bytes
) -> None:
    file = await Files(folder).file(address)
    assert (file.kind, file.body) == (kind, body)
    assert sha256(body).hexdigest().startswith(file.etag)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "/server.py",
        "/server.pyc",
        "/../outside.css",
        "/charts/../../outside.css",
        "//page.css",
        "/page.css/",
        "/charts",
        "/charts/",
        "/index.html/..",
        "/%2e%2e/outside.css",
        "/page.css\0",
    ],
)
def test_nothing_else_is_there(folder: Path, address: str) -> None:
    assert address not in Files(folder)


async def test_what_comes_into_the_folder_later_is_not_there_and_what_was_read_is_kept(folder: Path) -> None:
    files = Files(folder)
    (folder / "later.js").write_text("3")
    assert "/later.js" not in files
    before = await files.file("/page.js")
    (folder / "page.js").write_text("changed")
    assert await files.file("/page.js") == before


async def test_a_file_that_is_gone_before_anybody_asked_for_it_is_an_os_error(folder: Path) -> None:
    files = Files(folder)
    (folder / "page.js").unlink()
    with pytest.raises(OSError, match=r"page\.js"):
        await files.file("/page.js")


async def test_every_file_of_the_page_itself_is_served() -> None:
    files = Files()
    there = [path for path in HERE.rglob("*") if path.suffix in KINDS]
    for path in there:
        name = path.relative_to(HERE).as_posix()
        assert (await files.file("/" if name == "index.html" else f"/{name}")).body == path.read_bytes()
