"""What is sent to the broker, and how the values in it are written. Pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from math import floor, inf
from typing import Any, NamedTuple

from pydantic_core import to_json

ONLINE, OFFLINE = b"online", b"offline"


class Message(NamedTuple):
    """One publish. `expiry_s` is MQTT 5's message expiry, 0 for none; `good_until` is the steady time
    after which it is not sent any more to a broker that was away, so that nothing old looks new, `arrived`
    the steady time of the reading that is in it, 0 where there is none; `kept` is whether it is the journal's
    and must not be lost, `inside` whether it is the page's alone; `values` is what a `live` says, for who
    would have to decode its payload.
    """

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = True
    expiry_s: int = 0
    good_until: float = inf
    arrived: float = 0.0
    kept: bool = False
    inside: bool = False
    values: Mapping[str, Any] | None = None

    @property
    def lasting(self) -> bool:
        """Whether it is true until the next of its topic: who comes later has to be told, by the broker that
        keeps it or by us.
        """
        return self.retain or (self.good_until == inf and not self.kept)

    @property
    def content_type(self) -> str:
        """What MQTT 5 is told of the payload: every payload is JSON, an object or a list, or plain text."""
        return "application/json" if self.payload.startswith((b"{", b"[")) else ""


class Incoming(NamedTuple):
    """A message that the broker brought; `retain` is whether it lay there before we asked."""

    topic: str
    payload: bytes
    retain: bool = False


def encode(payload: Mapping[str, Any] | Sequence[Any]) -> bytes:
    """The payload as compact JSON; a number that is not finite, and nobody lets one come here, is `null`."""
    return to_json(payload, inf_nan_mode="null")


def milliseconds(unix: float) -> tuple[float, str]:
    """An instant as the contract writes it twice: Unix seconds with a fraction of ms, and ISO 8601 UTC.

    Cut and not rounded, for nothing was read after now; the hundredth makes up for binary fractions.
    """
    ms = floor(unix * 1000 + 0.01)
    whole = datetime.fromtimestamp(ms // 1000, UTC).replace(microsecond=ms % 1000 * 1000)
    return ms / 1000, whole.isoformat(timespec="milliseconds")[:-6] + "Z"


def iso(unix: float) -> str:
    """ISO 8601 UTC in whole seconds, with `Z`."""
    return datetime.fromtimestamp(int(unix), UTC).isoformat()[:-6] + "Z"
