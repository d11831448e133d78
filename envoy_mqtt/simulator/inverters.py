"""The inverters one by one: what each last told the gateway, every five minutes of the house's day.

They sleep from sunset to sunrise, and what they said last stays (protocol notes, section 3.5; recording
7.6.185 is of the night).
"""

import json
from collections.abc import Sequence
from math import ceil, floor
from typing import NamedTuple

from envoy_mqtt.simulator.appliances import DAY_S
from envoy_mqtt.simulator.house import House
from envoy_mqtt.simulator.noise import unit

EVERY_S = 300.0
PANEL_W = 370.0


class Report(NamedTuple):
    """One inverter's last word: when, as Unix seconds in the house, and watts."""

    serial: str
    house_unix: float
    watts: int
    most_watts: int


def reports(house: House, unix: float) -> list[Report]:
    """Those of every inverter on the roof, as known at that moment of the house's time."""
    count = ceil(house.array_w / PANEL_W)
    return [_report(house, number, count, unix) for number in range(count)]


def _report(house: House, number: int, count: int, unix: float) -> Report:
    seed = house.seed * 97 + 600 + number
    offset_s = EVERY_S * unit(seed, 1)
    at = _on_grid(unix, offset_s)
    if not house.sun_w(at + house.utc_offset_s):
        at = _on_grid(_sunset(house, at), offset_s)
    share = (0.94 + 0.06 * unit(seed, 2)) / count
    made_w = sum(phase.production_w for phase in house.at(at).phases)
    serial = f"1222{house.seed % 1000:03d}{number:05d}"
    return Report(serial, at, max(0, floor(made_w * share)), floor(house.array_w * share))


def _on_grid(unix: float, offset_s: float) -> float:
    return floor((unix - offset_s) / EVERY_S) * EVERY_S + offset_s


def _sunset(house: House, unix: float) -> float:
    """The last one before that moment of the night."""
    local_s = unix + house.utc_offset_s
    day = floor(local_s / DAY_S)
    if local_s - day * DAY_S < DAY_S / 2.0:
        day -= 1
    return day * DAY_S + (12.0 + house.daylight_h(day) / 2.0) * 3600.0 - house.utc_offset_s


def document(found: Sequence[tuple[Report, float]]) -> bytes:
    """`/api/v1/production/inverters`: reports, each with the gateway's own time of it."""
    entries = [
        {
            "serialNumber": report.serial,
            "lastReportDate": int(unix),
            "devType": 1,
            "lastReportWatts": report.watts,
            "maxReportWatts": report.most_watts,
        }
        for report, unix in found
    ]
    return json.dumps(entries, indent=2).encode() + b"\n"
