"""A visit to the broker as somebody else: what it lets us do, and whether a bridge is there.

    the will       empties the one topic that is kept for a moment, should we die
    publish        acknowledged, and come back
    retained       kept, and forgotten again
    discovery      an empty message, which leaves nothing behind and Home Assistant does not care for
    the bridge     asked through `bridge/request/doctor`

No waiting for what does not come: a broker delivers in order, so behind each question goes a message of our
own, and what was not there when that comes back was not coming. Only where we may not read time has to tell.
"""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import aiomqtt
from aiomqtt.exceptions import MqttConnectError

from envoy_mqtt.diagnosis.broker import Running, Trial, Tried
from envoy_mqtt.mqtt.connection import REFUSALS, WRONG_VERSION, Broker, Connection
from envoy_mqtt.mqtt.message import ONLINE, Message

# What we may not read does not come back, and nobody can tell.
COME_BACK_S = 3.0

# A bridge answers at once; one that is busy with a thousand gateways takes a moment.
ANSWER_S = 6.0

# Should neither we nor our will empty the topic, MQTT 5 does.
EXPIRY_S = 60


class NotTaken(Exception):
    """The broker does not take us: a sentence, and a key of `diagnosis.broker.LOGIN` or nothing."""

    def __init__(self, text: str, kind: str) -> None:
        super().__init__(text)
        self.kind = kind


class Plan(NamedTuple):
    """What to try: `name` is ours alone and part of the topics that are tried, `prefix` is empty where
    Home Assistant's discovery is off, `instance` is our own installation's, `patience_s` how long a message
    may take to come back.
    """

    base: str
    name: str
    instance: str | None = None
    prefix: str = ""
    birth: str = ""
    patience_s: float = COME_BACK_S

    @property
    def topic(self) -> str:
        """The topic under the base topic that is tried."""
        return f"{self.base}/bridge/{self.name}"


class Visit:
    """One connection, and what was heard on it."""

    def __init__(self, connection: Connection, plan: Plan, protocol: str) -> None:
        self._connection = connection
        self._plan = plan
        self.protocol = protocol
        self._heard: list[tuple[str, bytes, bool]] = []
        self._news = asyncio.Event()
        self._marks = 0
        self._over = False

    async def listen(self) -> None:
        """Hear what comes, until the connection ends."""
        try:
            async for message in self._connection.client.messages:
                payload = message.payload if isinstance(message.payload, bytes) else b""
                self._heard.append((str(message.topic), payload, message.retain))
                self._news.set()
        finally:
            self._over = True
            self._news.set()

    async def follow(self, *filters: str) -> AsyncIterator[tuple[str, bytes]]:
        """What comes on the topics that these filters mean, kept or new, until the connection ends."""
        self._heard.clear()
        for each in filters:
            await self._connection.subscribe(each)
        while not self._over:
            await self._news.wait()
            self._news.clear()
            heard, self._heard = self._heard, []
            for topic, payload, _ in heard:
                yield topic, payload

    async def carry_out(self, trial: Trial) -> Trial:
        """Try everything, and look who else is there."""
        plan = self._plan
        published = await self.try_publishing(plan.topic, b"?")
        trial = trial._replace(protocol=self.protocol, published=published)
        if not published.denied and published.received:
            trial = trial._replace(retained=await self.keeps(), removed=await self.forgets())
        if plan.prefix:
            topic = f"{plan.prefix}/device/envoy_{plan.name}/config"
            trial = trial._replace(discovery=await self.try_publishing(topic))
        if plan.birth:
            kept = await self.kept(plan.birth)
            trial = trial._replace(birth=kept[0][1].decode(errors="replace")[:32] if kept else None)
        return trial._replace(running=await find_bridge(self, plan))

    async def try_publishing(self, topic: str, payload: bytes = b"") -> Tried:
        """Publish once and see whether it is taken and comes back."""
        client = self._connection.client
        self._heard.clear()
        await self._connection.subscribe(topic)
        readable = self._connection.refused.pop(topic, None) is None
        await self._connection.send(Message(topic, payload, qos=1, retain=not payload))
        denied = self._connection.refused.get(topic, "")
        received = readable and not denied and await self._comes(lambda it: it[0] == topic)
        await client.unsubscribe(topic)
        return Tried(topic, denied, received)

    async def keeps(self) -> bool:
        """Whether the broker keeps what is retained; it is emptied again in any case."""
        topic = self._plan.topic
        try:
            await self._connection.send(Message(topic, b"kept", qos=1, expiry_s=EXPIRY_S))
            return b"kept" in [payload for _, payload, retain in await self.kept(topic) if retain]
        finally:
            await self._connection.send(Message(topic, b"", qos=1))

    async def forgets(self) -> bool:
        """Whether nothing is left."""
        return not any(payload for _, payload, retain in await self.kept(self._plan.topic) if retain)

    async def kept(self, *topics: str) -> list[tuple[str, bytes, bool]]:
        """What comes at once on these topics: what the broker keeps."""
        client = self._connection.client
        self._heard.clear()
        for topic in topics:
            await self._connection.subscribe(topic)
        await self._until_here()
        for topic in topics:
            await client.unsubscribe(topic)
        return [each for each in self._heard if each[0] in topics]

    async def retained(self, *filters: str) -> dict[str, bytes]:
        """What the broker keeps on the topics that these filters mean, as far as we may read it."""
        self._heard.clear()
        for each in filters:
            await self._connection.subscribe(each)
        await self._until_here()
        for each in filters:
            await self._connection.client.unsubscribe(each)
        return {topic: payload for topic, payload, retain in self._heard if retain and payload}

    async def empty(self, topic: str) -> None:
        """Have the broker forget what it keeps on a topic."""
        await self._connection.send(Message(topic, b"", qos=1))

    async def ask(self, topic: str, answers: str) -> dict[str, Any] | None:
        """The `data` of a running bridge's answer; `None` where it is silent, or refuses."""
        self._heard.clear()
        await self._connection.subscribe(answers)
        request = json.dumps({"transaction": self._plan.name}).encode()
        await self._connection.send(Message(topic, request, qos=1, retain=False))
        found: list[dict[str, Any]] = []

        def ours(heard: tuple[str, bytes, bool]) -> bool:
            content = _content(heard[1]) if heard[0] == answers else {}
            if content.get("transaction") == self._plan.name:
                found.append(content)
            return bool(found)

        await self._comes(ours, ANSWER_S)
        data = found[0].get("data") if found else None
        return data if isinstance(data, dict) else None

    async def _until_here(self) -> None:
        """Everything that was under way has come: a message of our own went behind it."""
        self._marks += 1
        mark = str(self._marks).encode()
        topic = f"{self._plan.topic}/mark"
        await self._connection.subscribe(topic)
        await self._connection.send(Message(topic, mark, qos=1, retain=False))
        await self._comes(lambda it: it[:2] == (topic, mark))
        await self._connection.client.unsubscribe(topic)

    async def _comes(
        self, wanted: Callable[[tuple[str, bytes, bool]], bool], patience_s: float | None = None
    ) -> bool:
        try:
            async with asyncio.timeout(self._plan.patience_s if patience_s is None else patience_s):
                while not any(wanted(each) for each in self._heard):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return False
        return True


@asynccontextmanager
async def visiting(broker: Broker, plan: Plan) -> AsyncIterator[Visit]:
    """A connection of our own, with MQTT 5 and else 3.1.1; raises `NotTaken`, also when it is lost."""
    protocols = ("5", "3.1.1") if broker.protocol == "auto" else (broker.protocol,)
    for protocol in protocols:
        connection = Connection(broker, protocol)
        # What we keep for a moment is emptied by the broker if we die.
        connection.client._client.will_set(plan.topic, b"", 1, True)
        try:
            async with connection.client:
                visit = Visit(connection, plan, protocol)
                listening = asyncio.create_task(visit.listen())
                try:
                    yield visit
                finally:
                    listening.cancel()
                    await asyncio.gather(listening, return_exceptions=True)
            return
        except (aiomqtt.MqttError, OSError, UnicodeError) as error:
            if protocol != protocols[-1] and _wrong_version(error):
                continue
            raise _not_taken(error, broker) from None
        finally:
            connection.hang_up()


async def find_bridge(visit: Visit, plan: Plan) -> Running | None:
    """The bridge that says it is online under the base topic, and what it answers."""
    state, info = f"{plan.base}/bridge/state", f"{plan.base}/bridge/info"
    kept = {topic: payload for topic, payload, _ in await visit.kept(state, info)}
    if kept.get(state) != ONLINE:
        return None
    about = _content(kept.get(info, b""))
    gateways = about.get("gateways")
    told = [each for each in gateways if isinstance(each, dict)] if isinstance(gateways, list) else []
    answer = await visit.ask(f"{plan.base}/bridge/request/doctor", f"{plan.base}/bridge/response/doctor")
    return Running(
        ours=plan.instance is not None and about.get("instance") == plan.instance,
        version=str(about.get("version", "")),
        host=str(about.get("host", "")),
        serials=tuple(str(each["serial"]) for each in told if each.get("serial")),
        hosts=tuple(str(each["host"]) for each in told if each.get("host")),
        answer=answer,
    )


def _content(payload: bytes) -> dict[str, Any]:
    try:
        content = json.loads(payload)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _wrong_version(error: BaseException) -> bool:
    return isinstance(error, MqttConnectError) and _code(error) == WRONG_VERSION


def _code(error: MqttConnectError) -> int:
    return error.rc if isinstance(error.rc, int) else error.rc.value if error.rc else 0


def _not_taken(error: BaseException, broker: Broker) -> NotTaken:
    if isinstance(error, MqttConnectError):
        code = _code(error)
        return NotTaken(f"it refuses us: {REFUSALS.get(code, error)}", "login" if code in (134, 135) else "")
    causes = [error, error.__cause__, error.__context__]
    if any(isinstance(each, ssl.SSLError) for each in causes):
        return NotTaken(f"no secure connection: {error}", "tls")
    if broker.tls is not None and any(isinstance(each, ConnectionError) for each in causes):
        return NotTaken(f"no secure connection: {error}", "tls")
    if "timed out" in str(error):
        return NotTaken("it accepts connections and does not answer", "silent")
    return NotTaken(f"the connection was lost: {error.__cause__ or error}", "silent")
