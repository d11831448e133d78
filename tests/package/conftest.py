"""The wheel installed once, without extras."""

from pathlib import Path

import pytest

from tests.package.installed import install


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(tmp_path_factory.mktemp("installed") / "environment")
