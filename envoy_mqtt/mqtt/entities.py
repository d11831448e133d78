"""Home Assistant's entities: a table from the keys of `state` to what they are called there.

Names are those of Home Assistant's own `enphase_envoy` integration wherever it has the same thing, because
entity ids, and with them long-term statistics, follow from names. An entity exists only where its key does
and something can ever fill it: on several phases no voltage and current of the whole site, and no phase
that only a sum with an unknown term would tell of. Pure.
"""

from collections.abc import Collection, Iterator

from envoy_mqtt.model import Kind, Quantity, Site
from envoy_mqtt.mqtt.electrical import electrical
from envoy_mqtt.mqtt.entity import Entity, Measurement

POWER = Measurement("power", "W", "measurement", 0)
ENERGY = Measurement("energy", "kWh", "total_increasing", 3)
BALANCE = Measurement("energy", "kWh", "total", 3)
SHARE = Measurement(None, "%", "measurement", 1)
CHARGE = Measurement("battery", "%", "measurement", 0)


# What a house wants to see. Balanced energy and the two sides of the grid's power say again what others say.
WHOLE = (
    Entity("production_power", "Current power production", POWER),
    Entity("consumption_power", "Current power consumption", POWER),
    Entity("net_power", "Current net power consumption", POWER),
    Entity("storage_power", "Current battery discharge", POWER),
    Entity("grid_import_power", "Grid import power", POWER, enabled=False),
    Entity("grid_export_power", "Grid export power", POWER, enabled=False),
    Entity("self_consumption_power", "Self-consumed solar power", POWER, enabled=False),
    Entity("storage_state_of_charge", "Battery", CHARGE),
    Entity("production_energy", "Lifetime energy production", ENERGY),
    Entity("consumption_energy", "Lifetime energy consumption", ENERGY),
    Entity("grid_import_energy", "Lifetime net energy consumption", ENERGY),
    Entity("grid_export_energy", "Lifetime net energy production", ENERGY),
    Entity("net_energy", "Lifetime balanced net energy consumption", BALANCE, enabled=False),
    Entity("storage_discharged_energy", "Lifetime battery energy discharged", ENERGY),
    Entity("storage_charged_energy", "Lifetime battery energy charged", ENERGY),
    Entity("production_energy_today", "Energy production today", ENERGY),
    Entity("consumption_energy_today", "Energy consumption today", ENERGY),
    Entity("grid_import_energy_today", "Net energy consumption today", ENERGY),
    Entity("grid_export_energy_today", "Net energy production today", ENERGY),
    Entity("storage_discharged_energy_today", "Battery energy discharged today", ENERGY),
    Entity("storage_charged_energy_today", "Battery energy charged today", ENERGY),
    Entity("self_sufficiency_today", "Self-sufficiency today", SHARE),
    Entity("self_consumption_today", "Self-consumption today", SHARE),
)

# The same of one phase: its key, where `{}` is the phase, whose entity it is, and the quantity it needs.
OF_A_PHASE = (
    ("production_{}_power", "production_power", Quantity.PRODUCTION),
    ("consumption_{}_power", "consumption_power", Quantity.CONSUMPTION),
    ("net_{}_power", "net_power", Quantity.NET),
    ("storage_{}_power", "storage_power", Quantity.STORAGE),
    ("production_{}_energy", "production_energy", Quantity.PRODUCTION),
    ("consumption_{}_energy", "consumption_energy", Quantity.CONSUMPTION),
    ("grid_{}_import_energy", "grid_import_energy", Quantity.NET),
    ("grid_{}_export_energy", "grid_export_energy", Quantity.NET),
    ("storage_{}_discharged_energy", "storage_discharged_energy", Quantity.STORAGE),
    ("storage_{}_charged_energy", "storage_charged_energy", Quantity.STORAGE),
)

TOKEN_EXPIRY = Entity(
    "token_expires",
    "Token expiry",
    topic="gateway",
    device_class="timestamp",
    category="diagnostic",
    alone=True,
)

# About the bridge and the gateway.
ABOUT = (
    Entity(
        "connection",
        "Connection",
        platform="binary_sensor",
        topic="availability",
        device_class="connectivity",
        category="diagnostic",
        alone=True,
        more={"pl_on": "online", "pl_off": "offline"},
    ),
    Entity("source", "Source", topic="gateway", category="diagnostic", alone=True),
    Entity("firmware", "Firmware", topic="gateway", category="diagnostic"),
    Entity("timestamp", "Last update", device_class="timestamp", category="diagnostic", enabled=False),
    Entity(
        "reconnect",
        "Reconnect",
        platform="button",
        topic="",
        request="reconnect",
        device_class="restart",
        category="config",
        alone=True,
        more={"pl_prs": "{}"},
    ),
    Entity(
        "interval_s",
        "Publish interval",
        platform="number",
        request="set_interval",
        device_class="duration",
        category="config",
        alone=True,
        more={
            "cmd_tpl": '{"value": {{ value }}}',
            "min": 1,
            "max": 60,
            "step": 1,
            "mode": "box",
            "unit_of_meas": "s",
        },
    ),
)

# A microinverter's; core calls its power as the device is called.
OF_AN_INVERTER = (
    Entity("power", None, POWER, topic="inverter"),
    Entity(
        "max_power", "Lifetime maximum power", POWER, topic="inverter", category="diagnostic", enabled=False
    ),
    Entity(
        "reported",
        "Last reported",
        topic="inverter",
        device_class="timestamp",
        category="diagnostic",
        enabled=False,
    ),
)


def entities(site: Site, keys: Collection[str]) -> list[Entity]:
    """The entities of a gateway whose `state` has these keys."""
    measured = [each for each in (*WHOLE, *_phases(site), *electrical(site)) if each.key in keys]
    about = [each for each in ABOUT if each.topic != "state" or each.key in keys]
    return measured + about + [TOKEN_EXPIRY] * site.identity.web_tokens


def _phases(site: Site) -> Iterator[Entity]:
    whole = {entity.key: entity for entity in WHOLE}
    for n in range(1, site.phases + 1) if site.phases > 1 else ():
        for key, of, quantity in OF_A_PHASE:
            if n <= phases_seen(site, quantity):
                yield whole[of].of_phase(n, key.format(f"l{n}"))


def phases_seen(site: Site, quantity: Quantity) -> int:
    """On how many phases a quantity is known, by the contract's table "Which meters".

    What the inverters or a battery report themselves is known of the whole only, and so is what is
    computed from it.
    """
    solar, net, total, storage = (
        site.metered.get(kind, 0) for kind in (Kind.PRODUCTION, Kind.NET, Kind.TOTAL, Kind.STORAGE)
    )
    computed = site.phases if solar and not site.battery else 0
    return {
        Quantity.PRODUCTION: solar,
        Quantity.NET: net or min(total, computed),
        Quantity.CONSUMPTION: total or min(net, computed),
        Quantity.STORAGE: storage,
    }[quantity]
