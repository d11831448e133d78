"""Which source a gateway is read from, and why: the ladder, best first.

    stream       every meter but the battery, once a second, without being asked
    readings     every meter, asked once a second
    livedata     what the gateway's own app shows, asked once a second
    production   the inverters' own figures, once a minute

Nothing here looks at a firmware's version: a source is refused or absent when the gateway says so. Below
the first rung the better ones are asked again after 10 min, then ever more rarely up to every 6 h, and at
once where the token is another one. Times are the steady clock's.
"""

from enum import StrEnum
from typing import Literal, NamedTuple

from envoy_mqtt.model import Kind, Site


class Source(StrEnum):
    """Where readings come from, in the contract's words."""

    STREAM = "stream"
    READINGS = "readings"
    LIVEDATA = "livedata"
    PRODUCTION = "production"


Wanted = Literal["auto", "stream", "readings", "livedata", "production"]

AGAIN_S = 600.0
AGAIN_CEILING_S = 6 * 3600.0

# A source that brought nothing so often in a row, though the gateway answers otherwise, is not there.
ATTEMPTS = 3

WANTED = "gateway.source says so."
STREAM = "The stream has every meter of this site."
STORAGE = "The stream has no battery, so all meters are asked once a second."
NO_METER = "No current transformer is fitted, so the inverters' own figures are all there is."


class Step(NamedTuple):
    """The rung to stand on, and the sentence that says why."""

    source: Source
    reason: str


class Shut(NamedTuple):
    """A source that is not there: why, until when it is left alone, how often it was tried, and health's
    code for it where there is one.
    """

    why: str
    until: float
    tries: int
    code: str


class Ladder:
    """One gateway's ladder; it remembers across connections what was refused.

    `again_s` is after how long a source that was shut is asked again the first time.
    """

    def __init__(self, wanted: Wanted = "auto", *, again_s: float = AGAIN_S) -> None:
        self._wanted = wanted
        self._again_s = again_s
        self._shut: dict[Source, Shut] = {}
        self._fruitless: dict[Source, int] = {}
        self._token = ""

    def reset(self) -> None:
        """Start at the top again."""
        self._shut.clear()
        self._fruitless.clear()

    def use(self, token: str) -> None:
        """The token that is shown from now on; another one may open what was shut."""
        if token != self._token:
            self.reset()
        self._token = token

    def choose(self, site: Site, now: float) -> Step:
        """The best rung that is not shut; where all are, the one that opens first."""
        rungs = self.rungs(site)
        open_now = [source for source in rungs if not self._is_shut(source, now)]
        source = open_now[0] if open_now else min(rungs, key=lambda each: self._shut[each].until)
        return Step(source, self._reason(source, rungs))

    def rungs(self, site: Site) -> tuple[Source, ...]:
        """The sources that can serve this site, best first."""
        if self._wanted != "auto":
            return (Source(self._wanted),)
        if not site.metered:
            return (Source.PRODUCTION,)
        every = tuple(Source)
        return every[1:] if Kind.STORAGE in site.metered else every

    def better(self, site: Site, source: Source) -> tuple[Source, float] | None:
        """The better rung that opens next, and when; `None` on the first one."""
        rungs = self.rungs(site)
        above = rungs[: rungs.index(source)] if source in rungs else rungs
        opens = [(each, self._shut[each].until if each in self._shut else 0.0) for each in above]
        return min(opens, key=lambda each: each[1], default=None)

    def fallen(self, step: Step) -> bool:
        """Whether it stands below a source that was shut."""
        every = list(Source)
        return any(every.index(source) < every.index(step.source) for source in self._shut)

    @property
    def refusals(self) -> dict[str, str]:
        """What of that health has a word for: the contract's code, and why."""
        return {shut.code: shut.why for shut in self._shut.values() if shut.code}

    def shut(self, source: Source, why: str, now: float, *, code: str = "") -> None:
        """It was refused or is absent: `why` is half a sentence."""
        tries = self._shut[source].tries + 1 if source in self._shut else 1
        pause_s = min(AGAIN_CEILING_S, self._again_s * 2.0 ** min(tries - 1, 32))
        self._shut[source] = Shut(why, now + pause_s, tries, code)

    def fruitless(self, source: Source, why: str, now: float) -> None:
        """An attempt brought no reading, though the gateway answers otherwise."""
        self._fruitless[source] = self._fruitless.get(source, 0) + 1
        if self._fruitless[source] >= ATTEMPTS:
            self._fruitless.pop(source)
            self.shut(source, why, now)

    def works(self, source: Source) -> None:
        """It brings readings: what was held against it is forgotten."""
        self._shut.pop(source, None)
        self._fruitless.pop(source, None)

    def _is_shut(self, source: Source, now: float) -> bool:
        return source in self._shut and now < self._shut[source].until

    def _reason(self, source: Source, rungs: tuple[Source, ...]) -> str:
        if self._wanted != "auto":
            return WANTED
        above = [self._shut[each].why for each in rungs[: rungs.index(source)] if each in self._shut]
        if above:
            why = "; ".join(above)
            return f"{why[:1].upper()}{why[1:]}; it is asked again from time to time."
        if source is Source.PRODUCTION:
            return NO_METER
        return STREAM if source is Source.STREAM else STORAGE
