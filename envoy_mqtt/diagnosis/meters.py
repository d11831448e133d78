"""What a gateway's meters mean: which topics there are, what its status flags say in plain words (the
contract, section "Which meters are published"; the protocol notes, section 3.1).
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from envoy_mqtt.diagnosis.findings import Finding, bad, info, ok, warning
from envoy_mqtt.model import Kind, Meter, Site

TURN = (
    "turn it round on its conductor or swap its two wires (the installer's work, power off); until then its "
    "figures have the wrong sign"
)


class Flag(NamedTuple):
    """What a status flag means, what to do about it, and whether the figures are wrong because of it."""

    text: str
    remedy: str
    serious: bool = False


# The flags there are (protocol notes, section 3.1).
FLAGS = {
    "negative-production": Flag(
        "it measures less than nothing while the sun shines: its current transformer is reversed, or on "
        "another phase than its voltage",
        TURN,
        serious=True,
    ),
    "negative-total-consumption": Flag(
        "the house would use less than nothing: a current transformer, most likely the consumption one, is "
        "reversed, or on another phase than its voltage",
        TURN,
        serious=True,
    ),
    "production-imbalance": Flag(
        "the phases produce unequally: a string of inverters is off, or a current transformer sits on the "
        "wrong conductor",
        "compare the phases in the topic production; equal arrays on every phase should read alike",
    ),
    "power-on-unused-phase": Flag(
        "there is power on a phase that the gateway thinks unused, and nobody counts it",
        "let the installer set the number of phases, or take the transformer off that conductor",
    ),
}

NAMES = {
    Kind.PRODUCTION: "production",
    Kind.NET: "net",
    Kind.TOTAL: "total consumption",
    Kind.STORAGE: "storage",
}
PHASES = {1: "one phase", 2: "two phases", 3: "three phases"}
INSTALLER = "have the installer look at the meters in the Enphase installer app"


def judge_meters(meters: Sequence[Meter]) -> Iterator[Finding]:
    """What is fitted, and every fault that the gateway itself tells of."""
    enabled = [meter for meter in meters if meter.enabled]
    if enabled:
        yield ok("; ".join(f"{_name(each)}, {PHASES.get(each.phases, 'one phase')}" for each in enabled))
    else:
        yield info("none is fitted and enabled: production is the inverters' own figure, every few minutes")
    for meter in enabled:
        yield from _faults(meter)
    for meter in meters:
        if not meter.enabled and meter.kind and meter.flags:
            yield info(f"{_name(meter)} is disabled, so its flags do not matter: {', '.join(meter.flags)}")


def _name(meter: Meter) -> str:
    return NAMES[meter.kind] if meter.kind else meter.type or f"meter {meter.eid}"


def _faults(meter: Meter) -> Iterator[Finding]:
    for flag in meter.flags:
        meant = FLAGS.get(flag, Flag(f"the gateway flags it {flag!r}", INSTALLER))
        said = f"{_name(meter)}: {meant.text}"
        yield bad(said, meant.remedy) if meant.serious else warning(said, meant.remedy)
    if not meter.flags and meter.status not in ("", "normal"):
        yield warning(f"{_name(meter)}: the gateway says {meter.status!r} of its wiring", INSTALLER)


def judge_topics(site: Site, base: str) -> Iterator[Finding]:
    """Which meter topics the layout gives."""
    names = ", ".join(topics(site))
    yield ok(f"{base}/{site.identity.serial}/ has {names}; {PHASES[site.phases]}")


def topics(site: Site) -> list[str]:
    """The meter topics of a site, by the contract's table."""
    fitted = site.fitted
    grid = Kind.NET in fitted or Kind.TOTAL in fitted
    # A site without any grid meter has P alone; without a solar meter P is the inverters'.
    there = {"production": True, "net": grid, "consumption": grid, "storage": Kind.STORAGE in fitted}
    return [name for name, is_there in there.items() if is_there]
