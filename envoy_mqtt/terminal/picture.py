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
from envoy_mqtt.terminal.power import UNKNOWN, flow, overview, phases, sentence

BLANK: Line = []

# Below this many columns nothing is worth reading, and `textwrap` may not end where a word has no room.
NARROWEST = 40

# The pace in health is that of the last minute.
MINUTE_S = 60.0

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
    return fitting(list(_sections(board, scene, max(width, NARROWEST))), height)


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
        yield Section(1, [BLANK, *overview(board, width)])
    for n, serial in enumerate(sorted(board.gateways)):
        yield from _gateway(board, scene, serial, width, 1 if len(board.gateways) == 1 else 3 + 5 * n)
    if board.health:
        yield Section(2, [BLANK, *_health(board, scene, width)])


def _gateway(board: Board, scene: Scene, serial: str, width: int, rank: int) -> Iterator[Section]:
    gateway = board.gateways[serial]
    name = [(serial, STRONG), (f"  {words(gateway.table('gateway'), 'firmware')}", DIM)]
    said = "" if gateway.online is False else sentence(gateway.live)
    yield Section(
        rank, [BLANK, both_ends(name, [_freshness(gateway, scene)], width), *flow(gateway.live, width)]
    )
    yield Section(rank, [[(said, STRONG)]] if said else [])
    table = list(phases(gateway.live, width))
    yield Section(rank + 3, [BLANK, *table] if table else [])
    yield Section(rank + 2, listed("today", _today(gateway.table("energy")), width))
    yield Section(rank + 2, listed("tariff", _tariff(gateway.table("tariff")), width))
    yield Section(rank + 4, listed("reading", _reading(board, serial, gateway), width))


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
