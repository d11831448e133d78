"""Which quantities a site has, and how they follow from its meters: the contract's "Which meters".

    enabled      production   net       consumption
    P + N        P            N         N + P
    P + T        P            T - P     T
    N            reported     N         N + P
    P            P            -         -
    none         reported     -         -

with storage S, where there is one, added to N + P and taken from T - P. `reported` is what the inverters
say of themselves: one power for the whole site. So does a battery without a meter; what is computed from
such a whole has no values of its phases either. A computed value of which a part is unknown is unknown.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from math import hypot

from envoy_mqtt.model import (
    NO_WHOLES,
    UNKNOWN,
    Kind,
    Measured,
    Phase,
    Phases,
    Quantities,
    Quantity,
    Site,
    Wholes,
)

Combine = Callable[[Measured, Wholes], Quantities]
Signs = Mapping[Kind, int]

# A phase that a meter of production or storage is not fitted to: nothing flows there, as on a three-phase
# house whose panels feed one phase. Of a phase that a meter of the grid or the house does not see
# nothing is known.
NOTHING = Phase(power=0.0, reactive_power=0.0, apparent_power=0.0, current=0.0)
NOT_FITTED = {Kind.PRODUCTION: NOTHING, Kind.STORAGE: NOTHING, Kind.NET: UNKNOWN, Kind.TOTAL: UNKNOWN}


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


def has_total(metered: Mapping[Kind, int]) -> bool:
    """Whether it is a row P + T of the table."""
    return Kind.TOTAL in metered and Kind.PRODUCTION in metered and Kind.NET not in metered


def combiner(site: Site) -> Combine:
    """A function from what the meters say, and what is known as a whole only, to the site's quantities."""
    return _combiner(tuple(sorted(site.fitted)), quantities(site), site.phases)


# A thousand gateways have a handful of layouts between them.
@lru_cache(maxsize=64)
def _combiner(fitted: tuple[Kind, ...], present: tuple[Quantity, ...], phases: int) -> Combine:
    sums = _sums(fitted)
    terms = {quantity: sums[quantity] for quantity in present}
    compute = {quantity: _formula(signs) for quantity, signs in terms.items()}

    def combine(measured: Measured, wholes: Wholes = NO_WHOLES) -> Quantities:
        if wholes and phases == 1:  # the whole is the phase
            said = {kind: (Phase(power=power),) for kind, power in wholes.items()}
            known = {kind: legs for kind, legs in measured.items() if legs[0].power is not None}
            measured, wholes = measured | said | known, NO_WHOLES
        values = {
            quantity: tuple(formula(measured, n) for n in range(phases))
            for quantity, formula in compute.items()
        }
        if not wholes:
            return Quantities(values)
        return Quantities(values, dict(_known(terms, measured, wholes)))

    return combine


def _known(
    terms: dict[Quantity, Signs], measured: Measured, wholes: Wholes
) -> Iterator[tuple[Quantity, float]]:
    """The whole's power of each quantity of which every part is known."""
    powers = {kind: whole_power(phases) for kind, phases in measured.items()} | dict(wholes)
    for quantity, signs in terms.items():
        power = _add([(sign, powers.get(kind)) for kind, sign in signs.items()])
        if power is not None:
            yield quantity, power


def whole_power(phases: Phases) -> float | None:
    """The sum of the phases' active powers, in W; `None` where one is not known."""
    return _add([(1, phase.power) for phase in phases])


def _sums(fitted: tuple[Kind, ...]) -> dict[Quantity, Signs]:
    """How each quantity follows from the meters: one measures it, or a sum with signs does."""
    storage = {Kind.STORAGE: 1} if Kind.STORAGE in fitted else {}
    drawn = {Kind.TOTAL: 1, Kind.PRODUCTION: -1} | dict.fromkeys(storage, -1)
    used = {Kind.NET: 1, Kind.PRODUCTION: 1} | storage
    return {
        Quantity.PRODUCTION: {Kind.PRODUCTION: 1},
        Quantity.NET: {Kind.NET: 1} if Kind.NET in fitted else drawn,
        Quantity.CONSUMPTION: {Kind.TOTAL: 1} if Kind.TOTAL in fitted else used,
        Quantity.STORAGE: {Kind.STORAGE: 1},
    }


Formula = Callable[[Measured, int], Phase]


def _formula(signs: Signs) -> Formula:
    terms = tuple(signs.items())
    if len(terms) == 1:
        return lambda measured, n: _phase_of(measured, terms[0][0], n)

    def formula(measured: Measured, n: int) -> Phase:
        parts = [(sign, _phase_of(measured, kind, n)) for kind, sign in terms]
        return computed(parts, _reference(measured, n))

    return formula


def _phase_of(measured: Measured, kind: Kind, n: int) -> Phase:
    return measured[kind][n] if kind in measured else UNKNOWN


def _reference(measured: Measured, n: int) -> Phase:
    """The meter whose voltage and frequency a computed quantity takes: N, else T, else P."""
    for kind in (Kind.NET, Kind.TOTAL, Kind.PRODUCTION):
        if kind in measured:
            return measured[kind][n]
    return UNKNOWN


def computed(terms: list[tuple[int, Phase]], reference: Phase) -> Phase:
    """A phase that nobody measures: the sum of others with their signs, at the voltage of `reference`."""
    power = _add([(sign, phase.power) for sign, phase in terms])
    reactive = _add([(sign, phase.reactive_power) for sign, phase in terms])
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


def _add(terms: list[tuple[int, float | None]]) -> float | None:
    total = 0.0
    for sign, value in terms:
        if value is None:
            return None
        total += sign * value
    return total


# Below this there is no mains on the phase, and a quotient would say nothing.
LIVE_V = 1.0


def _current(apparent: float, voltage: float | None) -> float | None:
    return None if voltage is None or voltage < LIVE_V else apparent / voltage
