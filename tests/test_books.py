"""Each gateway's energies on disk: written whole, read with suspicion, one spoilt file harms no other."""

import json
from pathlib import Path

import pytest

from envoy_mqtt.books import Books
from envoy_mqtt.errors import ConfigError

ONE, OTHER = "122100000017", "122100000025"


def test_what_is_saved_is_loaded_by_serial_number(tmp_path: Path) -> None:
    books = Books(tmp_path)
    assert books.load() == ({}, [])
    assert books.save(ONE, {"energy": {"told": 1.5}}) is None
    assert books.save(OTHER, {"battery": True}) is None
    found, complaints = Books(tmp_path).load()
    assert found[ONE]["energy"] == {"told": 1.5}
    assert found[OTHER]["battery"] is True
    assert found.keys() == {ONE, OTHER}
    assert complaints == []


def test_the_newest_is_what_counts(tmp_path: Path) -> None:
    for number in (1, 2):
        Books(tmp_path).save(ONE, {"energy": number})
    assert Books(tmp_path).load()[0][ONE]["energy"] == 2
    assert [path.name for path in tmp_path.iterdir()] == [f"energy-{ONE}.json"]


@pytest.mark.parametrize("spoilt", [b"", b"\xff", b"[]", b"{}", b'{"version": "1"}', b'{"version": 1'])
def test_a_spoilt_file_is_kept_aside_said_and_harms_no_other(tmp_path: Path, spoilt: bytes) -> None:
    Books(tmp_path).save(ONE, {"energy": 1})
    (tmp_path / f"energy-{OTHER}.json").write_bytes(spoilt)
    found, (complaint,) = Books(tmp_path).load()
    assert found.keys() == {ONE}
    assert complaint.startswith(f"energy-{OTHER}.json: it cannot be read; it is kept as")
    assert (tmp_path / f"energy-{OTHER}.json.broken").read_bytes() == spoilt
    assert Books(tmp_path).load() == (found, [])


def test_what_cannot_be_opened_is_said_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / f"energy-{ONE}.json").mkdir()
    found, (complaint,) = Books(tmp_path).load()
    assert found == {}
    assert "cannot be read" in complaint
    assert "chown" in complaint


def test_other_files_are_nobodys_business(tmp_path: Path) -> None:
    for name in (
        "energy-.json",
        "energy-a b.json",
        "energy-1.json.broken",
        "energy-1.json~",
        "announced.json",
    ):
        (tmp_path / name).write_text("x")
    assert Books(tmp_path).load() == ({}, [])


def test_what_a_newer_version_wrote_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / f"energy-{ONE}.json"
    path.write_text(json.dumps({"version": 2, "energy": 5}))
    with pytest.raises(ConfigError, match="newer envoy-mqtt"):
        Books(tmp_path).load()
    assert json.loads(path.read_text())["energy"] == 5


def test_a_folder_that_cannot_be_written_gives_a_sentence(tmp_path: Path) -> None:
    folder = tmp_path / "file"
    folder.write_text("")
    complaint = Books(folder).save(ONE, {})
    assert complaint is not None
    assert complaint.startswith(f"data_dir: {folder} cannot be written")
