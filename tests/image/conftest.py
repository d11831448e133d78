"""Each image mounted once, and a data folder that belongs to whom the image runs as."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.image.container import Image, image
from tests.image.environment import APP, DEMO, IMAGE, buildah


@contextmanager
def mounted(name: str) -> Iterator[Image]:
    found, container = image(name)
    yield found
    buildah("umount", container)
    buildah("rm", container)


@pytest.fixture(scope="session")
def bridge() -> Iterator[Image]:
    with mounted(IMAGE) as found:
        yield found


@pytest.fixture(scope="session")
def demo() -> Iterator[Image]:
    with mounted(DEMO) as found:
        yield found


@pytest.fixture(scope="session")
def app() -> Iterator[Image]:
    with mounted(APP) as found:
        yield found


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "volume"
    folder.mkdir(mode=0o700)
    os.chown(folder, 1000, 1000)
    return folder
