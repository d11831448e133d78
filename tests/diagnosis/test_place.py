"""This machine's findings."""

from envoy_mqtt.diagnosis.findings import Level
from envoy_mqtt.diagnosis.place import Place, diagnose


def test_a_configuration_that_is_right_names_its_file() -> None:
    found = diagnose(Place(file="/etc/envoy.toml", folder="/data"))
    assert [each.level for each in found] == [Level.OK, Level.OK]
    assert found[0].text == "/etc/envoy.toml: right"
    assert diagnose(Place(folder="/data"))[0].text == "no file, defaults and environment: right"


def test_each_mistake_is_a_finding_and_the_folder_was_not_looked_at() -> None:
    found = diagnose(Place(("mqtt.port: x", "gateway.hots: y")))
    assert [(each.check, each.level, each.text) for each in found] == [
        ("configuration", Level.BAD, "mqtt.port: x"),
        ("configuration", Level.BAD, "gateway.hots: y"),
        ("data_dir", Level.SKIPPED, "the configuration is wrong"),
    ]


def test_a_folder_that_cannot_be_used_is_bad() -> None:
    found = diagnose(Place(folder="/data", folder_trouble="data_dir: chown it"))
    assert (found[1].level, found[1].text) == (Level.BAD, "data_dir: chown it")
