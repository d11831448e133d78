"""Which of a broker's retained topics are a bridge's own. Pure.

Under the base topic it is the shape of the topic that tells, under Home Assistant's prefix the payload:
another program may call its devices `envoy_…` as well.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

SERIAL = r"[0-9]{12}"

OF_THE_BRIDGE = re.compile(r"bridge/(?:state|info|health)")
OF_A_GATEWAY = re.compile(
    rf"({SERIAL})/(?:availability|live|production|net|consumption|storage|energy|state|gateway|tariff"
    r"|inverter/[^/]+|sensor/[^/]+)"
)
DISCOVERY = re.compile(rf"[^/]+/envoy_({SERIAL})(?:_inverter_[^/]+)?(?:/[^/]+)?/config")

ORIGIN = "envoy-mqtt"


def subscriptions(base: str, prefix: str) -> tuple[str, ...]:
    """The topics below which a bridge may have left something."""
    return (f"{base}/#", f"{prefix}/+/+/config", f"{prefix}/+/+/+/config")


def leavings(
    kept: Mapping[str, bytes], base: str, prefix: str, serials: Iterable[str] | None = None
) -> list[str]:
    """The topics that go, sorted, discovery first, so that Home Assistant forgets before anything falls silent.

    With `serials` only these gateways', and nothing of the bridge itself.
    """
    wanted = None if serials is None else set(serials)
    announced = [topic for topic, payload in kept.items() if _announces(topic, payload, base, prefix, wanted)]
    return sorted(announced) + sorted(topic for topic in kept if _is_below(topic, base, wanted))


def _is_below(topic: str, base: str, serials: set[str] | None) -> bool:
    rest = topic.removeprefix(f"{base}/")
    if rest == topic:
        return False
    if serials is None and OF_THE_BRIDGE.fullmatch(rest):
        return True
    found = OF_A_GATEWAY.fullmatch(rest)
    return found is not None and (serials is None or found[1] in serials)


def _announces(topic: str, payload: bytes, base: str, prefix: str, serials: set[str] | None) -> bool:
    found = DISCOVERY.fullmatch(topic.removeprefix(f"{prefix}/"))
    if (
        found is None
        or not topic.startswith(f"{prefix}/")
        or (serials is not None and found[1] not in serials)
    ):
        return False
    config = _content(payload)
    origin = config.get("o")
    ours = isinstance(origin, dict) and origin.get("name") == ORIGIN
    return ours and f"{base}/bridge/state" in _availability(config)


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
