"""This machine: the configuration and the data folder."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from envoy_mqtt.diagnosis.findings import Check, Finding, bad, carry_out, ok


class Place(NamedTuple):
    """What is there to work with. `mistakes` are the configuration's, `file` where it was read from, empty
    where there is none; `folder` is `None` where nobody knows it, `folder_trouble` why it cannot be used.
    """

    mistakes: Sequence[str] = ()
    file: str = ""
    folder: str | None = None
    folder_trouble: str = ""


def diagnose(place: Place) -> list[Finding]:
    """Every check's findings."""
    return list(carry_out(CHECKS, place, "this machine"))


def _configuration(place: Place) -> Iterator[Finding]:
    for mistake in place.mistakes:
        yield bad(mistake, "mend this key; envoy-mqtt config check says when it is right")
    if not place.mistakes:
        yield ok(f"{place.file or 'no file, defaults and environment'}: right")


def _folder(place: Place) -> Iterator[Finding]:
    if place.folder_trouble:
        yield bad(place.folder_trouble, "without it tokens and certificates are forgotten at each start")
    elif place.folder is not None:
        yield ok(f"{place.folder} can be written")


CHECKS = (Check("configuration", _configuration, "the configuration is wrong"), Check("data_dir", _folder))
