"""An amount of energy, how old it is, and where it comes from."""

from collections.abc import Iterable
from enum import StrEnum
from math import inf
from typing import NamedTuple


class Source(StrEnum):
    """Where an energy comes from, in the contract's words."""

    COUNTER = "counter"
    REPORTED = "reported"  # by the inverters
    DERIVED = "derived"  # from others
    INTEGRATED = "integrated"  # from powers


class Amount(NamedTuple):
    """`wh` is `None` while it is not known; `age_s` ago it was so."""

    wh: float | None
    age_s: float
    source: Source


NOTHING = Amount(0.0, 0.0, Source.COUNTER)
UNKNOWN = Amount(None, inf, Source.COUNTER)


def total(terms: Iterable[tuple[int, Amount]], *, derived: bool = False) -> Amount:
    """The sum of the terms with their signs, as old as the oldest of them, `None` where one is not known.

    One integrated part makes an integrated sum; a sum of different quantities is `derived`.
    """
    wh: float | None = 0.0
    age_s, source = 0.0, Source.DERIVED if derived else Source.COUNTER
    for sign, amount in terms:
        wh = None if wh is None or amount.wh is None else wh + sign * amount.wh
        age_s = max(age_s, amount.age_s)
        if amount.source is Source.INTEGRATED or not derived:
            source = max(source, amount.source, key=RANK.__getitem__)
    return Amount(wh, age_s, source)


RANK = {source: rank for rank, source in enumerate(Source)}
