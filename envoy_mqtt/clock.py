"""The one place that reads clocks."""

import sys
import time

from envoy_mqtt.model import Instant

# Linux's monotonic clock stands still while a laptop sleeps and its boot clock does not; macOS's
# monotonic clock runs on.
if sys.platform == "linux":

    def steady() -> float:
        """Seconds on a clock that never jumps and runs through sleep."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

else:

    def steady() -> float:
        """Seconds on a clock that never jumps."""
        return time.monotonic()


def unix() -> float:
    """Seconds since 1970, on a clock that people set."""
    return time.time()


def now() -> Instant:
    """This moment."""
    return Instant(steady(), unix())
