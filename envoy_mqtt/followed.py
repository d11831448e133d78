"""One configured gateway: its bridge, its tokens, the attempts to follow it, and what it tells of itself."""

import asyncio
from contextlib import suppress
from math import inf
from typing import NoReturn

import structlog

from envoy_mqtt import config, health, standing
from envoy_mqtt.bridge import Bridge
from envoy_mqtt.errors import ConfigError, GatewayUnavailable, Refused
from envoy_mqtt.gateway.client import Target, follow
from envoy_mqtt.gateway.ladder import Ladder
from envoy_mqtt.gateway.pins import Pins
from envoy_mqtt.gateway.road import Road
from envoy_mqtt.gateway.token import Token
from envoy_mqtt.gateway.tokens import Tokens, expiry
from envoy_mqtt.line import Line
from envoy_mqtt.model import Instant
from envoy_mqtt.mqtt.message import Message
from envoy_mqtt.outbox import Outbox
from envoy_mqtt.summary import Day

log = structlog.get_logger()

# A gateway that is frozen is told of so often.
FROZEN_EVERY_S = 3600.0

# What health tells of a counter that was reset, and for how long: it happens in a moment.
RESET = "counter reset"
RESET_TOLD_S = 86_400.0


class Gateway:
    """One configured gateway: its bridge, its tokens, and the attempts to follow it."""

    def __init__(
        self,
        settings: config.Gateway,
        tokens: Tokens,
        line: Line,
        bridge: Bridge,
        *,
        outbox: Outbox,
        pins: Pins,
    ) -> None:
        self.settings = settings
        self.bridge = bridge
        self.line = line
        self.tokens = tokens
        self.road = Road()
        self.ladder = Ladder(settings.source)
        self._outbox = outbox
        self._pins = pins
        self._until = asyncio.timeout(None)
        self._fresh = False
        self._resets: dict[str | None, int] = {}
        self._reconnects_before = 0

    async def follow(self) -> NoReturn:
        """One attempt; always ends in `TryAgain`."""
        try:
            async with asyncio.timeout(None) as self._until:
                await self._follow()
        except TimeoutError:
            # As after a minute of readings: the next attempt is made at once.
            raise GatewayUnavailable("asked to connect anew", reason="asked", steady_s=inf) from None

    async def _follow(self) -> NoReturn:
        try:
            reload(self._pins)
        except ConfigError as error:
            raise Refused(str(error), reason="refused", code="disk") from None
        where = self.settings
        target = Target(where.host, where.serial, self.tokens, self.road, self.ladder, where.certificate)
        await follow(target, self.bridge, self._outbox, self.line, self._pins)

    def reconnect(self) -> None:
        """Drop the connections and start at the top of the ladder, or end the wait for the next attempt; once
        in a while only.

        Between an attempt and a wait nobody else runs, so one of the two is always there to be ended.
        """
        if self._until.when() is None:
            self.ladder.reset()
            self._until.reschedule(asyncio.get_running_loop().time())

    async def renew(self) -> NoReturn:
        """Keep the token fresh while the stream goes on; the next connection uses the new one."""
        await self.tokens.renewing(self._say)

    async def rest(self, seconds: float) -> None:
        """Wait before the next attempt; a token put into `token_file` meanwhile ends the wait."""
        with suppress(TimeoutError):
            async with asyncio.timeout(None) as self._until:
                await self.tokens.another_one(seconds)

    def tick(self, now: Instant) -> list[Message]:
        """What has to be said because time has passed."""
        self._watch_counters()
        if self.bridge.frozen(now):
            self.line.warn("gateway repeats the same reading", again_after_s=FROZEN_EVERY_S)
        messages = self.bridge.tick(now)
        self._watch_silence(now)
        return messages

    def _watch_silence(self, now: Instant) -> None:
        """One line of the log for readings that stay away over a connection that stands, and one for their
        return; what is frozen or cannot be read has a line of its own.
        """
        before, self._fresh = self._fresh, self.bridge.online
        if self._fresh:
            self.line.heard()
        elif before and health.offline_reason(self.facts(now), now.steady) == "timeout":
            self.line.silent("timeout", health.CAUSES["timeout"])

    def hear(self, topic: str, payload: bytes, now: Instant) -> bool:
        """A message came on a price's topic; whether it was understood."""
        return self.bridge.hear(topic, payload, now)

    def prices(self, now: Instant) -> dict[str, object] | None:
        """Today's prices in columns; `None` where there is no tariff."""
        return self.bridge.course(now)

    def _watch_counters(self) -> None:
        """Tell of a counter that was reset since the tick before."""
        bridge, before = self.bridge, self._resets
        self._resets = {bridge.serial: bridge.resets} if bridge.site is not None else {}
        if bridge.resets > before.get(bridge.serial, bridge.resets):
            self.line.warn(
                RESET, again_after_s=0.0, stands_s=RESET_TOLD_S, code="counter_reset", resets=bridge.resets
            )

    def tell_of_day(self, day: Day) -> None:
        """A local day has ended: its line in the log."""
        reconnects = sum(self.line.reconnects.values())
        self.line.note(
            "day ended",
            serial=self.serial,
            readings=day.readings,
            longest_silence_s=round(day.longest_silence_s, 1),
            reconnects=reconnects - self._reconnects_before,
            **{f"{key}_kwh": kwh for key, kwh in day.energies_kwh.items()},
        )
        self._reconnects_before = reconnects

    def facts(self, now: Instant) -> health.Gateway:
        """What there is to tell of it in health."""
        bridge, held = self.bridge, self.tokens.held
        return health.Gateway(
            serial=self.serial,
            fresh=bridge.online,
            pulse=bridge.pulse,
            frozen=bridge.frozen(now),
            trouble=self.line.trouble,
            standing=[*self.line.standing, *standing.of(bridge, self.ladder.refusals)],
            source=bridge.source if bridge.source_reason else None,
            source_reason=bridge.source_reason or None,
            bursts=bridge.bursts,
            skipped=bridge.skipped,
            reconnects=self.line.reconnects,
            requests=self.road.requests,
            role=None if held is None else held.token.claims.role,
            expires=None if held is None else held.token.claims.expires,
            logins_today=self.tokens.logins_today,
            counter_resets=bridge.resets,
        )

    def _say(self, token: Token) -> None:
        self._outbox.put(self.bridge.renew(token.claims.role, expiry(token)))

    @property
    def serial(self) -> str | None:
        """The gateway's serial number: as it said itself, else as configured."""
        return self.bridge.serial or self.settings.serial


def reload(pins: Pins) -> None:
    """Read the known certificates anew; that they were lost is said."""
    if not pins.reload():
        log.warning("known certificates lost: the file could not be understood and was kept aside")
