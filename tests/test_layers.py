"""A module imports only from layers below its own, and every library has one home (architecture.md)."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "envoy_mqtt"

# Lowest first. Within a layer a module may import only what stands before it here, so nothing goes in
# circles. `config`, `diagnosis` and `simulator` are packages: their parts are theirs.
LAYERS = {
    "values": ("model", "errors"),
    "pure": (
        "freshness",
        "gateway.sse",
        "gateway.pace",
        "gateway.document",
        "gateway.answers",
        "gateway.layout",
        "gateway.event",
        "gateway.total",
        "gateway.readings",
        "gateway.livedata",
        "gateway.reported",
        "gateway.battery",
        "gateway.inverters",
        "gateway.timezone",
        "gateway.beside",
        "gateway.ladder",
        "gateway.schedule",
        "gateway.plan",
        "gateway.hearing",
        "gateway.certificate",
        "gateway.verdict",
        "gateway.token",
        "gateway.budget",
        "gateway.page",
        "gateway.cloud",
        "gateway.trouble",
        "gateway.sighting",
        "gateway.digest",
        "gateway.road",
        "energy.since",
        "energy.amount",
        "energy.counter",
        "energy.integral",
        "energy.tally",
        "energy.exchange",
        "energy.day",
        "energy.keys",
        "energy.plan",
        "energy.probe",
        "energy.accounts",
        "energy.ledger",
        "tariff.period",
        "tariff.calendar",
        "tariff.flaws",
        "tariff.prices",
        "tariff.spread",
        "tariff.sheet",
        "tariff.account",
        "tariff.bill",
        "tariff.flow",
        "tariff.course",
        "tariff.statement",
        "tariff.book",
        "tariff.week",
        "beat",
        "mqtt.message",
        "mqtt.about",
        "mqtt.scalars",
        "mqtt.payload",
        "mqtt.notices",
        "mqtt.state",
        "mqtt.entity",
        "mqtt.electrical",
        "mqtt.rates",
        "mqtt.entities",
        "mqtt.discovery",
        "mqtt.migration",
        "compat.stream",
        "compat.readings",
        "compat.livedata",
        "compat.imitation",
        "mqtt.requests",
        "mqtt.record",
        "mqtt.hole",
        "mqtt.bookmark",
        "mqtt.leavings",
        "problems",
        "pulse",
        "health",
        "summary",
        "terminal.board",
        "terminal.line",
        "terminal.power",
        "terminal.picture",
        "web.hosts",
        "web.clients",
        "web.events",
        "web.history",
        "web.query",
        "web.money",
        "web.metrics",
        "diagnosis",
    ),
    "product": ("inventory", "bridge", "standing"),
    "shell": (
        "clock",
        "memory",
        "line",
        "life",
        "outbox",
        "supervise",
        "supervisor",
        "store",
        "installation",
        "lock",
        "gateway.auth",
        "gateway.purse",
        "gateway.errand",
        "gateway.tokens",
        "gateway.pins",
        "gateway.guard",
        "gateway.wire",
        "gateway.introduction",
        "gateway.session",
        "gateway.passage",
        "gateway.climb",
        "gateway.client",
        "books",
        "bookkeeper",
        "roster",
        "zone",
        "almanac",
        "gateway.locate",
        "knock",
        "gateway.examine",
        "mqtt.connection",
        "mqtt.loss",
        "mqtt.segments",
        "mqtt.spool",
        "mqtt.publisher",
        "announcer",
        "mqtt.trial",
        "web.audience",
        "web.files",
    ),
    "far ends": ("simulator",),
    "wiring": (
        "config",
        "log",
        "access",
        "broker",
        "report",
        "web.answers",
        "web.views",
        "web.server",
        "desk",
        "followed",
        "choices",
        "app",
        "tariffs",
        "healthcheck",
        "trust",
        "discover",
        "doctor",
        "cleanup",
        "watch",
    ),
    "demonstration": ("simulate", "demo"),
    "entry": ("cli", "__main__"),
}
PACKAGES = ("config", "diagnosis", "simulator")

# What each layer imports of the others. Far ends know nothing of the bridge that talks to them.
BELOW = {
    "values": set[str](),
    "pure": {"values"},
    "product": {"values", "pure"},
    "shell": {"values", "pure", "product"},
    "far ends": {"values"},
    "wiring": {"values", "pure", "product", "shell"},
    "demonstration": {"values", "pure", "product", "shell", "far ends", "wiring"},
    "entry": {"values", "wiring", "demonstration"},
}

# `structlog` is where it is set up and where something is said; `jwt` and `aiohttp` serve both ends of
# the wire; `trouble` translates aiohttp's exceptions.
HOMES = {
    "aiohttp": {
        "gateway.auth",
        "gateway.examine",
        "gateway.guard",
        "gateway.session",
        "gateway.passage",
        "gateway.climb",
        "gateway.trouble",
        "gateway.wire",
        "simulator",
        "supervisor",
        "web.answers",
        "web.views",
        "web.server",
    },
    "aiomqtt": {"mqtt.connection", "mqtt.publisher", "mqtt.trial", "demo"},
    "cryptography": {"simulator"},
    "holidays": {"almanac"},
    "jwt": {"gateway.token", "simulator"},
    "paho": {"mqtt.connection", "mqtt.publisher"},
    "prometheus_client": {"web.metrics", "web.money"},
    "pydantic": {"config"},
    "pydantic_core": {
        "gateway.document",
        "gateway.answers",
        "gateway.event",
        "gateway.readings",
        "gateway.livedata",
        "gateway.reported",
        "gateway.battery",
        "gateway.inverters",
        "gateway.timezone",
        "mqtt.message",
        "mqtt.requests",
    },
    "pydantic_settings": {"config"},
    "rich": {"watch"},
    "structlog": {"log", "line", "followed", "app"},
    "typer": {"cli"},
    "zeroconf": {"gateway.locate"},
}

# What waits, reads a clock, throws dice or touches the machine.
IMPURE = {
    "asyncio",
    "logging",
    "os",
    "pathlib",
    "random",
    "secrets",
    "selectors",
    "signal",
    "socket",
    "ssl",
    "subprocess",
    "tempfile",
    "threading",
    "time",
    "uuid",
}
IMPURE_CALLS = {"now", "today", "utcnow", "open", "print", "input"}
PURE_LAYERS = ("values", "pure", "product")


def modules() -> Iterator[tuple[str, str]]:
    """Name within the package, and source, of every module; an `__init__` without an import is nothing."""
    for path in sorted(PACKAGE.rglob("*.py")):
        source = path.read_text()
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if parts[-1] != "__init__" or imports(source):
            yield name, source


def imports(source: str) -> set[str]:
    """Every module a source imports, wherever in it; names from the package's root are modules of it."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            origin = "." * node.level + (node.module or "")
            deeper = origin in (
                "envoy_mqtt",
                *(f"envoy_mqtt.{each}" for each in ("compat", "gateway", "mqtt", "web")),
            )
            found |= {f"{origin}.{alias.name}" for alias in node.names} if deeper else {origin}
    return found - {"envoy_mqtt.__version__"}


def unit(name: str) -> str:
    """What the table knows a module as: itself, or the package whose part it is."""
    return next((package for package in PACKAGES if name.partition(".")[0] == package), name)


def layer(name: str) -> str | None:
    return next((layer for layer, names in LAYERS.items() if unit(name) in names), None)


def complaints(name: str, source: str) -> Iterator[str]:
    """What is wrong with a module, each as a sentence."""
    mine = layer(name)
    if mine is None:
        yield f"envoy_mqtt.{name} is in no layer: put it in the table of tests/test_layers.py"
        return
    for imported in sorted(imports(source)):
        top, _, rest = imported.partition(".")
        if top == "envoy_mqtt":
            yield from upwards(name, mine, rest)
        elif top == "":
            yield f"envoy_mqtt.{name} imports {imported}: write the whole name"
        elif top not in sys.stdlib_module_names:
            yield from homeless(name, top)
        elif mine in PURE_LAYERS and top in IMPURE:
            yield f"envoy_mqtt.{name} is {mine} and imports {top}"
    if mine in PURE_LAYERS:
        yield from (f"envoy_mqtt.{name} is {mine} and calls {call}()" for call in impure_calls(source))


def upwards(name: str, mine: str, imported: str) -> Iterator[str]:
    theirs = layer(imported)
    if theirs is None:
        yield f"envoy_mqtt.{name} imports envoy_mqtt.{imported}, which is in no layer"
    elif theirs == mine:
        order = LAYERS[mine]
        if unit(imported) != unit(name) and order.index(unit(imported)) >= order.index(unit(name)):
            yield f"envoy_mqtt.{name} imports envoy_mqtt.{imported}, which stands after it in {mine}"
    elif theirs not in BELOW[mine]:
        yield f"envoy_mqtt.{name} ({mine}) imports envoy_mqtt.{imported} ({theirs})"


def homeless(name: str, library: str) -> Iterator[str]:
    if library not in HOMES:
        yield f"envoy_mqtt.{name} imports {library}, which has no home: name it in tests/test_layers.py"
    elif unit(name) not in HOMES[library]:
        yield f"envoy_mqtt.{name} imports {library}, whose home is {', '.join(sorted(HOMES[library]))}"


def impure_calls(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            function = node.func
            called = getattr(function, "attr", None) if isinstance(function, ast.Attribute) else None
            called = function.id if isinstance(function, ast.Name) else called
            inner = isinstance(function, ast.Attribute) and called in ("open", "input", "print")
            if called in IMPURE_CALLS and not inner:
                yield called


def test_every_module_keeps_to_its_layer_and_every_library_to_its_home() -> None:
    found = [complaint for name, source in modules() for complaint in complaints(name, source)]
    assert found == []


def test_the_table_names_nothing_that_is_not_there() -> None:
    there = {unit(name) for name, _ in modules()} | {
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts) for path in PACKAGE.rglob("*.py")
    }
    named = {name for names in LAYERS.values() for name in names} | set().union(*HOMES.values())
    assert named - there == set()


def test_no_home_stands_empty() -> None:
    inside = {(unit(name), each.partition(".")[0]) for name, source in modules() for each in imports(source)}
    homes = {(name, library) for library, names in HOMES.items() for name in names}
    assert homes - inside == set()


def test_no_module_stands_in_two_layers() -> None:
    named = [name for names in LAYERS.values() for name in names]
    assert len(named) == len(set(named))
    assert list(BELOW) == list(LAYERS)


@pytest.mark.parametrize(
    ("name", "source", "complaint"),
    [
        ("weather", "", "in no layer"),
        ("gateway.weather", "", "in no layer"),
        ("mqtt.payload", "from envoy_mqtt.weather import rain", "in no layer"),
        ("mqtt.payload", "from envoy_mqtt import outbox", "(pure) imports envoy_mqtt.outbox (shell)"),
        ("mqtt.payload", "from envoy_mqtt.bridge import Bridge", "(pure) imports envoy_mqtt.bridge"),
        ("mqtt.payload", "from envoy_mqtt.mqtt import publisher", "(pure) imports envoy_mqtt.mqtt.publisher"),
        ("mqtt.message", "from envoy_mqtt.mqtt.payload import Payloads", "stands after it"),
        ("model", "from envoy_mqtt.errors import BadEvent", "stands after it"),
        ("gateway.client", "def f():\n    import envoy_mqtt.app", "(shell) imports envoy_mqtt.app (wiring)"),
        (
            "app",
            "from envoy_mqtt.simulator.house import House",
            "(wiring) imports envoy_mqtt.simulator.house",
        ),
        ("simulator.wire", "from envoy_mqtt.gateway.sse import Decoder", "(far ends) imports"),
        ("cli", "from envoy_mqtt.gateway.client import follow", "(entry) imports"),
        ("gateway.pace", "import time", "is pure and imports time"),
        ("bridge", "from asyncio import sleep", "is product and imports asyncio"),
        ("gateway.pace", "if x:\n    import os.path", "is pure and imports os.path"),
        ("mqtt.message", "from datetime import datetime\ndatetime.now()", "calls now()"),
        ("gateway.answers", "open('x')", "calls open()"),
        ("gateway.answers", "from . import sse", "write the whole name"),
        ("bridge", "import aiohttp.web", "imports aiohttp, whose home is"),
        ("app", "import typer", "imports typer, whose home is cli"),
        ("app", "import requests", "which has no home"),
    ],
)
def test_each_breach_is_a_sentence(name: str, source: str, complaint: str) -> None:
    (found,) = complaints(name, source)
    assert complaint.replace("os.path", "os") in found


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("mqtt.payload", "from envoy_mqtt.gateway.layout import quantities"),
        ("bridge", "bridge.open(now)\nimport collections"),
        ("config.loader", "from envoy_mqtt.config.settings import Settings\nimport pydantic_settings"),
        (
            "simulator.broker.server",
            "from envoy_mqtt.simulator.broker.exchange import Exchange\nimport asyncio",
        ),
        ("cli", "from envoy_mqtt import __version__, app\nimport typer"),
    ],
)
def test_what_is_allowed_is_not_complained_of(name: str, source: str) -> None:
    assert list(complaints(name, source)) == []
