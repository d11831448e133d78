"""The ladder of sources: which one, why, and when a better one is asked again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoy_mqtt.gateway.ladder import Ladder, Source, Step
from envoy_mqtt.model import Identity, Kind, Meter, Site

P, N, T, S = Kind.PRODUCTION, Kind.NET, Kind.TOTAL, Kind.STORAGE
STREAM, READINGS, LIVEDATA, PRODUCTION = Source
MINUTE, HOUR = 60.0, 3600.0


def site(*kinds: Kind, battery: bool = False) -> Site:
    meters = tuple(Meter(1, kind, kind, True, 1, "normal", ()) for kind in kinds)
    return Site(Identity("122100000017", "", ""), meters, battery)


@pytest.mark.parametrize(
    ("layout", "expected"),
    [
        (site(P, N), [STREAM, READINGS, LIVEDATA, PRODUCTION]),
        (site(P, T), [STREAM, READINGS, LIVEDATA, PRODUCTION]),
        (site(N), [STREAM, READINGS, LIVEDATA, PRODUCTION]),
        (site(P, N, battery=True), [STREAM, READINGS, LIVEDATA, PRODUCTION]),
        (site(P, N, S), [READINGS, LIVEDATA, PRODUCTION]),
        (site(), [PRODUCTION]),
    ],
    ids=["P+N", "P+T", "N", "battery without a meter", "P+N+S", "none"],
)
def test_the_rungs_of_a_layout(layout: Site, expected: list[Source]) -> None:
    assert list(Ladder().rungs(layout)) == expected
    ladder = Ladder()
    for source in expected:
        assert ladder.choose(layout, 0.0).source is source
        ladder.shut(source, "no", 0.0)


def test_each_first_rung_has_its_reason() -> None:
    assert Ladder().choose(site(P, N), 0.0) == Step(STREAM, "The stream has every meter of this site.")
    assert "no battery" in Ladder().choose(site(P, N, S), 0.0).reason
    assert "No current transformer" in Ladder().choose(site(), 0.0).reason


@pytest.mark.parametrize("wanted", ["stream", "readings", "livedata", "production"])
def test_a_source_that_is_configured_is_the_only_one(wanted: str) -> None:
    ladder = Ladder(wanted)  # type: ignore[arg-type]
    ladder.shut(Source(wanted), "it refuses", 0.0)
    assert ladder.choose(site(P, N, S), 1.0) == Step(Source(wanted), "gateway.source says so.")


def test_what_is_shut_is_the_reason_for_the_next() -> None:
    ladder = Ladder()
    ladder.shut(STREAM, "The stream refuses the owner's token", 0.0)
    ladder.shut(READINGS, "the readings are not there", 0.0)
    step = ladder.choose(site(P, N), 1.0)
    assert step.source is LIVEDATA
    assert step.reason.startswith("The stream refuses the owner's token; the readings are not there; ")


def test_a_shut_source_is_asked_again_after_ten_minutes_and_then_ever_more_rarely_up_to_six_hours() -> None:
    ladder, now, waits = Ladder(), 1000.0, []
    for _ in range(9):
        ladder.shut(STREAM, "no", now)
        better = ladder.better(site(P, N), READINGS)
        assert better is not None
        assert better[0] is STREAM
        assert ladder.choose(site(P, N), better[1] - 1.0).source is READINGS
        assert ladder.choose(site(P, N), better[1]).source is STREAM
        waits.append((better[1] - now) / MINUTE)
        now = better[1]
    assert waits == [10, 20, 40, 80, 160, 320, 360, 360, 360]


def test_a_source_that_works_is_trusted_again() -> None:
    ladder = Ladder()
    ladder.shut(STREAM, "no", 0.0)
    ladder.shut(STREAM, "no", 600.0)
    ladder.works(STREAM)
    assert ladder.choose(site(P, N), 601.0).source is STREAM
    ladder.shut(STREAM, "no", 700.0)
    assert ladder.better(site(P, N), READINGS) == (STREAM, 1300.0)


def test_another_token_opens_everything_and_the_same_one_nothing() -> None:
    ladder = Ladder()
    ladder.use("owner's")
    ladder.shut(STREAM, "no", 0.0)
    ladder.use("owner's")
    assert ladder.choose(site(P, N), 1.0).source is READINGS
    ladder.use("installer's")
    assert ladder.choose(site(P, N), 2.0).source is STREAM


def test_three_attempts_without_a_reading_shut_a_source() -> None:
    ladder = Ladder()
    for now in (0.0, 60.0):
        ladder.fruitless(STREAM, "The stream is silent", now)
        assert ladder.choose(site(P, N), now).source is STREAM
    ladder.fruitless(STREAM, "The stream is silent", 120.0)
    assert ladder.choose(site(P, N), 121.0).source is READINGS


def test_a_reading_between_fruitless_attempts_starts_the_count_over() -> None:
    ladder = Ladder()
    for now in range(10):
        ladder.fruitless(STREAM, "The stream is silent", now)
        ladder.fruitless(STREAM, "The stream is silent", now)
        ladder.works(STREAM)
    assert ladder.choose(site(P, N), 11.0).source is STREAM


def test_the_first_pause_can_be_another_one() -> None:
    ladder = Ladder(again_s=2.0)
    for now, pause_s in ((0.0, 2.0), (10.0, 4.0)):
        ladder.shut(STREAM, "no", now)
        assert ladder.better(site(P, N), READINGS) == (STREAM, now + pause_s)


def test_what_health_has_a_word_for_is_told_until_it_works() -> None:
    ladder = Ladder()
    ladder.shut(STREAM, "its role may not", 0.0, code="stream_not_for_role")
    ladder.shut(READINGS, "it answers 404", 0.0)
    assert ladder.refusals == {"stream_not_for_role": "its role may not"}
    ladder.shut(STREAM, "it answers 503", 600.0)
    assert ladder.refusals == {}


def test_where_everything_is_shut_the_one_that_opens_first_is_tried() -> None:
    ladder = Ladder()
    for now, source in enumerate((STREAM, READINGS, LIVEDATA, PRODUCTION)):
        ladder.shut(source, "no", float(now))
    ladder.shut(STREAM, "no", 10.0)
    assert ladder.choose(site(P, N), 11.0).source is READINGS


def test_the_first_rung_has_nothing_better() -> None:
    assert Ladder().better(site(P, N), STREAM) is None
    assert Ladder().better(site(P, N, S), READINGS) is None


def test_starting_over_forgets_what_was_shut() -> None:
    ladder = Ladder()
    ladder.shut(STREAM, "no", 0.0)
    ladder.reset()
    assert ladder.choose(site(P, N), 1.0).source is STREAM


@given(st.lists(st.tuples(st.sampled_from(list(Source)), st.floats(0, 1e6))))
def test_there_is_always_a_rung_and_it_serves_the_site(story: list[tuple[Source, float]]) -> None:
    for layout in (site(P, N), site(P, N, S), site()):
        ladder, now = Ladder(), 0.0
        for source, seconds in story:
            now += seconds
            ladder.shut(source, "no", now)
            assert ladder.choose(layout, now).source in ladder.rungs(layout)
