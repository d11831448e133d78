"""Recorded gateways, played to the bridge: the expected numbers were added up by hand from the recordings."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.pages import Answer
from envoy_mqtt.simulator.recorded import Recorded
from tests.e2e.harness import Ears, bridging, eventually, listening, settings, target
from tests.mosquitto import Mosquitto

GATEWAYS = Path(__file__).parents[3] / "shared" / "gateways"

# Source, and W of production, net, consumption and storage; `...` where there is no such topic.
EXPECTED: dict[str, tuple[object, ...]] = {
    "4.10.35": ("readings", 166.5, 566.9, 733.4, ..., ...),
    "5.0.62": ("production", 7907.0, ..., ..., ..., ...),
    "7.3.130_no_consumption": ("readings", 3624.6, ..., ..., ..., ...),
    "7.6.175_with_cts": ("readings", 488.9, -36.2, 452.8, ..., ...),
    "7.6.185_with_cts_and_battery_3t": ("readings", -0.7, 522.0, 521.4, 0.0, 15.0),
    "8.2.127_with_3cts_and_battery_split": ("readings", 1714.4, 129.4, 1202.8, -641.0, 21.0),
    "8.2.4264_metered_noct": ("production", 5521.0, ..., ..., ..., ...),
    "8.3.5167_3rd-pv": ("readings", 5235.7, -4912.2, 355.4, 32.0, 100.0),
    "8.3.5289_modGone": ("readings", 1634.7, ..., ..., ..., ...),
    "8.3.5433_tot_is_net_cons": ("readings", 360.6, 435.2, 795.8, ..., ...),
}
KEYS = (
    "source",
    "production_power",
    "net_power",
    "consumption_power",
    "storage_power",
    "storage_state_of_charge",
)


class Moving(Recorded):
    """A recording whose meters are read anew each second, as a gateway's are: the same but for the time."""

    def answer(self, target: str, unix: float) -> Answer | None:
        found = super().answer(target, unix)
        if found is None or target != "/ivp/meters/readings":
            return found

        moment = re.sub(rb'"timestamp":(\s*)\d+', rb'"timestamp":\g<1>%d' % int(unix), found.body)
        return found._replace(body=moment)


def playing(name: str) -> list[Recorded]:
    """A recording, in a list that is empty only where there are no recordings at all."""
    assert GATEWAYS.exists() == (GATEWAYS / name).exists()
    return [Moving(GATEWAYS / name)] if GATEWAYS.exists() else []


def known(ears: Ears) -> bool:
    lives = [each.json for each in ears.on("/live")]
    return any(None not in (live.get(key, ...) for key in KEYS) for live in lives)


@pytest.mark.parametrize("name", EXPECTED)
async def test_a_recorded_gateway_comes_out_as_its_numbers_say(
    broker: Mosquitto, keys: Keys, tmp_path: Path, name: str
) -> None:
    for recorded in playing(name):
        # Nobody recorded these gateways' streams.
        options = replace(recorded.options(tokens=False), stream=False)
        async with (
            Gateway(options, keys=keys, source=recorded) as gateway,
            listening(broker.port) as ears,
            bridging(settings(tmp_path, **target(gateway, broker.port))),
        ):
            await ears.until(known)
        live = ears.on("/live")[-1].json
        assert tuple(live.get(key, ...) for key in KEYS) == EXPECTED[name]


async def test_a_copied_storage_leg_is_unknown_and_the_batteries_own_figure_is_the_total(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    """8.2.127: leg 1 repeats the net's volts, amperes and factor; five batteries say −641 W together."""
    for recorded in playing("8.2.127_with_3cts_and_battery_split"):
        async with (
            Gateway(recorded.options(tokens=False), keys=keys, source=recorded) as gateway,
            listening(broker.port) as ears,
            bridging(settings(tmp_path, **target(gateway, broker.port))),
        ):
            await ears.until(known)
        live = ears.on("/live")[-1].json
        assert {
            key for key, value in live.items() if key.startswith("storage_l1_") and value is not None
        } == set()
        assert (live["storage_l2_power"], live["storage_l2_voltage"]) == (-465.0, 121.2)
        assert (live["storage_reactive_power"], live["consumption_l1_power"]) == (None, None)
        assert live["consumption_l2_power"] == pytest.approx(858.394 + 330.797 - 464.966, abs=0.05)


def flagged(recorded: Recorded, old: bytes, new: bytes) -> None:
    meters = recorded.answers["ivp_meters"]
    assert old in meters.body
    recorded.answers["ivp_meters"] = meters._replace(body=meters.body.replace(old, new, 1))


def codes(ears: Ears) -> set[str]:
    return {problem["code"] for problem in ears.on("/bridge/health")[-1].json["problems"]}


@pytest.mark.parametrize(
    "flag",
    [
        (b'"statusFlags": []', b'"statusFlags": ["negative-production"]', "meter_reversed"),
        (b'"meteringStatus": "normal"', b'"meteringStatus": "check-wiring"', "meter_reversed"),
        (b'"measurementType": "net-consumption"', b'"measurementType": "storage"', "meter_layout"),
    ],
)
async def test_what_the_gateway_flags_of_its_meters_stands_in_health_until_it_is_mended(
    broker: Mosquitto, keys: Keys, tmp_path: Path, flag: tuple[bytes, bytes, str]
) -> None:
    old, new, code = flag
    for recorded in playing("7.6.175_with_cts"):
        mended = recorded.answers["ivp_meters"]
        flagged(recorded, old, new)
        options = replace(recorded.options(tokens=False), stream=False)
        async with (
            Gateway(options, keys=keys, source=recorded) as gateway,
            listening(broker.port) as ears,
            bridging(settings(tmp_path, **target(gateway, broker.port))) as app,
        ):
            await ears.until(lambda it: bool(it.on("/bridge/health")) and code in codes(it))
            recorded.answers["ivp_meters"] = mended
            app.gateways[0].reconnect()
            await ears.until(lambda it: code not in codes(it))
            await eventually(lambda: app.gateways[0].bridge.online)
