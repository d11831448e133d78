"""The certificate of one session, held against what we know before anything secret leaves.

    handshake   check()   the first certificate of the session, and no other after it
    /info       admit()   now the serial number is known: its name, and the pin
    the token             only after that

Where the configuration gives the serial number, a changed certificate that is refused does not come past the
handshake. Another gateway's name does: `/info` then tells an impostor from a mistake in the configuration.
"""

import asyncio
import hashlib
from collections.abc import Mapping
from math import inf
from types import MappingProxyType
from typing import Any

import aiohttp

from envoy_mqtt.errors import ConfigError, GatewayUnavailable
from envoy_mqtt.gateway.certificate import common_name, ends
from envoy_mqtt.gateway.pins import Pins
from envoy_mqtt.gateway.verdict import RENEWED, Mode, Verdict, judge, printable
from envoy_mqtt.line import Line

# A renewed certificate is a problem in health for a day, and none once somebody has had time to see it.
CHANGED: Mapping[str, Mapping[str, Any]] = {
    RENEWED: {
        "code": "certificate_changed",
        "stands_s": 86_400.0,
        "cause": "the new one bears its name and is pinned from now on",
    }
}

NOTHING: Mapping[str, str] = MappingProxyType({})


class Guard(aiohttp.Fingerprint):
    """Give it to a session as `ssl`: aiohttp calls `check` after each handshake, before it sends anything.

    `pins` are fingerprints by serial number, `serial` is the one that the configuration gives.
    """

    def __init__(self, mode: Mode, pins: Mapping[str, str] = NOTHING, serial: str | None = None) -> None:
        super().__init__(bytes(32))  # not looked at: `check` decides
        self._mode = mode
        self._pins = pins
        self._serial = serial
        self._certificate = b""

    @property
    def sha256(self) -> str:
        """The certificate's fingerprint, lower-case hex."""
        return hashlib.sha256(self._certificate).hexdigest()

    @property
    def name(self) -> str | None:
        """The common name in it."""
        return common_name(self._certificate)

    @property
    def met(self) -> bool:
        """Whether a certificate was shown at all."""
        return bool(self._certificate)

    @property
    def ends(self) -> float | None:
        """Until when it is good, in Unix seconds; looked at by nobody but people."""
        return ends(self._certificate)

    def check(self, transport: asyncio.Transport) -> None:
        """Raise `ServerFingerprintMismatch` where the certificate changed within the session, and
        `GatewayUnavailable` where it is refused already.
        """
        shown = transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
        if self._certificate and shown != self._certificate and self._mode != "off":
            host, port, *_ = transport.get_extra_info("peername")
            raise aiohttp.ServerFingerprintMismatch(self._certificate, shown, host, port)
        self._certificate = shown
        if self._serial is not None:
            try:
                self.judge(self._serial)
            except GatewayUnavailable as refused:
                if refused.reason == "certificate_changed":
                    # aiohttp closes the connection only for its own exception.
                    transport.abort()
                    raise

    def judge(self, serial: str) -> Verdict:
        """What to do with the certificate of the gateway `serial`; `GatewayUnavailable` says a refusal."""
        verdict = judge(
            self._mode, serial=serial, name=self.name, shown=self.sha256, pinned=self._pins.get(serial)
        )
        if verdict.refusal:
            raise GatewayUnavailable(verdict.refusal, reason=verdict.reason)
        return verdict


def admit(serial: str, guard: Guard, line: Line, pins: Pins) -> None:
    """Carry out the verdict on the certificate; raises `GatewayUnavailable` where it is refused."""
    verdict = guard.judge(serial)
    if verdict.warning:
        line.warn(
            verdict.warning,
            # What gets pinned is news each time; the rest is said once.
            again_after_s=0.0 if verdict.pin else inf,
            **CHANGED.get(verdict.warning, {}),
            serial=serial,
            name=printable(guard.name or ""),
            sha256=guard.sha256,
            pinned_before=pins.known.get(serial),
        )
    if verdict.pin:
        try:
            pins.keep(serial, guard.sha256)
        except ConfigError as error:
            line.warn("certificate pinned until the end of this process only", error=str(error))
