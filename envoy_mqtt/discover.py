"""`envoy-mqtt discover`: the gateways on this network, asked who they are, and what to configure.

Each announced address is asked for `/info`, one after another and without a token, for only an answer tells
which of a gateway's addresses is of use.
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from typing import NamedTuple

from envoy_mqtt.errors import EnvoyMqttError, TryAgain
from envoy_mqtt.gateway.client import meet
from envoy_mqtt.gateway.locate import locate
from envoy_mqtt.gateway.sighting import Sighting, as_host

# A gateway in the house answers `/info` within a second; one that is busy is found, but not rated.
ANSWER_S = 6.0

BY_HAND = (
    "look the gateway's IP address up in your router or in the Enphase app, and set it as gateway.host (the "
    "bridge itself needs no multicast and no host network)"
)
NOBODY = f"no gateway announces itself on this network: {BY_HAND}"
NOBODY_IN_CONTAINER = (
    "no gateway announces itself here: multicast does not reach into a container with a bridged network; run "
    f"this command on the host, or {BY_HAND}"
)


class Answer(NamedTuple):
    """What one address said: the serial number and firmware of who is there, or why it said nothing."""

    host: str
    serial: str = ""
    firmware: str = ""
    error: str = ""


class Gateway(NamedTuple):
    """One gateway: what it announces, and what each of its addresses answers."""

    seen: Sighting
    answers: tuple[Answer, ...]

    @property
    def best(self) -> Answer:
        """The address to configure: the first that answers as the gateway that was announced."""
        usable = (each for each in self.answers if each.serial and each.serial == self.serial)
        return next(usable, self.answers[0])

    @property
    def serial(self) -> str:
        """Its serial number, empty where nobody told it."""
        return self.seen.serial or next((each.serial for each in self.answers if each.serial), "")

    @property
    def firmware(self) -> str:
        """As it answers, else as it announces."""
        return self.best.firmware or self.seen.firmware


async def show(seconds: float, *, as_json: bool, in_container: bool) -> None:
    """Print what is found; raises `EnvoyMqttError` where that is nothing."""
    gateways = await find(seconds)
    if as_json:
        sys.stdout.write(listed(gateways) + "\n")
    elif gateways:
        sys.stdout.write(describe(gateways) + "\n")
    if not gateways:
        raise EnvoyMqttError(NOBODY_IN_CONTAINER if in_container else NOBODY)


async def find(seconds: float, interfaces: Sequence[str] = (), port: int | None = None) -> list[Gateway]:
    """The gateways that announce themselves within so many seconds; raises `EnvoyMqttError` without network.

    `port` is for who has moved the gateway's.
    """
    found = []
    for seen in await locate(seconds, interfaces):
        answers = [await _ask(f"{as_host(each)}{f':{port}' if port else ''}") for each in seen.addresses]
        found.append(Gateway(seen, tuple(answers)))
    return found


async def _ask(host: str) -> Answer:
    try:
        async with asyncio.timeout(ANSWER_S):
            identity = (await meet(host)).identity
    except TryAgain as error:
        return Answer(host, error=str(error))
    except TimeoutError:
        return Answer(host, error=f"no answer within {ANSWER_S:.0f} s")
    return Answer(host, identity.serial, identity.firmware)


def listed(gateways: Sequence[Gateway]) -> str:
    """For programs: `host` is the one to configure, `null` where none answers."""
    found = [
        {
            "serial": each.serial or None,
            "firmware": each.firmware or None,
            "host": each.best.host if each.best.serial else None,
            "addresses": [
                {
                    "host": it.host,
                    "answers": not it.error,
                    "serial": it.serial or None,
                    "error": it.error or None,
                }
                for it in each.answers
            ],
        }
        for each in gateways
    ]
    return json.dumps({"gateways": found}, indent=2)


def _as_json(answer: Answer) -> dict[str, object]:
    return {
        "host": answer.host,
        "answers": not answer.error,
        "serial": answer.serial or None,
        "error": answer.error or None,
    }


def describe(gateways: Sequence[Gateway]) -> str:
    """For people: each gateway with its addresses, then the lines to copy into the configuration."""
    section = "[gateway]" if len(gateways) == 1 else "[[gateways]]"
    lines = [line for each in gateways for line in _paragraph(each)]
    lines += ["", "For config.toml:"]
    for each in gateways:
        lines += [section, f'host = "{each.best.host}"']
    return "\n".join(lines)


def _paragraph(gateway: Gateway) -> list[str]:
    serial = gateway.serial or "without a serial number"
    head = f"gateway {serial}   firmware {gateway.firmware or 'unknown'}   announced as {gateway.seen.name}"
    return [head, *(f"  {each.host:<21} {_said(each, gateway)}" for each in gateway.answers)]


def _said(answer: Answer, gateway: Gateway) -> str:
    if answer.error:
        return f"is of no use: {answer.error}"
    return "answers" if answer.serial == gateway.serial else f"answers as another gateway, {answer.serial}"
