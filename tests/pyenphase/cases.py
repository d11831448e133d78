"""The gateways of which the bridge and pyenphase are asked, by name, and what sets some of them apart."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from envoy_mqtt.simulator.firmware import Role
from envoy_mqtt.simulator.options import Battery, Layout, Options, Wiring
from tests.pyenphase.looks import Seen
from tests.simulator.client import RECORDINGS

HOUSES = (
    Options(firmware="R4.10.35", phases=Wiring.SPLIT),
    Options(firmware="D5.0.62", metered=False),
    Options(firmware="D7.3.130", phases=Wiring.SPLIT, layout=Layout.PRODUCTION),
    Options(firmware="D7.6.175"),
    Options(firmware="D7.6.185", battery=Battery.UNMETERED),
    Options(firmware="D8.2.127", phases=Wiring.SPLIT, battery=Battery.METERED),
    Options(firmware="D8.2.4264", phases=Wiring.THREE, layout=Layout.NONE),
    Options(firmware="D8.2.4286", battery=Battery.AC, stream_role=Role.OWNER),
    Options(firmware="D8.3.5025", phases=Wiring.THREE, layout=Layout.NET),
    Options(firmware="D8.3.5167", phases=Wiring.THREE, battery=Battery.UNMETERED),
    Options(firmware="D8.3.5286", phases=Wiring.THREE, layout=Layout.PRODUCTION_TOTAL),
    Options(firmware="D8.3.5433", phases=Wiring.SPLIT, layout=Layout.PRODUCTION_TOTAL),
    Options(firmware="D8.3.6086", phases=Wiring.THREE, battery=Battery.METERED),
)
SIMULATED = {f"simulated-{house.firmware[1:]}": house for house in HOUSES}
RECORDED = {f"recorded-{folder.name}": folder for folder in RECORDINGS}

# Our quantities, and what pyenphase calls their meters.
METERS = {
    "production": "production",
    "net": "net-consumption",
    "consumption": "total-consumption",
    "storage": "storage",
}


def gateways(*conditions: Callable[[str], bool]) -> pytest.MarkDecorator:
    """A case for each gateway for which all of these hold."""
    names = [name for name in (*SIMULATED, *RECORDED) if all(holds(name) for holds in conditions)]
    return pytest.mark.parametrize("name", names)


def version(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", name.partition("_")[0]))


def simulated(name: str) -> bool:
    return name in SIMULATED


def recorded(name: str) -> bool:
    return name in RECORDED


def has_meters(name: str) -> bool:
    return version(name) not in ((5, 0, 62), (8, 2, 4264))


def has_production_meter(name: str) -> bool:
    return has_meters(name) and version(name) != (8, 3, 5025)


def has_house(name: str) -> bool:
    """Whether there is a meter of the grid or of the house."""
    return has_meters(name) and version(name) not in ((7, 3, 130), (8, 3, 5289))


def adds_demands(name: str) -> bool:
    """Whether it adds up its phases' demands, and calls the sum active power: the newest stack."""
    return version(name) >= (8, 3, 5433)


def adds_powers(name: str) -> bool:
    return not adds_demands(name)


def copies(name: str, meter: str) -> bool:
    """Whether the first leg of this meter is another one's."""
    return meter == "storage" and version(name) == (8, 2, 127)


def meters(seen: Seen) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each quantity that is metered, its meter as pyenphase calls it, and what that says of the whole."""
    found = [(quantity, meter) for quantity, meter in METERS.items() if meter in seen.theirs["ctmeters"]]
    yield from ((quantity, meter, seen.theirs["ctmeters"][meter]) for quantity, meter in found)


def legs(seen: Seen, meter: str) -> dict[str, dict[str, Any]]:
    """What a meter says of each phase, by the word for it in our keys; of one phase alone it says nothing."""
    found = seen.theirs["ctmeters_phases"].get(meter) or {}
    return {f"_{phase.lower()}": values for phase, values in found.items()}


def wh(kwh: float) -> int:
    """As pyenphase has energies."""
    return round(kwh * 1000.0)
