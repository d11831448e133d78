"""From what Home Assistant was told to what it shall know now: changes, removals, the other style. Pure.

    before = {device.node: known(device), ...}    remembered on disk, per gateway
    remember meanwhile(before, devices)
    for step in changes(before, devices): send it, wait SETTLE_S

Each step's messages leave in order, and Home Assistant needs a moment after each: while it is busy with one
component it ignores the rest of a device's payload (2025.4, `async_discovery_message_received`). Sending all
steps twice does no harm, so who was interrupted begins again with what `meanwhile` gave, and remembers the
new devices alone when the last step has left.
"""

from collections.abc import Iterable, Mapping
from itertools import zip_longest
from typing import TypedDict

from envoy_mqtt.mqtt.discovery import Device, Style, messages, platforms, topics
from envoy_mqtt.mqtt.message import Message, encode

SETTLE_S = 2.0

Step = list[Message]


class Known(TypedDict):
    """What was published of one device, as JSON can keep it: `components` are platforms by key."""

    prefix: str
    style: Style
    components: dict[str, str]


def known(device: Device) -> Known:
    """What to remember once the device has been published."""
    return {"prefix": device.prefix, "style": device.style, "components": platforms(device)}


def meanwhile(before: Mapping[str, Known], devices: Iterable[Device]) -> dict[str, Known]:
    """What may have been published of each device while the steps are under way."""
    return {**before, **{device.node: _either(before.get(device.node), known(device)) for device in devices}}


def changes(before: Mapping[str, Known], devices: Iterable[Device]) -> list[Step]:
    """The steps from what was published (by node) to these devices; with no device, all of it goes.

    The last word on each topic that stays is what `messages` gives; on every other it is empty.
    """
    after = {device.node: device for device in devices}
    ways = [_appear(before.get(node), device) for node, device in after.items()]
    ways += [[_empty(_as_it_was(node, was))] for node, was in before.items() if node not in after]
    return [[message for part in step for message in part] for step in zip_longest(*ways, fillvalue=[])]


def _either(was: Known | None, new: Known) -> Known:
    if was is None:
        return new
    if (was["prefix"], was["style"]) != (new["prefix"], new["style"]):
        return was
    return {**new, "components": was["components"] | new["components"]}


def _appear(was: Known | None, device: Device) -> list[Step]:
    if was is None:
        return [messages(device)]
    if was["prefix"] != device.prefix:
        return [_empty(_as_it_was(device.node, was)), messages(device)]
    gone = {key: platform for key, platform in was["components"].items() if key not in device.components}
    stays = {key: platform for key, platform in was["components"].items() if key in device.components}
    old = device._replace(style=was["style"])
    steps = [_removal(old, gone)] if gone else []
    if was["style"] != device.style and stays:
        return [*steps, *_migration(topics(old, stays), device)]
    return [*steps, messages(device)]


def _removal(device: Device, gone: Mapping[str, str]) -> Step:
    """Components that go from a device that stays: first in its payload, with nothing but a platform."""
    if device.style == "device":
        farewell = {key: {"p": platform} for key, platform in gone.items()}
        return messages(device._replace(components=farewell | device.components))
    return _emptied(topics(device, gone))


def _migration(old: list[str], device: Device) -> list[Step]:
    """HA notes, section 1.2: announce it on the old topics, say all of it in the new style, empty the old."""
    announced = encode({"migrate_discovery": True})
    return [[Message(topic, announced, qos=1) for topic in old], messages(device), _emptied(old)]


def _as_it_was(node: str, was: Known) -> Device:
    return Device(
        node, was["prefix"], was["style"], {}, {key: {"p": p} for key, p in was["components"].items()}
    )


def _empty(device: Device) -> Step:
    return _emptied(topics(device, platforms(device)))


def _emptied(these: list[str]) -> Step:
    return [Message(topic, b"", qos=1) for topic in these]
