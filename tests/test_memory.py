"""How much memory this process has."""

from pathlib import Path

import pytest

from envoy_mqtt.memory import resident_mib


def test_resident_memory_is_what_the_kernel_says() -> None:
    """Another file of proc(5), in kB; the process may grow a little in between."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (told,) = [line.split() for line in lines if line.startswith("VmRSS:")]
    assert told[2] == "kB"
    assert resident_mib() == pytest.approx(int(told[1]) / 1024, abs=2.0)
