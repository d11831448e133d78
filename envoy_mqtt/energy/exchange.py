"""Import and export where no counter counts them: integrated, and corrected by a difference that is counted.

On sites with production and total meters the rise of the one's counter less the other's is the rise of
import − export, and with `energy.grid = "balanced"` the net meter's counters say the same of the sum of the
phases. Powers tell the two apart, counters tell their difference; both together are right.

At each reading of the counters what the integrals have too much is taken back from the direction in which
more flowed, as long as nobody was told of it. What is missing after that, and all of it after a gap, goes
to import if positive and to export if negative (the contract, "Energy"): so import − export rises by
exactly what the counters' difference does, and neither ever falls.
"""

from typing import Any

from envoy_mqtt.energy.integral import MAX_GAP_S
from envoy_mqtt.energy.since import Mark, marked, number, recalled
from envoy_mqtt.model import Instant


class Exchange:
    """Import and export, in Wh. `at` is when something was last known of them, `None` before they begin."""

    def __init__(self, memory: Any = None) -> None:
        self._told = (0.0, 0.0)
        self._import_wh = self._export_wh = 0.0  # since they were told
        self._constant: float | None = None  # import − export less the counters' difference
        self._gap = True
        self._seen_at = 0.0  # steady
        self.at: Mark | None = None
        if memory is not None:
            imported, exported, constant, at = memory
            self._told = number(imported), number(exported)
            self._constant = None if constant is None else number(constant)
            self.at = recalled(at)

    @property
    def import_wh(self) -> float:
        """What came from the grid."""
        return self._told[0] + self._import_wh

    @property
    def export_wh(self) -> float:
        """What went to the grid."""
        return self._told[1] + self._export_wh

    def begin(self, import_wh: float, export_wh: float, now: Instant) -> None:
        """Nothing is known of the past but this."""
        self._told, self.at = (import_wh, export_wh), marked(now)
        self._import_wh = self._export_wh = 0.0

    def flow(self, import_wh: float, export_wh: float, now: Instant) -> None:
        """So much flowed since the reading before."""
        self._import_wh += import_wh
        self._export_wh += export_wh
        self._seen_at, self.at = now.steady, marked(now)

    def miss(self, now: Instant) -> None:
        """A reading came after a gap."""
        self._gap, self._seen_at = True, now.steady

    def settle(self, difference_wh: float, now: Instant) -> None:
        """The counters were read, and all of them are good."""
        if self._constant is None:
            self._constant = self.import_wh - self.export_wh - difference_wh
        missing_wh = difference_wh + self._constant - (self.import_wh - self.export_wh)
        if not self._gap and now.steady - self._seen_at <= MAX_GAP_S:
            missing_wh = self._take_back(missing_wh)
        self._import_wh += max(0.0, missing_wh)
        self._export_wh += max(0.0, -missing_wh)
        self._gap, self.at = False, marked(now)

    def rebase(self) -> None:
        """A counter began again: its difference means nothing before the next reading."""
        self._constant = None

    def seal(self) -> None:
        """They are told now, and what is told is not taken back."""
        self._told = self.import_wh, self.export_wh
        self._import_wh = self._export_wh = 0.0

    def memory(self, now: Instant) -> list[object]:
        """What another process needs to go on, for JSON."""
        return [self.import_wh, self.export_wh, self._constant, self.at and self.at.kept(now)]

    def _take_back(self, missing_wh: float) -> float:
        """What is missing still when the direction in which more flowed has given back its excess."""
        if self._import_wh >= self._export_wh:
            back_wh = min(self._import_wh, max(0.0, -missing_wh))
            self._import_wh -= back_wh
            return missing_wh + back_wh
        back_wh = min(self._export_wh, max(0.0, missing_wh))
        self._export_wh -= back_wh
        return missing_wh - back_wh
