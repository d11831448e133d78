"""Which energies a site has and what each is made of: the contract's section "Energy", as a table.

Energies are made of *accounts*: registers of the meters (`net_l1_delivered`), what the inverters or a battery
say of themselves (`reported`, `battery_delivered`), and exchanges (`exchange_l1_import`), which are import
and export where no counter counts them.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Literal, NamedTuple

from envoy_mqtt.gateway.layout import quantities
from envoy_mqtt.model import Kind, Quantity, Site

Grid = Literal["phases", "balanced"]

# Accounts with their signs. Nothing flows in a sum of nothing; `None` is what nobody knows.
Terms = tuple[tuple[int, str], ...]

# A phase from 0, or the whole.
Leg = int | None


class Energy(StrEnum):
    """The six lifetime energies, in the contract's order."""

    PRODUCTION = "production"
    IMPORT = "grid_import"
    EXPORT = "grid_export"
    CONSUMPTION = "consumption"
    DISCHARGED = "storage_discharged"
    CHARGED = "storage_charged"

    def key(self, leg: Leg = None) -> str:
        """As it is published: `grid_import_energy`, of a phase `grid_l1_import_energy`."""
        if leg is None:
            return f"{self}_energy"
        head, _, tail = self.partition("_")
        return f"{head}_l{leg + 1}_{tail}_energy" if tail else f"{head}_l{leg + 1}_energy"


NET_ENERGY = "net_energy"

QUANTITY = {
    Energy.PRODUCTION: Quantity.PRODUCTION,
    Energy.IMPORT: Quantity.NET,
    Energy.EXPORT: Quantity.NET,
    Energy.CONSUMPTION: Quantity.CONSUMPTION,
    Energy.DISCHARGED: Quantity.STORAGE,
    Energy.CHARGED: Quantity.STORAGE,
}

# What the house used, where no meter counts it.
USED = {
    Energy.PRODUCTION: 1,
    Energy.IMPORT: 1,
    Energy.EXPORT: -1,
    Energy.DISCHARGED: 1,
    Energy.CHARGED: -1,
}


class Link(NamedTuple):
    """An exchange: the leg whose net power it follows, the registers of which the difference is counted
    (empty where not all of it is), and with which it begins where it does not at 0.
    """

    name: str
    leg: Leg
    difference: Terms
    begins: tuple[Terms, Terms] | None = None


class Plan(NamedTuple):
    """`made_of` tells of each key its terms in accounts, `None` where nobody knows it; `derived` those that
    are made of other keys, in the same way, after them.
    """

    energies: tuple[Energy, ...]
    legs: tuple[Leg, ...]
    registers: dict[str, tuple[Kind, int, int]]
    links: tuple[Link, ...]
    made_of: dict[str, Terms | None]
    derived: dict[str, Terms]


def plan(site: Site, grid: Grid) -> Plan:
    """What this site's energies are made of."""
    energies, legs = energies_of(site), legs_of(site)
    links = tuple(_links(site, grid))
    derived = {}
    if Energy.CONSUMPTION in energies and Kind.TOTAL not in site.metered:
        derived = {Energy.CONSUMPTION.key(leg): _used(energies, leg) for leg in legs}
    keys = {energy.key(leg): (energy, leg) for energy in energies for leg in legs}
    made_of = {key: _terms(site, *keys[key], links) for key in keys if key not in derived}
    return Plan(energies, legs, dict(_registers(site, made_of, links)), links, made_of, derived)


def energies_of(site: Site) -> tuple[Energy, ...]:
    """Those of the six that this site has."""
    present = quantities(site)
    return tuple(energy for energy in Energy if QUANTITY[energy] in present)


def legs_of(site: Site) -> tuple[Leg, ...]:
    """The whole, and on several phases each of them."""
    return (None, *range(site.phases)) if site.phases > 1 else (None,)


DIRECTIONS = ("delivered", "received")


def _used(energies: tuple[Energy, ...], leg: Leg) -> Terms:
    return tuple((sign, energy.key(leg)) for energy, sign in USED.items() if energy in energies)


def _registers(
    site: Site, made_of: dict[str, Terms | None], links: tuple[Link, ...]
) -> Iterator[tuple[str, tuple[Kind, int, int]]]:
    """Each register that something is made of, with its meter, its phase and its direction."""
    needed = {name for terms in made_of.values() for _, name in terms or ()}
    needed |= {name for link in links for _, name in link.difference}
    for kind, phases in site.metered.items():
        for n in range(phases):
            for direction in range(2):
                if (name := _register(kind, n, direction)) in needed:
                    yield name, (kind, n, direction)


def _register(kind: Kind, n: int, direction: int) -> str:
    return f"{kind}_l{n + 1}_{DIRECTIONS[direction]}"


def _sum(site: Site, kind: Kind, direction: int, leg: Leg, sign: int = 1) -> Terms:
    """A meter's registers on a leg."""
    fitted = site.metered.get(kind, 0)
    on = range(fitted) if leg is None else range(leg, min(leg + 1, fitted))
    return tuple((sign, _register(kind, n, direction)) for n in on)


def _difference(site: Site, kind: Kind, leg: Leg, sign: int = 1) -> Terms:
    """What a meter delivered less what it received."""
    return _sum(site, kind, 0, leg, sign) + _sum(site, kind, 1, leg, -sign)


# The meter of each energy and the direction of its register.
METERED = {
    Energy.PRODUCTION: (Kind.PRODUCTION, 0),
    Energy.IMPORT: (Kind.NET, 0),
    Energy.EXPORT: (Kind.NET, 1),
    Energy.CONSUMPTION: (Kind.TOTAL, 0),
    Energy.DISCHARGED: (Kind.STORAGE, 0),
    Energy.CHARGED: (Kind.STORAGE, 1),
}

# Nothing flows where these are not fitted, as on a three-phase house whose panels feed one phase.
QUIET = (Kind.PRODUCTION, Kind.STORAGE)


def _terms(site: Site, energy: Energy, leg: Leg, links: tuple[Link, ...]) -> Terms | None:
    kind, direction = METERED[energy]
    linked = {link.leg: ((1, f"{link.name}_{DIRECTIONS[direction]}"),) for link in links}
    if kind is Kind.NET and leg in linked:
        return linked[leg]
    if kind in site.metered:
        return _sum(site, kind, direction, leg) or (() if kind in QUIET else None)
    if kind is Kind.NET and leg is None and links:
        return tuple(term for terms in linked.values() for term in terms)
    if leg is not None or kind in (Kind.NET, Kind.TOTAL):
        return None
    return ((1, REPORTED if kind is Kind.PRODUCTION else BATTERY[direction]),)


REPORTED = "reported"
BATTERY = ("battery_delivered", "battery_received")


def _links(site: Site, grid: Grid) -> Iterator[Link]:
    """The exchanges: per phase where phases are known, of the whole where it is balanced or they are not."""
    several = site.phases > 1
    if Kind.NET in site.metered:
        if several and grid == "balanced":
            counted = _sum(site, Kind.NET, 0, None), _sum(site, Kind.NET, 1, None)
            yield Link("balance", None, _difference(site, Kind.NET, None), counted)
    elif Kind.TOTAL in site.metered:
        phased = several and _counted(site) and site.metered[Kind.TOTAL] == site.phases
        if phased:
            yield from (Link(f"exchange_l{n + 1}", n, _drawn(site, n)) for n in range(site.phases))
        if grid == "balanced" or not phased:
            yield Link("exchange", None, _drawn(site, None))


def _counted(site: Site) -> bool:
    """Whether all that net is computed from is metered, on a site whose net is computed."""
    return Kind.PRODUCTION in site.metered and all(kind in site.metered for kind in site.fitted)


def _drawn(site: Site, leg: Leg) -> Terms:
    """The counted import − export where total and production are metered: what the house used less what the
    inverters and the battery gave, each less what it drew. Empty where one of them has no counter.
    """
    if not _counted(site):
        return ()
    return (
        _difference(site, Kind.TOTAL, leg)
        + _difference(site, Kind.PRODUCTION, leg, -1)
        + _difference(site, Kind.STORAGE, leg, -1)
    )
