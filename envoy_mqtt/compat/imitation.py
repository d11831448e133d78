"""What other bridges would have published of a reading, so that what people built on them goes on. Pure.

The shapes are those of the script Enphase-Envoy-mqtt-json: its one topic has what a page of the gateway
answers, or an event of its stream; and FreeDS, a diverter of surplus, listens for the grid's power as an "ICC
Solar" inverter says it. Neither is kept by the broker: who asks later gets a new one within a second, and a
diverter must not act on an old one. Of the diverter's other topics none is said: any of them would tell it
that all is well while the grid's power is not known.

Where the source is the page that is wanted it is passed on as it is. Else each reading is put into the last
answer of that page, and an event is made of the reading whatever the source (notes on what people run,
"Compatibility outputs").
"""

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from envoy_mqtt.compat import livedata, readings, stream
from envoy_mqtt.gateway import plan
from envoy_mqtt.gateway.document import loose
from envoy_mqtt.gateway.ladder import Source
from envoy_mqtt.gateway.layout import whole_power
from envoy_mqtt.model import Measured, Quantity, Reading, Site
from envoy_mqtt.mqtt.message import Message, encode

Shape = Literal["off", "readings", "stream", "livedata"]

GRID_WATTS = "Inverter/GridWatts"

# Pages have 2 to 10 kB; each reading would carry a larger one again.
LARGEST = 65_536

# The page is asked for when a source opens, and may take some seconds; without it counters are missing.
PATIENCE = 15

PATHS = {"readings": plan.PAGES[Source.READINGS], "livedata": plan.PAGES[Source.LIVEDATA]}
KINDS = {"readings": list, "livedata": dict}


class Imitated(NamedTuple):
    """What is wanted of one gateway. Of several only the `first` has the plain topic and the diverter."""

    shape: Shape = "off"
    topic: str = "/envoy/json"
    freeds: bool = False
    first: bool = True


NOTHING = Imitated()


class Imitation:
    """Follows one gateway."""

    def __init__(self, wanted: Imitated = NOTHING) -> None:
        self._wanted = wanted
        self.forget()

    def forget(self) -> None:
        """Another gateway is there: its pages are not those of the one before."""
        self._page: Any = None
        self._missed = 0

    def hear(self, path: str, body: bytes) -> None:
        """A page was answered, and was what its path promises."""
        shape = self._wanted.shape
        if path != PATHS.get(shape) or len(body) > LARGEST:
            return
        page = loose(body)
        if isinstance(page, KINDS[shape]):
            self._page = page

    def write(self, measured: Measured, reading: Reading, site: Site, good_until: float) -> Iterator[Message]:
        """The messages of a reading; `measured` is what it was made of."""
        shape, topic, freeds, first = self._wanted
        document = None if shape == "off" else self._document(measured, reading, site)
        if document is not None:
            own = topic if first else f"{topic}/{site.identity.serial}"
            yield Message(own, encode(document), retain=False, good_until=good_until)
        power = _grid_w(reading) if freeds and first else None
        if power is not None:
            yield Message(GRID_WATTS, b"%d" % round(power), retain=False, good_until=good_until)

    def _document(self, measured: Measured, reading: Reading, site: Site) -> Any:
        shape, page = self._wanted.shape, self._page
        if shape == "stream":
            return stream.event(measured, site)
        if page is None:
            self._missed += 1
            if self._missed <= PATIENCE:
                return None
            page = readings.blank(site) if shape == "readings" else livedata.blank(site)
        if shape == "livedata":
            own = reading.source == Source.LIVEDATA
            return page if own else livedata.filled(page, reading, site)
        own = reading.source == Source.READINGS
        return readings.ordered(page, site) if own else readings.filled(page, measured, site, reading.time)


def _grid_w(reading: Reading) -> float | None:
    """The net power of all phases, + import."""
    phases, wholes = reading.quantities
    if Quantity.NET not in phases:
        return None
    power = whole_power(phases[Quantity.NET])
    return wholes.get(Quantity.NET) if power is None else power
