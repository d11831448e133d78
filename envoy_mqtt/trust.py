"""`envoy-mqtt trust`: what a gateway shows, what we know it by, and knowing it anew.

Nothing here needs or sends a token. A certificate of another gateway is refused whatever
`gateway.certificate` says: to trust it would be to trust an impostor.
"""

from collections.abc import Mapping
from typing import NamedTuple

from envoy_mqtt import config
from envoy_mqtt.config import Settings
from envoy_mqtt.errors import EnvoyMqttError, TryAgain
from envoy_mqtt.gateway.client import Met, meet
from envoy_mqtt.gateway.pins import Pins
from envoy_mqtt.gateway.verdict import colons, judge, printable


class Finding(NamedTuple):
    """One gateway as it shows itself; fingerprints are lower-case hex, `pinned` `None` where none is."""

    host: str
    serial: str
    name: str | None
    shown: str
    pinned: str | None

    @property
    def known(self) -> bool:
        """Whether it is the one that is pinned."""
        return self.shown == self.pinned

    @property
    def changed(self) -> bool:
        """Whether another is pinned."""
        return not self.known and self.pinned is not None

    def describe(self) -> str:
        """A line for each thing worth comparing."""
        name = "without a name" if self.name is None else printable(self.name)
        lines = [
            f"gateway      {self.serial} at {self.host}",
            f"certificate  {name}",
            f"SHA-256      {colons(self.shown)}",
        ]
        if self.changed:
            assert self.pinned is not None
            lines.append(f"pinned       {colons(self.pinned)}")
        return "\n".join(lines)


class Findings(NamedTuple):
    """The gateways that answered, and a sentence for each that did not or may not be trusted."""

    found: list[Finding]
    errors: list[str]


async def look(settings: Settings, serial: str | None = None) -> Findings:
    """Ask every configured gateway, or only the one with this serial number, who it is.

    Raises `EnvoyMqttError` where no configured gateway has it.
    """
    pins = Pins(settings.data_dir)
    pins.reload()
    findings = Findings([], [])
    for gateway in settings.every_gateway:
        if serial in (None, gateway.serial) or gateway.serial is None:
            await _ask(gateway, serial, pins.known, findings)
    if serial is None:
        return findings
    if not findings.found:
        raise EnvoyMqttError("\n".join(findings.errors) or _nobody(serial))
    return findings._replace(errors=[])


def accept(settings: Settings, finding: Finding) -> None:
    """Know the gateway by this certificate from now on; raises `ConfigError` where it cannot be written."""
    Pins(settings.data_dir).keep(finding.serial, finding.shown)


async def _ask(
    gateway: config.Gateway, serial: str | None, pins: Mapping[str, str], findings: Findings
) -> None:
    try:
        met = await meet(gateway.host)
    except TryAgain as error:
        findings.errors.append(f"{gateway.host}: {error}")
        return
    if serial in (None, met.identity.serial):
        try:
            findings.found.append(_find(gateway, met, pins))
        except EnvoyMqttError as error:
            findings.errors.append(f"{gateway.host}: {error}")


def _find(gateway: config.Gateway, met: Met, pins: Mapping[str, str]) -> Finding:
    serial = met.identity.serial
    if gateway.serial not in (None, serial):
        raise EnvoyMqttError(
            f"the gateway has the serial number {serial}, not {gateway.serial}: mend gateway.host or "
            "gateway.serial"
        )
    if met.sha256 is None:
        raise EnvoyMqttError(
            f"the gateway {serial} has firmware {met.identity.firmware} and no certificate: there is nothing "
            "to trust"
        )
    verdict = judge("pin", serial=serial, name=met.name, shown=met.sha256, pinned=None)
    if verdict.refusal:
        raise EnvoyMqttError(verdict.refusal)
    return Finding(gateway.host, serial, met.name, met.sha256, pins.get(serial))


def _nobody(serial: str) -> str:
    return f"no configured gateway has the serial number {serial}: look at gateway.host and gateway.serial"
