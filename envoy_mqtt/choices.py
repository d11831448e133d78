"""From the configuration to what each part of the program is told of it."""

import ssl
from datetime import tzinfo

from envoy_mqtt import __version__, config
from envoy_mqtt.compat.imitation import Imitated
from envoy_mqtt.config import Settings
from envoy_mqtt.errors import ConfigError
from envoy_mqtt.gateway.plan import Wanted
from envoy_mqtt.mqtt.connection import Broker
from envoy_mqtt.mqtt.discovery import Discovery
from envoy_mqtt.mqtt.payload import Publish
from envoy_mqtt.summary import Sums

# How often a healthy stream has a reading.
STREAM_INTERVAL_S = 1.0


def publish(settings: Settings) -> Publish:
    """Which topics are wanted, and how they are kept."""
    return Publish(
        base_topic=settings.mqtt.base_topic,
        retain=settings.mqtt.retain,
        live=settings.publish.live,
        meters=settings.publish.meters,
        scalars=settings.publish.scalars,
        fresh_s=max(settings.availability.timeout_s, 3 * STREAM_INTERVAL_S),
        journal=settings.journal.enabled,
        shown=settings.web.enabled,
    )


def wanted(settings: Settings, *, zone: bool) -> Wanted:
    """What gateways are asked beside their source; `zone` is whether they are asked for their time zone."""
    inverters = settings.inverters
    return Wanted(
        settings.energy.interval_s,
        inverters.interval_s if inverters.enabled else None,
        zone,
        livedata=settings.compat.enphase_envoy_mqtt_json == "livedata",
    )


def imitated(settings: Settings, number: int) -> Imitated:
    """What other bridges would have published of the gateway of this number, counted from 0."""
    compat = settings.compat
    return Imitated(compat.enphase_envoy_mqtt_json, compat.topic, compat.freeds, first=number == 0)


def sums(settings: Settings, zone: tzinfo) -> Sums:
    """What decides about `energy`, `state` and `tariff`."""
    return Sums(
        energy_s=settings.energy.interval_s,
        state_s=settings.homeassistant.interval_s,
        night_w=settings.site.night_w,
        grid=settings.energy.grid,
        zone=zone,
        tariff=config.tariff_of(settings.tariff),
    )


def configured(settings: Settings) -> dict[str, object]:
    """What the page tells of the configuration, for JSON: where gateways and broker are looked for, and with
    what a gateway is asked to let us in; no secret. `app` is whether all that stands in the form of Home
    Assistant's app. Without a broker that someone configured there is none.
    """
    mqtt = settings.mqtt
    return {
        "file": None if settings.file is None else str(settings.file),
        "gateways": [
            {"host": each.host, "serial": each.serial, "access": _access(each)}
            for each in settings.every_gateway
        ],
        "app": settings.supervisor is not None,
        "broker": None if settings.broker_offered else {"host": mqtt.host, "port": mqtt.port},
    }


def _access(gateway: config.Gateway) -> str | None:
    """The key that a token comes from, `None` where there is none."""
    own = {"token": gateway.token, "token_file": gateway.token_file, "account": gateway.account.username}
    return next((key for key, value in own.items() if value is not None), None)


def discovery(settings: Settings) -> Discovery | None:
    """What discovery depends on; `None` where Home Assistant is not wanted."""
    homeassistant = settings.homeassistant
    if not homeassistant.enabled:
        return None
    slug = settings.supervisor.slug if settings.supervisor else ""
    return Discovery(
        settings.mqtt.base_topic,
        homeassistant.prefix,
        homeassistant.style,
        __version__,
        # The frontend opens the app's own page (HA notes, section 1.8).
        f"homeassistant://hassio/ingress/{slug}" if slug and settings.web.enabled else None,
    )


def broker(mqtt: config.Mqtt, client_id: str, will: str, listens: tuple[str, ...] = ()) -> Broker:
    """How someone with this client id connects; raises `ConfigError` where certificates cannot be used."""
    return Broker(
        host=mqtt.host,
        port=mqtt.port,
        client_id=client_id,
        will=will,
        wanted=listens,
        username=mqtt.username,
        password=None if mqtt.password is None else mqtt.password.get_secret_value(),
        keepalive_s=mqtt.keepalive_s,
        timeout_s=mqtt.timeout_s,
        protocol=mqtt.protocol,
        tls=tls(mqtt.tls),
    )


def tls(settings: config.Tls) -> ssl.SSLContext | None:
    """A context that verifies certificate and name; there is none that does not."""
    if not settings.enabled:
        return None
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
        if settings.cert_file is not None:
            # Without a password of ours OpenSSL asks the terminal for one, and waits.
            context.load_cert_chain(settings.cert_file, settings.key_file, password="")
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"mqtt.tls: the certificate files cannot be used ({error}): they have to be PEM, and the key "
            "without a password"
        ) from None
    return context
