"""What the gateway says of batteries: whether there is one, its power and its state of charge.

Power is + on discharge, as everywhere here; the wire has the same sign (protocol notes, section 3.7).
Minutes after a reboot numbers may be the word "unknown": nothing is known then, and nothing is 0.
"""

from pydantic_core import SchemaValidator
from pydantic_core import core_schema as schema

from envoy_mqtt.errors import BadAnswer
from envoy_mqtt.gateway.document import ANYTHING, BIG_NUMBER, PERCENT, decode, entries, record

INVENTORY_PATH = "/ivp/ensemble/inventory"
POWER_PATH = "/ivp/ensemble/power"
CHARGE_PATH = "/ivp/ensemble/secctrl"
PRODUCTION_PATH = "/production.json"

# The colon is the vendor's; a firmware may well lose it one day.
DEVICES: list[list[str | int]] = [["devices:"], ["devices"]]

_INVENTORY = SchemaValidator(entries(record({"type": ANYTHING}, {"devices": ANYTHING})))
_POWER = SchemaValidator(
    schema.typed_dict_schema(
        {
            "devices": schema.typed_dict_field(
                entries(record({"real_power_mw": BIG_NUMBER})), validation_alias=DEVICES
            )
        }
    )
)
_CHARGE = SchemaValidator(record({"agg_soc": PERCENT}))
_PRODUCTION = SchemaValidator(record({}, {"storage": entries()}))


def has_battery(inventory: bytes) -> bool:
    """Whether `/ivp/ensemble/inventory` lists a battery; a system controller alone is none.

    Like all readers here it raises `BadAnswer`, and nothing else.
    """
    groups = decode(INVENTORY_PATH, inventory, _INVENTORY)
    return any(group["type"] == "ENCHARGE" and group.get("devices") for group in groups)


def has_ac_battery(production: bytes) -> bool:
    """Whether `/production.json` counts an AC Battery, which the inventory above does not list.

    This document rather than `/inventory.json`: it is as slow, and sites that want this are asked for it
    anyway. An older firmware has no storage in it.
    """
    storage = decode(PRODUCTION_PATH, production, _PRODUCTION).get("storage", [])
    return any(isinstance(entry, dict) and _counts(entry) for entry in storage)


def _counts(entry: dict[str, object]) -> bool:
    count = entry.get("activeCount")
    return entry.get("type") == "acb" and isinstance(count, int) and count > 0


def read_power(body: bytes) -> float:
    """The sum of all batteries of `/ivp/ensemble/power` in W. An empty list is no battery at rest but an
    answer that says nothing: AC Batteries are not in it.
    """
    batteries = decode(POWER_PATH, body, _POWER)["devices"]
    if not batteries:
        raise BadAnswer(f"{POWER_PATH} lists no battery")
    return float(sum(battery["real_power_mw"] for battery in batteries)) / 1000


def read_state_of_charge(body: bytes) -> float:
    """The charge of all batteries of `/ivp/ensemble/secctrl` together, in %."""
    return float(decode(CHARGE_PATH, body, _CHARGE)["agg_soc"])
