"""What `bridge/health` says: the contract's tables, and a problem for whatever is wrong."""

import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from envoy_mqtt.gateway.trouble import of_status
from envoy_mqtt.health import (
    Broker,
    Gateway,
    Journal,
    Latency,
    Process,
    broker_table,
    offline_reason,
    payload,
    problems,
    table,
)
from envoy_mqtt.model import Instant
from envoy_mqtt.mqtt.message import encode
from envoy_mqtt.problems import Problem, Register, Trouble
from envoy_mqtt.pulse import Pulse

CONTRACT = Path(__file__).parents[2] / "shared" / "design" / "mqtt.md"

NOW = Instant(1000.0, 1_800_000_000.25)
SERIAL = "122100000017"
THERE = Broker(connected=True, connects=1, protocol="5")
PROCESS = Process("0.1.0", 400.0, 51.26)


def pulse(*times: float) -> Pulse:
    beating = Pulse()
    beating.tick(900.0)
    for at in times:
        beating.read(at)
    return beating


def gateway(*, fresh: bool = True, **changes: Any) -> Gateway:
    return Gateway(SERIAL, fresh, changes.pop("pulse", pulse(998.0, 999.5)), **changes)


def contract_keys(heading: str) -> set[str]:
    """The keys in the first column of one of the contract's tables."""
    text = CONTRACT.read_text().partition(f"| {heading} | |\n")[2]
    rows = text.split("\n\n")[0].splitlines()[1:]
    return {key for row in rows for key in re.findall("`([a-z_]+)`", without_braces(row.split("|")[1]))}


def without_braces(cell: str) -> str:
    return re.sub(r"\([^)]*\)", "", cell)


def codes(found: list[Problem]) -> list[tuple[str, str | None]]:
    return [(problem.code, problem.serial) for problem in found]


def all_of(it: Gateway, broker: Broker = THERE, standing: Iterable[Trouble] = ()) -> list[Problem]:
    return problems([it], broker, standing, NOW)


def test_the_tables_have_the_contracts_keys_and_no_others() -> None:
    assert set(table(gateway(), NOW)) == contract_keys("of a gateway")
    assert set(broker_table(THERE)) == contract_keys("of the broker")


def test_every_key_is_there_when_nothing_is_known() -> None:
    bare = Gateway(SERIAL, False, Pulse())
    assert set(table(bare, NOW)) == set(table(gateway(), NOW))
    assert set(broker_table(Broker())) == set(broker_table(THERE))


def test_health_of_a_gateway_that_is_well() -> None:
    told = table(
        gateway(
            source="stream",
            source_reason="It is the fastest.",
            bursts=3,
            skipped=Counter(bad_json=2),
            reconnects={"timeout": 1},
            requests=Counter({("/info", "200"): 4, ("/info", "error"): 1, ("/stream/meter", "401"): 2}),
            role="owner",
            expires=NOW.unix + 30.26 * 86_400,
            logins_today=1,
        ),
        NOW,
    )
    assert told == {
        "fresh": True,
        "age_s": 0.5,
        "source": "stream",
        "source_reason": "It is the fastest.",
        "offline_reason": None,
        "readings": 2,
        "rate_hz": 0.02,
        "bursts": 3,
        "stalls": 0,
        "longest_silence_s": 1.5,
        "skipped": {"bad_json": 2},
        "reconnects": {"timeout": 1},
        "requests": {"/info": {"200": 4, "error": 1}, "/stream/meter": {"401": 2}},
        "token_role": "owner",
        "token_days_left": 30.3,
        "logins_today": 1,
        "counter_resets": 0,
    }


def test_the_whole_payload_when_all_is_well() -> None:
    register = Register()
    register.update(all_of(gateway()), NOW.unix)
    told = json.loads(encode(payload(PROCESS, [gateway()], THERE, register, NOW)))
    assert set(told.pop("gateways")) == {SERIAL}
    assert told.pop("broker")["connected"] is True
    assert told == {
        "time": 1_800_000_000.25,
        "timestamp": "2027-01-15T08:00:00.250Z",
        "version": "0.1.0",
        "schema": 1,
        "uptime_s": 600.0,
        "memory_mib": 51.3,
        "status": "ok",
        "problems": [],
    }


def test_a_problem_is_told_with_since_text_and_remedy() -> None:
    away = gateway(fresh=False, trouble=Trouble("unreachable", text="no connection within 10 s"))
    register = Register()
    register.update(all_of(away), 1_800_000_000.9)
    told = payload(PROCESS, [away], THERE, register, Instant(1060.0, 1_800_000_060.0))
    assert told["status"] == "degraded"
    assert told["problems"] == [
        {
            "code": "gateway_unreachable",
            "serial": SERIAL,
            "since": "2027-01-15T08:00:00Z",
            "text": "The gateway cannot be reached: no connection within 10 s.",
            "remedy": "Look whether it has power and is on the network, and whether gateway.host is its "
            "address.",
        }
    ]


@pytest.mark.parametrize(
    ("reason", "offline", "code"),
    [
        ("timeout", "timeout", "gateway_silent"),
        ("closed", "closed", "gateway_silent"),
        ("unreachable", "unreachable", "gateway_unreachable"),
        ("bad_data", "bad_data", "gateway_bad_data"),
        ("refused", "refused", "gateway_refused"),
        ("other_serial", "refused", "gateway_other_serial"),
        ("certificate_changed", "refused", "certificate_changed"),
        ("asked", "starting", "gateway_silent"),
    ],
)
def test_an_offline_gateway_is_always_a_problem(reason: str, offline: str, code: str) -> None:
    away = gateway(fresh=False, trouble=Trouble(reason, text="so it is"))
    assert offline_reason(away, NOW.steady) == offline
    assert codes(all_of(away)) == [(code, SERIAL)]


def test_offline_before_the_first_reading_is_starting() -> None:
    new = gateway(fresh=False, pulse=Pulse())
    assert offline_reason(new, NOW.steady) == "starting"
    assert codes(all_of(new)) == [("gateway_silent", SERIAL)]


def test_offline_while_connected_is_silence() -> None:
    silent = gateway(fresh=False)
    assert offline_reason(silent, NOW.steady) == "timeout"
    (problem,) = all_of(silent)
    assert problem.text == "The gateway sends no readings: it is connected and silent."


def test_a_frozen_gateway_is_frozen_whatever_happened_before() -> None:
    frozen = gateway(fresh=False, frozen=True, trouble=Trouble("timeout"))
    assert offline_reason(frozen, NOW.steady) == "frozen"
    assert codes(all_of(frozen)) == [("gateway_frozen", SERIAL)]


def test_what_was_to_mend_before_is_over_when_the_gateway_sends_again() -> None:
    frozen = gateway(fresh=False, frozen=True, trouble=Trouble("refused", "token_expired"))
    assert codes(all_of(frozen)) == [("gateway_frozen", SERIAL)]


@pytest.mark.parametrize("before", [Trouble("timeout"), Trouble("refused", "token_expired", "it ended")])
def test_events_that_cannot_be_read_are_bad_data_whatever_happened_before(before: Trouble) -> None:
    beating = pulse(900.0)
    beating.unreadable_at = 999.0
    bad = gateway(fresh=False, pulse=beating, trouble=before)
    assert offline_reason(bad, NOW.steady) == "bad_data"
    (problem,) = all_of(bad)
    assert problem[:2] == ("gateway_bad_data", SERIAL)
    assert problem.text == "The gateway sends what cannot be read: its events cannot be read."


def test_an_answer_that_cannot_be_read_is_told_in_its_own_words() -> None:
    away = gateway(fresh=False, trouble=Trouble("bad_data", text="/info is not XML"))
    (problem,) = all_of(away)
    assert problem.text == "The gateway sends what cannot be read: /info is not XML."


def test_a_gateway_that_starts_and_answers_503_needs_nobody_to_restart_it() -> None:
    error = of_status("/info", 503, "", NOW.unix)
    away = gateway(fresh=False, trouble=Trouble(error.reason, error.code, str(error)))
    (problem,) = all_of(away)
    assert problem.text == "The gateway sends no readings: it answers 503 for /info."
    assert problem.remedy.startswith("Nothing to do at first")
    assert all_of(away._replace(fresh=True)) == []


def test_who_refuses_what_every_gateway_shows_is_not_blamed_on_a_token() -> None:
    error = of_status("/info", 403, "", NOW.unix)
    (problem,) = all_of(gateway(fresh=False, trouble=Trouble(error.reason, error.code, str(error))))
    assert problem.code == "gateway_unreachable"
    assert "token" not in problem.text + problem.remedy
    assert "gateway.host" in problem.remedy


@pytest.mark.parametrize("reason", ["timeout", "closed", "unreachable", "bad_data", "asked"])
def test_a_connection_lost_a_moment_ago_is_no_problem_while_readings_are_fresh(reason: str) -> None:
    assert all_of(gateway(trouble=Trouble(reason))) == []
    assert offline_reason(gateway(trouble=Trouble(reason)), NOW.steady) is None


@pytest.mark.parametrize("fresh", [True, False])
def test_what_someone_must_mend_is_told_at_once_and_under_its_own_code(fresh: bool) -> None:
    refused = gateway(fresh=fresh, trouble=Trouble("refused", "account_password", "the password is wrong"))
    (problem,) = all_of(refused)
    assert problem[:2] == ("account_password", SERIAL)
    assert problem.text == "Enphase refuses the account's password: the password is wrong."


def test_what_is_wrong_besides_is_told_too() -> None:
    standing = [Trouble(code="token_expiring", text="at 2027-02-01T00:00:00Z"), Trouble(reason="no code")]
    assert codes(all_of(gateway(standing=standing))) == [("token_expiring", SERIAL)]


def test_a_gateway_without_a_serial_has_problems_and_no_table() -> None:
    unknown = gateway(fresh=False, pulse=Pulse())._replace(serial=None)
    register = Register()
    register.update(all_of(unknown), NOW.unix)
    told = payload(PROCESS, [unknown], THERE, register, NOW)
    assert told["gateways"] == {}
    assert [problem["serial"] for problem in told["problems"]] == [None]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("broker", "code"),
    [
        (Broker(), "broker_unreachable"),
        (Broker(trouble=Trouble("timeout", text="it is silent")), "broker_unreachable"),
        (Broker(trouble=Trouble("lost")), "broker_unreachable"),
        (Broker(trouble=Trouble("refused", text="it refuses us")), "broker_refused"),
        (Broker(trouble=Trouble("taken_over", "broker_same_client_id")), "broker_same_client_id"),
        (THERE._replace(refused_topics={"envoy/a": "not authorized"}), "broker_refused_topic"),
        (THERE._replace(standing=[Trouble(code="broker_same_base_topic")]), "broker_same_base_topic"),
    ],
)
def test_each_trouble_of_the_broker_is_a_problem_of_no_gateway(broker: Broker, code: str) -> None:
    assert codes(all_of(gateway(), broker)) == [(code, None)]


def test_refused_topics_are_named_but_not_without_end() -> None:
    refused = {f"envoy/{letter}": "not authorized" for letter in "edcba"}
    (problem,) = all_of(gateway(), THERE._replace(refused_topics=refused))
    told = "envoy/a (not authorized), envoy/b (not authorized), envoy/c (not authorized) and 2 more"
    assert problem.cause == told


def test_what_is_wrong_with_the_bridge_itself_is_told() -> None:
    assert codes(all_of(gateway(), standing=[Trouble(code="disk")])) == [("disk", None)]


def test_the_broker_in_numbers() -> None:
    latency = Latency()
    for ms in range(1, 101):
        latency.add(ms / 1000)
    told = broker_table(
        THERE._replace(
            failures={"lost": 2},
            refused_topics={"envoy/a": "quota exceeded"},
            messages=7,
            bytes=800,
            replaced=3,
            latency=latency,
        )
    )
    assert told == {
        "connected": True,
        "connects": 1,
        "protocol": "5",
        "failures": {"lost": 2},
        "refused_topics": {"envoy/a": "quota exceeded"},
        "messages": 7,
        "bytes": 800,
        "replaced": 3,
        "latency_ms": {"p50": 50.0, "p99": 99.0},
        "journal_depth": None,
        "journal_bytes": None,
        "journal_lost": None,
    }


def test_latency_is_null_before_the_first_reading() -> None:
    assert Latency().percentiles_ms == (None, None)


def test_latency_is_of_the_last_readings() -> None:
    latency = Latency()
    for _ in range(100):
        latency.add(0.004)
    assert broker_table(Broker(latency=latency))["latency_ms"] == {"p50": 4.0, "p99": 4.0}
    for _ in range(Latency.REMEMBERED):
        latency.add(0.001)
    assert latency.percentiles_ms == (1.0, 1.0)


def test_the_journals_keys_are_there_with_a_journal_and_null_without() -> None:
    def told(broker: Broker) -> list[object]:
        content = broker_table(broker)
        return [content[key] for key in ("journal_depth", "journal_bytes", "journal_lost")]

    assert told(THERE) == [None, None, None]
    assert told(THERE._replace(journal=Journal(3, 1200, 7))) == [3, 1200, 7]
