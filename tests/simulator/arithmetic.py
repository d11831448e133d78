"""The rules that captures of real streams obey, one by one (protocol notes, section 1.4).

The same checker reads captures and the simulator's own events; it shares no code with the simulator.
"""

from collections.abc import Iterator
from math import copysign
from typing import Any

PHASES = ("ph-a", "ph-b", "ph-c")
# Real gateways round after adding: the last of three decimals may differ by one.
LAST = 0.00101


def mistakes(event: Any, *, new: bool, pf_copied: bool = False) -> list[str]:
    """Every rule an event breaks, as text; phases that are not there break none."""
    found = []
    for phase in PHASES:
        made, net, total = (
            event[key][phase] for key in ("production", "net-consumption", "total-consumption")
        )
        if made["v"] < 50 or net["v"] < 50:
            continue
        rules = _new(made, net, total, pf_copied=pf_copied) if new else _old(made, net, total)
        found += [f"{phase} {rule}" for rule, holds in rules if not holds]
    return found


def _common(made: Any, net: Any, total: Any) -> Iterator[tuple[str, bool]]:
    yield "total p is net p plus production p", abs(total["p"] - net["p"] - made["p"]) < LAST
    # 0.0005 A at 245 V, twice, and the last decimals.
    yield "total s is v times i", abs(total["s"] - total["v"] * total["i"]) < 0.13


def _old(made: Any, net: Any, total: Any) -> Iterator[tuple[str, bool]]:
    yield from _common(made, net, total)
    yield "total q is net q minus production q", abs(total["q"] - net["q"] + made["q"]) < LAST
    yield "total v is the mean", abs(total["v"] - (net["v"] + made["v"]) / 2) < LAST
    i = made["i"] + copysign(net["i"], net["p"])
    yield "total i goes by the sign bit of net p", abs(total["i"] - i) < LAST
    yield "total f is the mean", abs(total["f"] - (net["f"] + made["f"]) / 2) < 0.0051
    yield "net i and s are never negative", net["i"] >= 0 and net["s"] >= 0
    if total["s"]:
        clipped = max(-1.0, min(1.0, total["p"] / total["s"]))
        yield "total pf is p/s, clipped", abs(total["pf"] - clipped) < 0.0101


def _new(made: Any, net: Any, total: Any, *, pf_copied: bool) -> Iterator[tuple[str, bool]]:
    yield from _common(made, net, total)
    yield "total q is net q plus production q", abs(total["q"] - net["q"] - made["q"]) < LAST
    yield "total v is net v", total["v"] == net["v"]
    yield "total i is the sum", abs(total["i"] - net["i"] - made["i"]) < LAST
    yield "total f is net f", total["f"] == net["f"]
    if net["p"] < 0:
        yield (
            "an export has negative i and s and a factor of -1",
            (net["i"] <= 0 and net["s"] <= 0 and net["pf"] == -1.0),
        )
    if pf_copied:
        yield "total pf is net pf", total["pf"] == net["pf"]
    elif total["s"] > 0:
        clipped = max(-1.0, min(1.0, total["p"] / total["s"]))
        yield "total pf is p/s, clipped", abs(total["pf"] - clipped) < 0.0101
