"""`envoy-mqtt watch`: the power flow in a terminal, from the broker.

It asks no gateway and no bridge, only what the broker is told; so it works from any machine in the house, and
beside any number of others. Where nobody looks, as in a pipe, it shows one picture and ends.
"""

import asyncio
import secrets
import sys
from asyncio import sleep
from collections.abc import Awaitable, Callable
from typing import NoReturn

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from envoy_mqtt import __version__, zone
from envoy_mqtt.app import stop_on_signals
from envoy_mqtt.broker import settled
from envoy_mqtt.clock import unix
from envoy_mqtt.config import Settings
from envoy_mqtt.doctor import visitor
from envoy_mqtt.errors import BrokerUnavailable, EnvoyMqttError, TryAgain
from envoy_mqtt.mqtt.trial import NotTaken, Plan, visiting
from envoy_mqtt.supervise import keep, run_until
from envoy_mqtt.terminal.board import Board
from envoy_mqtt.terminal.picture import Scene, picture

# A clock that shows seconds.
EVERY_S = 0.5

# A broker stands in the house and restarts in seconds.
CEILING_S = 10.0

# For one picture: everything that is kept is there at once, and the next reading within seconds.
ONE_S = 10.0

# Where a terminal knows only ASCII.
PLAIN = str.maketrans({"█": "#", "✗": "!", "→": ">", "·": "-", "–": "-", "…": "."})


class Watch:
    """One board, kept up to date and drawn; `trouble` is what is wrong with the broker, in a sentence."""

    def __init__(self, settings: Settings, console: Console) -> None:
        self._settings = settings
        self._console = console
        self._zone = zone.configured(settings.site.timezone) or zone.machine()
        self._where = _address(settings)
        self._trouble = f"Asking the broker {self._where} …"
        self.board = Board(settings.mqtt.base_topic)

    async def listen(self) -> NoReturn:
        """Hear everything until the broker is lost; raises `TryAgain`."""
        settings = await settled(self._settings)
        self._where = _address(settings)
        plan = Plan(settings.mqtt.base_topic, name=f"watch_{secrets.token_hex(4)}")
        try:
            async with visiting(visitor(settings, plan), plan) as visit:
                self._trouble = ""
                self.board = Board(plan.base)
                async for topic, payload in visit.follow(*self.board.filters):
                    self.board.hear(topic, payload)
            raise NotTaken("the connection was lost", "silent")
        except NotTaken as trouble:
            raise BrokerUnavailable(f"The broker {self._where}: {trouble}.", reason="away") from None

    def lost(self, error: TryAgain, retry_in_s: float) -> None:
        """The broker is away; what it told last stays on the screen."""
        self._trouble = f"{error} It is asked again in {retry_in_s:.0f} s."

    async def draw(self) -> NoReturn:
        """Draw for ever."""
        with Live(console=self._console, screen=True, auto_refresh=False) as live:
            while True:
                live.update(self.picture(self._console.width, self._console.height), refresh=True)
                await sleep(EVERY_S)

    def picture(self, width: int, height: int) -> Group:
        """What there is to see."""
        title = f"envoy-mqtt {__version__}   {self._where}"
        lines = picture(self.board, Scene(title, unix(), self._zone, self._trouble), width, height)
        plain = self._console.options.ascii_only
        return Group(*(_text(line, plain=plain) for line in lines))

    async def once(self) -> None:
        """Listen until there is a reading of every gateway, or for a while."""
        try:
            async with asyncio.timeout(ONE_S):
                await _first(self.listen, lambda: _complete(self.board))
        except TimeoutError:
            return


def _address(settings: Settings) -> str:
    return f"{settings.mqtt.host}:{settings.mqtt.port}"


def _text(line: list[tuple[str, str]], *, plain: bool) -> Text:
    pieces = [(text.translate(PLAIN) if plain else text, style) for text, style in line]
    return Text.assemble(*pieces, no_wrap=True, overflow="crop")


def _complete(board: Board) -> bool:
    return bool(board.health and board.gateways) and all(each.live for each in board.gateways.values())


async def _first(job: Callable[[], Awaitable[NoReturn]], done: Callable[[], bool]) -> None:
    """Do a job until something is so."""
    task = asyncio.ensure_future(job())
    try:
        while not (done() or task.done()):  # noqa: ASYNC110  nobody tells when
            await sleep(0.05)
        if task.done():
            await task
    finally:
        task.cancel()
        await asyncio.wait({task})


async def watch(settings: Settings, *, once: bool) -> None:
    """Show it until SIGTERM or SIGINT, or once; raises `EnvoyMqttError` where there is no broker then."""
    console = Console()
    it = Watch(settings, console)
    if once or not console.is_terminal:
        try:
            await it.once()
        except TryAgain as error:
            raise EnvoyMqttError(f"{error} 'envoy-mqtt doctor' looks closer.") from None
        console.print(it.picture(console.width, sys.maxsize))
        return
    stop = stop_on_signals()
    await run_until(stop, keep(it.listen, it, ceiling_s=CEILING_S), it.draw())
