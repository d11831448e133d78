import json
import re
from pathlib import Path
from typing import Any

import pytest

from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.installation import Installation
from envoy_mqtt.simulator.options import Battery, Layout, Options, Wiring
from tests.simulator.client import RECORDINGS, visiting

NOON = 1_751_371_200.0
# Recordings and the options that should come to the same; the others were recorded with details.
OPTIONS_OF = {
    "4.10.35": Options(firmware="R4.10.35", phases=Wiring.SPLIT),
    "5.0.62": Options(firmware="D5.0.62", metered=False),
    "7.3.130_no_consumption": Options(firmware="D7.3.130", layout=Layout.PRODUCTION, phases=Wiring.SPLIT),
    "7.6.175_with_cts": Options(firmware="D7.6.175"),
    "8.2.127_with_3cts_and_battery_split": Options(
        firmware="D8.2.127", phases=Wiring.SPLIT, battery=Battery.METERED
    ),
    "8.3.5289_modGone": Options(firmware="D8.3.5289", layout=Layout.PRODUCTION),
}
DETAILED = {
    "8.3.5167_3rd-pv": Options(firmware="D8.3.5167", phases=Wiring.THREE),
    "8.3.5433_tot_is_net_cons": Options(
        firmware="D8.3.5433", phases=Wiring.SPLIT, layout=Layout.PRODUCTION_TOTAL
    ),
    "8.2.4264_metered_noct": Options(firmware="D8.2.4264", phases=Wiring.THREE, layout=Layout.NONE),
}


def text(options: Options, path: str = "/production.json", unix: float = NOON) -> str:
    answer = Installation(options, NOON).answer(path, unix)
    assert answer is not None
    return answer.body.decode()


def of(options: Options, path: str = "/production.json", unix: float = NOON) -> Any:
    return json.loads(text(options, path, unix))


def shape(document: Any) -> Any:
    """Keys in their order, types of numbers and words, counts of entries."""
    if isinstance(document, dict):
        return [(key, shape(value)) for key, value in document.items()]
    if isinstance(document, list):
        return [shape(entry) for entry in document]
    return document if isinstance(document, str) else type(document)


@pytest.mark.parametrize(
    "path", [path for path in RECORDINGS if path.name in OPTIONS_OF], ids=lambda path: path.name
)
def test_production_json_has_the_shape_of_the_recorded_one(path: Path) -> None:
    recorded = json.loads((path / "production.json").read_bytes())
    ours = of(OPTIONS_OF[path.name])
    assert shape(ours) == shape(recorded)
    for section in ("production", "consumption"):
        counts = [[entry["activeCount"] > 0 for entry in each.get(section, [])] for each in (ours, recorded)]
        assert counts[0] == counts[1]


@pytest.mark.parametrize(
    "path", [path for path in RECORDINGS if path.name in DETAILED], ids=lambda path: path.name
)
def test_with_details_it_has_the_shape_of_the_recorded_one_phases_included(path: Path) -> None:
    recorded = json.loads((path / "production.json").read_bytes())
    assert shape(of(DETAILED[path.name], "/production.json?details=1")) == shape(recorded)


def test_it_is_one_compact_line() -> None:
    body = text(Options())
    assert body == json.dumps(json.loads(body), separators=(",", ":")) + "\n"


def test_the_meters_powers_are_those_of_the_stream() -> None:
    options = Options(firmware="D8.3.5167", phases=Wiring.THREE)
    now = Installation(options, NOON).sample(NOON)
    document = of(options, "/production.json?details=1")
    production, (total, net) = document["production"][1], document["consumption"]
    for entry, section in ((production, now.production), (total, now.total), (net, now.net)):
        assert entry["wNow"] == pytest.approx(sum(phase.p for phase in section), abs=0.002)
        assert [line["wNow"] for line in entry["lines"]] == [phase.p for phase in section]


@pytest.mark.parametrize("path", ["/production.json", "/production"])
def test_phases_are_shown_on_request_and_always_on_the_newest_stack(path: str) -> None:
    for firmware, shown in (("D7.6.175", False), ("D8.3.5433", True)):
        assert ("lines" in of(Options(firmware=firmware), path)["production"][1]) is shown
        assert "lines" in of(Options(firmware=firmware), f"{path}?details=1")["production"][1]


def test_lifetimes_are_the_counters_but_for_a_constant() -> None:
    options = Options(firmware="D7.6.175", seed=5)
    installation = Installation(options, NOON)
    counters = installation.counters(NOON)
    made, bought = counters.production[0], counters.consumption[0]
    production, (total, net) = (of(options)[section] for section in ("production", "consumption"))
    assert production[1]["whLifetime"] == pytest.approx(made.delivered_wh, abs=0.001)
    gap = net["whLifetime"] - (bought.delivered_wh - bought.received_wh)
    assert 77.0 <= gap <= 259.0
    assert total["whLifetime"] == pytest.approx(
        made.delivered_wh + bought.delivered_wh - bought.received_wh, abs=0.001
    )
    old = of(Options(firmware="R4.10.35", seed=5))["consumption"][1]
    assert old["whLifetime"] == pytest.approx(bought.delivered_wh, abs=0.001)


def test_8_3_5433_writes_net_where_total_should_stand() -> None:
    options = DETAILED["8.3.5433_tot_is_net_cons"]
    total, net = of(options)["consumption"]
    assert total["wNow"] == net["wNow"]
    assert total["whLifetime"] == net["whLifetime"]
    now = Installation(options, NOON).sample(NOON)
    assert total["wNow"] == pytest.approx(sum(phase.p for phase in now.net), abs=0.002)
    meter = of(options, "/ivp/meters/readings")[1]
    assert meter["instantaneousDemand"] == pytest.approx(sum(phase.p for phase in now.total), abs=0.002)
    total, net = of(Options(firmware="D8.3.5167", layout=Layout.PRODUCTION_TOTAL))["consumption"]
    assert total["wNow"] != net["wNow"]


def test_with_a_total_transformer_the_net_lifetime_is_use_less_production() -> None:
    options = Options(firmware="D8.3.5167", layout=Layout.PRODUCTION_TOTAL, seed=5)
    counters = Installation(options, NOON).counters(NOON)
    made, used = counters.production[0].delivered_wh, counters.consumption[0].delivered_wh
    total, net = of(options)["consumption"]
    assert total["whLifetime"] == pytest.approx(used, abs=0.001)
    assert net["whLifetime"] == pytest.approx(used - made, abs=260.0)


def test_meters_that_are_not_fitted_repeat_their_lifetime_as_today() -> None:
    production = of(Options(layout=Layout.NONE))["production"][1]
    assert production["activeCount"] == 0
    assert production["whToday"] == production["whLifetime"]
    fitted = of(Options(firmware="D8.3.5167"))["production"][1]
    assert 0.0 < fitted["whToday"] < 40_000.0 < fitted["whLastSevenDays"] < fitted["whLifetime"]


def test_an_ac_battery_is_in_the_storage_section() -> None:
    options = Options(battery=Battery.AC)
    installation = Installation(options, NOON)
    (acb,) = of(options)["storage"]
    assert list(acb) == [
        "type",
        "activeCount",
        "readingTime",
        "wNow",
        "whNow",
        "state",
        "percentFull",
    ]
    assert acb["percentFull"] == round(100.0 * installation.soc(NOON))
    assert acb["wNow"] == round(installation.storage_w(NOON))
    assert acb["state"] in ("charging", "idle", "discharging")


def test_v1_production_is_pretty_printed_with_two_spaces_and_whole_numbers() -> None:
    body = text(Options(), "/api/v1/production")
    assert re.fullmatch(
        r'\{\n  "wattHoursToday": \d+,\n  "wattHoursSevenDays": \d+,\n'
        r'  "wattHoursLifetime": \d+,\n  "wattsNow": \d+\n\}\n',
        body,
    )
    meter = of(Options())["production"][1]
    assert json.loads(body)["wattsNow"] == int(meter["wNow"])


def test_v1_production_shows_noise_where_a_meter_is_not_fitted_and_inverters_where_there_is_none() -> None:
    noise = of(Options(layout=Layout.NONE), "/api/v1/production")
    assert abs(noise["wattsNow"]) < 10
    assert 0 < noise["wattHoursLifetime"] == noise["wattHoursToday"] < 5000
    options = Options(firmware="D5.0.62", metered=False)
    inverters = of(options)["production"][0]
    found = of(options, "/api/v1/production")
    assert found["wattsNow"] == inverters["wNow"] > 100
    assert found["wattHoursLifetime"] == inverters["whLifetime"]


def test_by_night_the_inverters_have_no_reading() -> None:
    inverters = of(Options(), unix=NOON + 12.0 * 3600.0)["production"][0]
    assert (inverters["readingTime"], inverters["wNow"]) == (0, 0)


async def test_it_comes_chunked_late_and_is_not_kept(keys: Keys) -> None:
    async with Gateway(Options(report_delay_s=0.05), keys=keys) as gateway, visiting(gateway) as client:
        status, body, headers = await client.get("/production.json")
        assert (status, headers["Transfer-Encoding"], headers["Pragma"]) == (200, "chunked", "no-cache")
        assert "Content-Length" not in headers
        assert body.endswith(b"}\n")
        _, _, headers = await client.get("/api/v1/production")
        assert (headers["Content-Type"], "Transfer-Encoding" in headers) == ("application/json", False)


def test_what_takes_long_is_known_by_its_path() -> None:
    options = Options(report_delay_s=30.0)
    slow = [path for path in ("/production.json", "/home", "/ivp/meters", "/info") if options.delay_s(path)]
    assert slow == ["/production.json", "/home"]
