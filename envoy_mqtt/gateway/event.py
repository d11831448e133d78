"""What the meters say in one event of the stream.

The vendor's stream always has three sections of three phases, whatever is installed, and fills what is
not with noise; only what an enabled meter measures is read, so the rest may be missing or anything at
all. It has no storage. Directions come from the active power alone: currents and apparent powers are
signed on some firmwares and not on others (protocol notes, section 1.4), so they are magnitudes here.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from pydantic_core import SchemaValidator, ValidationError
from pydantic_core import core_schema as schema

from envoy_mqtt.errors import BadEvent
from envoy_mqtt.gateway.document import NUMBER, record, tolerant
from envoy_mqtt.gateway.layout import NOT_FITTED, has_total
from envoy_mqtt.model import Kind, Measured, Phase, Phases, Site

Read = Callable[[bytes], Measured]
Section = tuple[Kind, int]

SECTIONS = {Kind.PRODUCTION: "production", Kind.NET: "net-consumption", Kind.TOTAL: "total-consumption"}
PHASE_KEYS = ("ph-a", "ph-b", "ph-c")

# A firmware may leave a value out, and then it is unknown; a value that is there must be a number. Only
# without the active power there is nothing to say.
_phase = record({"p": NUMBER}, dict.fromkeys(("q", "s", "v", "i", "pf", "f"), NUMBER))

# What stands for a phase that is not there.
MISSING = {"p": None}


def reader(site: Site) -> Read:
    """A function from an event's data to what the site's meters measure, each with the site's phases; it
    raises `BadEvent` and nothing else.

    On a site with a total in place of a net meter what the gateway computed as net is there too, unknown
    where the event has none: it tells what the total is, and `Total` takes it out again.
    """
    metered = site.metered
    sections = tuple(sorted((kind, count) for kind, count in metered.items() if kind in SECTIONS))
    return _reader(sections, (Kind.NET, metered[Kind.TOTAL]) if has_total(metered) else None, site.phases)


# A thousand gateways have a handful of layouts between them.
@lru_cache(maxsize=64)
def _reader(sections: tuple[Section, ...], beside: Section | None, phases: int) -> Read:
    validate = _validator(sections, beside)
    wanted = (*sections, beside) if beside else sections

    def read(data: bytes) -> Measured:
        try:
            event = validate.validate_json(data)
        except ValidationError as error:
            raise _bad_event(error) from None
        return {kind: _measured(event, kind, count, phases) for kind, count in wanted}

    return read


def _validator(sections: tuple[Section, ...], beside: Section | None) -> SchemaValidator:
    required = {SECTIONS[kind]: _section(count) for kind, count in sections}
    if beside is None:
        return SchemaValidator(record(required))
    kind, count = beside
    nothing = dict.fromkeys(PHASE_KEYS[:count], MISSING)
    return SchemaValidator(record(required, {SECTIONS[kind]: tolerant(_section(count), nothing)}))


def _section(count: int) -> schema.TypedDictSchema:
    return record(dict.fromkeys(PHASE_KEYS[:count], _phase))


def _bad_event(error: ValidationError) -> BadEvent:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    if first["type"] == "json_invalid":
        return BadEvent("not_json", "it is not JSON")
    where = ".".join(str(step) for step in first["loc"])
    if first["type"] == "missing":
        return BadEvent("missing", f"{where} is missing")
    return BadEvent("bad_value", f"{where or 'it'} is not what it should be")


def _measured(event: dict[str, Any], kind: Kind, count: int, phases: int) -> Phases:
    section = event[SECTIONS[kind]]
    fitted = tuple(read_phase(section[key]) for key in PHASE_KEYS[:count])
    return fitted + (NOT_FITTED[kind],) * (phases - count)


def read_phase(wire: Mapping[str, Any]) -> Phase:
    """A phase from the stream's own keys, all but `p` optional: magnitudes and factors in their range."""
    get = wire.get
    apparent, factor, current = get("s"), get("pf"), get("i")
    return Phase(
        power=wire["p"],
        reactive_power=get("q"),
        apparent_power=None if apparent is None else abs(apparent),
        power_factor=None if factor is None else min(1.0, max(-1.0, factor)),
        voltage=get("v"),
        current=None if current is None else abs(current),
        frequency=get("f"),
    )
