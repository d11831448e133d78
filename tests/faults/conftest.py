"""The suite's own output: the table of `docs/reliability.md`."""

from collections.abc import Iterator

import pytest

from tests.faults import table
from tests.mosquitto import Mosquitto


@pytest.fixture
def broker() -> Iterator[Mosquitto]:
    with Mosquitto() as running:
        yield running


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if table.ROWS:
        terminalreporter.write_line("")
        for line in table.lines():
            terminalreporter.write_line(line)
