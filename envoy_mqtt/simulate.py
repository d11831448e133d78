"""`envoy-mqtt simulate`: the gateway to practise on, alone, with its switchboard."""

import socket
import sys

from envoy_mqtt import log
from envoy_mqtt.app import stop_on_signals
from envoy_mqtt.simulator.control import Control
from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.options import Layout, Options, Pace, Wiring

__all__ = ["Layout", "Options", "Pace", "Wiring", "simulate"]


async def simulate(options: Options, host: str, port: int, control_port: int) -> None:
    """Play a gateway until SIGTERM or SIGINT; ports that are taken are replaced by free ones."""
    stop = stop_on_signals()
    log.configure("warning", "auto", stream=sys.stderr)
    async with (
        Gateway(options, free(host, port), host) as gateway,
        Control(gateway, free("127.0.0.1", control_port)) as control,
    ):
        say(_what_runs(gateway, control))
        await stop.wait()


def _what_runs(gateway: Gateway, control: Control) -> str:
    """What one needs to point a client at it; its tokens open nothing but itself."""
    what = gateway.options
    enough = gateway.token(what.role_for_stream)
    return "\n".join(
        (
            f"A simulated gateway: {gateway.serial}, {what.firmware}, {what.layout}, {what.phases}.",
            f"  gateway       {gateway.url}",
            f"  switchboard   {control.url}   its faults and how to switch them",
            f"  owner token       {gateway.owner_token}",
            f"  installer token   {gateway.installer_token}",
            "Try in another terminal:",
            f"curl -kN -H 'Authorization: Bearer {enough}' {gateway.url}/stream/meter",
            f"""curl -d '{{"fault": "stall", "seconds": 20}}' {control.url}/faults""",
            "Ctrl-C ends it.",
        )
    )


def free(host: str, port: int) -> int:
    """The port, or 0 (any free one) where somebody has it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError):
            return 0
    return port


def say(text: str) -> None:
    """To the terminal or a pipe at once, and never wrapped."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
