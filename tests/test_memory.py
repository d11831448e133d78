"""How much memory this process has."""

import platform
from pathlib import Path

import pytest

from envoy_mqtt.memory import give_back, resident_mib


def test_resident_memory_is_what_the_kernel_says() -> None:
    """Another file of proc(5), in kB; the process may grow a little in between."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (told,) = [line.split() for line in lines if line.startswith("VmRSS:")]
    assert told[2] == "kB"
    assert resident_mib() == pytest.approx(int(told[1]) / 1024, abs=2.0)


def test_memory_that_nobody_uses_goes_back_to_the_system() -> None:
    """Many small pieces between which one stays leave holes that only `give_back` closes; where the system
    has no way to ask for it nothing happens.
    """
    pieces = [bytes(600) for _ in range(40_000)]
    kept = pieces[::100]
    del pieces
    before = resident_mib()
    give_back()
    assert resident_mib() <= before
    assert len(kept) == 400
    if platform.libc_ver()[0] == "glibc":
        assert before - resident_mib() > 5
