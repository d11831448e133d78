"""From the configuration to a gateway's tokens, for `run` and `envoy-mqtt token`."""

import re
import sys
from collections.abc import Iterator

from envoy_mqtt import config
from envoy_mqtt.clock import unix
from envoy_mqtt.config import Settings
from envoy_mqtt.errors import ConfigError, EnvoyMqttError, GatewayUnavailable, Refused, TryAgain
from envoy_mqtt.gateway.auth import Account, Cloud
from envoy_mqtt.gateway.client import meet
from envoy_mqtt.gateway.cloud import BY_HAND
from envoy_mqtt.gateway.road import wants_token
from envoy_mqtt.gateway.token import Held
from envoy_mqtt.gateway.tokens import ACCOUNT, Tokens, expiry
from envoy_mqtt.line import Line

ORIGINS = {
    "configuration": "from the configuration",
    "cache": "fetched before",
    "cloud": "fetched just now",
}


def sections(settings: Settings) -> Iterator[tuple[str, config.Gateway]]:
    """The gateways to read, each with what its section is called in the configuration."""
    names = [f"gateways[{n}]" for n in range(len(settings.gateways))] or ["gateway"]
    return zip(names, settings.every_gateway, strict=True)


def tokens_of(settings: Settings, name: str, gateway: config.Gateway, line: Line) -> Tokens:
    """The tokens of one gateway; `name` is what its section is called."""

    def own() -> str | None:
        try:
            token = config.read_token(gateway, name)
        except ConfigError as error:
            raise Refused(str(error), reason="refused", code="token_missing") from None
        return None if token is None else token.get_secret_value()

    cloud = Cloud(settings.cloud.login_url, settings.cloud.token_url)
    return Tokens(settings.data_dir, own, _account(gateway), cloud, line, missing=_missing(name, gateway))


def _missing(name: str, gateway: config.Gateway) -> str:
    """What to do about a gateway that has neither token nor account."""
    if gateway.token_file is not None:
        return (
            f"there is no token in {gateway.token_file} ({name}.token_file); put one there, or set "
            f"{name}.account {ACCOUNT}"
        )
    return f"there is no token for it; set {name}.token or {name}.token_file, or {name}.account {ACCOUNT}"


def has_account(gateway: config.Gateway) -> bool:
    """Whether its tokens can be fetched."""
    return _account(gateway) is not None


def _account(gateway: config.Gateway) -> Account | None:
    """The account, where it is whole; half of one fetches nothing."""
    account = gateway.account
    if account.username is None or account.password is None:
        return None
    return Account(account.username.get_secret_value(), account.password.get_secret_value(), account.role)


async def show(settings: Settings, serial: str | None, *, bare: bool) -> None:
    """Print a gateway's token, or what it says of itself; raises what `main` makes a sentence of."""
    name, gateway = _wanted(settings, serial)
    tokens = tokens_of(settings, name, gateway, Line("gateway", host=gateway.host))
    serial = serial or gateway.serial or await _ask(gateway)
    held = await tokens.fresh(serial)
    if held.token.ended(unix()):
        remedy = f"{BY_HAND}, or set gateway.account"
        raise Refused(
            f"the token ended at {expiry(held.token)}: {remedy}", reason="refused", code="token_expired"
        )
    sys.stdout.write((held.token.text if bare else describe(serial, held)) + "\n")


def describe(serial: str, held: Held) -> str:
    """A token in a line: whose, until when, where from."""
    whose = f"{held.token.claims.role}'s token" if held.token.claims.role else "token of an unknown role"
    until = expiry(held.token) or "nobody knows when"
    return f"gateway {serial}: {whose}, good until {until}, {ORIGINS[held.origin]}"


def _wanted(settings: Settings, serial: str | None) -> tuple[str, config.Gateway]:
    if serial is not None and not re.fullmatch("[0-9]{12}", serial, re.ASCII):
        raise ConfigError("--serial: allowed is the gateway's serial number, 12 digits")
    every = list(sections(settings))
    named = [each for each in every if serial is not None and each[1].serial == serial]
    left = named or [each for each in every if serial is None or each[1].serial is None]
    if len(left) != 1:
        raise ConfigError(
            f"--serial: {'no gateway' if not left else 'more than one gateway'} of the configuration fits; "
            "say which with --serial, and give each of them its `serial`"
        )
    return left[0]


async def _ask(gateway: config.Gateway) -> str:
    try:
        identity = (await meet(gateway.host, gateway.serial)).identity
    except TryAgain as error:
        sentence = f"the gateway at {gateway.host} cannot be asked for its serial number ({error}): "
        raise GatewayUnavailable(
            sentence + "mend gateway.host, or give the number with --serial", reason=error.reason
        ) from None
    if not wants_token(identity):
        raise EnvoyMqttError(
            f"the gateway at {gateway.host} needs no token; its firmware, {identity.firmware}, is from "
            "before 7 and lets the bridge in without one"
        )
    return identity.serial
