"""A real Mosquitto for each end-to-end test."""

from collections.abc import Iterator

import pytest

from tests.mosquitto import Mosquitto


@pytest.fixture
def broker() -> Iterator[Mosquitto]:
    with Mosquitto() as running:
        yield running
