"""Home Assistant's discovery: a gateway, or a microinverter, as one device with its entities. Pure.

    device = gateway_device(site, keys, options)
    messages(device)                   retained, after the availability topics

What Home Assistant forgives differs by place (HA notes, section 1.1): an unknown key inside a component is
ignored, one in the payload's root, in `dev` or in `o` makes it throw the whole device away. So what only some
versions know (`obj_id` up to 2026.3, `def_ent_id` from 2025.10) stands inside components alone. A device's
node and its components' keys are the discovery id in both styles, which is what lets one become the other.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Literal, NamedTuple

from envoy_mqtt.energy.keys import Energy
from envoy_mqtt.model import Site
from envoy_mqtt.mqtt.entities import OF_AN_INVERTER, entities
from envoy_mqtt.mqtt.entity import Entity
from envoy_mqtt.mqtt.message import Message, encode
from envoy_mqtt.mqtt.rates import rates
from envoy_mqtt.tariff.period import Tariff

Style = Literal["device", "component"]
Config = dict[str, Any]

# Topics that are plain words.
TEXT = ("availability", "")


class Discovery(NamedTuple):
    """What of the configuration and the gateway discovery depends on.

    `configuration_url` is where a browser finds more: the gateway, or the bridge's own page.
    """

    base_topic: str = "envoy"
    prefix: str = "homeassistant"
    style: Style = "device"
    version: str = ""
    configuration_url: str | None = None


class Device(NamedTuple):
    """One device of Home Assistant: `shared` is what all its components have in common, and `components`
    their configurations by key, each with its platform as `p`.
    """

    node: str
    prefix: str
    style: Style
    shared: Config
    components: dict[str, Config]


def gateway_device(
    site: Site, keys: Collection[str], options: Discovery, tariff: Tariff | None = None
) -> Device:
    """A gateway whose `state` topic has these keys."""
    serial = site.identity.serial
    node = f"envoy_{serial}"
    about = {
        "ids": [node],
        "name": f"Envoy {serial}",
        "mf": "Enphase",
        "mdl": "IQ Gateway",
        "mdl_id": site.identity.part_number,
        "sn": serial,
        "sw": site.identity.firmware,
        "cu": options.configuration_url,
    }
    place = _Place(options.base_topic, serial, "", serial, node)
    shown = entities(site, keys)
    if tariff is not None:
        shown += rates(tariff, grid=Energy.IMPORT.key() in keys)
    return _device(node, about, place, shown, options)


def inverter_device(gateway: str, inverter: str, options: Discovery) -> Device:
    """A microinverter of a gateway, both by their serial numbers."""
    node = f"envoy_{gateway}_inverter_{inverter}"
    about = {
        "ids": [node],
        "name": f"Inverter {inverter}",
        "mf": "Enphase",
        "mdl": "Microinverter",
        "sn": inverter,
        "via_device": f"envoy_{gateway}",
    }
    place = _Place(options.base_topic, gateway, f"/{inverter}", inverter, f"inverter_{inverter}")
    return _device(node, about, place, OF_AN_INVERTER, options)


def messages(device: Device) -> list[Message]:
    """What makes Home Assistant know the device: one message, or one for each entity."""
    payloads: Iterable[Config] = [device.shared | {"cmps": device.components}]
    if device.style == "component":
        payloads = [device.shared | _without(component, "p") for component in device.components.values()]
    return [
        Message(topic, encode(payload), qos=1)
        for topic, payload in zip(topics(device, platforms(device)), payloads, strict=True)
    ]


def platforms(device: Device) -> dict[str, str]:
    """The platform of each component by its key."""
    return {key: component["p"] for key, component in device.components.items()}


def topics(device: Device, components: Mapping[str, str]) -> list[str]:
    """The discovery topics of a device with these components, given by key with their platforms."""
    if device.style == "device":
        return [f"{device.prefix}/device/{device.node}/config"]
    return [f"{device.prefix}/{platform}/{device.node}/{key}/config" for key, platform in components.items()]


class _Place(NamedTuple):
    """Where a device's values are, and what its entities' ids begin with."""

    base_topic: str
    gateway: str
    below: str
    unique: str
    slug: str

    def topic(self, name: str) -> str:
        return f"{self.base_topic}/{self.gateway}/{name}{self.below}"

    @property
    def bridge(self) -> dict[str, str]:
        return {"t": f"{self.base_topic}/bridge/state"}


def _device(node: str, about: Config, place: _Place, shown: Iterable[Entity], options: Discovery) -> Device:
    shared = {
        "dev": _said(about),
        "o": _said({"name": "envoy-mqtt", "sw": options.version}),
        # Both: the will speaks for the bridge, and after `kill -9` it is the only one that does.
        "avty": [place.bridge, {"t": f"{place.base_topic}/{place.gateway}/availability"}],
        "avty_mode": "all",
    }
    components = {entity.key: _component(entity, place) for entity in shown}
    return Device(node, options.prefix, options.style, shared, components)


def _component(entity: Entity, place: _Place) -> Config:
    slug = f"{place.slug}_{entity.slug}" if entity.slug else place.slug
    named = {
        "p": entity.platform,
        "uniq_id": f"{place.unique}_{entity.key}",
        "obj_id": slug,
        "def_ent_id": f"{entity.platform}.{slug}",
        "name": entity.name,  # null: as the device is called
    }
    said = {
        "dev_cla": entity.device_class,
        "ent_cat": entity.category,
        "en": None if entity.enabled else False,
        "avty": [place.bridge] if entity.alone else None,
        **_topics(entity, place),
        **_measurement(entity),
        **entity.more,
    }
    return named | _said(said)


def _topics(entity: Entity, place: _Place) -> Config:
    return {
        "stat_t": place.topic(entity.topic) if entity.topic else None,
        # Domoticz looks for exactly this (HA notes, section 1.2).
        "val_tpl": f"{{{{ value_json.{entity.key} }}}}" if entity.topic not in TEXT else None,
        "cmd_t": f"{place.base_topic}/bridge/request/{entity.request}" if entity.request else None,
    }


def _measurement(entity: Entity) -> Config:
    if entity.measurement is None:
        return {}
    device_class, unit, state_class, decimals = entity.measurement
    return {
        "dev_cla": device_class,
        "unit_of_meas": unit,
        "stat_cla": state_class,
        "sug_dsp_prc": decimals,
    }


def _said(config: Config) -> Config:
    return {key: value for key, value in config.items() if value not in (None, "")}


def _without(config: Config, gone: str) -> Config:
    return {key: value for key, value in config.items() if key != gone}
