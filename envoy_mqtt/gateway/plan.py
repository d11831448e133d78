"""Which pages a gateway is asked beside its source, and how often. Pure.

What is wanted beside a stream that has everything is the counters once a minute, and once in a while the
list of meters, for transformers get fitted and firmware gets renewed while we look.
"""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from envoy_mqtt.gateway import battery, inverters, livedata, readings, reported, timezone
from envoy_mqtt.gateway.ladder import Source
from envoy_mqtt.gateway.schedule import Poll
from envoy_mqtt.model import Kind, Site

METERS = "/ivp/meters"

# Where a source is asked for.
PAGES = {Source.READINGS: readings.PATH, Source.LIVEDATA: livedata.PATH}

BATTERY_S = 5.0
CHARGE_S = 60.0
PRODUCTION_S = 60.0
METERS_S = 900.0
# Powers, relays and reserve of a page that is only passed on.
LIVEDATA_S = 300.0
ONCE_S = 86_400.0


class Wanted(NamedTuple):
    """What is wanted of it: intervals in s; `inverters_s` is None where reports of microinverters are not
    wanted, `zone` whether the gateway's time zone is, `livedata` whether that page is for its own sake.
    """

    energy_s: float = 60.0
    inverters_s: float | None = None
    zone: bool = False
    meters_s: float = METERS_S
    livedata: bool = False


def page_of(site: Site, source: Source) -> str:
    """The page that a source is read from; empty for the stream, which is none."""
    if source is Source.PRODUCTION:
        return reported.path_of(site.identity)
    return PAGES.get(source, "")


def polls(
    site: Site,
    source: Source,
    wanted: Wanted,
    *,
    copied: bool,
    absent: Collection[str],
    zone_known: bool = False,
    production_s: float = PRODUCTION_S,
    battery_live: bool = True,
    ac_known: bool = True,
) -> tuple[Poll, ...]:
    """What to ask beside `source`, the most urgent first.

    `copied` is whether the storage meter shows a copy of the grid's (firmware 8.2.127), `absent` are pages
    that this gateway does not have, `zone_known` is whether its time zone was learnt before, `production_s`
    how often the inverters' figures are asked for, `battery_live` whether livedata tells a battery's power,
    `ac_known` whether it was learnt before if there is an AC Battery.
    """
    reports = site.battery or copied
    # These take a gateway up to a minute, in which it could not be asked for readings.
    unhurried = source in (Source.STREAM, Source.PRODUCTION)
    once = {
        timezone.PATH: wanted.zone and (unhurried or not zone_known),
        battery.PRODUCTION_PATH: unhurried or not ac_known,
    }
    every = _polls(site, source, wanted, reports=reports, production_s=production_s)
    there: dict[str, Poll] = {}
    for poll in every:
        if poll.path not in absent and (poll.every_s < ONCE_S or once[poll.path]):
            there.setdefault(poll.path, poll)
    if livedata.PATH in there and battery_live:
        there.pop(battery.POWER_PATH, None)
    there.pop(page_of(site, source), None)
    return tuple(there.values())


def told_beside(site: Site, source: Source, production_s: float) -> Iterator[str]:
    """What of the site no meter measures, and how often it is asked for instead, in sentences."""
    if source is Source.PRODUCTION:
        return  # its own reason says so
    if Kind.PRODUCTION not in site.metered:
        yield f"Production has no meter: the inverters' own figure is asked for every {production_s:.0f} s."
    if site.battery and Kind.STORAGE not in site.metered:
        yield f"The battery has no meter: its power is asked for every {BATTERY_S:.0f} s."


def _polls(
    site: Site, source: Source, wanted: Wanted, *, reports: bool, production_s: float
) -> Iterator[Poll]:
    if site.metered:
        streamed = source is Source.STREAM and Kind.STORAGE in site.metered
        yield Poll(readings.PATH, min(BATTERY_S, wanted.energy_s) if streamed else wanted.energy_s)
    if reports:
        yield Poll(livedata.PATH, BATTERY_S)
        yield Poll(battery.POWER_PATH, BATTERY_S)
    if wanted.livedata:
        yield Poll(livedata.PATH, LIVEDATA_S)
    if Kind.PRODUCTION not in site.metered:
        yield Poll(reported.path_of(site.identity), production_s)
    if Kind.STORAGE in site.fitted:
        yield Poll(battery.CHARGE_PATH, CHARGE_S)
    if wanted.inverters_s is not None:
        yield Poll(inverters.PATH, wanted.inverters_s)
    yield Poll(timezone.PATH, ONCE_S)
    yield Poll(METERS, wanted.meters_s)
    if Kind.STORAGE not in site.metered and site.identity.web_tokens:
        yield Poll(battery.INVENTORY_PATH, METERS_S)
    newer = site.identity.web_tokens and site.identity.metered
    if Kind.STORAGE not in site.metered and newer:
        yield Poll(battery.PRODUCTION_PATH, ONCE_S)  # the only page that tells of an AC Battery
