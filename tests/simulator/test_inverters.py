import json
from pathlib import Path

import pytest

from envoy_mqtt.simulator.house import House
from envoy_mqtt.simulator.installation import Installation
from envoy_mqtt.simulator.inverters import document, reports
from envoy_mqtt.simulator.options import Options
from tests.simulator.client import RECORDINGS

MIDNIGHT = 1_751_324_400.0  # 2025-07-01 in the zone of this house, an hour east
HOUSE = House(seed=3)


def test_there_is_one_for_every_370_w_of_the_array() -> None:
    assert len(reports(HOUSE, MIDNIGHT)) == 15
    assert len({report.serial for report in reports(HOUSE, MIDNIGHT)}) == 15


def test_each_reports_every_five_minutes_at_its_own_second() -> None:
    noon = MIDNIGHT + 43_200.0
    first, later = reports(HOUSE, noon), reports(HOUSE, noon + 300.0)
    assert all(noon - 300.0 < report.house_unix <= noon for report in first)
    assert [report.house_unix + 300.0 for report in first] == pytest.approx(
        [report.house_unix for report in later]
    )
    assert len({round(report.house_unix) for report in first}) > 10


def test_together_they_are_about_what_the_roof_gave() -> None:
    noon = MIDNIGHT + 43_200.0
    house = House(seed=3, cloudiness=0.0)
    said_w = sum(report.watts for report in reports(house, noon))
    made_w = sum(phase.production_w for phase in house.at(noon).phases)
    assert 0.9 * made_w < said_w < made_w


def test_by_night_the_last_word_is_the_evenings() -> None:
    # On the first of July the sun sets 8 h 5 min after noon, here.
    for hour in (23.0, 27.0):
        found = reports(HOUSE, MIDNIGHT + 3600.0 * hour)
        assert {report.watts for report in found} == {0}
        assert all(
            MIDNIGHT + 19.9 * 3600.0 < report.house_unix < MIDNIGHT + 20.2 * 3600.0 for report in found
        )


def test_times_are_the_gateways_whatever_the_speed() -> None:
    installation = Installation(Options(speed=60.0, start=MIDNIGHT + 43_200.0), 1000.0)
    assert all(995.0 <= when <= 1000.0 for _, when in installation.reports(1000.0))


@pytest.mark.parametrize(
    "path", [path for path in RECORDINGS if path.name == "7.6.175_with_cts"], ids=lambda path: path.name
)
def test_the_list_is_written_as_the_recorded_one(path: Path) -> None:
    recorded = (path / "api_v1_production_inverters").read_text()
    ours = document([(report, 1.0) for report in reports(HOUSE, MIDNIGHT)]).decode()
    assert list(json.loads(ours)[0]) == list(json.loads(recorded)[0])
    assert recorded == json.dumps(json.loads(recorded), indent=2) + "\n"
    assert ours == json.dumps(json.loads(ours), indent=2) + "\n"
