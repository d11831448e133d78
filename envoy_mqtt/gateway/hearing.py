"""What one gateway says, by whichever way it says it: from a page or an event to values. Pure.

A stream's event is a reading. A page is one where it is the source and says something new; else it adds to
the readings what their source does not have: the battery, its charge, the inverters' own production.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from envoy_mqtt.errors import Asleep, BadEvent
from envoy_mqtt.gateway import battery, inverters, livedata, readings, reported, timezone
from envoy_mqtt.gateway.answers import read_meters
from envoy_mqtt.gateway.beside import INTERVALS, Beside
from envoy_mqtt.gateway.event import Read, reader
from envoy_mqtt.gateway.inverters import Inverter
from envoy_mqtt.gateway.ladder import Source
from envoy_mqtt.gateway.plan import CHARGE_S, METERS, PRODUCTION_S
from envoy_mqtt.gateway.sse import Event, TooLong
from envoy_mqtt.gateway.total import Total
from envoy_mqtt.model import NO_WHOLES, Counted, Kind, Measured, Meter, Site, Wholes

ASLEEP = "all its values are 0: the gateway is still starting"


class Heard(NamedTuple):
    """What a page said. `measured` is a new reading, where it is one; `counted` are the meters' counters and
    `produced_wh` the inverters'; the rest is what its name says. `None` is what the page does not say.
    """

    measured: Measured | None = None
    wholes: Wholes = NO_WHOLES
    counted: Counted | None = None
    produced_wh: float | None = None
    meters: tuple[Meter, ...] | None = None
    inverters: tuple[Inverter, ...] | None = None
    ac_battery: bool | None = None
    battery: bool | None = None
    zone: str | None = None


NOTHING_NEW = Heard()


class Hearing:
    """Follows one site, read from `source`.

    `copied` is whether its storage meter shows a copy of the net's, `production_s` how often the inverters'
    figures are asked for, `battery_live` whether livedata tells a battery's power.
    """

    def __init__(self, site: Site, source: Source) -> None:
        self.source = source
        self.copied = False
        self.production_s = PRODUCTION_S
        self.battery_live = True
        self._beside = Beside()
        self._total = Total(site)
        self._seen: dict[str, object] = {}
        self.fit(site)

    @property
    def total_is_net(self) -> bool:
        """Whether the meter of the house shows what comes from the grid (firmware 8.3.5433)."""
        return self._total.is_net

    def fit(self, site: Site) -> None:
        """The site's meters are these from now on."""
        self._site = site
        self._read_event: Read = reader(site)

    def open(self, source: Source) -> None:
        """Readings come from this source from now on."""
        self.source = source
        self._seen.clear()

    def event(self, event: Event, now: float) -> Measured:
        """What the meters say in an event of the stream; raises `BadEvent`."""
        if isinstance(event, TooLong):
            raise BadEvent("too_long", "it is longer than 64 KiB")
        measured = self._read_event(event)
        measured = self._total.mend(measured, now)
        if _asleep(measured):
            raise BadEvent("asleep", ASLEEP)
        return measured

    def answer(self, path: str, body: bytes, now: float) -> Heard:
        """What a page says; raises `BadAnswer` where it is not what its path promises."""
        return PAGES[path](self, body, now)

    def complete(self, measured: Measured, wholes: Wholes, now: float) -> tuple[Measured, Wholes]:
        """A reading with what is known beside its source."""
        return self._beside.add(measured, wholes, now)

    def charged(self, now: float) -> float | None:
        """The battery's state of charge in %, where it is known."""
        return self._beside.charged(now)

    def _readings(self, body: bytes, now: float) -> Heard:
        said = readings.read_readings(body, self._site)
        if said.asleep:
            raise Asleep(ASLEEP)
        self.copied = said.copied
        if self.source is not Source.READINGS:
            if Kind.STORAGE in said.measured:
                self._beside.legs(Kind.STORAGE, said.measured[Kind.STORAGE], now)
            return Heard(counted=said.counted)
        if not self._is_new(readings.PATH, said.moments):
            return Heard(counted=said.counted)
        return Heard(said.measured, counted=said.counted)

    def _livedata(self, body: bytes, now: float) -> Heard:
        said = livedata.read_livedata(body)
        if livedata.asleep(said, self._site):
            raise Asleep(ASLEEP)
        first = livedata.PATH not in self._seen
        # Switched off it goes on showing what was last, and the first look cannot tell how old that is.
        new = self._is_new(livedata.PATH, said.last_update) and (said.enabled or not first)
        storage = said.powers.get(Kind.STORAGE)
        power = None if storage is None else storage.whole.power
        self.battery_live = power is not None and (new or said.enabled)
        if not new:
            return NOTHING_NEW
        if said.state_of_charge is not None and self.charged(now) is None:
            self._beside.charge(said.state_of_charge, now, INTERVALS * CHARGE_S)
        measured, wholes = livedata.measured_of(said, self._site)
        if self.source is Source.LIVEDATA:
            return Heard(measured, wholes)
        if power is not None:
            self._beside.whole(Kind.STORAGE, power, now)
        return NOTHING_NEW

    def _batteries(self, body: bytes, now: float) -> Heard:
        self._beside.whole(Kind.STORAGE, battery.read_power(body), now)
        return NOTHING_NEW

    def _inventory(self, body: bytes, now: float) -> Heard:  # noqa: ARG002
        return Heard(battery=battery.has_battery(body))

    def _charge(self, body: bytes, now: float) -> Heard:
        self._beside.charge(battery.read_state_of_charge(body), now, INTERVALS * CHARGE_S)
        return NOTHING_NEW

    def _production(self, body: bytes, now: float, *, path: str) -> Heard:
        found = battery.has_ac_battery(body) if path == battery.PRODUCTION_PATH else None
        if Kind.PRODUCTION in self._site.metered and self.source is not Source.PRODUCTION:
            return Heard(ac_battery=found)
        said = reported.read_reported(path, body)
        if said.asleep:
            raise Asleep(ASLEEP)
        self._beside.whole(Kind.PRODUCTION, said.power_w, now, INTERVALS * self.production_s)
        news: Measured | None = {} if self.source is Source.PRODUCTION else None
        return Heard(news, produced_wh=said.lifetime_wh, ac_battery=found)

    def _meters(self, body: bytes, now: float) -> Heard:  # noqa: ARG002
        return Heard(meters=read_meters(body))

    def _inverters(self, body: bytes, now: float) -> Heard:  # noqa: ARG002
        return Heard(inverters=inverters.read_inverters(body))

    def _home(self, body: bytes, now: float) -> Heard:  # noqa: ARG002
        return Heard(zone=timezone.read_timezone(body))

    def _is_new(self, path: str, moment: object) -> bool:
        """Whether this answer of a page is another reading than the one before."""
        before, self._seen[path] = self._seen.get(path), moment
        return moment != before


PAGES: dict[str, Callable[[Hearing, bytes, float], Heard]] = {
    readings.PATH: Hearing._readings,
    livedata.PATH: Hearing._livedata,
    battery.POWER_PATH: Hearing._batteries,
    battery.CHARGE_PATH: Hearing._charge,
    battery.INVENTORY_PATH: Hearing._inventory,
    **{path: partial(Hearing._production, path=path) for path in reported.READERS},
    METERS: Hearing._meters,
    inverters.PATH: Hearing._inverters,
    timezone.PATH: Hearing._home,
}


def _asleep(measured: Measured) -> bool:
    """Whether the meters say 0 W at 0 V, as minutes after a start (protocol notes, section 7)."""
    said = [phase for phases in measured.values() for phase in phases]
    return any(phase.voltage == 0 for phase in said) and not any(
        phase.power or phase.voltage for phase in said
    )
