"""Files of state: written in one step, readable by their owner, never misread. More in test_installation."""

import stat
from pathlib import Path
from typing import Any

import pytest

from envoy_mqtt import store
from envoy_mqtt.errors import ConfigError


def number(content: dict[str, Any]) -> int:
    return int(content["number"])


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "new" / "it.json"
    assert store.read(path, 1, number) is None
    store.write(path, 1, {"number": 5})
    assert store.read(path, 1, number) == 5
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)
    assert [each.name for each in path.parent.iterdir()] == ["it.json"]


def test_an_older_version_is_left_to_the_reader(tmp_path: Path) -> None:
    store.write(tmp_path / "it.json", 1, {"number": 5})
    assert store.read(tmp_path / "it.json", 2, number) == 5


def test_a_newer_version_is_refused_in_a_sentence_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "it.json"
    store.write(path, 2, {"number": 5})
    with pytest.raises(ConfigError, match="newer envoy-mqtt"):
        store.read(path, 1, number)
    assert [each.name for each in tmp_path.iterdir()] == ["it.json"]


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"{}", b'{"version":1}', b'{"version":1,"number":"x"}'])
def test_what_cannot_be_read_is_kept_aside_and_said(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "it.json"
    path.write_bytes(raw)
    with pytest.raises(store.Broken) as caught:
        store.read(path, 1, number)
    assert caught.value.aside.read_bytes() == raw
    assert str(caught.value.aside) in str(caught.value)
    assert store.read(path, 1, number) is None
