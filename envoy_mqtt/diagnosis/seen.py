"""What was seen of one gateway, from its name to its stream."""

from typing import Any, NamedTuple

from envoy_mqtt.diagnosis.broker import Running
from envoy_mqtt.diagnosis.pacing import Flow
from envoy_mqtt.diagnosis.reach import Reached
from envoy_mqtt.gateway.ladder import Ladder, Source, Step, Wanted
from envoy_mqtt.gateway.token import Token
from envoy_mqtt.gateway.verdict import Mode
from envoy_mqtt.model import Identity, Site

HTTPS, HTTP = 443, 80


class Shown(NamedTuple):
    """The certificate of a handshake; `ends` is in Unix seconds, `None` where it cannot be read."""

    name: str | None
    sha256: str
    ends: float | None


class Trouble(NamedTuple):
    """Why something could not be had: a sentence, and a word for it where there is one; `absent` is whether
    the gateway has it not, or not for us, and goes on.
    """

    text: str
    code: str = ""
    absent: bool = False


class Seen(NamedTuple):
    """What was seen of a gateway. What was not reached is `None`; `…_trouble` says why."""

    host: str
    now: float
    key: str = "gateway"
    base: str = "envoy"
    serial: str | None = None
    certificate: Mode = "pin"
    wanted: Wanted = "auto"
    in_container: bool = False
    reached: Reached = Reached("")
    shown: Shown | None = None
    pinned: str | None = None
    identity: Identity | None = None
    identity_trouble: Trouble | None = None
    certificate_trouble: Trouble | None = None
    gateway_time: float | None = None
    token: Token | None = None
    origin: str = ""
    renewed: bool = False
    token_trouble: Trouble | None = None
    site: Site | None = None
    site_trouble: Trouble | None = None
    stream_trouble: Trouble | None = None
    flow: Flow | None = None
    running: Running | None = None

    @property
    def bridge(self) -> dict[str, Any] | None:
        """What a running bridge tells of this gateway; its stream is then left alone."""
        if self.running is None or self.identity is None:
            return None
        return self.running.tells(self.identity.serial)

    @property
    def occupied(self) -> bool:
        """Whether a running bridge has its stream, or may have."""
        if self.running is None or self.identity is None:
            return False
        return self.bridge is not None or self.running.reads(self.identity.serial, self.host)


def first_step(wanted: Wanted, site: Site, stream: Trouble | None = None) -> Step:
    """Where the bridge would read this site; `stream` is why it may not read the stream."""
    ladder = Ladder(wanted)
    if stream is not None:
        ladder.shut(Source.STREAM, stream.text, now=0.0)
    return ladder.choose(site, now=0.0)
