"""Templates that people wrote for the script Enphase-Envoy-mqtt-json, on what the bridge says in its place.

Through a real broker and Jinja, which Home Assistant's templates are; what they have to give is the simulated
house's own truth, whatever source the bridge reads. The templates are those of the script's README and of its
issues 30 and 42.
"""

import asyncio
import json
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import pytest

from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Battery, Layout, Options, Wiring
from tests.e2e.harness import Ears, bridging, listening, settings, target
from tests.e2e.test_sources import STILL, truth
from tests.mosquitto import Mosquitto

SOURCES = ("stream", "readings", "livedata")

# Shape: what of the house, and the template that gives it.
TEMPLATES = {
    "readings": {
        "production": """{{ value_json[0]["activePower"] | round(0) | int(0) }}""",
        "second": """{{ value_json[1]["activePower"] | round(0) | int(0) }}""",
    },
    "stream": {
        "production": """{{ value_json["production"]["ph-a"]["p"] | int
            + value_json["production"]["ph-b"]["p"] | int
            + value_json["production"]["ph-c"]["p"] | int }}""",
        "net": """{{ ( value_json["net-consumption"]["ph-a"]["p"] + value_json["net-consumption"]["ph-b"]["p"]
            + value_json["net-consumption"]["ph-c"]["p"] ) | round(0) | int(0) }}""",
        "total": """{{ value_json["total-consumption"]["ph-a"]["p"]
            + value_json["total-consumption"]["ph-b"]["p"]
            + value_json["total-consumption"]["ph-c"]["p"] }}""",
    },
    "livedata": {
        "production": """{{ value_json["meters"]["pv"]["agg_p_mw"]/1000 | round(0) | int(0) }}""",
        "net": """{{ value_json["meters"]["grid"]["agg_p_mw"]/1000 | round(0) | int(0) }}""",
        "storage": """{{ value_json["meters"]["storage"]["agg_p_mw"]/1000 | round(0) | int(0) }}""",
        "consumption": """{{ value_json["meters"]["load"]["agg_p_mw"]/1000 | round(0) | int(0) }}""",
    },
}

# The three phases of a house with a meter of the net, added up again.
EACH_PHASE = """{{ ( value_json[1].channels[%d].activePower + value_json[0].channels[%d].activePower )
    | round(0) | int(0) }}"""
VOLTAGE = """{{ value_json[1]["voltage"] | round(0) | int(0)}}"""
FACTOR = """{{ value_json[1]["pwrFactor"] | round(2)}}"""


class House(NamedTuple):
    """A layout and a firmware, as people have them."""

    layout: str
    wiring: str
    firmware: str
    battery: str = "none"


HOUSES = (
    House("production+net", "single-three", "D7.0.88"),
    House("production+net", "three", "D8.3.5289"),
    House("production+total", "split", "D8.3.5167"),
    House("production+net", "split", "D8.3.5167", "metered"),
)


@pytest.fixture(scope="module")
def keys() -> Keys:
    return Keys()


def rendered(template: str, value_json: Any) -> float:
    """What Home Assistant makes of a payload."""
    strict = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)
    return float(strict.from_string(template).render(value_json=value_json))


async def last(
    broker: Mosquitto, keys: Keys, folder: Path, house: House, *, kind: tuple[str, str], number: int
) -> tuple[Any, dict[str, float]]:
    """What came last on the topic of this shape from this source, and what was true then."""
    shape, source = kind
    options = Options(
        serial=str(122_610_000_000 + number),
        firmware=house.firmware,
        layout=Layout(house.layout),
        phases=Wiring(house.wiring),
        battery=Battery(house.battery),
        unknown_meter_first=True,
        **STILL,
    )
    topic = f"/compat/{number}"
    said: list[Any] = []

    def complete(ears: Ears) -> bool:
        said[:] = [each.json for each in ears.on(topic)]
        # Readings before the battery was asked know nothing of it.
        return bool(said) and "null" not in json.dumps(powers(shape, said[-1]))

    async with Gateway(options, keys=keys) as gateway, listening(broker.port, topic) as ears:
        where = target(
            gateway,
            broker.port,
            gateway__source=source,
            mqtt__base_topic=f"c{number}",
            compat__enphase_envoy_mqtt_json=shape,
            compat__topic=topic,
        )
        async with bridging(settings(folder, **where)):
            await ears.until(complete)
        true = truth(gateway)._asdict()
        # A total in the stream has no battery in it; the second meter is the one that is fitted.
        true["total"] = true["net"] + true["production"]
        true["second"] = true["net" if house.layout == "production+net" else "consumption"]
        assert not any(each.retain for each in ears.heard)
        return said[-1], true


def powers(shape: str, document: Any) -> list[Any]:
    """Of each shape the active powers."""
    if shape == "readings":
        return [entry["activePower"] for entry in document]
    if shape == "stream":
        return [phase["p"] for section in document.values() for phase in section.values()]
    return [section["agg_p_mw"] for section in document["meters"].values() if isinstance(section, dict)]


@pytest.mark.parametrize("house", HOUSES, ids="-".join)
async def test_every_shape_gives_its_templates_the_truth_whatever_the_source(
    broker: Mosquitto, keys: Keys, tmp_path: Path, house: House
) -> None:
    kinds = [(shape, source) for shape in TEMPLATES for source in SOURCES]
    found = await asyncio.gather(
        *(
            last(broker, keys, tmp_path / f"{number}", house, kind=kind, number=number)
            for number, kind in enumerate(kinds)
        )
    )
    for (shape, source), (document, true) in zip(kinds, found, strict=True):
        for name, template in TEMPLATES[shape].items():
            # Each phase is cut to whole watts before it is added, or rounded once.
            assert rendered(template, document) == pytest.approx(true[name], abs=3.0), (shape, source, name)
        if (shape, house.wiring) == ("readings", "three"):
            phases = sum(rendered(EACH_PHASE % (n, n), document) for n in range(3))
            assert phases == pytest.approx(true["consumption"], abs=3.0)
        if shape == "readings" and source != "livedata":
            volts = {"single-three": 230, "three": 690, "split": 240}[house.wiring]
            assert rendered(VOLTAGE, document) == pytest.approx(volts, rel=0.1)
            rendered(FACTOR, document)  # some firmware adds the phases' factors up
    for shape in TEMPLATES:
        forms = {
            str(shaped(said)) for (each, _), (said, _) in zip(kinds, found, strict=True) if each == shape
        }
        assert len(forms) == 1, "every source has the same keys"


def shaped(document: Any) -> Any:
    """Keys and the kinds of what they have, a number and null being the same."""
    if isinstance(document, dict):
        return sorted((key, str(shaped(value))) for key, value in document.items() if key != "info")
    if isinstance(document, list):
        return [shaped(value) for value in document]
    return "text" if isinstance(document, str) else "number"


async def test_a_diverter_hears_the_grid_s_watts(broker: Mosquitto, keys: Keys, tmp_path: Path) -> None:
    async with (
        Gateway(Options(phases=Wiring.THREE, **STILL), keys=keys) as gateway,
        listening(broker.port, "Inverter/#") as ears,
    ):
        where = target(gateway, broker.port, compat__freeds=True)
        async with bridging(settings(tmp_path, **where)):
            heard = await ears.hear("/GridWatts", count=2)
        assert {each.topic for each in ears.heard} == {"Inverter/GridWatts"}
        assert int(heard[0].payload) == pytest.approx(truth(gateway).net, abs=1.0)
        assert not any(each.retain for each in heard)
    async with listening(broker.port, "Inverter/#") as later, listening(broker.port, "mark"):
        assert later.heard == []


async def test_of_two_gateways_the_first_has_the_plain_topic(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with (
        Gateway(Options(serial="122700000001", **STILL), keys=keys) as first,
        Gateway(Options(serial="122700000002", **STILL), keys=keys) as second,
        listening(broker.port, "#") as ears,
    ):
        environ = {"ENVOY_MQTT__HOST": "127.0.0.1", "ENVOY_MQTT__PORT": str(broker.port)}
        for number, gateway in enumerate((first, second)):
            environ[f"ENVOY_GATEWAYS__{number}__HOST"] = f"127.0.0.1:{gateway.port}"
            environ[f"ENVOY_GATEWAYS__{number}__TOKEN"] = gateway.owner_token
        said = settings(tmp_path, environ, compat__enphase_envoy_mqtt_json="stream", compat__freeds=True)
        async with bridging(said):
            await ears.hear("/envoy/json")
            await ears.hear("/envoy/json/122700000002")
            await ears.hear("122700000002/live", count=3)
            await ears.hear("122700000001/live", count=3)
        assert "/envoy/json/122700000001" not in {each.topic for each in ears.heard}
        assert 0 < len(ears.on("/GridWatts")) <= len(ears.on("122700000001/live"))
