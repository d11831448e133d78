"""What `envoy-mqtt watch` shows, as lines of a terminal of any size. Pure.

What matters most comes first and stays longest when there is little room: the flow, then what is wrong, then
today, then the phases.
"""

from collections.abc import Iterator
from datetime import datetime, tzinfo
from typing import NamedTuple

from envoy_mqtt.terminal.board import Board, Gateway, Table, number, rows, words
from envoy_mqtt.terminal.line import (
    BAD,
    BETWEEN,
    DIM,
    GOOD,
    PLAIN,
    STRONG,
    Line,
    Section,
    both_ends,
    fitting,
    listed,
    paragraph,
)

UNKNOWN = "–"
BLANK: Line = []

# What each meter is called here, and its colour.
NAMES = {
    "production": ("solar", "yellow"),
    "consumption": ("house", "cyan"),
    "net": ("grid", "magenta"),
    "storage": ("battery", "blue"),
}
# What a power above and below zero means.
DIRECTIONS = {"net": ("importing", "exporting"), "storage": ("discharging", "charging")}
# Less than this is neither.
STILL_W = 0.5

# The pace in health is that of the last minute.
MINUTE_S = 60.0

# A full bar is the largest of the powers, but never less.
SMALLEST_SCALE_W = 1000.0

ELECTRICAL = {
    "power": ("power", "{:z.0f} W"),
    "voltage": ("voltage", "{:.1f} V"),
    "current": ("current", "{:.2f} A"),
    "power_factor": ("factor", "{:z.2f}"),
    "frequency": ("frequency", "{:.2f} Hz"),
}
COLUMN = 11

TODAY = {
    "produced": "production_energy_today",
    "consumed": "consumption_energy_today",
    "imported": "grid_import_energy_today",
    "exported": "grid_export_energy_today",
    "charged": "storage_charged_energy_today",
    "discharged": "storage_discharged_energy_today",
}


class Scene(NamedTuple):
    """What is shown beside the board: who shows it, the moment, and what is wrong with the broker."""

    title: str
    now_unix: float
    zone: tzinfo
    trouble: str = ""


def picture(board: Board, scene: Scene, width: int, height: int) -> list[Line]:
    """The lines, at most `height`; where the terminal is very narrow they go beyond its edge."""
    return fitting(list(_sections(board, scene, width)), height)


def _sections(board: Board, scene: Scene, width: int) -> Iterator[Section]:
    clock = datetime.fromtimestamp(scene.now_unix, scene.zone).strftime("%H:%M:%S")
    yield Section(0, [both_ends([(scene.title, STRONG)], [(clock, DIM)], width)])
    if scene.trouble:
        yield Section(0, paragraph(scene.trouble, width, BAD))
    elif board.bridge_online is False:
        yield Section(0, paragraph("The bridge does not run: this is what it said last.", width, BAD))
    if not board.gateways and not scene.trouble:
        yield Section(0, paragraph("No gateway is told of here yet.", width, DIM))
    if len(board.gateways) > 1:
        yield Section(1, [BLANK, *_overview(board, width)])
    for n, serial in enumerate(sorted(board.gateways)):
        yield from _gateway(board, scene, serial, width, 1 if len(board.gateways) == 1 else 3 + 5 * n)
    if board.health:
        yield Section(2, [BLANK, *_health(board, scene, width)])


def _gateway(board: Board, scene: Scene, serial: str, width: int, rank: int) -> Iterator[Section]:
    gateway = board.gateways[serial]
    name = [(serial, STRONG), (f"  {words(gateway.table('gateway'), 'firmware')}", DIM)]
    flow = list(_flow(gateway.live, width))
    said = _sentence(gateway.live)
    yield Section(rank, [BLANK, both_ends(name, [_freshness(gateway, scene)], width), *flow])
    yield Section(rank, [[(said, STRONG)]] if said else [])
    phases = list(_phases(gateway.live, width))
    yield Section(rank + 3, [BLANK, *phases] if phases else [])
    yield Section(rank + 2, listed("today", _today(gateway.table("energy")), width))
    yield Section(rank + 2, listed("tariff", _tariff(gateway.table("tariff")), width))
    yield Section(rank + 4, listed("reading", _reading(board, serial, gateway), width))


def _flow(live: Table, width: int) -> Iterator[Line]:
    """A line for each meter there is, with a bar as long as its power."""
    powers = {meter: number(live, f"{meter}_power") for meter in NAMES if f"{meter}_power" in live}
    scale = max([SMALLEST_SCALE_W, *(abs(power) for power in powers.values() if power is not None)])
    room = max(0, width - 8 - 10 - 14)
    for meter, power in powers.items():
        name, colour = NAMES[meter]
        shown = power if power is None or meter not in DIRECTIONS else abs(power)
        bar = "█" * round(room * abs(power or 0.0) / scale)
        word = _direction(meter, power, live)
        yield [(f"{name:<8}", PLAIN), (f"{watts(shown):>10}", STRONG), (f"  {word:<12}", DIM), (bar, colour)]


def _direction(meter: str, power: float | None, live: Table) -> str:
    up, down = DIRECTIONS.get(meter, ("", ""))
    if power is None or abs(power) < STILL_W:
        return ""
    charge = number(live, "storage_state_of_charge") if meter == "storage" else None
    return (
        (up if power > 0 else down)[:11] if charge is None else f"{'↓' if power > 0 else '↑'} {charge:.0f} %"
    )


def _sentence(live: Table) -> str:
    net = number(live, "net_power")
    if net is None:
        return ""
    if abs(net) < STILL_W:
        return "Nothing flows to or from the grid."
    verb, where = ("draws", "from") if net > 0 else ("feeds", "into")
    return f"The house {verb} {watts(abs(net))} {where} the grid."


def _phases(live: Table, width: int) -> Iterator[Line]:
    """A line for each phase of each meter, with as many columns as there is room for."""
    keys = list(ELECTRICAL)[: max(1, (width - COLUMN) // COLUMN)]
    lines = []
    for meter, (name, _) in NAMES.items():
        numbered = [f"l{n}_" for n in (1, 2, 3) if f"{meter}_l{n}_power" in live]
        for prefix in numbered or [""]:
            values = [number(live, f"{meter}_{prefix}{key}") for key in keys]
            if any(value is not None for value in values):
                label = f"{name} {prefix[:2].upper()}"
                lines.append([(f"{label:<{COLUMN}}", PLAIN), ("".join(map(_cell, keys, values)), PLAIN)])
    if lines:
        yield [(" " * COLUMN + "".join(f"{ELECTRICAL[key][0]:>{COLUMN}}" for key in keys), DIM)]
        yield from lines


def _cell(key: str, value: float | None) -> str:
    text = UNKNOWN if value is None else ELECTRICAL[key][1].format(value)
    return f"{text:>{COLUMN}}"


def _today(energy: Table) -> Iterator[str]:
    for name, key in TODAY.items():
        if (kwh := number(energy, key)) is not None:
            yield f"{name} {kwh:.2f} kWh"
    if (share := number(energy, "self_sufficiency_today")) is not None:
        yield f"self-sufficient {share:.0f} %"


def _tariff(tariff: Table) -> Iterator[str]:
    currency = words(tariff, "currency")
    if (price := number(tariff, "import_price")) is not None:
        yield f"{words(tariff, 'import_period')} at {price:g} {currency}/kWh"
    if (cost := number(tariff, "cost_per_hour")) is not None:
        yield f"{'costs' if cost >= 0 else 'earns'} {abs(cost):.2f} {currency} an hour"
    for name, key in (("paid", "import_cost_today"), ("earned", "export_revenue_today")):
        if (money := number(tariff, key)) is not None:
            yield f"{name} {money:.2f} {currency} today"


def _reading(board: Board, serial: str, gateway: Gateway) -> Iterator[str]:
    gateways = board.health.get("gateways")
    table = gateways.get(serial) if isinstance(gateways, dict) else None
    health: Table = table if isinstance(table, dict) else {}
    if source := words(gateway.live, "source"):
        yield f"source {source}"
    whole_minute = (number(board.health, "uptime_s") or 0.0) >= MINUTE_S
    if whole_minute and (rate := number(health, "rate_hz")) is not None:
        yield f"{rate:.2f} a second"
    if (days := number(health, "token_days_left")) is not None:
        yield f"token good for {days:.0f} days"


def _freshness(gateway: Gateway, scene: Scene) -> tuple[str, str]:
    time = number(gateway.live, "time")
    if time is None:
        return "no reading yet", DIM
    if gateway.online is False:
        return f"offline, last reading at {_clock(time, scene.zone)}", BAD
    return f"{max(0.0, scene.now_unix - time):.0f} s old", GOOD


def _clock(unix: float, zone: tzinfo) -> str:
    try:
        return datetime.fromtimestamp(unix, zone).strftime("%H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return UNKNOWN


def _overview(board: Board, width: int) -> Iterator[Line]:
    """All gateways in a table, and their sum where each of them knows."""
    meters = [
        meter for meter in NAMES if any(f"{meter}_power" in each.live for each in board.gateways.values())
    ][: max(1, (width - 14) // COLUMN)]
    yield [(" " * 14 + "".join(f"{NAMES[meter][0]:>{COLUMN}}" for meter in meters), DIM)]
    powers = {
        serial: [number(each.live, f"{meter}_power") for meter in meters]
        for serial, each in sorted(board.gateways.items())
    }
    for serial, values in powers.items():
        style = BAD if board.gateways[serial].online is False else PLAIN
        yield [(f"{serial:<14}", style), ("".join(f"{watts(value):>{COLUMN}}" for value in values), PLAIN)]
    totals = [_sum(column) for column in zip(*powers.values(), strict=True)]
    yield [(f"{'together':<14}", STRONG), ("".join(f"{watts(it):>{COLUMN}}" for it in totals), STRONG)]


def _sum(values: tuple[float | None, ...]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _health(board: Board, scene: Scene, width: int) -> Iterator[Line]:
    problems = rows(board.health, "problems")
    if not problems:
        yield [("Nothing is wrong.", GOOD)]
    for problem in problems:
        serial = words(problem, "serial")
        about = BETWEEN.join(filter(None, (serial, _since(words(problem, "since"), scene.zone))))
        text = words(problem, "text") or words(problem, "code")
        yield from paragraph(f"{text}{about and f' ({about})'}", width, BAD, "✗ ")
        yield from paragraph(words(problem, "remedy"), width, PLAIN, "  → ", "    ")


def _since(timestamp: str, zone: tzinfo) -> str:
    try:
        moment = datetime.fromisoformat(timestamp)
    except ValueError:
        return ""
    return f"since {moment.astimezone(zone):%H:%M}"


def watts(power: float | None) -> str:
    """In W below 1 kW, else in kW."""
    if power is None:
        return UNKNOWN
    return f"{round(power)} W" if abs(power) < 999.5 else f"{power / 1000:.2f} kW"
