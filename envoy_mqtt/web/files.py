"""The files of the page: what lies beside this module, under the address it has there.

Which there are is decided when the bridge starts; no address that someone asks for ever becomes a path. Each
is read when it is asked for the first time, and kept: all of them are 150 kB at most.
"""

import asyncio
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
INDEX = "index.html"

KINDS = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}


class File(NamedTuple):
    """A file as a browser gets it; `etag` follows from its content."""

    kind: str
    body: bytes
    etag: str


class Files:
    """Every file of a folder that is for browsers, by address; `/` is its `index.html`."""

    def __init__(self, folder: Path = HERE) -> None:
        found = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*"))}
        self._paths = {
            "/" if name == INDEX else f"/{name}": path
            for name, path in found.items()
            if path.suffix in KINDS and path.is_file()
        }
        self._read: dict[str, File] = {}

    def __contains__(self, address: str) -> bool:
        return address in self._paths

    async def file(self, address: str) -> File:
        """The file of an address that is in the table; raises `OSError` where it is gone meanwhile."""
        if address not in self._read:
            self._read[address] = await asyncio.to_thread(_read, self._paths[address])
        return self._read[address]


def _read(path: Path) -> File:
    body = path.read_bytes()
    return File(KINDS[path.suffix], body, sha256(body).hexdigest()[:16])
