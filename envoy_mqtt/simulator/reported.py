"""`/production.json` and `/api/v1/production`: the older answers, slow and with habits of their own.

Inverters and meters beside each other, lifetimes that are not quite the meters' counters, entries of meters
that are not fitted, and sums that are wrong on some firmware (protocol notes, sections 3.4 and 3.5).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from envoy_mqtt.simulator.counters import Counters, Register
from envoy_mqtt.simulator.noise import unit
from envoy_mqtt.simulator.options import Battery, Options
from envoy_mqtt.simulator.wire import Reading, Sample

TODAY = ("whToday", "whLastSevenDays", "vahToday", "varhLeadToday", "varhLagToday")
# An entry whose meter has just been lost sight of (section 3.4, 8.3.5528).
GLITCH = {"activeCount": 0, "wNow": -2.828, "whLifetime": 0.0}


@dataclass(frozen=True)
class Facts:
    """What the answers are made of: `unix` is the gateway's time, Wh are the house's since its midnight."""

    options: Options
    unix: float
    now: Sample
    counters: Counters
    inverters: int
    inverters_unix: float
    inverters_w: int
    produced_today_wh: float
    used_today_wh: float
    storage_w: float
    soc: float
    glitch: bool = False


def production_json(facts: Facts, *, details: bool) -> bytes:
    """One compact line. Without meter hardware there are no meters' entries in it."""
    production: list[dict[str, Any]] = [_inverters(facts)]
    document: dict[str, Any] = {"production": production}
    if facts.options.metered:
        lines = details or facts.options.version.always_lines
        production.append(_entry(facts, "production", facts.options.layout.production, lines=lines))
        fitted = facts.options.layout.consumption
        document["consumption"] = [
            _entry(facts, f"{kind}-consumption", fitted, lines=lines) for kind in ("total", "net")
        ]
    document["storage"] = [_ac_battery(facts)]
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"


def api_production(facts: Facts) -> bytes:
    """Four whole numbers: the production meter's, its noise where it is not fitted, else the inverters'."""
    if facts.options.metered:
        meter = _entry(facts, "production", facts.options.layout.production, lines=False)
        numbers = [meter[key] for key in ("whToday", "whLastSevenDays", "whLifetime", "wNow")]
    else:
        today = facts.produced_today_wh
        numbers = [today, _week(facts, today), facts.counters.array.delivered_wh, facts.inverters_w]
    keys = ("wattHoursToday", "wattHoursSevenDays", "wattHoursLifetime", "wattsNow")
    figures = {key: int(number) for key, number in zip(keys, numbers, strict=True)}
    return json.dumps(figures, indent=2).encode() + b"\n"


def _inverters(facts: Facts) -> dict[str, Any]:
    return {
        "type": "inverters",
        "activeCount": facts.inverters,
        # By night there is no reading (recording 7.6.185).
        "readingTime": int(facts.inverters_unix) if facts.inverters_w else 0,
        "wNow": facts.inverters_w,
        "whLifetime": int(facts.counters.array.delivered_wh),
    }


def _entry(facts: Facts, kind: str, fitted: bool, *, lines: bool) -> dict[str, Any]:
    """One meter: the sums over its phases, and the phases on request."""
    shown = "net-consumption" if _total_is_net(facts.options) and kind == "total-consumption" else kind
    count = facts.options.phases.number
    phases = [_numbers(facts, shown, place) for place in range(count)]
    entry = {
        "type": "eim",
        "activeCount": int(fitted),
        "measurementType": kind,
        "readingTime": int(facts.unix),
        **_sum(facts, phases),
    }
    offset_wh = _offset_wh(facts.options) if shown == "net-consumption" and fitted else 0.0
    entry["whLifetime"] = round(entry["whLifetime"] + offset_wh, 3)
    entry |= _today(facts, kind, entry, fitted=fitted)
    if facts.glitch:
        entry |= GLITCH
    if lines:
        shares = [line | _today(facts, kind, line, fitted=fitted, share=1.0 / count) for line in phases]
        entry["lines"] = shares + [{key: type(number)(0) for key, number in shares[0].items()}] * (3 - count)
    return entry


def _numbers(facts: Facts, kind: str, place: int) -> dict[str, float]:
    wh, lead, lag, vah = _lifetimes(facts, kind, place)
    reading = _readings(facts.now, kind)[place]
    factor = max(-1.0, min(1.0, reading.p / reading.s)) if reading.s else 0.0
    numbers = (
        ("wNow", reading.p),
        ("whLifetime", wh),
        ("varhLeadLifetime", lead),
        ("varhLagLifetime", lag),
        ("vahLifetime", vah),
        ("rmsCurrent", reading.i),
        ("rmsVoltage", reading.v),
        ("reactPwr", reading.q),
        ("apprntPwr", reading.s),
        ("pwrFactor", round(factor, 2)),
    )
    return {key: round(number, 3) for key, number in numbers}


def _readings(now: Sample, kind: str) -> Sequence[Reading]:
    return {"production": now.production, "net-consumption": now.net}.get(kind, now.total)


def _lifetimes(facts: Facts, kind: str, place: int) -> tuple[float, float, float, float]:
    """Energy, leading, lagging and apparent; what no meter counts is added up from those that do."""
    made, bought = facts.counters.production[place], facts.counters.consumption[place]
    if kind == "production":
        return made.delivered_wh, made.leading_varh, made.lagging_varh, made.apparent_vah
    wh = bought.delivered_wh - bought.received_wh
    if facts.options.layout.total:
        wh -= made.delivered_wh if kind == "net-consumption" else 0.0
    elif kind == "total-consumption":
        wh += made.delivered_wh
    elif facts.options.version.net_counts_import:
        wh = bought.delivered_wh
    return wh, *_reactive(made, bought, kind), bought.apparent_vah


def _reactive(made: Register, bought: Register, kind: str) -> tuple[float, float]:
    if kind == "net-consumption":
        return bought.leading_varh, bought.lagging_varh
    return bought.leading_varh - made.leading_varh, bought.lagging_varh - made.lagging_varh


def _sum(facts: Facts, phases: Sequence[dict[str, float]]) -> dict[str, Any]:
    numbers = {key: round(sum(phase[key] for phase in phases), 3) for key in phases[0]}
    if not facts.options.version.sums_power_factors:
        s = numbers["apprntPwr"]
        numbers["pwrFactor"] = round(max(-1.0, min(1.0, numbers["wNow"] / s)), 2) if s else 0.0
    return numbers


def _today(
    facts: Facts, kind: str, numbers: dict[str, Any], *, fitted: bool, share: float = 1.0
) -> dict[str, float]:
    """Net has none; the newest stack and meters that are not fitted repeat the lifetime."""
    if kind == "net-consumption":
        return dict.fromkeys(TODAY, 0)
    if not fitted or facts.options.version.sums_power_factors:
        keys = ("whLifetime", "whLifetime", "vahLifetime", "varhLeadLifetime", "varhLagLifetime")
        return {today: numbers[key] for today, key in zip(TODAY, keys, strict=True)}
    wh = share * (facts.produced_today_wh if kind == "production" else facts.used_today_wh)
    figures = (wh, share * _week(facts, wh / share), 1.2 * wh, 0.02 * wh, 0.19 * wh)
    return {key: round(figure, 3) for key, figure in zip(TODAY, figures, strict=True)}


def _week(facts: Facts, today_wh: float) -> float:
    """Today and six average days."""
    return today_wh + 6.0 * 3.4 * facts.options.array_w


def _total_is_net(options: Options) -> bool:
    """8.3.5433 with a total transformer writes net where total should stand (section 3.4)."""
    return options.total_is_net or (options.layout.total and options.version.reports_net_as_total)


def _offset_wh(options: Options) -> float:
    """How much its net lifetime is off the meter's counters: 77 to 259 Wh in the recordings."""
    return 0.0 if options.version.net_counts_import else round(77.0 + 182.0 * unit(options.chance, 960), 3)


def _ac_battery(facts: Facts) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": "acb", "activeCount": 0, "readingTime": 0, "wNow": 0, "whNow": 0}
    if facts.options.battery is not Battery.AC:
        return entry | {"state": "idle"}
    watts, stored_wh = round(facts.storage_w), round(facts.soc * facts.options.battery_wh)
    state = "discharging" if watts > 0 else "charging" if watts < 0 else "idle"
    found = {"activeCount": 3, "readingTime": int(facts.unix), "wNow": watts, "whNow": stored_wh}
    return entry | found | {"state": state, "percentFull": round(100.0 * facts.soc)}
