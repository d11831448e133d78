"""One gateway's findings from what was seen of it, worked out by hand."""

from typing import Any

import pytest

from envoy_mqtt.diagnosis.broker import Running
from envoy_mqtt.diagnosis.findings import Finding, Level
from envoy_mqtt.diagnosis.gateway import diagnose
from envoy_mqtt.diagnosis.pacing import Flow
from envoy_mqtt.diagnosis.reach import Port, Reached
from envoy_mqtt.diagnosis.seen import Seen, Shown, Trouble
from envoy_mqtt.gateway.token import Claims, Token
from envoy_mqtt.model import Identity, Kind, Meter, Site

SERIAL, OTHER = "122312345678", "122399999999"
NOW = 1_774_000_000.0  # 2026-03-20T09:46:40Z
DAY_S = 86_400.0
SHA256 = "0123456789abcdef" * 4
TOKEN = Token("eyJ.marked.secret", Claims(SERIAL, "owner", NOW + 300 * DAY_S), NOW - 65 * DAY_S)
METERS = (
    Meter(704643328, "production", Kind.PRODUCTION, True, 1, "normal", ()),
    Meter(704643584, "net-consumption", Kind.NET, True, 1, "normal", ()),
)
WHO = Identity(SERIAL, "800-00654-r08", "D8.3.5167")
SITE = Site(WHO, METERS)
STORAGE = Meter(704643840, "storage", Kind.STORAGE, True, 1, "normal", ())
OPEN = Reached("10.0.0.5", ("10.0.0.5",), ports=(Port(443), Port(80, "refused")))
WELL = Seen(
    host="10.0.0.5",
    now=NOW,
    reached=OPEN,
    shown=Shown(f"envoy-{SERIAL}", SHA256, NOW + DAY_S),
    pinned=SHA256,
    identity=WHO,
    gateway_time=NOW - 2.4,
    token=TOKEN,
    origin="cache",
    renewed=True,
    site=SITE,
    flow=Flow(20.0, tuple(float(n) for n in range(1, 20))),
)
NOTHING = Seen(host="10.0.0.5", now=NOW, reached=OPEN)


def of(seen: Seen, check: str) -> Finding:
    """The first finding of a check."""
    return next(each for each in diagnose(seen) if each.check == check)


def levels(seen: Seen) -> dict[str, Level]:
    return {each.check: each.level for each in reversed(diagnose(seen))}


def test_a_gateway_that_is_well_is_ok_throughout() -> None:
    found = diagnose(WELL)
    assert {each.level for each in found} == {Level.OK}
    assert {each.about for each in found} == {f"gateway {SERIAL} at 10.0.0.5"}
    names = "name ports certificate identity clock token access meters topics source stream"
    assert " ".join(each.check for each in found) == names


def test_no_secret_is_in_any_finding() -> None:
    troubled = WELL._replace(token_trouble=Trouble("no"), site=None)
    assert "marked" not in f"{diagnose(WELL)}{diagnose(troubled)}"


@pytest.mark.parametrize(
    ("seen", "because"),
    [
        (Seen(host="e.local", now=NOW, reached=Reached("e.local", error="no")), "its name does not resolve"),
        (
            NOTHING._replace(reached=OPEN._replace(ports=(Port(443, "refused"),))),
            "no port takes a connection",
        ),
        (NOTHING._replace(identity_trouble=Trouble("it is silent", "timeout")), "it did not say who it is"),
    ],
)
def test_what_comes_after_an_obstacle_was_not_tried_because_of_it(seen: Seen, because: str) -> None:
    found = diagnose(seen)
    assert len([each for each in found if each.level is Level.BAD]) == 1
    assert (found[-1].check, found[-1].level, found[-1].text) == ("stream", Level.SKIPPED, because)


def test_a_gateway_that_is_not_there_is_called_by_its_address_alone() -> None:
    assert {each.about for each in diagnose(NOTHING)} == {"gateway at 10.0.0.5"}


@pytest.mark.parametrize(
    ("changes", "level", "words"),
    [
        (
            {},
            Level.OK,
            f"envoy-{SERIAL}, SHA-256 01:23:45:67…, good until 2026-03-21T09:46:40Z, the one we know",
        ),
        ({"pinned": None}, Level.OK, "remembers it at its first contact"),
        ({"pinned": "f" * 64}, Level.OK, "renewed"),
        ({"certificate": "off"}, Level.WARNING, "not checked"),
        ({"certificate_trouble": Trouble("something stands between us")}, Level.BAD, "stands between"),
        ({"shown": None}, Level.INFO, "plain HTTP"),
    ],
)
def test_the_certificate_is_what_we_make_of_it(changes: dict[str, Any], level: Level, words: str) -> None:
    found = of(WELL._replace(**changes), "certificate")
    assert found.level is level
    assert words in found.text


def test_a_certificate_refused_at_the_handshake_is_told_once() -> None:
    refused = NOTHING._replace(
        shown=WELL.shown, identity_trouble=Trouble("its certificate changed", "certificate_changed")
    )
    found = levels(refused)
    assert (found["certificate"], found["identity"]) == (Level.BAD, Level.SKIPPED)
    assert of(refused, "token").text == "its certificate is refused"


def test_a_certificate_that_has_ended_is_told_and_no_fault() -> None:
    """Gateways go on using theirs (protocol notes, section 6)."""
    seen = WELL._replace(shown=Shown(f"envoy-{SERIAL}", SHA256, NOW - DAY_S))
    told = [each for each in diagnose(seen) if each.check == "certificate"]
    assert [each.level for each in told] == [Level.OK, Level.INFO]
    assert "2026-03-19T09:46:40Z" in told[1].text


def test_another_serial_number_than_the_configured_one_is_bad() -> None:
    seen = NOTHING._replace(
        serial=OTHER, identity_trouble=Trouble(f"it has {SERIAL}, not {OTHER}", "other_serial")
    )
    assert of(seen, "identity").level is Level.BAD
    assert of(seen, "identity").about == f"gateway {OTHER} at 10.0.0.5"


@pytest.mark.parametrize(
    ("told", "now", "level", "words"),
    [
        (NOW + 59.0, NOW, Level.OK, "59 s apart"),
        (NOW + 3600.0, NOW, Level.WARNING, "3600 s ahead of ours"),
        (NOW - 61.0, NOW, Level.WARNING, "61 s behind ours"),
        (None, NOW, Level.INFO, "tells no time"),
        (NOW, 100.0, Level.BAD, "does not know the date"),
    ],
)
def test_clocks_are_compared(told: float | None, now: float, level: Level, words: str) -> None:
    found = of(WELL._replace(gateway_time=told, now=now), "clock")
    assert found.level is level
    assert words in found.text


def test_the_token_is_told_with_role_serial_end_and_origin() -> None:
    found = of(WELL, "token")
    assert found.text == (
        f"of the owner, for {SERIAL}, good until 2027-01-14T09:46:40Z, fetched before with gateway.account"
    )


@pytest.mark.parametrize(
    ("days_left", "renewed", "level", "words"),
    [
        (29, False, Level.WARNING, "nobody here renews it"),
        (29, True, Level.OK, "good until"),
        (31, False, Level.OK, "good until"),
        (-1, False, Level.BAD, "ended at 2026-03-19T09:46:40Z"),
    ],
)
def test_a_token_that_ends_is_told_in_time(days_left: int, renewed: bool, level: Level, words: str) -> None:
    token = Token("x", Claims(SERIAL, "owner", NOW + days_left * DAY_S), NOW - 300 * DAY_S)
    found = of(WELL._replace(token=token, renewed=renewed), "token")
    assert found.level is level
    assert words in found.text


def test_without_a_token_nothing_further_is_tried() -> None:
    seen = WELL._replace(token=None, token_trouble=Trouble("there is none"), site=None, flow=None)
    found = levels(seen)
    assert found["token"] is Level.BAD
    assert {found[each] for each in ("access", "meters", "topics", "source", "stream")} == {Level.SKIPPED}


def test_old_firmware_wants_no_token_and_has_no_certificate() -> None:
    seen = WELL._replace(token=None, shown=None, identity=Identity(SERIAL, "800-00551-r02", "D5.0.62"))
    found = levels(seen)
    assert (found["token"], found["certificate"], found["access"]) == (Level.INFO, Level.INFO, Level.OK)


def test_refused_access_is_bad_and_says_what_to_do() -> None:
    seen = WELL._replace(site=None, site_trouble=Trouble("it refuses the token"), flow=None)
    assert (of(seen, "access").level, of(seen, "access").text) == (Level.BAD, "it refuses the token")
    assert "envoy-mqtt token" in of(seen, "access").remedy


def test_a_stream_that_this_role_may_not_read_is_a_warning_and_readings_are_the_source() -> None:
    seen = WELL._replace(
        stream_trouble=Trouble("its role may not", "stream_not_for_role", absent=True), flow=None
    )
    assert of(seen, "stream").level is Level.WARNING
    assert of(seen, "source").text == "readings: Its role may not; it is asked again from time to time."


@pytest.mark.parametrize(
    ("wanted", "meters", "source", "stream"),
    [
        ("auto", METERS, "stream", Level.OK),
        ("auto", METERS[1:], "stream", Level.OK),
        ("auto", (*METERS, STORAGE), "readings", Level.SKIPPED),
        ("auto", (), "production", Level.SKIPPED),
        ("stream", (*METERS, STORAGE), "stream", Level.OK),
        ("livedata", METERS, "livedata", Level.SKIPPED),
    ],
)
def test_the_source_is_the_ladders_and_the_stream_is_opened_for_it_alone(
    wanted: Any, meters: tuple[Meter, ...], source: str, stream: Level
) -> None:
    seen = WELL._replace(wanted=wanted, site=Site(WHO, meters))
    assert of(seen, "source").text.startswith(f"{source}: ")
    assert of(seen, "stream").level is stream


def test_a_stream_that_fails_is_bad() -> None:
    seen = WELL._replace(stream_trouble=Trouble("it was cut"), flow=None)
    assert (of(seen, "stream").level, of(seen, "stream").text) == (Level.BAD, "it was cut")


def running(told: object, **more: Any) -> Running:
    return Running(ours=True, serials=(SERIAL,), answer={"gateways": {SERIAL: told}}, **more)


ANSWER = {
    "health": {"fresh": True, "rate_hz": 0.98, "longest_silence_s": 7.5, "bursts": 12, "stalls": None},
    "gateway": {"source": "readings", "source_reason": "There is a battery."},
}


def test_a_running_bridge_is_believed_about_its_readings() -> None:
    seen = WELL._replace(flow=None, running=running(ANSWER))
    assert seen.occupied
    assert of(seen, "source").text == "readings: There is a battery."
    assert of(seen, "stream") == Finding(
        "stream",
        Level.OK,
        "as the running bridge sees it: 0.98 readings a second, 7.5 s longest silence, 12 bursts",
        about=f"gateway {SERIAL} at 10.0.0.5",
    )


def test_a_running_bridge_without_readings_is_bad() -> None:
    seen = WELL._replace(flow=None, running=running({"health": {"fresh": False, "offline_reason": "frozen"}}))
    assert of(seen, "stream").level is Level.BAD
    assert "(frozen)" in of(seen, "stream").text


@pytest.mark.parametrize("told", [{}, {"health": None, "gateway": 1}, {"health": {"rate_hz": "x"}}])
def test_an_answer_with_less_than_expected_is_an_answer(told: object) -> None:
    seen = WELL._replace(flow=None, running=running(told))
    assert of(seen, "stream").text == "as the running bridge sees it: no figures"
    assert of(seen, "source").text.startswith("stream: ")


@pytest.mark.parametrize("told", [None, [], "x"])
def test_a_bridge_that_tells_nothing_keeps_its_stream_to_itself(told: object) -> None:
    seen = WELL._replace(flow=None, running=running(told))
    assert seen.occupied
    assert of(seen, "stream").level is Level.SKIPPED


def test_a_bridge_that_reads_other_gateways_is_no_reason_to_leave_this_one_alone() -> None:
    elsewhere = Running(ours=True, serials=(OTHER,), hosts=("10.0.0.6",))
    assert not WELL._replace(running=elsewhere).occupied
    assert WELL._replace(running=elsewhere._replace(hosts=("10.0.0.5",))).occupied
    assert WELL._replace(running=Running(ours=True)).occupied, "it has not met its gateways yet"
