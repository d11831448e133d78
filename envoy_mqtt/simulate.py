"""`envoy-mqtt simulate`: the gateway to practise on, with its switchboard, and a cloud on request."""

import socket
import sys
from contextlib import AsyncExitStack
from typing import NamedTuple

from envoy_mqtt import log
from envoy_mqtt.app import stop_on_signals
from envoy_mqtt.simulator.cloud import Cloud, Person
from envoy_mqtt.simulator.control import Control
from envoy_mqtt.simulator.digest import derived_password
from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.options import Battery, Layout, Options, Pace, Wiring

__all__ = ["Battery", "Layout", "Options", "Pace", "Ports", "Wiring", "simulate"]


class Ports(NamedTuple):
    """Where to listen; those that are taken are replaced by free ones. None: not at all."""

    gateway: int
    control: int
    http: int | None = None
    cloud: int | None = None


async def simulate(options: Options, host: str, ports: Ports) -> None:
    """Play a gateway until SIGTERM or SIGINT."""
    stop = stop_on_signals()
    log.configure("warning", "auto", stream=sys.stderr)
    http_port = None if ports.http is None else free(host, ports.http)
    async with AsyncExitStack() as stack:
        gateway = Gateway(options, free(host, ports.gateway), host, http_port=http_port)
        await stack.enter_async_context(gateway)
        control = await stack.enter_async_context(Control(gateway, free("127.0.0.1", ports.control)))
        text = _what_runs(gateway, control)
        if ports.cloud is not None:
            owner = Person(serials=(gateway.serial,))
            cloud = Cloud(gateway.keys, owner, port=free("127.0.0.1", ports.cloud))
            text += _about(await stack.enter_async_context(cloud), owner)
        say(f"{text}\nCtrl-C ends it.")
        await stop.wait()


def _what_runs(gateway: Gateway, control: Control) -> str:
    """What one needs to point a client at it; its tokens and passwords open nothing but itself."""
    what = gateway.options
    lines = [
        f"A simulated gateway: {gateway.serial}, {what.firmware}, {what.layout}, {what.phases}.",
        f"  gateway       {gateway.url}",
        f"  switchboard   {control.url}   its faults and how to switch them",
    ]
    if gateway.http_port:
        lines.append(f"  its port 80   http://{gateway.host}:{gateway.http_port}")
    if what.version.has_tokens:
        lines += [
            f"  owner token       {gateway.owner_token}",
            f"  installer token   {gateway.installer_token}",
        ]
        login = f"-H 'Authorization: Bearer {gateway.token(what.role_for_stream)}'"
    else:
        lines += [
            f"  user envoy        {gateway.serial[-6:]}",
            f"  user installer    {derived_password(gateway.serial)}",
        ]
        login = f"--digest -u 'installer:{derived_password(gateway.serial)}'"
    lines += [
        "Try in another terminal:",
        f"curl -kN {login} {gateway.url}/stream/meter",
        f"""curl -d '{{"fault": "stall", "seconds": 20}}' {control.url}/faults""",
    ]
    return "\n".join(lines)


def _about(cloud: Cloud, owner: Person) -> str:
    """The keys of a configuration that fetches its tokens here."""
    return "\n".join(
        (
            "\nA cloud that issues its tokens; in a configuration:",
            "[gateway.account]",
            f'username = "{owner.username}"',
            f'password = "{owner.password}"',
            "[cloud]",
            f'login_url = "{cloud.url}"',
            f'token_url = "{cloud.url}"',
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
