"""What the inverters say of themselves, where no production meter is enabled.

Gateways with metering hardware tell it in one entry of `/production.json`; their `/api/v1/production`
shows the disabled meter's noise (recording 8.2.4264: 4 W of 5,521). The others have only the latter right.
Both are slow: inverters report every 5 to 15 min (protocol notes, sections 3.4 and 3.5).
"""

from collections.abc import Callable
from typing import NamedTuple

from pydantic_core import SchemaValidator

from envoy_mqtt.errors import BadAnswer
from envoy_mqtt.gateway.document import BIG_NUMBER, NUMBER, check, decode, entries, record
from envoy_mqtt.model import Identity

METERED_PATH = "/production.json"
PLAIN_PATH = "/api/v1/production"

_DOCUMENT = SchemaValidator(record({"production": entries()}))
_ENTRY = SchemaValidator(record({"wNow": NUMBER, "whLifetime": BIG_NUMBER}))
_PLAIN = SchemaValidator(record({"wattsNow": NUMBER, "wattHoursLifetime": BIG_NUMBER}))


class Reported(NamedTuple):
    """The sum over all inverters, as of their last reports."""

    power_w: float
    lifetime_wh: float

    @property
    def asleep(self) -> bool:
        """Whether they have said nothing yet since the gateway's start (protocol notes, section 3.5)."""
        return not self.power_w and not self.lifetime_wh


def path_of(identity: Identity) -> str:
    """Where this gateway tells it; a firmware that does not say whether it has meters has none."""
    return METERED_PATH if identity.metered else PLAIN_PATH


def read_reported(path: str, body: bytes) -> Reported:
    """What `body`, the answer of a path of `path_of`, says; raises `BadAnswer`, and nothing else."""
    return READERS[path](body)


def read_production_json(body: bytes) -> Reported:
    """The entry of the inverters, wherever in the list it is."""
    for entry in decode(METERED_PATH, body, _DOCUMENT)["production"]:
        if isinstance(entry, dict) and entry.get("type") == "inverters":
            found = check(METERED_PATH, entry, _ENTRY)
            return Reported(found["wNow"], found["whLifetime"])
    raise BadAnswer(f"{METERED_PATH} has no entry of the inverters")


def read_v1_production(body: bytes) -> Reported:
    """The short answer of a gateway without metering hardware."""
    found = decode(PLAIN_PATH, body, _PLAIN)
    return Reported(found["wattsNow"], found["wattHoursLifetime"])


READERS: dict[str, Callable[[bytes], Reported]] = {
    METERED_PATH: read_production_json,
    PLAIN_PATH: read_v1_production,
}
