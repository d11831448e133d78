"""What the meters say in one event of the stream.

The vendor's stream always has three sections of three phases, whatever is installed, and fills what is
not with noise; only what an enabled meter measures is read, so the rest may be missing or anything at
all. It has no storage. Directions come from the active power alone: currents and apparent powers are
signed on some firmwares and not on others (protocol notes, section 1.4), so they are magnitudes here.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from pydantic_core import SchemaValidator, ValidationError
from pydantic_core import core_schema as schema

from envoy_mqtt.errors import BadEvent
from envoy_mqtt.model import UNKNOWN, Kind, Measured, Phase, Phases, Site

Read = Callable[[bytes], Measured]

SECTIONS = {Kind.PRODUCTION: "production", Kind.NET: "net-consumption", Kind.TOTAL: "total-consumption"}
PHASE_KEYS = ("ph-a", "ph-b", "ph-c")

# A finite number that JSON calls a number, and one a site could have: beyond a gigawatt (or gigavolt)
# it is garbage, and sums of what passes stay finite.
NUMBER = schema.float_schema(strict=True, allow_inf_nan=False, ge=-1e9, le=1e9)

# A firmware may leave a value out, and then it is unknown; a value that is there must be a number. Only
# without the active power there is nothing to say.
_phase = schema.typed_dict_schema(
    {"p": schema.typed_dict_field(NUMBER)}
    | {key: schema.typed_dict_field(NUMBER, required=False) for key in ("q", "s", "v", "i", "pf", "f")}
)


def reader(site: Site) -> Read:
    """A function from an event's data to what the site's meters measure, each with the site's phases; it
    raises `BadEvent` and nothing else.
    """
    sections = tuple(sorted((kind, count) for kind, count in site.metered.items() if kind in SECTIONS))
    return _reader(sections, site.phases)


# A thousand gateways have a handful of layouts between them.
@lru_cache(maxsize=64)
def _reader(sections: tuple[tuple[Kind, int], ...], phases: int) -> Read:
    validate = _validator(sections)

    def read(data: bytes) -> Measured:
        try:
            event = validate.validate_json(data)
        except ValidationError as error:
            raise _bad_event(error) from None
        return {kind: _measured(event, kind, count, phases) for kind, count in sections}

    return read


def _validator(sections: tuple[tuple[Kind, int], ...]) -> SchemaValidator:
    return SchemaValidator(
        schema.typed_dict_schema(
            {
                SECTIONS[kind]: schema.typed_dict_field(
                    schema.typed_dict_schema(
                        {key: schema.typed_dict_field(_phase) for key in PHASE_KEYS[:count]}
                    )
                )
                for kind, count in sections
            }
        )
    )


def _bad_event(error: ValidationError) -> BadEvent:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    if first["type"] == "json_invalid":
        return BadEvent("not_json", "it is not JSON")
    where = ".".join(str(step) for step in first["loc"])
    if first["type"] == "missing":
        return BadEvent("missing", f"{where} is missing")
    return BadEvent("bad_value", f"{where or 'it'} is not what it should be")


# A phase that a meter of production or storage is not fitted to: nothing flows there, as on a three-phase
# house whose panels feed one phase. Of a phase that a meter of the grid or the house does not see
# nothing is known.
NOTHING = Phase(power=0.0, reactive_power=0.0, apparent_power=0.0, current=0.0)
NOT_FITTED = {Kind.PRODUCTION: NOTHING, Kind.STORAGE: NOTHING, Kind.NET: UNKNOWN, Kind.TOTAL: UNKNOWN}


def _measured(event: dict[str, Any], kind: Kind, count: int, phases: int) -> Phases:
    section = event[SECTIONS[kind]]
    return tuple(_read(section[key]) for key in PHASE_KEYS[:count]) + (NOT_FITTED[kind],) * (phases - count)


def _read(wire: dict[str, float]) -> Phase:
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
