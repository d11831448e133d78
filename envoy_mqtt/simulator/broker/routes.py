"""Which sessions get the messages of a topic, and how."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from envoy_mqtt.simulator.broker.fields import Property
from envoy_mqtt.simulator.broker.packets import Publish
from envoy_mqtt.simulator.broker.session import Interest, Owed, Session
from envoy_mqtt.simulator.broker.topics import matches

# What any subscription is granted at most, which 3.9.3 leaves to us.
MAX_QOS = 1

# Topics whose routes are remembered, which makes matching one by one fast enough; forgotten
# together beyond, as clients may invent any number of topics.
MAX_REMEMBERED = 4096


class Route(NamedTuple):
    """How a session gets a message: once, however many of its filters match (3.3.4)."""

    qos: int
    as_published: bool
    identifiers: tuple[int, ...]

    def owed(self, message: Publish, expires_at: float, *, retain: bool) -> Owed:
        properties = message.properties
        if self.identifiers:
            properties = {**properties, Property.SUBSCRIPTION_IDENTIFIER: self.identifiers}
        qos = min(message.qos, self.qos)
        return Owed(Publish(message.topic, message.payload, qos, retain, properties=properties), expires_at)


class Recipient(NamedTuple):
    """`own` is the route of the session's own messages, which it may not want to hear (3.8.3.1)."""

    session: Session
    route: Route
    own: Route | None


class Routes:
    """Remembers what it found until told to forget: when a subscription has come or gone."""

    def __init__(self, sessions: Mapping[str, Session]) -> None:
        self._sessions = sessions
        self._found: dict[str, list[Recipient]] = {}

    def __len__(self) -> int:
        return len(self._found)

    def forget(self) -> None:
        self._found.clear()

    def of(self, topic: str) -> list[Recipient]:
        found = self._found.get(topic)
        if found is None:
            if len(self._found) >= MAX_REMEMBERED:
                self.forget()
            found = self._found[topic] = list(self._recipients(topic))
        return found

    def _recipients(self, topic: str) -> Iterator[Recipient]:
        for session in self._sessions.values():
            found = [one for topic_filter, one in session.interests.items() if matches(topic_filter, topic)]
            if found:
                own = [one for one in found if not one.subscription.no_local]
                yield Recipient(session, route(*found), route(*own) if own else None)


def route(*interests: Interest) -> Route:
    """The route of one or more subscriptions of the same session."""
    return Route(
        qos=min(MAX_QOS, max(one.subscription.qos for one in interests)),
        as_published=any(one.subscription.retain_as_published for one in interests),
        identifiers=tuple(number for one in interests for number in one.identifiers),
    )
