"""How much memory this process has."""

import gc
import platform
import weakref
from pathlib import Path

import pytest

from envoy_mqtt.memory import collect, freeze, give_back, resident_mib


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


class Ring:
    """What only the collector finds."""

    def __init__(self) -> None:
        self.itself = self


def test_what_stands_in_a_circle_is_collected_but_not_what_was_frozen() -> None:
    gc.collect()
    before, ring = weakref.ref(Ring()), Ring()
    after = weakref.ref(ring)
    freeze()
    try:
        del ring
        collect()
        assert after() is not None
    finally:
        gc.unfreeze()
    collect()
    assert before() is after() is None
