"""When the vendor's cloud may be asked for a token. Pure: a record of what was, the time, and an answer.

An account that is tried too often is locked, so whatever fails and however often the process restarts:
at most LOGINS_A_DAY in any 24 hours, and after a refusal or failure nothing for 15 minutes, 30, 60 … up
to a day. The record is written before the cloud is asked (`begun`) and counts that attempt as failed
until the answer is there (`failed`, `succeeded`), so a process that dies in between has counted too.
"""

from typing import Any, NamedTuple

from envoy_mqtt.errors import CloudTrouble

LOGINS_A_DAY = 6
DAY_S = 86_400.0
FIRST_WAIT_S = 900.0

UNFINISHED = "the last attempt to get a token was cut off before the cloud answered"


class Record(NamedTuple):
    """What is remembered of one account: Unix times of logins, and the failures in a row."""

    logins: tuple[float, ...] = ()
    failures: int = 0
    failed_at: float = 0.0
    after_s: float = 0.0  # what the cloud asked us to wait
    code: str = ""
    text: str = ""

    def begun(self, unix: float) -> "Record":
        """An attempt starts now; it counts as a login and, until more is known, as a failure."""
        recent = tuple(login for login in self.logins if unix - login < DAY_S)
        return Record((*recent, unix), self.failures + 1, unix, 0.0, "cloud_unavailable", UNFINISHED)

    def failed(self, unix: float, trouble: CloudTrouble) -> "Record":
        """The attempt that was begun ended like this."""
        return self._replace(failed_at=unix, after_s=trouble.after_s, code=trouble.code, text=str(trouble))

    def succeeded(self) -> "Record":
        """The attempt that was begun gave a token."""
        return Record(self.logins)

    def settled(self, unix: float) -> "Record":
        """The same on a clock that was set back: what lies ahead of it counts as now."""
        return self._replace(
            logins=tuple(min(login, unix) for login in self.logins), failed_at=min(self.failed_at, unix)
        )

    @property
    def rested_at(self) -> float:
        """Unix time at which the wait after the last failure is over."""
        if not self.failures:
            return 0.0
        doubled = FIRST_WAIT_S * 2.0 ** min(self.failures - 1, 32)
        return self.failed_at + min(DAY_S, max(doubled, self.after_s))

    @property
    def free_at(self) -> float:
        """Unix time at which another login is within the day's number."""
        return self.logins[-LOGINS_A_DAY] + DAY_S if len(self.logins) >= LOGINS_A_DAY else 0.0

    def may_ask_at(self) -> float:
        """Unix time from which the cloud may be asked."""
        return max(self.rested_at, self.free_at)


def used_up(unix: float) -> Record:
    """A record of which nobody knows what it was: as if every login of the day had been used."""
    return Record((unix,) * LOGINS_A_DAY)


def understand(content: dict[str, Any]) -> Record:
    """A record from JSON; raises what parsing raises."""
    logins, text, code = content["logins"], content["text"], content["code"]
    if not isinstance(logins, list) or not isinstance(text, str) or not isinstance(code, str):
        raise TypeError
    return Record(
        logins=tuple(sorted(map(_number, logins))),
        failures=int(_number(content["failures"])),
        failed_at=_number(content["failed_at"]),
        after_s=_number(content["after_s"]),
        code=code,
        text=text,
    )


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        raise ValueError
    return float(value)
