"""Where the day begins: what somebody chose, what a gateway said, what this machine is set to."""

from datetime import UTC, datetime, timedelta
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from zoneinfo import TZPATH

import pytest

from envoy_mqtt import zone

SUMMER = datetime(2026, 7, 1, 12, tzinfo=UTC)
WINTER = datetime(2026, 12, 1, 12, tzinfo=UTC)


@pytest.fixture
def zoneinfo() -> Path:
    """Where this machine keeps the zones."""
    kept = (Path(each) for each in TZPATH)
    packaged = Path(str(files("tzdata") / "zoneinfo")) if find_spec("tzdata") else Path()
    return next((each for each in kept if (each / "Europe" / "Berlin").exists()), packaged)


def test_the_configured_zone_counts_before_tz() -> None:
    chosen = zone.configured("Europe/Berlin", {"TZ": "America/New_York"})
    assert chosen is not None
    assert (chosen.utcoffset(SUMMER), chosen.utcoffset(WINTER)) == (timedelta(hours=2), timedelta(hours=1))


@pytest.mark.parametrize("written", ["America/New_York", ":America/New_York"])
def test_tz_counts_where_none_is_configured(written: str) -> None:
    chosen = zone.configured(None, {"TZ": written})
    assert chosen is not None
    assert chosen.utcoffset(WINTER) == timedelta(hours=-5)


@pytest.mark.parametrize(
    "environ", [{}, {"TZ": ""}, {"TZ": ":"}, {"TZ": "CET-1CEST"}, {"TZ": "Mars/Olympus"}]
)
def test_where_nobody_chose_a_zone_the_gateway_has_to_be_asked(environ: dict[str, str]) -> None:
    assert zone.configured(None, environ) is None


@pytest.mark.parametrize(
    "name", ["", "Nowhere", "../../etc/passwd", "/etc/passwd", "\x00", "x" * 5000, "Europe"]
)
def test_no_name_of_a_zone_breaks_anything(name: str) -> None:
    assert zone.named(name) is None


def test_the_machines_zone_has_its_daylight_saving_and_its_name(tmp_path: Path, zoneinfo: Path) -> None:
    link = tmp_path / "localtime"
    link.symlink_to(zoneinfo / "Europe" / "Berlin")
    found = zone.machine(link)
    assert (found.utcoffset(SUMMER), found.utcoffset(WINTER)) == (timedelta(hours=2), timedelta(hours=1))
    assert str(found) == "Europe/Berlin"


def test_a_copied_zone_is_as_good_but_for_its_name(tmp_path: Path, zoneinfo: Path) -> None:
    copy = tmp_path / "localtime"
    copy.write_bytes((zoneinfo / "America" / "New_York").read_bytes())
    assert zone.machine(copy).utcoffset(WINTER) == timedelta(hours=-5)


@pytest.mark.parametrize("content", [None, b"", b"TZif", b"nonsense"])
def test_a_machine_that_does_not_say_is_in_utc(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "localtime"
    if content is not None:
        path.write_bytes(content)
    assert zone.machine(path) is UTC
