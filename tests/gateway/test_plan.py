"""What is asked beside a source, and how often: over hours, for every kind of site."""

from collections import Counter
from itertools import pairwise

import pytest

from envoy_mqtt.gateway.ladder import Source
from envoy_mqtt.gateway.plan import METERS, Wanted, page_of, polls, told_beside
from envoy_mqtt.gateway.schedule import Poll, Schedule
from envoy_mqtt.model import Identity, Kind, Meter, Site

P, N, T, S = Kind.PRODUCTION, Kind.NET, Kind.TOTAL, Kind.STORAGE
STREAM, READINGS, LIVEDATA, PRODUCTION = Source
HOUR = 3600.0

READ = "/ivp/meters/readings"
LIVE = "/ivp/livedata/status"
POWER = "/ivp/ensemble/power"
CHARGE = "/ivp/ensemble/secctrl"
BATTERIES = "/ivp/ensemble/inventory"
REPORTED = "/production.json"
PLAIN = "/api/v1/production"
INVERTERS = "/api/v1/production/inverters"
HOME = "/home"

DEFAULT = Wanted(zone=True)
EVERYTHING = Wanted(inverters_s=300.0, zone=True)


def site(*kinds: Kind, battery: bool = False, metered: bool | None = True, tokens: bool = True) -> Site:
    meters = tuple(Meter(1, kind, kind, True, 1, "normal", ()) for kind in kinds)
    return Site(Identity("122100000017", "", "", metered, tokens), meters, battery)


def wanted(layout: Site, source: Source, wants: Wanted = DEFAULT, **more: object) -> dict[str, float]:
    found = polls(layout, source, wants, **{"copied": False, "absent": ()} | more)  # type: ignore[arg-type]
    return {poll.path: poll.every_s for poll in found}


def test_beside_a_stream_that_has_everything_the_counters_are_asked_once_a_minute() -> None:
    assert wanted(site(P, N), STREAM, Wanted()) == {
        READ: 60.0,
        METERS: 900.0,
        BATTERIES: 900.0,
        REPORTED: 86_400.0,
    }


def test_the_gateways_time_zone_and_its_inverters_only_where_they_are_wanted() -> None:
    extra = wanted(site(P, N), STREAM, EVERYTHING).keys() - wanted(site(P, N), STREAM, Wanted()).keys()
    assert extra == {HOME, INVERTERS}


def test_livedata_for_its_own_sake_is_asked_rarely_and_never_twice() -> None:
    wants = Wanted(livedata=True)
    assert wanted(site(P, N, S), STREAM, wants)[LIVE] == 300.0
    assert LIVE not in wanted(site(P, N, S), LIVEDATA, wants)
    assert LIVE not in wanted(site(P, N), STREAM, wants, absent=(LIVE,))
    assert wanted(site(P, N, battery=True), STREAM, wants)[LIVE] == 5.0


def test_counters_come_as_often_as_energies_are_told() -> None:
    assert wanted(site(P, N), STREAM, Wanted(energy_s=10.0))[READ] == 10.0


def test_a_storage_meter_is_asked_every_five_seconds_beside_the_stream_alone() -> None:
    assert wanted(site(P, N, S), STREAM)[READ] == 5.0
    assert wanted(site(P, N, S), STREAM, Wanted(energy_s=2.0))[READ] == 2.0
    assert wanted(site(P, N, S), LIVEDATA)[READ] == 60.0
    assert READ not in wanted(site(P, N, S), READINGS)


def test_a_battery_without_a_meter_tells_its_power_every_five_seconds_and_its_charge_every_minute() -> None:
    found = wanted(site(P, N, battery=True), STREAM)
    assert (found[LIVE], found[CHARGE]) == (5.0, 60.0)
    assert POWER not in found


def test_where_there_is_no_livedata_the_batteries_own_figures_are_asked() -> None:
    found = wanted(site(P, N, battery=True), STREAM, absent={LIVE})
    assert found[POWER] == 5.0
    assert LIVE not in found


def test_a_storage_meter_that_shows_a_copy_is_completed_by_livedata() -> None:
    assert LIVE not in wanted(site(P, N, S), READINGS)
    assert wanted(site(P, N, S), READINGS, copied=True)[LIVE] == 5.0


@pytest.mark.parametrize(("metered", "path"), [(True, REPORTED), (False, PLAIN), (None, PLAIN)])
def test_without_a_production_meter_the_inverters_are_asked_every_minute(
    metered: bool | None, path: str
) -> None:
    net_only = site(N, metered=metered)
    assert wanted(net_only, STREAM)[path] == 60.0
    assert wanted(net_only, STREAM, production_s=300.0)[path] == 300.0
    assert page_of(site(metered=metered), PRODUCTION) == path


def test_what_is_asked_every_minute_is_asked_before_what_is_asked_once_a_day() -> None:
    """`/production.json` is both where there is no production meter."""
    found = list(wanted(site(N), STREAM))
    assert found.index(REPORTED) < found.index(HOME)


def test_an_ac_battery_is_looked_for_only_where_there_can_be_one() -> None:
    assert wanted(site(P, N), STREAM)[REPORTED] == 86_400.0
    assert REPORTED not in wanted(site(P, N, S), READINGS)
    assert REPORTED not in wanted(site(P, N, tokens=False), STREAM)
    assert REPORTED not in wanted(site(P, N, metered=False), STREAM)


def test_what_is_not_there_is_not_asked_for() -> None:
    assert wanted(site(P, N), STREAM, absent={READ, METERS, BATTERIES, REPORTED, HOME}) == {}


def test_where_the_source_is_a_page_it_is_not_asked_twice() -> None:
    layouts = (site(P, N), site(N), site(P, N, S), site(P, N, battery=True), site())
    for source in (READINGS, LIVEDATA, PRODUCTION):
        for layout in layouts:
            assert page_of(layout, source) not in wanted(layout, source, copied=True)
    assert page_of(site(P, N), STREAM) == ""


# A day of each, asked by someone who asks as soon as it is time and gets every answer.


def day(plan: tuple[Poll, ...], hours: float = 24.0) -> list[tuple[float, str]]:
    schedule, now, story = Schedule(plan, 0.0), 0.0, []
    while (following := schedule.next()) is not None and following[1] < hours * HOUR:
        path, at = following
        now = max(now, at)
        story.append((now, path))
        now += 0.25
        schedule.asked(path, now)
    return story


SITES = {
    "P+N": site(P, N),
    "P+T": site(P, T),
    "N": site(N),
    "P": site(P),
    "none": site(),
    "none, no meters": site(metered=False),
    "P+N+S": site(P, N, S),
    "P+T+S": site(P, T, S),
    "battery": site(P, N, battery=True),
    "battery, net only": site(N, battery=True),
}


@pytest.mark.parametrize("name", SITES)
@pytest.mark.parametrize("source", list(Source))
def test_two_requests_a_minute_are_the_most_and_a_batterys_five_second_polls_come_on_top(
    name: str, source: Source
) -> None:
    plan = polls(SITES[name], source, EVERYTHING, copied=False, absent=())
    often = {poll.path for poll in plan if poll.every_s < 60.0}
    assert often <= {LIVE, READ}
    story = day(plan, hours=6.0)
    gentle = [at for at, path in story if path not in often]
    assert all(third - first >= 60.0 for first, third in zip(gentle, gentle[2:], strict=False))
    for path in often:
        times = [at for at, asked in story if asked == path]
        assert all(4.5 <= after - before <= 6.0 for before, after in pairwise(times))


@pytest.mark.parametrize("name", SITES)
def test_nothing_is_forgotten_over_a_day(name: str) -> None:
    """Although only two may be asked a minute, each is asked as often as it is wanted, within a minute."""
    plan = polls(SITES[name], STREAM, EVERYTHING, copied=False, absent=())
    counted = Counter(path for _, path in day(plan))
    for path, every_s in ((poll.path, poll.every_s) for poll in plan):
        assert counted[path] >= 24 * HOUR / (every_s + 60.0) - 1, path


def test_what_takes_a_gateway_a_minute_is_asked_once_where_it_is_asked_for_readings() -> None:
    """A gateway that refuses the stream: its time zone and its AC Battery are learnt, and that is all."""
    unknown = wanted(site(P, N), READINGS, ac_known=False)
    assert {HOME, REPORTED} <= unknown.keys()
    assert not {HOME, REPORTED} & wanted(site(P, N), READINGS, zone_known=True, ac_known=True).keys()
    assert wanted(site(N), READINGS, zone_known=True)[REPORTED] == 60.0


def test_a_battery_that_livedata_does_not_tell_is_asked_of_the_batteries() -> None:
    assert POWER not in wanted(site(P, N, battery=True), STREAM)
    assert {LIVE, POWER} <= wanted(site(P, N, battery=True), STREAM, battery_live=False).keys()


def test_streaming_at_default_settings_takes_a_request_a_minute_and_a_few_more_a_day() -> None:
    """The counters 1,440 times, the lists of meters and batteries 96 times, time zone and AC Battery once."""
    counted = Counter(path for _, path in day(polls(site(P, N), STREAM, DEFAULT, copied=False, absent=())))
    assert counted[READ] == 1440
    assert 95 <= counted[METERS] <= 97
    assert (counted[HOME], counted[REPORTED]) == (1, 1)
    assert 95 <= counted[BATTERIES] <= 97
    assert counted.total() <= 1440 + 97 + 97 + 2


@pytest.mark.parametrize(
    ("layout", "source", "told"),
    [
        (site(P, N), STREAM, []),
        (site(P, N, S), READINGS, []),
        (site(N), STREAM, ["Production has no meter: the inverters' own figure is asked for every 60 s."]),
        (site(P, N, battery=True), STREAM, ["The battery has no meter: its power is asked for every 5 s."]),
        (site(metered=False), PRODUCTION, []),
    ],
)
def test_what_no_meter_measures_is_told(layout: Site, source: Source, told: list[str]) -> None:
    assert list(told_beside(layout, source, 60.0)) == told
