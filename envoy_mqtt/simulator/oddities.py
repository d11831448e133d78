"""What is wrong with a gateway's numbers just now; faults switch it on and off."""

from dataclasses import dataclass


@dataclass
class Oddities:
    """Everything right unless something says otherwise."""

    # Since this moment (Unix seconds) events have repeated themselves.
    frozen_at: float | None = None
    # production.json has lost sight of its meters (protocol notes, section 3.4).
    inactive: bool = False
    # The all-zero meter stands first in the readings, whatever the firmware (section 3.2).
    stray_meter: bool = False
    # Lifetimes are 0 while powers are true, and stepped back by so many Wh (section 8).
    counters_zero: bool = False
    counters_back_wh: float = 0.0
