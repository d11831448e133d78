"""Which faults of a gateway are on, and what they do at each point of its work."""

import asyncio
from collections.abc import Callable, Mapping

from envoy_mqtt.errors import ConfigError
from envoy_mqtt.simulator.faults import FAULTS
from envoy_mqtt.simulator.garbage import KINDS
from envoy_mqtt.simulator.pages import Answer
from envoy_mqtt.simulator.streams import Stream
from envoy_mqtt.simulator.trouble import Fault, Hook, Setting, Target

OUTAGE = "outage"


class Switches:
    """The faults that are on. Switching is `async` because listening again is, and one at a time.

    `changed` is called whenever one was switched on or off; `nightly` says whether it is the hour of the
    nightly outage.
    """

    def __init__(
        self, target: Target, changed: Callable[[], None], nightly: Callable[[], bool] = lambda: False
    ) -> None:
        self._target = target
        self._changed = changed
        self._nightly = nightly
        self._on: dict[str, Setting] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._switching = asyncio.Lock()

    @property
    def active(self) -> dict[str, Setting]:
        """By name, in the order of the table."""
        on = {OUTAGE: Setting(OUTAGE, {})} | self._on if self._nightly() else self._on
        return {name: on[name] for name in FAULTS if name in on} if on else {}

    @property
    def delay_s(self) -> float:
        """How long headers are held back."""
        return self._on["slow"].number("delay_s") if "slow" in self._on else 0.0

    @property
    def pause_s(self) -> float:
        """How long to wait after each piece of what is sent."""
        return self._on["slow"].number("pause_s") if "slow" in self._on else 0.0

    async def on(self, name: str, seconds: float | None, given: Mapping[str, object]) -> None:
        """Switch a fault on, or over; raises ConfigError where there is no such fault or setting."""
        fault, setting = _asked(name, given)
        async with self._switching:
            await self._off(name)
            self._on[name] = setting
            self._changed()
            if fault.begin:
                await fault.begin(self._target, setting)
            for stream in self._target.streams if fault.strike else ():
                self._strike(setting, stream)
            if fault.life:
                self._tasks[name] = asyncio.create_task(self._live(fault.life, setting), name=f"fault {name}")
            elif seconds is not None:
                self._tasks[name] = asyncio.create_task(self._expire(setting, seconds), name=f"fault {name}")
            elif fault.once:
                await self._off(name)

    async def off(self, name: str) -> None:
        """Switch a fault off; nothing where it is not on."""
        async with self._switching:
            await self._off(name)

    async def clear(self) -> None:
        """Switch everything off; stories first, so that they switch nothing on again."""
        async with self._switching:
            for name in sorted(self._on, key=lambda name: FAULTS[name].life is None):
                await self._off(name)

    async def close(self) -> None:
        """End what still runs, without putting anything right."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, Exception):
                raise result

    async def answer(self, path: str, close: Callable[[], None]) -> Answer | None:
        """What is said instead of the true answer; None to say that."""
        for name, setting in self.active.items():
            replace = FAULTS[name].answer
            found = await replace(self._target, setting, path, close) if replace else None
            if found is not None:
                return found
        return None

    def strike(self, stream: Stream) -> None:
        """A stream has opened while these faults last."""
        for setting in self.active.values():
            self._strike(setting, stream)

    def shape(self, event: bytes) -> list[bytes]:
        """What becomes of an event on its way out."""
        pieces = [event]
        for name, setting in self.active.items():
            shape = FAULTS[name].shape
            if shape:
                setting.count += 1
                pieces = shape(setting, pieces)
        return pieces

    def _strike(self, setting: Setting, stream: Stream) -> None:
        strike = FAULTS[setting.name].strike
        if strike:
            strike(setting, stream, self._target.event())

    async def _off(self, name: str) -> None:
        task = self._tasks.pop(name, None)
        if task is not None and task is not asyncio.current_task():
            task.cancel()
            await asyncio.wait((task,))
        setting = self._on.pop(name, None)
        end = FAULTS[name].end if setting else None
        if setting and end:
            await end(self._target, setting)
        self._changed()

    async def _live(self, life: Hook, setting: Setting) -> None:
        await life(self._target, setting)
        await self.off(setting.name)

    async def _expire(self, setting: Setting, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self.off(setting.name)


def _asked(name: str, given: Mapping[str, object]) -> tuple[Fault, Setting]:
    fault = FAULTS.get(name)
    if fault is None:
        raise ConfigError(f"fault: there is no {name!r}; there are: {', '.join(FAULTS)}.")
    values = fault.checked(name, given)
    if values.get("kind", "") not in {"", *KINDS}:
        raise ConfigError(f"{name}: there is no kind {values['kind']!r}; there are: {', '.join(KINDS)}.")
    return fault, Setting(name, values)
