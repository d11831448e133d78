"""The document of `/ivp/livedata/status` as a gateway answers it, with the powers of one reading. Pure.

Sections are the whole site's, in thousandths, with our directions: what a battery gives is in `load`. What is
no power (relays, the reserve) and the generator stay as the page last said them.
"""

from collections.abc import Mapping
from math import copysign
from typing import Any

from envoy_mqtt.model import Phase, Quantity, Reading, Site
from envoy_mqtt.mqtt.payload import whole

SECTIONS = {
    "pv": Quantity.PRODUCTION,
    "storage": Quantity.STORAGE,
    "grid": Quantity.NET,
    "load": Quantity.CONSUMPTION,
}
GENERATOR = "generator"
UNTOLD = ("main_relay_state", "gen_relay_state", "backup_bat_mode", "backup_soc")
BATTERIES = ("enc_agg_soc", "enc_agg_energy", "acb_agg_soc", "acb_agg_energy")

WHOLE = ("agg_p_mw", "agg_s_mva")
LEGS = tuple((f"agg_p_ph_{leg}_mw", f"agg_s_ph_{leg}_mva") for leg in "abc")

NOTHING = Phase(power=0.0, apparent_power=0.0)

# What the page says of itself while its own figures stand still: these are new.
STALE = "info"

Document = dict[str, Any]


def filled(page: Mapping[str, Any], reading: Reading, site: Site) -> Document:
    """The page with what this reading says of what the site has, null where it does not know."""
    meters = page.get("meters")
    said = dict(meters) if isinstance(meters, dict) else {}
    said["last_update"] = int(reading.time)
    if Quantity.STORAGE in reading.quantities.phases:
        charge = reading.state_of_charge
        said["soc"] = None if charge is None else round(charge)
    for name, quantity in SECTIONS.items():
        if quantity in reading.quantities.phases:
            said[name] = _section(said.get(name), _values(quantity, reading, site))
    return {key: value for key, value in page.items() if key != STALE} | {"meters": said}


def blank(site: Site) -> Document:
    """What stands for the page where a gateway has none: nothing is known of relays and reserves."""
    meters: Document = {"last_update": 0, "soc": 0} | dict.fromkeys(UNTOLD)
    meters |= {"is_split_phase": int(site.phases == 2), "phase_count": site.phases}
    nothing = dict.fromkeys((*WHOLE, *(key for leg in LEGS for key in leg)), 0)
    return {"meters": meters | dict.fromkeys(BATTERIES) | dict.fromkeys((*SECTIONS, GENERATOR), nothing)}


def _section(before: object, values: Document) -> Document:
    """With the keys that the page has: the first firmware tells no phases."""
    return (
        {key: values.get(key, told) for key, told in before.items()} if isinstance(before, dict) else values
    )


def _values(quantity: Quantity, reading: Reading, site: Site) -> Document:
    phases, wholes = reading.quantities
    total = whole(phases[quantity])
    if total.power is None:
        total = Phase(power=wholes.get(quantity))
    spare = (NOTHING,) * (len(LEGS) - site.phases)
    said = zip((WHOLE, *LEGS), (total, *phases[quantity], *spare), strict=True)
    return {key: value for names, phase in said for key, value in zip(names, _milli(phase), strict=True)}


def _milli(phase: Phase) -> tuple[int | None, int | None]:
    """Active and apparent power; the gateway gives both the same direction."""
    power, apparent = phase.power, phase.apparent_power
    if power is None:
        return None, None
    return round(power * 1000), None if apparent is None else round(copysign(apparent, power) * 1000)
