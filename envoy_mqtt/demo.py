"""`envoy-mqtt demo`: a simulated house, its gateway, a broker, and the bridge, in one process.

Nothing in it is a short cut: the bridge reads the gateway over TLS, the page is the bridge's own, and the
line a second on the terminal comes from a subscriber of the broker, as anyone's would.
"""

import asyncio
import json
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import aiomqtt

from envoy_mqtt import config, log
from envoy_mqtt.app import App, stop_on_signals
from envoy_mqtt.mqtt.connection import NO_DELAY
from envoy_mqtt.simulate import free, say
from envoy_mqtt.simulator.broker import Broker
from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.options import Options, Wiring
from envoy_mqtt.supervise import run_until

HOST = "127.0.0.1"
GATEWAY_PORT = 8443
WEB_PORT = 8099

# The house's clock starts here, late on a June morning, when there is something to see.
MORNING = 1_782_036_000.0  # 2026-06-21 10:00 UTC


async def demo(port: int, host: str = HOST) -> None:
    """Run until SIGTERM or SIGINT; `port` is the broker's, and a free one is taken where it is not.

    Broker and web server listen at `host`: in a container its loopback would reach nobody.
    """
    stop = stop_on_signals()
    log.configure("error", "auto", stream=sys.stderr)
    options = Options(phases=Wiring.THREE, start=MORNING)
    with tempfile.TemporaryDirectory(prefix="envoy-mqtt-demo-") as folder:
        async with (
            Broker(host, free(host, port)) as broker,
            Gateway(options, free(HOST, GATEWAY_PORT), HOST) as gateway,
        ):
            web_port = free(host, WEB_PORT) or _any_port()
            say(_what_runs(broker, gateway, web_port, host))
            bridge = _bridge(Path(folder), broker, gateway, web_port, host)
            await run_until(stop, bridge, _watch(broker.port))
    say("The demo has ended.")


def _what_runs(broker: Broker, gateway: Gateway, web_port: int, host: str) -> str:
    open_to = "this machine only" if host == HOST else f"open to who reaches {host}"
    return "\n".join(
        (
            f"http://{HOST}:{web_port}/ shows a simulated house: open it in a browser.",
            "Behind it are the house's gateway, an MQTT broker and the bridge between them.",
            f"  gateway   {gateway.url}   serial {gateway.serial}, three phases, production and net meter",
            f"  broker    {HOST}:{broker.port}   no password, {open_to}",
            "Try in another terminal:",
            f"mosquitto_sub -h {HOST} -p {broker.port} -t 'envoy/#' -v",
            "Ctrl-C ends it.",
        )
    )


def _any_port() -> int:
    """A port that nobody has just now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


async def _bridge(folder: Path, broker: Broker, gateway: Gateway, web_port: int, host: str) -> None:
    """The bridge as `run` runs it; it says goodbye when it is cancelled."""
    settings = config.load(
        None,
        environ={},
        cwd=folder,
        overrides={
            "data_dir": str(folder),
            "gateway.host": f"{HOST}:{gateway.port}",
            "gateway.token": gateway.owner_token,
            "mqtt.host": HOST,
            "mqtt.port": broker.port,
            "web.host": host,
            "web.port": web_port,
        },
    )
    stop = asyncio.Event()
    running = asyncio.create_task(App(settings).run(stop))
    try:
        await asyncio.shield(running)
    finally:
        stop.set()
        await running


async def _watch(port: int) -> None:
    async with aiomqtt.Client(HOST, port, socket_options=NO_DELAY) as client:
        await client.subscribe("envoy/+/live")
        async for message in client.messages:
            if isinstance(message.payload, bytes):
                say(line(json.loads(message.payload), time.time()))


def line(live: dict[str, Any], now: float) -> str:
    """One reading as a line of text: powers in W, and how old the reading was when it arrived here."""
    net = live["net_power"]
    direction = "importing" if net >= 0 else "exporting"
    clock = time.strftime("%H:%M:%S", time.localtime(live["time"]))
    age_ms = max(0.0, now - live["time"]) * 1000
    return (
        f"{clock}   production {live['production_power']:5.0f} W   {direction} {abs(net):5.0f} W   "
        f"consumption {live['consumption_power']:5.0f} W   {age_ms:.0f} ms old"
    )
