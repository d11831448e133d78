"""Run by Home Assistant's own Python: what its schemas say of discovery messages.

In on stdin: a list of [topic, payload]. Out: for each a list of complaints, empty where it is taken as it is.
A key that a platform does not know is dropped by Home Assistant without a word; here it is a complaint.
"""

import asyncio
import json
import logging
import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from homeassistant.components.mqtt import discovery  # type: ignore[import-not-found]
from homeassistant.core import HomeAssistant  # type: ignore[import-not-found]
from homeassistant.helpers import frame  # type: ignore[import-not-found]

# Of 2025.10 and later; what comes before drops it.
LATER = {"default_entity_id", "def_ent_id"}


class Complaints(logging.Handler):
    """What Home Assistant would write into its log, and what its schemas raise."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


def complaints(topic: str, payload: str) -> list[str]:
    log = Complaints()
    logging.getLogger("homeassistant").addHandler(log)
    *_, component, node, name, _ = topic.split("/")
    if node == "device":  # prefix/device/node/config
        log.said += device(name, payload)
    else:  # prefix/component/node/key/config
        log.said += entity(component, payload)
    logging.getLogger("homeassistant").removeHandler(log)
    return log.said


def device(name: str, payload: str) -> Iterator[str]:
    whole = discovery._parse_device_payload(None, payload, name, None)
    for key, config in whole.get("components", {}).items():
        platform = config.pop("platform")
        config |= {"device": whole["device"], "origin": whole["origin"]}
        discovery._merge_common_device_options(config, whole)
        yield from (f"{key}: {each}" for each in validate(platform, config))


def entity(component: str, payload: str) -> Iterator[str]:
    config = discovery.MQTTDiscoveryPayload(json.loads(payload))
    discovery._replace_all_abbreviations(config)
    if discovery._valid_origin_info(config):
        yield from validate(component, config)


def validate(platform: str, config: dict[str, Any]) -> Iterator[str]:
    schema = import_module(f"homeassistant.components.mqtt.{platform}").DISCOVERY_SCHEMA
    try:
        taken = schema(dict(config))
    except Exception as error:  # noqa: BLE001  # Its errors differ by version, and any is a complaint.
        yield str(error)
    else:
        dropped = config.keys() - taken.keys() - LATER
        if dropped:
            yield f"it does not know {sorted(dropped)}"


async def main() -> None:
    frame.async_setup(HomeAssistant("/nowhere"))
    json.dump([complaints(*message) for message in json.load(sys.stdin)], sys.stdout)


if __name__ == "__main__":
    asyncio.run(main())
