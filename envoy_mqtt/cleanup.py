"""`envoy-mqtt cleanup`: what bridges have left at the broker is found, and emptied.

Two visits: between them someone is asked, and may take his time.
"""

import re
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

from envoy_mqtt.broker import settled
from envoy_mqtt.config import Settings
from envoy_mqtt.config.settings import A_TOPIC, TOPIC
from envoy_mqtt.doctor import visitor
from envoy_mqtt.errors import ConfigError, EnvoyMqttError
from envoy_mqtt.gateway.verdict import printable
from envoy_mqtt.mqtt.leavings import Place, Running, leavings, running
from envoy_mqtt.mqtt.trial import NotTaken, Plan, Visit, visiting


class Found(NamedTuple):
    """The topics that would go, and the bridge that runs there and would say them all again."""

    where: str
    topics: list[str]
    running: Running | None

    def describe(self) -> str:
        """What there is, a line for each topic."""
        if not self.topics:
            return f"Nothing of a bridge is kept under {self.where}."
        lines = [f"Kept under {self.where} and announced to Home Assistant:"]
        lines += [f"  {printable(topic)}" for topic in self.topics]
        if self.running is not None:
            host, version = map(printable, self.running)
            lines.append(f"A bridge runs there ({version} on {host}): stop it first, or it says them again.")
        return "\n".join(lines)


def place(settings: Settings, base: str | None, serial: str | None) -> Place:
    """Where to look: under the configured base topic, where no other is given; raises `ConfigError`."""
    if base is not None and not re.fullmatch(TOPIC, base):
        raise ConfigError(f"--base-topic: {printable(base)} is not {A_TOPIC}")
    return Place(base or settings.mqtt.base_topic, settings.homeassistant.prefix, serial)


async def look(settings: Settings, place: Place) -> Found:
    """Find what is there; raises `EnvoyMqttError` where the broker does not take us."""
    async with _visiting(settings, place) as visit:
        kept = await visit.retained(*place.filters)
    return Found(place.base, leavings(kept, place), running(kept, place.base))


async def empty(settings: Settings, place: Place, topics: Sequence[str]) -> None:
    """Empty these topics; raises `EnvoyMqttError` where the broker does not take us or keeps some."""
    async with _visiting(settings, place) as visit:
        for topic in topics:
            await visit.empty(topic)
        kept = await visit.retained(*place.filters)
    left = [topic for topic in topics if topic in kept]
    if left:
        raise EnvoyMqttError(
            f"{len(left)} of {len(topics)} topics are still there, {printable(left[0])} the first: a bridge "
            "that runs says them again, and a broker's access list may refuse them to this user"
        )


@asynccontextmanager
async def _visiting(settings: Settings, place: Place) -> AsyncIterator[Visit]:
    plan = Plan(place.base, name=f"cleanup_{secrets.token_hex(4)}")
    settings = await settled(settings)
    try:
        async with visiting(visitor(settings, plan), plan) as visit:
            yield visit
    except NotTaken as trouble:
        where = f"{settings.mqtt.host}:{settings.mqtt.port}"
        raise EnvoyMqttError(f"the broker {where}: {trouble}; 'envoy-mqtt doctor' looks closer") from None
