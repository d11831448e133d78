"""What `/ivp/livedata/status` answers: powers of the whole site, also where its meters cannot be read.

Everything is in thousandths (mW, mVA). Directions are ours: grid + is import, storage + is discharge, and
the load is their sum with the sun. The first firmware that has it, 7.0.88, tells neither phases nor how
many there are. The document is served although its stream has switched itself off, then with old values
or with new ones: only `last_update` tells how old it is (protocol notes, section 3.6).
"""

from typing import NamedTuple

from pydantic_core import SchemaValidator
from pydantic_core import core_schema as schema

from envoy_mqtt.gateway.document import ANYTHING, BIG_NUMBER, PERCENT, decode, record, tolerant
from envoy_mqtt.gateway.layout import NOT_FITTED
from envoy_mqtt.model import Identity, Kind, Measured, Meter, Phase, Phases, Site, Wholes

PATH = "/ivp/livedata/status"

# Where to post what when it has switched itself off. With a slash at the end it is 404, and an answer of
# 400 may mean that it is on already.
ENABLE = ("/ivp/livedata/stream", {"enable": 1})

SECTIONS = {"pv": Kind.PRODUCTION, "grid": Kind.NET, "load": Kind.TOTAL, "storage": Kind.STORAGE}
PHASES = "abc"

# The ids that every gateway has (protocol notes, section 3.1), for meters that are only assumed.
EIDS = {Kind.PRODUCTION: 704643328, Kind.NET: 704643584, Kind.STORAGE: 704643840}
TYPES = {Kind.PRODUCTION: "production", Kind.NET: "net-consumption", Kind.STORAGE: "storage"}
ASSUMED = "assumed"

_ACTIVE = tuple(f"agg_p_ph_{phase}_mw" for phase in PHASES)
_APPARENT = tuple(f"agg_s_ph_{phase}_mva" for phase in PHASES)
_SECTION = record({"agg_p_mw": BIG_NUMBER}, dict.fromkeys(("agg_s_mva", *_ACTIVE, *_APPARENT), BIG_NUMBER))
_METERS = record(
    {"last_update": BIG_NUMBER},
    {
        # After a reboot it may be a word.
        "soc": tolerant(PERCENT),
        # Some firmware counts 0 phases and only says that they are split.
        "phase_count": tolerant(schema.int_schema(strict=True, ge=1, le=3)),
        "is_split_phase": ANYTHING,
    }
    | dict.fromkeys(SECTIONS, _SECTION),
)
_ANSWER = SchemaValidator(record({"meters": _METERS}, {"connection": ANYTHING}))


class Powers(NamedTuple):
    """One section: the `whole`, and the three `legs`, as far as the firmware tells them."""

    whole: Phase
    legs: Phases


class Livedata(NamedTuple):
    """One document. `enabled` is whether its stream is on, `last_update` in Unix seconds, the state of
    charge in % (0 where there is no battery), `phases` how many the site says it has.
    """

    enabled: bool
    last_update: float
    state_of_charge: float | None
    phases: int
    powers: dict[Kind, Powers]


def read_livedata(body: bytes) -> Livedata:
    """The whole document; raises `BadAnswer` where it is not one, and nothing else."""
    answer = decode(PATH, body, _ANSWER)
    meters, connection = answer["meters"], answer.get("connection")
    return Livedata(
        enabled=isinstance(connection, dict) and connection.get("sc_stream") == "enabled",
        last_update=meters["last_update"],
        state_of_charge=meters["soc"],
        phases=meters["phase_count"] or (2 if meters.get("is_split_phase") == 1 else 1),
        powers={kind: _powers(meters[key]) for key, kind in SECTIONS.items() if key in meters},
    )


def measured_of(livedata: Livedata, site: Site) -> tuple[Measured, Wholes]:
    """What it says of the site's meters: phase by phase where it tells all phases, else as a whole in W.

    A battery without a meter is a whole, as everywhere.
    """
    measured: Measured = {}
    wholes: dict[Kind, float] = {}
    metered = site.metered
    for kind, (whole, legs) in livedata.powers.items():
        count = metered.get(kind, 0)
        # On one phase the whole is the phase, and every firmware tells it.
        known = (whole,) if count == site.phases == 1 else legs[:count]
        if known and all(phase.power is not None for phase in known):
            measured[kind] = known + (NOT_FITTED[kind],) * (site.phases - count)
        elif kind in site.fitted and whole.power is not None:
            wholes[kind] = whole.power
    return measured, wholes


def asleep(livedata: Livedata, site: Site) -> bool:
    """Whether it says 0 W of everything, as minutes after a start: no house draws nothing, so where nothing
    measures the house nobody can tell.
    """
    drawn = {Kind.NET, Kind.TOTAL} & site.metered.keys()
    return bool(drawn) and not any(powers.whole.power for powers in livedata.powers.values())


def site_of(livedata: Livedata, identity: Identity) -> Site:
    """The site as far as this document shows it, for a gateway whose list of meters cannot be read: a net
    and a production meter, and one of storage where there is a charge or a power of it.
    """
    storage = livedata.powers.get(Kind.STORAGE)
    battery = bool(livedata.state_of_charge) or bool(storage and storage.whole.power)
    kinds = [Kind.PRODUCTION, Kind.NET, *([Kind.STORAGE] if battery else [])]
    meters = (Meter(EIDS[kind], TYPES[kind], kind, True, livedata.phases, ASSUMED, ()) for kind in kinds)
    return Site(identity, tuple(meters))


def _powers(section: dict[str, float]) -> Powers:
    legs = (_phase(section, active, apparent) for active, apparent in zip(_ACTIVE, _APPARENT, strict=True))
    return Powers(_phase(section, "agg_p_mw", "agg_s_mva"), tuple(legs))


def _phase(section: dict[str, float], active: str, apparent: str) -> Phase:
    power, both = section.get(active), section.get(apparent)
    return Phase(
        power=None if power is None else power / 1000,
        apparent_power=None if both is None else abs(both) / 1000,
    )
