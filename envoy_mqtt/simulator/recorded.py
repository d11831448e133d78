"""A folder of recorded answers and a captured stream, as something a `Gateway` can play.

    recorded = Recorded(Path("8.3.5167"), capture=Path("capture.txt"))
    async with Gateway(recorded.options(tokens=False), source=recorded) as gateway: …

In the folder, one file per path with `/` written `_` (`ivp_meters_readings`), and beside it, where known,
`…_log.json` with the status and the headers it came with. A capture is text: `# ` comments and `data: `
events, or one JSON object as people paste it.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle
from pathlib import Path

from envoy_mqtt.errors import ConfigError
from envoy_mqtt.simulator.firmware import Firmware
from envoy_mqtt.simulator.oddities import Oddities
from envoy_mqtt.simulator.options import Options, Pace
from envoy_mqtt.simulator.pages import Answer

LOG = "_log.json"
# Those belong to the connection of then and are made anew.
NOT_REPLAYED = frozenset({"date", "server", "connection", "content-length", "transfer-encoding"})


class Recorded:
    """A folder read once; nothing in it changes with time, but the events of the capture take turns."""

    def __init__(self, folder: Path | None = None, *, capture: Path | None = None) -> None:
        self.asleep = False
        self.odd = Oddities()
        self.answers = dict(_answers(folder)) if folder else {}
        self.events = read_capture(capture.read_text(encoding="utf-8")) if capture else ()
        if capture and not self.events:
            raise ConfigError(f"{capture}: there is no whole event in this capture.")
        self._turns = cycle(self.events)

    def options(self, pace: Pace = Pace.STEADY, *, tokens: bool = True) -> Options:
        """Options that fit: the serial and the firmware that the recorded `/info` names."""
        text = self.answers["info"].body.decode() if "info" in self.answers else ""
        found = dict(re.findall(r"<(sn|software)>([^<]+)<", text))
        options = Options(pace=pace, tokens=tokens)
        return replace(
            options,
            serial=found.get("sn", options.serial),
            firmware=found.get("software", options.firmware),
        )

    def refit(self, _: Options) -> None:
        """What was recorded stays as it is."""

    def answer(self, target: str, _: float) -> Answer | None:
        """The recorded answer of a path; `?details=1` was written `_details_1`."""
        return self.answers.get(re.sub(r"[/?=&]", "_", target.strip("/")))

    def house_time(self, unix: float) -> float:
        return unix

    def reset_counters(self, _: float) -> None:
        """What was recorded stays as it is."""

    def end_live(self, _: float) -> None:
        """There is none."""

    def post(self, _: str, __: bytes, ___: float) -> None:
        """Nobody recorded one."""

    def event(self, _: float) -> bytes:
        """The next event of the capture, from the first again after the last."""
        return next(self._turns) if self.events else b""


def read_capture(text: str) -> tuple[bytes, ...]:
    """The whole events of a capture, in the gateway's own line ends; one that was cut is left out."""
    body = "\n".join(line for line in text.splitlines() if not line.startswith("#")).strip()
    found = re.findall(r"^data: *(.+)$", body, flags=re.MULTILINE) or [body]
    return tuple(b"data: " + line + b"\r\n\r\n" for one in found if (line := _line(one)))


def _line(text: str) -> bytes:
    """A JSON object on one line: as it is where it is, compact where it was pretty printed; b"" if cut."""
    try:
        parsed = json.loads(text)
    except ValueError:
        return b""
    return text.encode() if "\n" not in text else json.dumps(parsed, separators=(",", ":")).encode()


def _answers(folder: Path) -> Iterator[tuple[str, Answer]]:
    files = {path.name: path for path in sorted(folder.iterdir()) if path.is_file()}
    info = files["info"].read_text(encoding="utf-8") if "info" in files else ""
    software = re.search(r"<software>([^<]+)<", info)
    firmware = Firmware.parse(software[1] if software else Options().firmware)
    for name, path in files.items():
        if name.endswith(LOG):
            continue
        body, log = path.read_bytes(), files.get(name + LOG)
        if log is None:
            yield name, Answer(200, body, _usual(name, firmware))
        else:
            yield name, _logged(body, json.loads(log.read_bytes()))


def _logged(body: bytes, log: dict[str, object]) -> Answer:
    status, headers = log.get("code"), log.get("headers")
    kept = headers if isinstance(headers, dict) else {}
    return Answer(
        status if isinstance(status, int) else 200,
        body,
        {str(key).title(): str(value) for key, value in kept.items() if key.lower() not in NOT_REPLAYED},
        bare=True,
    )


def _usual(name: str, firmware: Firmware) -> dict[str, str]:
    """The Content-Type a gateway gives such an answer, where nobody wrote it down (section 3.0)."""
    if name in {"info", "info.xml"}:
        return {"Content-Type": "text/xml"} if firmware.info_content_type else {}
    return {} if name.startswith("ivp_") else {"Content-Type": "application/json"}
