"""What a fault is made of; the faults themselves stand in `faults.FAULTS`.

A fault is a row of hooks, each called at its own point of the gateway's work:

    begin, end   when it is switched on and off
    answer       instead of the true answer to a request
    strike       on every open stream, and on each that opens while the fault lasts
    shape        on the pieces of every event on their way out
    life         a story of its own that ends by itself

Faults whose sense is a single blow (`once`) strike the streams that are open and are over, unless seconds
are given.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from envoy_mqtt.errors import ConfigError
from envoy_mqtt.simulator.installation import Source
from envoy_mqtt.simulator.pages import Answer
from envoy_mqtt.simulator.streams import Stream, Streams

Value = float | str


class Target(Protocol):
    """What faults may do to a gateway."""

    streams: Streams
    source: Source
    clock: Callable[[], float]

    def refusal(self) -> Answer: ...
    def event(self, age_s: float = 0.0) -> bytes: ...
    def renew_certificate(self, *, expired: bool = False) -> None: ...
    def rename(self, serial: str) -> None: ...
    def hang_up(self) -> None: ...
    def refuse(self) -> None: ...
    async def listen(self) -> None: ...
    def forget_sessions(self) -> None: ...
    def revoke_tokens(self) -> None: ...
    @property
    def https_url(self) -> str: ...
    async def fault(self, name: str, *, seconds: float | None = None, **settings: Value) -> None: ...
    async def clear(self, name: str | None = None) -> None: ...


@dataclass
class Setting:
    """A fault that is on, with its settings; `count` is how many events it has seen."""

    name: str
    values: Mapping[str, Value]
    count: int = 0

    def number(self, key: str) -> float:
        return float(self.values[key])

    def text(self, key: str) -> str:
        return str(self.values[key])


Hook = Callable[[Target, Setting], Awaitable[None]]
# The path, and a way to close the connection it came on.
Replace = Callable[[Target, Setting, str, Callable[[], None]], Awaitable[Answer | None]]


@dataclass(frozen=True)
class Fault:
    """One kind of trouble. `settings` are its settings' defaults, which say their types as well."""

    text: str
    settings: Mapping[str, Value] = field(default_factory=dict)
    once: bool = False
    begin: Hook | None = None
    end: Hook | None = None
    life: Hook | None = None
    answer: Replace | None = None
    strike: Callable[[Setting, Stream, bytes], None] | None = None
    shape: Callable[[Setting, list[bytes]], list[bytes]] | None = None

    def checked(self, name: str, given: Mapping[str, object]) -> dict[str, Value]:
        """What was given over the defaults; raises ConfigError for one that is unknown or of another type."""
        unknown = [key for key in given if key not in self.settings]
        if unknown:
            known = ", ".join(self.settings) or "none"
            raise ConfigError(f"{name}: there is no setting {unknown[0]!r}; there are: {known}.")
        return {
            key: _checked(f"{name}: {key}", given.get(key, value), value)
            for key, value in self.settings.items()
        }


def _checked(what: str, value: object, default: Value) -> Value:
    if isinstance(default, str):
        if isinstance(value, str):
            return value
        raise ConfigError(f"{what} is {value!r}; a text is needed.")
    if isinstance(value, int | float) and not isinstance(value, bool) and 0.0 <= value <= 1e9:
        return float(value)
    raise ConfigError(f"{what} is {value!r}; a number from 0 to 1e9 is needed.")
