"""Which gateways the installation has met: after a crash it says at once that none of them is fresh.

One that was replaced is forgotten once every configured gateway is read and none of them is it.
"""

from collections.abc import Collection, Iterable
from pathlib import Path

from envoy_mqtt import installation, store
from envoy_mqtt.bridge import Bridge
from envoy_mqtt.line import Line
from envoy_mqtt.mqtt.message import OFFLINE, Message

UNWRITABLE = "data_dir cannot be written"


class Roster:
    """Of one installation. Raises `ConfigError` where its folder cannot be used."""

    def __init__(self, folder: Path, line: Line) -> None:
        self._folder, self._line = folder, line
        self._installation = installation.load(folder)

    @property
    def instance(self) -> str:
        """What tells this installation from others."""
        return self._installation.instance

    @property
    def client_id(self) -> str:
        """The name that it has at a broker, where nobody has chosen another."""
        return self._installation.client_id

    def absent(self, base_topic: str, configured: Iterable[str]) -> list[Message]:
        """That no gateway that was met is read yet, and none of those whose serial numbers are configured."""
        serials = dict.fromkeys((*self._installation.serials, *configured))
        return [Message(f"{base_topic}/{serial}/availability", OFFLINE, qos=1) for serial in serials]

    def look(self, bridges: Collection[Bridge]) -> None:
        """Remember who is there by now; what could not be written is tried again at the next look."""
        met = [bridge.serial for bridge in bridges if bridge.serial is not None]
        remembered = self._installation
        for serial in met:
            remembered = remembered.met(serial)
        if all(bridge.online for bridge in bridges):
            remembered = remembered.without_others(met)
        if remembered != self._installation:
            self._write(remembered)

    def _write(self, remembered: installation.Installation) -> None:
        try:
            installation.save(self._folder, remembered)
            self._installation = remembered
            self._line.mended(UNWRITABLE)
        except OSError as error:
            self._line.warn(UNWRITABLE, error=store.unwritable(self._folder, error), code="disk")
