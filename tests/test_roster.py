"""Gateways that were met are remembered in the folder, and said to be away before they are back."""

from pathlib import Path

from envoy_mqtt import installation
from envoy_mqtt.bridge import Bridge
from envoy_mqtt.gateway.ladder import Source, Step
from envoy_mqtt.line import Line
from envoy_mqtt.model import Instant
from envoy_mqtt.mqtt.about import Access
from envoy_mqtt.mqtt.message import OFFLINE
from envoy_mqtt.mqtt.payload import Publish
from envoy_mqtt.roster import Roster
from tests.test_bridge import event
from tests.test_followed import SITE, UNIX

READ, OTHER, CONFIGURED = "122100000017", "122100000025", "122100000033"


def met(serial: str) -> Bridge:
    bridge = Bridge(Publish())
    bridge.meet(serial)
    return bridge


def read() -> Bridge:
    """A gateway of which fresh readings come."""
    bridge, now = Bridge(Publish()), Instant(0.0, UNIX)
    bridge.identify(SITE, Access("192.168.1.20"), Step(Source.STREAM, "as configured"))
    bridge.open(now)
    bridge.receive(event(), now)
    assert bridge.online
    return bridge


def remembered(folder: Path) -> tuple[str, ...]:
    return installation.load(folder).serials


def test_who_was_met_is_remembered_and_away_at_the_next_start(tmp_path: Path) -> None:
    Roster(tmp_path, Line("bridge")).look([met(OTHER), Bridge(Publish())])
    said = Roster(tmp_path, Line("bridge")).absent("solar", [CONFIGURED, OTHER])
    assert [(message.topic, message.payload) for message in said] == [
        (f"solar/{OTHER}/availability", OFFLINE),
        (f"solar/{CONFIGURED}/availability", OFFLINE),
    ]


def test_one_that_was_replaced_is_forgotten_once_every_gateway_is_read(tmp_path: Path) -> None:
    roster = Roster(tmp_path, Line("bridge"))
    roster.look([met(OTHER)])
    roster.look([read(), met(CONFIGURED)])
    assert remembered(tmp_path) == (OTHER, READ, CONFIGURED)
    roster.look([read()])
    assert remembered(tmp_path) == (READ,)


def test_a_folder_that_cannot_be_written_is_told_of_and_tried_again(tmp_path: Path) -> None:
    folder, line = tmp_path / "data", Line("bridge")
    roster = Roster(folder, line)
    (folder / installation.NAME).rename(tmp_path / "aside")
    folder.rmdir()
    folder.write_bytes(b"in the way")
    roster.look([met(OTHER)])
    assert [trouble.code for trouble in line.standing] == ["disk"]
    folder.unlink()
    roster.look([met(OTHER)])
    assert line.standing == []
    assert remembered(folder) == (OTHER,)
