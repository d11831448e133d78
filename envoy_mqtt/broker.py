"""Which broker, where nobody has configured one: the one that Home Assistant's Supervisor knows of."""

from envoy_mqtt.config import Mqtt, Settings
from envoy_mqtt.errors import BrokerUnavailable
from envoy_mqtt.supervisor import Offer, Services


def services(settings: Settings) -> Services | None:
    """Whom to ask; `None` where someone has configured a broker, or nobody is there to ask."""
    supervisor = settings.supervisor if settings.broker_offered else None
    return None if supervisor is None else Services(supervisor.url, supervisor.token.get_secret_value())


async def settled(settings: Settings) -> Settings:
    """The settings with a broker, for commands that connect once; raises `BrokerUnavailable` without one."""
    asked = services(settings)
    if asked is None:
        return settings
    return settings.model_copy(update={"mqtt": completed(settings.mqtt, await asked.broker())})


def completed(mqtt: Mqtt, offer: Offer) -> Mqtt:
    """What is offered, with whatever else someone configured; a user of their own keeps that user's password.

    Raises `BrokerUnavailable` where the offer is no broker.
    """
    own = {name: getattr(mqtt, name) for name in mqtt.model_fields_set}
    login = {} if mqtt.username else {"username": offer.username, "password": offer.password}
    tls = mqtt.tls.model_copy(update={"enabled": offer.tls})
    try:
        return Mqtt(**own | login | {"host": offer.host, "port": offer.port, "tls": tls})
    except ValueError:
        raise BrokerUnavailable("the Supervisor offers what is no broker", reason="unreachable") from None
