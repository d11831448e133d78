"""What a gateway has beside its meters, as far as it said so, to this process or the one before. Pure.

Some of it is asked for once in minutes. It is remembered, so that a start takes nothing from anyone for that
long: not the battery's keys, not the inverters' devices, not the site's midnight.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from envoy_mqtt.gateway.answers import SERIAL
from envoy_mqtt.gateway.inverters import Inverter

# A battery that so many answers in a row do not list is gone; gateways forget them for minutes (notes,
# section 3.7).
GONE = 3


class Inventory:
    """Begins with what `book` gave another process. `ac_battery` is whether there are AC Batteries, `zone`
    the name of the site's time zone; both are `None` before the gateway was asked.
    """

    def __init__(self, book: Mapping[str, Any], *, inverters: bool) -> None:
        told = book.get("inverters")
        known = told if inverters and isinstance(told, list) else []
        serials = (it for it in known if isinstance(it, str) and SERIAL.fullmatch(it))
        self._reported: dict[str, float | None] = dict.fromkeys(serials)
        ac_battery, zone = book.get("ac_battery"), book.get("zone")
        self.ac_battery = ac_battery if isinstance(ac_battery, bool) else None
        self.zone = zone if isinstance(zone, str) else None
        self._missed = 0

    @property
    def book(self) -> dict[str, Any]:
        """What another process begins with, for JSON."""
        return {"ac_battery": self.ac_battery, "zone": self.zone, "inverters": list(self._reported)}

    @property
    def inverters(self) -> tuple[str, ...]:
        """The microinverters' serial numbers."""
        return tuple(self._reported)

    def has_battery(self, *, listed: bool, before: bool) -> bool:
        """Whether there is a battery: one that is listed is, one that is not is gone after a while."""
        self._missed = 0 if listed else self._missed + 1
        return listed or (before and self._missed < GONE)

    def report(self, inverters: Iterable[Inverter]) -> list[Inverter]:
        """Those whose report is new. The answer keeps those that sleep (protocol notes, section 3.5): one
        that is missing is gone; an answer with none at all tells nothing.
        """
        answered, before = list(inverters), self._reported
        self._reported = {each.serial: each.reported_unix for each in answered} or before
        return [each for each in answered if before.get(each.serial) != each.reported_unix]
