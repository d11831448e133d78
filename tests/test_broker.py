"""Whose broker counts: the user's before the Supervisor's."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from envoy_mqtt import choices
from envoy_mqtt.broker import completed, services, settled
from envoy_mqtt.config import Mqtt, Settings, Tls, load, public, show
from envoy_mqtt.errors import BrokerUnavailable
from envoy_mqtt.supervisor import Offer
from tests.app.supervisor import TOKEN, supervising

OFFER = Offer("core-mosquitto", 1883, False, "addons", "secret")
APP = {"SUPERVISOR_TOKEN": TOKEN, "HOSTNAME": "a1b2c3d4-envoy-mqtt"}


def settings(folder: Path, **environ: str) -> Settings:
    return load(None, environ={"HOME": str(folder), **environ}, cwd=folder, image=folder / "none")


def test_outside_of_home_assistant_nobody_is_asked(tmp_path: Path) -> None:
    assert services(settings(tmp_path)) is None


def test_a_broker_that_someone_configured_is_the_one(tmp_path: Path) -> None:
    assert services(settings(tmp_path, **APP)) is not None
    assert services(settings(tmp_path, **APP, ENVOY_MQTT__HOST="localhost")) is None
    # What is no broker changes nothing about who is asked.
    assert services(settings(tmp_path, **APP, ENVOY_MQTT__KEEPALIVE_S="20")) is not None


def test_what_is_offered_is_taken_with_the_rest_as_configured() -> None:
    mqtt = completed(Mqtt(keepalive_s=20, base_topic="solar", port=1), OFFER)
    assert (mqtt.host, mqtt.port, mqtt.username) == ("core-mosquitto", 1883, "addons")
    assert mqtt.password == SecretStr("secret")
    assert (mqtt.keepalive_s, mqtt.base_topic, mqtt.tls.enabled) == (20, "solar", False)


def test_a_user_of_ones_own_keeps_ones_own_password() -> None:
    mqtt = completed(Mqtt(username="me", password=SecretStr("mine")), OFFER)
    assert (mqtt.username, mqtt.password) == ("me", SecretStr("mine"))
    assert completed(Mqtt(username="me"), OFFER).password is None


def test_encryption_is_as_offered_and_the_authority_as_configured() -> None:
    mqtt = completed(Mqtt(tls=Tls(ca_file=Path("/ca"))), OFFER._replace(tls=True, port=8883))
    assert (mqtt.tls.enabled, mqtt.tls.ca_file, mqtt.port) == (True, Path("/ca"), 8883)


@pytest.mark.parametrize("offer", [OFFER._replace(host="no name"), OFFER._replace(port=0)])
def test_an_offer_that_is_no_broker_is_trouble_and_no_end(offer: Offer) -> None:
    with pytest.raises(BrokerUnavailable, match="no broker"):
        completed(Mqtt(), offer)


async def test_a_command_that_connects_once_asks_once(tmp_path: Path) -> None:
    async with supervising() as supervisor:
        it = settings(tmp_path, **APP, SUPERVISOR_API=supervisor.url)
        with pytest.raises(BrokerUnavailable, match="install and start"):
            await settled(it)
        supervisor.offer(1999, "addons", "secret")
        assert (await settled(it)).mqtt.port == 1999
        chosen = settings(tmp_path, **APP, SUPERVISOR_API=supervisor.url, ENVOY_MQTT__HOST="mine")
        assert await settled(chosen) is chosen
    assert supervisor.asked == 2


def test_a_broker_that_is_not_known_yet_is_not_shown(tmp_path: Path) -> None:
    it = settings(tmp_path, **APP)
    assert {"host", "port"} & public(it)["mqtt"].keys() == set()
    assert 'host = "localhost"' not in show(it)
    assert choices.configured(it)["broker"] is None
    assert public(settings(tmp_path))["mqtt"]["host"] == "localhost"


def test_as_an_app_a_device_leads_to_the_apps_page(tmp_path: Path) -> None:
    """HA notes, section 1.8; the container is called as the app, - for _."""
    options = choices.discovery(settings(tmp_path, **APP))
    assert options is not None
    assert options.configuration_url == "homeassistant://hassio/ingress/a1b2c3d4_envoy_mqtt"
    for other in ({}, {"SUPERVISOR_TOKEN": TOKEN}, {**APP, "ENVOY_WEB__ENABLED": "false"}):
        without = choices.discovery(settings(tmp_path, **other))
        assert without is not None
        assert without.configuration_url is None
