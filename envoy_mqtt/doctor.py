"""`envoy-mqtt doctor`: every step between gateway and broker, looked at once.

    the broker first    a bridge that runs there is asked for its streams, and none is opened beside them
    each gateway        one after another

It logs in to the cloud only where no living token is there, within the bridge's own budget.
"""

import secrets
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress

from envoy_mqtt import choices, config, installation
from envoy_mqtt.access import has_account, sections, tokens_of
from envoy_mqtt.broker import settled
from envoy_mqtt.clock import unix
from envoy_mqtt.config import Settings, forms
from envoy_mqtt.diagnosis import broker as of_broker
from envoy_mqtt.diagnosis import gateway as of_gateway
from envoy_mqtt.diagnosis import place as of_place
from envoy_mqtt.diagnosis.broker import Running, Trial
from envoy_mqtt.diagnosis.findings import Finding, Level, as_json, as_text, worst
from envoy_mqtt.diagnosis.place import Place
from envoy_mqtt.diagnosis.reach import Reached
from envoy_mqtt.diagnosis.seen import Seen
from envoy_mqtt.errors import BrokerUnavailable, ConfigError
from envoy_mqtt.gateway.examine import Examination
from envoy_mqtt.gateway.pins import Pins
from envoy_mqtt.knock import knock
from envoy_mqtt.line import Line
from envoy_mqtt.log import text_masked
from envoy_mqtt.mqtt.connection import Broker
from envoy_mqtt.mqtt.trial import NotTaken, Plan, visiting


async def show(load: Callable[[], Settings], seconds: float, *, as_program: bool, in_container: bool) -> int:
    """Print the findings; the exit status: 1 where one is bad."""
    if sys.stderr.isatty():
        sys.stderr.write(f"This takes a while: each gateway's stream is watched for {seconds:g} s.\n")
    findings = await look(load, seconds, in_container=in_container)
    clean = [each._replace(text=text_masked(each.text), remedy=text_masked(each.remedy)) for each in findings]
    sys.stdout.write((as_json if as_program else as_text)(clean) + "\n")
    return int(worst(clean) is Level.BAD)


async def look(load: Callable[[], Settings], seconds: float, *, in_container: bool) -> list[Finding]:
    """The findings, in the order in which someone sets the bridge up; `load` may raise `ConfigError`."""
    try:
        settings = load()
        choices.tls(settings.mqtt.tls)
    except ConfigError as error:
        return of_place.diagnose(Place(error.mistakes))
    trial = await try_broker(settings, in_container=in_container)
    findings = of_place.diagnose(_place(settings))
    for name, gateway in sections(settings):
        seen = _beginning(settings, name, gateway, trial.running, in_container=in_container)
        findings += of_gateway.diagnose(await _examine(settings, seen, gateway, seconds))
    return findings + of_broker.diagnose(trial)


def _place(settings: Settings) -> Place:
    place = Place(file=str(settings.file or ""), folder=str(settings.data_dir))
    try:
        installation.check(settings.data_dir)
        Pins(settings.data_dir).reload()
    except ConfigError as error:
        return place._replace(folder_trouble=str(error))
    return place


def _beginning(
    settings: Settings, name: str, gateway: config.Gateway, running: Running | None, *, in_container: bool
) -> Seen:
    """What is known of a gateway before it is asked anything."""
    return Seen(
        host=gateway.host,
        now=unix(),
        key=name,
        base=settings.mqtt.base_topic,
        serial=gateway.serial,
        certificate=gateway.certificate,
        wanted=gateway.source,
        in_container=in_container,
        renewed=has_account(gateway),
        running=running,
    )


async def _examine(settings: Settings, seen: Seen, gateway: config.Gateway, seconds: float) -> Seen:
    tokens = tokens_of(settings, seen.key, gateway, Line("gateway", host=gateway.host))
    name, port = forms.endpoint(gateway.host)
    given = port if gateway.host.endswith(f":{port}") else None
    return await Examination(seen, name, given, tokens=tokens, pins=_pins(settings)).carry_out(seconds)


def _pins(settings: Settings) -> Mapping[str, str]:
    """The certificates that are known; where they cannot be read none is, and data_dir's finding says so."""
    pins = Pins(settings.data_dir)
    with suppress(ConfigError):
        pins.reload()
    return pins.known


async def try_broker(settings: Settings, *, in_container: bool) -> Trial:
    """Everything there is to try with the broker, as far as it lets us."""
    try:
        settings = await settled(settings)
    except BrokerUnavailable as error:
        return Trial(Reached("of Home Assistant"), missing=str(error))
    mqtt = settings.mqtt
    plan = _plan(settings)
    trial = Trial(
        reached=await knock(mqtt.host, (mqtt.port,)),
        base=mqtt.base_topic,
        prefix=plan.prefix,
        tls=mqtt.tls.enabled,
        in_container=in_container,
        username=mqtt.username is not None,
    )
    if not trial.reached.open:
        return trial
    try:
        async with visiting(visitor(settings, plan), plan) as visit:
            return await visit.carry_out(trial)
    except NotTaken as trouble:
        return trial._replace(trouble=str(trouble), kind=trouble.kind)


def _plan(settings: Settings) -> Plan:
    homeassistant = settings.homeassistant
    return Plan(
        base=settings.mqtt.base_topic,
        name=f"doctor_{secrets.token_hex(4)}",
        instance=_instance(settings),
        prefix=homeassistant.prefix if homeassistant.enabled else "",
        birth=homeassistant.birth_topic if homeassistant.enabled else "",
    )


def _instance(settings: Settings) -> str | None:
    with suppress(ConfigError, OSError):
        found = installation.known(settings.data_dir)
        return None if found is None else found.instance
    return None


def visitor(settings: Settings, plan: Plan) -> Broker:
    """As the bridge connects, but under a name of our own: the same one would end the bridge's connection."""
    return choices.broker(settings.mqtt, f"envoy-{plan.name}", plan.topic)
