"""Gateways whose numbers stand still until somebody lets time pass by, so that two can read the same."""

import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Battery, Options
from envoy_mqtt.simulator.pages import Answer
from envoy_mqtt.simulator.recorded import Recorded

READINGS = "/ivp/meters/readings"

# Eleven in the morning of a day in June, an hour east of Greenwich.
SUNNY = 1_750_500_000.0
# So slow that nothing in the house changes, while the gateway's own clock goes on.
HARDLY = 1e-9


class Quiet(Protocol):
    """One of them; `metered` is whether any of its meters is enabled, `battery` whether there is one, and
    `source` where the bridge is told to read.
    """

    gateway: Gateway
    metered: bool
    battery: bool
    source: str

    def pass_by(self, seconds: float) -> None:
        """Let so many seconds pass, in which its meters measure the same, and count on."""


class Simulated:
    """A house in the sun."""

    def __init__(self, options: Options, keys: Keys) -> None:
        self._now = time.time()
        still = replace(options, speed=HARDLY, start=SUNNY)
        self.gateway = Gateway(still, clock=lambda: self._now, keys=keys)
        # As by somebody who looks at the vendor's app.
        self.gateway.source.post("/ivp/livedata/stream", b'{"enable": 1}', self._now)
        self.metered = options.metered and (options.layout.production or options.layout.consumption)
        self.battery = options.battery is not Battery.NONE
        # Only beside the stream the bridge asks for the page that knows of an AC Battery.
        self.source = "readings" if self.metered and options.battery is not Battery.AC else "auto"

    def pass_by(self, seconds: float) -> None:
        self._now += seconds


class Played:
    """A recorded gateway; nothing is known of what its counters would have said later."""

    def __init__(self, folder: Path, keys: Keys) -> None:
        recorded = Recorded(folder)
        self._answers = recorded.answers
        # Where nobody recorded it with its phases, it is served without them.
        self._answers.setdefault("production.json_details_1", self._answers["production.json"])
        # pyenphase reads no site with a system controller without these, and nobody recorded them.
        for page in ("ivp_ensemble_dry_contacts", "ivp_ss_dry_contact_settings"):
            self._answers.setdefault(page, Answer(200, b'{"dry_contacts": []}'))
        self.gateway = Gateway(recorded.options(), source=recorded, keys=keys)
        self.metered = b'"enabled"' in self._answers["ivp_meters"].body
        self.battery = b'"ENCHARGE"' in self._answers["ivp_ensemble_inventory"].body
        self.source = "readings" if self.metered else "auto"

    def pass_by(self, seconds: float) -> None:
        name = READINGS.strip("/").replace("/", "_")
        answer = self._answers[name]
        later = re.sub(
            rb'(?<="timestamp": )[1-9]\d*', lambda found: b"%d" % (int(found[0]) + seconds), answer.body
        )
        self._answers[name] = answer._replace(body=later)
