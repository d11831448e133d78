"""Powers as lines of a terminal: numbers, bars, words, and a table of phases or of gateways. Pure."""

from collections.abc import Iterator

from envoy_mqtt.terminal.board import Board, Table, number
from envoy_mqtt.terminal.line import BAD, DIM, PLAIN, STRONG, Line

UNKNOWN = "–"

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

# From so many columns on there is room for how full a battery is.
WIDE = 60

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

# Columns of the table of gateways.
SERIAL, NARROW = 13, 9


def flow(live: Table, width: int) -> Iterator[Line]:
    """A line for each meter there is, with a bar as long as its power."""
    powers = {meter: number(live, f"{meter}_power") for meter in NAMES if f"{meter}_power" in live}
    scale = max([SMALLEST_SCALE_W, *(abs(power) for power in powers.values() if power is not None)])
    said = 18 if width >= WIDE else 12
    room = max(0, width - 8 - 10 - 2 - said)
    for meter, power in powers.items():
        name, colour = NAMES[meter]
        shown = power if power is None or meter not in DIRECTIONS else abs(power)
        bar = "█" * round(room * abs(power or 0.0) / scale)
        word = _direction(meter, power, live)[:said]
        yield [
            (f"{name:<8}", PLAIN),
            (f"{watts(shown):>10}", STRONG),
            (f"  {word:<{said}}", DIM),
            (bar, colour),
        ]


def _direction(meter: str, power: float | None, live: Table) -> str:
    """In a word; of a battery also how full it is, last, where there may be no room."""
    up, down = DIRECTIONS.get(meter, ("", ""))
    still = power is None or abs(power) < STILL_W
    charge = number(live, f"{meter}_state_of_charge")
    return f"{'' if still else up if power and power > 0 else down:<11}" + (
        "" if charge is None else f" {charge:.0f} %"
    )


def sentence(live: Table) -> str:
    """What that comes to, in words; empty where it is not known."""
    net = number(live, "net_power")
    if net is None:
        return ""
    if abs(net) < STILL_W:
        return "Nothing flows to or from the grid."
    verb, where = ("draws", "from") if net > 0 else ("feeds", "into")
    return f"The house {verb} {watts(abs(net))} {where} the grid."


def phases(live: Table, width: int) -> Iterator[Line]:
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


def overview(board: Board, width: int) -> Iterator[Line]:
    """All gateways in a table, and their sum where each that has such a meter knows."""
    tables = {serial: gateway.live for serial, gateway in sorted(board.gateways.items())}
    meters = [each for each in NAMES if any(f"{each}_power" in live for live in tables.values())]
    meters = meters[: max(1, (width - SERIAL) // NARROW)]
    yield [(" " * SERIAL + "".join(f"{NAMES[meter][0]:>{NARROW}}" for meter in meters), DIM)]
    for serial, live in tables.items():
        style = BAD if board.gateways[serial].online is False else PLAIN
        powers = [number(live, f"{meter}_power") for meter in meters]
        yield [(f"{serial:<{SERIAL}}", style), (_beside(powers), PLAIN)]
    totals = [_sum(list(tables.values()), f"{meter}_power") for meter in meters]
    yield [(f"{'together':<{SERIAL}}", STRONG), (_beside(totals), STRONG)]


def _beside(powers: list[float | None]) -> str:
    return "".join(f"{watts(power):>{NARROW}}" for power in powers)


def _sum(tables: list[Table], key: str) -> float | None:
    values = [number(live, key) for live in tables if key in live]
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def watts(power: float | None) -> str:
    """In W below 1 kW, else in kW."""
    if power is None:
        return UNKNOWN
    return f"{round(power)} W" if abs(power) < 999.5 else f"{power / 1000:.2f} kW"
