"""The keys of the topic `energy`, which depend on a site's layout alone (the contract, section "Energy")."""

from enum import StrEnum

from envoy_mqtt.gateway.layout import quantities
from envoy_mqtt.model import Quantity, Site

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


def energies_of(site: Site) -> tuple[Energy, ...]:
    """Those of the six that this site has."""
    present = quantities(site)
    return tuple(energy for energy in Energy if QUANTITY[energy] in present)


def legs_of(site: Site) -> tuple[Leg, ...]:
    """The whole, and on several phases each of them."""
    return (None, *range(site.phases)) if site.phases > 1 else (None,)


def energy_keys(site: Site) -> tuple[str, ...]:
    """The keys of `energy` that this site has, in the contract's order."""
    energies, legs = energies_of(site), legs_of(site)
    net = (NET_ENERGY,) if Energy.IMPORT in energies else ()
    lifetime = (*(energy.key() for energy in energies), *net)
    phases = tuple(energy.key(leg) for leg in legs if leg is not None for energy in energies)
    today = tuple(f"{energy.key()}_today" for energy in energies)
    shares = ("self_sufficiency_today", "self_consumption_today") if net else ()
    return (*lifetime, *(f"{key}_source" for key in lifetime), *phases, *today, *shares, "resets")
