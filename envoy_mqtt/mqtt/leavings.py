"""Which of a broker's retained topics are a bridge's own. Pure.

Under the base topic it is the shape of the topic that tells, under Home Assistant's prefix the payload, too:
another program may call its devices `envoy_…` as well, and another bridge may have another base topic.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from envoy_mqtt.mqtt.message import ONLINE

OF_THE_BRIDGE = re.compile(r"bridge/(?:state|info|health)")
OF_A_GATEWAY = re.compile(
    r"([0-9]{12})/(?:availability|live|production|net|consumption|storage|energy|state|gateway|tariff"
    r"|inverter/[^/]+|sensor/[^/]+)"
)
DISCOVERY = re.compile(r"[^/]+/envoy_([0-9]{12})(?:_inverter_[^/]+)?(?:/[^/]+)?/config")

ORIGIN = "envoy-mqtt"


class Place(NamedTuple):
    """Where to look: a base topic, Home Assistant's prefix, and one gateway's serial number or all."""

    base: str
    prefix: str
    serial: str | None = None

    @property
    def filters(self) -> tuple[str, ...]:
        """The topics among which a bridge may have left something."""
        return (f"{self.base}/#", f"{self.prefix}/+/+/config", f"{self.prefix}/+/+/+/config")


class Running(NamedTuple):
    """A bridge that says it is online, as far as it tells of itself."""

    host: str
    version: str


def leavings(kept: Mapping[str, bytes], place: Place) -> list[str]:
    """The topics of these that are a bridge's; discovery first, so that no entity outlives its values.

    Of one gateway alone nothing of the bridge itself is.
    """
    announced = [topic for topic, payload in kept.items() if _announces(topic, payload, place)]
    return sorted(announced) + sorted(topic for topic in kept if _is_below(topic, place))


def running(kept: Mapping[str, bytes], base: str) -> Running | None:
    """The bridge that says it is online under the base topic."""
    if kept.get(f"{base}/bridge/state") != ONLINE:
        return None
    about = _content(kept.get(f"{base}/bridge/info", b""))
    return Running(str(about.get("host", "")), str(about.get("version", "")))


def _is_below(topic: str, place: Place) -> bool:
    rest = _below(topic, place.base)
    found = OF_A_GATEWAY.fullmatch(rest)
    if found is None:
        return place.serial is None and OF_THE_BRIDGE.fullmatch(rest) is not None
    return place.serial in (None, found[1])


def _announces(topic: str, payload: bytes, place: Place) -> bool:
    found = DISCOVERY.fullmatch(_below(topic, place.prefix))
    if found is None or place.serial not in (None, found[1]):
        return False
    config = _content(payload)
    origin = config.get("o")
    ours = isinstance(origin, dict) and origin.get("name") == ORIGIN
    return ours and f"{place.base}/bridge/state" in _availability(config)


def _below(topic: str, base: str) -> str:
    rest = topic.removeprefix(f"{base}/")
    return "" if rest == topic else rest


def _availability(config: Mapping[str, Any]) -> set[str]:
    told = config.get("avty")
    topics = [each.get("t") for each in told if isinstance(each, dict)] if isinstance(told, list) else []
    return {topic for topic in topics if isinstance(topic, str)}


def _content(payload: bytes) -> dict[str, Any]:
    try:
        content = json.loads(payload)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
