"""`envoy-mqtt tariff`: what is configured, as a week that people can read."""

from envoy_mqtt import zone
from envoy_mqtt.clock import now
from envoy_mqtt.config import Settings, tariff_of
from envoy_mqtt.errors import ConfigError
from envoy_mqtt.tariff.week import week

NO_TARIFF = "tariff: there are no periods; add at least one [[tariff.import]] with a name and a price"


def show(settings: Settings) -> str:
    """The week's lines; raises `ConfigError` where there is no tariff.

    The gateway is not asked: without `site.timezone` and TZ the zone is this machine's.
    """
    tariff = tariff_of(settings.tariff)
    if tariff is None:
        raise ConfigError(NO_TARIFF)
    return week(tariff, zone.configured(settings.site.timezone) or zone.machine(), now().unix)
