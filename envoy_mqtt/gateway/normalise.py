"""From one event of the stream to what the site produces, draws and consumes.

The vendor's stream always has three sections of three phases, whatever is installed, and fills what is
not with noise; only what an enabled meter measures is read, so the rest may be missing or anything at
all. Which quantities a site has and how they are computed is the contract's table "Which meters":

    enabled      production   net       consumption
    P + N        P            N         N + P
    P + T        P            T - P     T
    N            unknown      N         N + P, so unknown
    P            P            -         -
    none         unknown      -         -

with storage S, where it is fitted, added to N + P and taken from T - P. The stream has no storage:
what needs it is unknown. Directions come from the active power alone: currents and apparent powers are
signed on some firmwares and not on others (protocol notes, section 1.4), so they are magnitudes here.
"""

from collections.abc import Callable
from functools import lru_cache
from math import hypot
from typing import Any

from pydantic_core import SchemaValidator, ValidationError
from pydantic_core import core_schema as schema

from envoy_mqtt.errors import BadEvent
from envoy_mqtt.model import UNKNOWN, Kind, Phase, Phases, Quantity, Site

Quantities = dict[Quantity, Phases]
Decode = Callable[[bytes], Quantities]

SECTIONS = {Kind.PRODUCTION: "production", Kind.NET: "net-consumption", Kind.TOTAL: "total-consumption"}
PHASE_KEYS = ("ph-a", "ph-b", "ph-c")

# A finite number that JSON calls a number, and one a site could have: beyond a gigawatt (or gigavolt)
# it is garbage, and sums of what passes stay finite.
_number = schema.float_schema(strict=True, allow_inf_nan=False, ge=-1e9, le=1e9)

# A firmware may leave a value out, and then it is unknown; a value that is there must be a number. Only
# without the active power there is nothing to say.
_phase = schema.typed_dict_schema(
    {"p": schema.typed_dict_field(_number)}
    | {key: schema.typed_dict_field(_number, required=False) for key in ("q", "s", "v", "i", "pf", "f")}
)


def quantities(site: Site) -> tuple[Quantity, ...]:
    """What is published of this site, in the order in which it is published."""
    fitted = site.fitted
    grid = Kind.NET in fitted or Kind.TOTAL in fitted
    present = {
        Quantity.PRODUCTION: True,
        Quantity.NET: grid,
        Quantity.CONSUMPTION: grid,
        Quantity.STORAGE: Kind.STORAGE in fitted,
    }
    return tuple(quantity for quantity, there in present.items() if there)


def decoder(site: Site) -> Decode:
    """A function from an event's data to the site's quantities; it raises `BadEvent` and nothing else."""
    return _decoder(tuple(sorted(site.fitted.items())), quantities(site), site.phases)


# A thousand gateways have a handful of layouts between them.
@lru_cache(maxsize=64)
def _decoder(fitted: tuple[tuple[Kind, int], ...], present: tuple[Quantity, ...], phases: int) -> Decode:
    validate = _validator(fitted)
    compute = _formulas(dict(fitted), present)

    def decode(data: bytes) -> Quantities:
        try:
            event = validate.validate_json(data)
        except ValidationError as error:
            raise _bad_event(error) from None
        measured = {kind: _measured(event, kind, count, phases) for kind, count in fitted}
        return {
            quantity: tuple(formula(measured, n) for n in range(phases))
            for quantity, formula in compute.items()
        }

    return decode


def _validator(fitted: tuple[tuple[Kind, int], ...]) -> SchemaValidator:
    return SchemaValidator(
        schema.typed_dict_schema(
            {
                SECTIONS[kind]: schema.typed_dict_field(
                    schema.typed_dict_schema(
                        {key: schema.typed_dict_field(_phase) for key in PHASE_KEYS[:count]}
                    )
                )
                for kind, count in fitted
                if kind in SECTIONS
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

Measured = dict[Kind, Phases]


def _measured(event: dict[str, Any], kind: Kind, count: int, phases: int) -> Phases:
    if kind not in SECTIONS:
        return (UNKNOWN,) * phases
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


Formula = Callable[[Measured, int], Phase]


def _formulas(fitted: dict[Kind, int], present: tuple[Quantity, ...]) -> dict[Quantity, Formula]:
    """How each quantity follows from the meters: one measures it, or a sum with signs does."""
    storage = {Kind.STORAGE: 1} if Kind.STORAGE in fitted else {}
    drawn = {Kind.TOTAL: 1, Kind.PRODUCTION: -1} | dict.fromkeys(storage, -1)
    used = {Kind.NET: 1, Kind.PRODUCTION: 1} | storage
    formulas = {
        Quantity.PRODUCTION: _of(Kind.PRODUCTION),
        Quantity.NET: _of(Kind.NET) if Kind.NET in fitted else _sum(drawn),
        Quantity.CONSUMPTION: _of(Kind.TOTAL) if Kind.TOTAL in fitted else _sum(used),
        Quantity.STORAGE: _of(Kind.STORAGE),
    }
    return {quantity: formulas[quantity] for quantity in present}


def _phase_of(measured: Measured, kind: Kind, n: int) -> Phase:
    return measured[kind][n] if kind in measured else UNKNOWN


def _of(kind: Kind) -> Formula:
    return lambda measured, n: _phase_of(measured, kind, n)


def _sum(signs: dict[Kind, int]) -> Formula:
    terms = tuple(signs.items())

    def formula(measured: Measured, n: int) -> Phase:
        phases = [(sign, _phase_of(measured, kind, n)) for kind, sign in terms]
        power = _add([(sign, phase.power) for sign, phase in phases])
        reactive = _add([(sign, phase.reactive_power) for sign, phase in phases])
        return _computed(power, reactive, _reference(measured, n))

    return formula


def _add(terms: list[tuple[int, float | None]]) -> float | None:
    total = 0.0
    for sign, value in terms:
        if value is None:
            return None
        total += sign * value
    return total


def _reference(measured: Measured, n: int) -> Phase:
    """The meter whose voltage and frequency a computed quantity takes: N, else T, else P."""
    for kind in (Kind.NET, Kind.TOTAL, Kind.PRODUCTION):
        if kind in measured:
            return measured[kind][n]
    return UNKNOWN


def _computed(power: float | None, reactive: float | None, reference: Phase) -> Phase:
    voltage = reference.voltage
    apparent = None if power is None or reactive is None else hypot(power, reactive)
    return Phase(
        power=power,
        reactive_power=reactive,
        apparent_power=apparent,
        power_factor=power / apparent if power is not None and apparent else None,
        voltage=voltage,
        current=None if apparent is None else _current(apparent, voltage),
        frequency=reference.frequency,
    )


# Below this there is no mains on the phase, and a quotient would say nothing.
LIVE_V = 1.0


def _current(apparent: float, voltage: float | None) -> float | None:
    return None if voltage is None or voltage < LIVE_V else apparent / voltage
