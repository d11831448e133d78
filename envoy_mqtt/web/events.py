"""Server-sent events of what is published: the contract's section "The web server". Pure.

A frame is made once, whoever and however many read it; a payload's bytes go into it as they are.
"""

import re
from collections.abc import Mapping
from typing import Any

from envoy_mqtt.mqtt.message import Message, encode

# What of a gateway's topics is an event; the page has no use for each meter's topic beside `live`.
EVENTS = frozenset({"live", "state", "energy", "tariff", "availability"})

SERIAL = re.compile(r"[0-9]{12}")


def place(topic: str, base_topic: str) -> tuple[str, str] | None:
    """Serial number and name of a gateway's topic, `None` where it is none that the web server shows.

    `sensor/KEY` is `live` again, number by number, and `journal` is `live` again, too; what other bridges
    would have said may stand below the base topic, but not among the serial numbers.
    """
    if not topic.startswith(f"{base_topic}/"):
        return None
    serial, _, name = topic[len(base_topic) + 1 :].partition("/")
    shown = name not in ("", "journal") and not name.startswith("sensor/")
    return (serial, name) if shown and SERIAL.fullmatch(serial) else None


def event(serial: str, name: str, payload: bytes) -> bytes:
    """A gateway's message as an event; its payload is a JSON object, or text on `availability`."""
    if not payload.startswith(b"{"):
        return _frame(name, encode({"serial": serial, name: payload.decode()}))
    comma = b"," if payload != b"{}" else b""
    return _frame(name, b'{"serial":"%b"%b%b' % (serial.encode(), comma, payload[1:]))


def health(content: Mapping[str, Any]) -> bytes:
    """The content of `bridge/health` as an event."""
    return _frame("health", encode(content))


def document(last: Mapping[tuple[str, str], Message], content: Mapping[str, Any]) -> bytes:
    """What `/api/state` answers: the last message of every topic by gateway, and health."""
    gateways: dict[str, list[bytes]] = {}
    for (serial, name), message in last.items():
        gateways.setdefault(serial, []).append(b'"%b":%b' % (name.encode(), _value(message.payload)))
    tables = (b'"%b":{%b}' % (serial.encode(), b",".join(rows)) for serial, rows in gateways.items())
    return b'{"gateways":{%b},"health":%b}' % (b",".join(tables), encode(content))


def _value(payload: bytes) -> bytes:
    return payload if payload.startswith(b"{") else b'"%b"' % payload


def _frame(name: str, data: bytes) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), data)
