"""The broker, from its name to its ACL: what was tried there, and the checks in their order."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from envoy_mqtt.diagnosis.findings import Check, Finding, bad, carry_out, info, ok, warning
from envoy_mqtt.diagnosis.reach import Reached, judge_name, judge_ports

LOGIN = {
    "login": "mend mqtt.username and mqtt.password (or mqtt.password_file)",
    "tls": "mend mqtt.tls: ca_file has to hold the authority that signed the broker's certificate, mqtt.host "
    "a name that stands in it, and mqtt.port be the broker's port for TLS",
    "silent": "see whether something else than a broker has this port, or whether it wants TLS "
    "(mqtt.tls.enabled)",
}
GRANT = "let this user write, and read, {}/# in the broker's ACL"


class Tried(NamedTuple):
    """A publish to a topic: `denied` says why the broker refused it, `received` whether it came back to us,
    so far as anyone may know.
    """

    topic: str
    denied: str = ""
    received: bool = False


class Running(NamedTuple):
    """A bridge that says it is online under our base topic: whose, and which gateways it reads, as far as it
    has met them; `answer` is what it says to `doctor`, `None` where it was silent.
    """

    ours: bool
    version: str = ""
    host: str = ""
    serials: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    answer: dict[str, Any] | None = None

    def reads(self, serial: str, host: str) -> bool:
        """Whether it may have a stream of this gateway open; one that has not met it yet may."""
        return serial in self.serials or host in self.hosts or not self.serials

    def tells(self, serial: str) -> dict[str, Any] | None:
        """What it answered about this gateway, as one table; `None` where that is nothing.

        A later version may arrange it differently, so what is not as expected is not there.
        """
        gateways = (self.answer or {}).get("gateways")
        told = gateways.get(serial) if isinstance(gateways, dict) else None
        if not isinstance(told, dict):
            return None
        inner = [each for each in (told.get("gateway"), told.get("health")) if isinstance(each, dict)]
        return {key: value for part in (told, *inner) for key, value in part.items()}


class Trial(NamedTuple):
    """What was tried with a broker; what was not reached is `None`. `trouble` is why the login failed, and
    `kind` what that is a matter of, a key of `LOGIN` or empty; `missing` says why there is no broker to try.
    """

    reached: Reached
    base: str = "envoy"
    prefix: str = ""
    tls: bool = False
    in_container: bool = False
    username: bool = False
    protocol: str = ""
    kind: str = ""
    trouble: str = ""
    published: Tried | None = None
    retained: bool | None = None
    removed: bool | None = None
    discovery: Tried | None = None
    birth: str | None = None
    running: Running | None = None
    missing: str = ""


def diagnose(trial: Trial) -> list[Finding]:
    """Every check's findings."""
    return list(carry_out(CHECKS, trial, f"broker {trial.reached.name}"))


def _name(trial: Trial) -> Iterator[Finding]:
    if trial.missing:
        yield bad(trial.missing, "see Settings → Apps in Home Assistant")
    else:
        yield from judge_name(trial.reached, "mqtt.host", in_container=trial.in_container)


def _port(trial: Trial) -> Iterator[Finding]:
    remedy = "see whether the broker runs and listens for other machines, and mend mqtt.host and mqtt.port"
    if trial.in_container and trial.reached.name in ("localhost", "127.0.0.1"):
        remedy = "localhost is this container itself: set mqtt.host to the broker's name or address"
    yield from judge_ports(trial.reached, remedy)


def _login(trial: Trial) -> Iterator[Finding]:
    if trial.trouble:
        yield bad(trial.trouble, LOGIN.get(trial.kind, "see the broker's own log"))
    elif trial.protocol:
        secured = "over TLS, its certificate checked" if trial.tls else "without TLS"
        who = "with user name" if trial.username else "without user name"
        yield ok(f"it takes us {who}, MQTT {trial.protocol}, {secured}")


def _publish(trial: Trial) -> Iterator[Finding]:
    if trial.published is not None:
        # MQTT 3.1.1 does not tell of a refused publish, and here the bridge has to read too.
        yield _tried(
            trial.published, GRANT.format(trial.base), lost=warning if trial.protocol == "5" else bad
        )


def _tried(tried: Tried, remedy: str, *, lost: Callable[[str, str], Finding]) -> Finding:
    if tried.denied:
        return bad(f"{tried.topic} is refused ({tried.denied})", remedy)
    if tried.received:
        return ok(f"{tried.topic} was taken and came back")
    return lost(f"{tried.topic} did not come back: it may not be written, or may not be read", remedy)


def _retained(trial: Trial) -> Iterator[Finding]:
    if trial.retained is None:
        return
    if not trial.retained:
        yield bad(
            "the broker does not keep what is published retained",
            "allow retained messages in the broker: without them availability and Home Assistant's "
            "entities are unknown after each restart",
        )
    elif trial.removed is False:
        yield warning("the broker kept a message that was removed", "empty it by hand: see below")
    else:
        yield ok("it keeps what is retained, and forgets it again")


def _discovery(trial: Trial) -> Iterator[Finding]:
    if trial.discovery is not None:
        yield _tried(trial.discovery, GRANT.format(trial.prefix), lost=warning)
    elif trial.protocol and not trial.prefix:
        yield info("switched off")


def _home_assistant(trial: Trial) -> Iterator[Finding]:
    if not trial.protocol:
        return
    if not trial.prefix:
        yield info("switched off")
    elif trial.birth is None:
        yield info("its birth message is not kept here; it may be away, or not keep it")
    else:
        yield info(f"it says {trial.birth!r}")


def _bridge(trial: Trial) -> Iterator[Finding]:
    running = trial.running
    if running is None:
        if trial.protocol:
            yield info("none is running under this base topic")
        return
    told = f"one is running on {running.host or 'a machine'}, version {running.version or 'unknown'}"
    if not running.ours:
        yield warning(
            f"{told}, and it is not this installation's: two under one base topic get in each other's way",
            "run doctor with the bridge's own data_dir, or choose another mqtt.base_topic",
        )
    elif running.answer is None:
        yield warning(f"{told}, and it does not answer us", "see its log, and restart it if it hangs")
    else:
        yield ok(f"{told}; it was asked for its readings, and no second stream was opened")
        yield from _problems(running.answer)


def _problems(answer: dict[str, Any]) -> Iterator[Finding]:
    """What it says itself is wrong; a later version may arrange it differently."""
    problems = answer.get("problems")
    for each in problems if isinstance(problems, list) else ():
        if isinstance(each, dict) and each.get("text"):
            yield warning(f"it says: {each['text']}", str(each.get("remedy") or "see its log"))


CHECKS = (
    Check("name", _name, "its name does not resolve"),
    Check("port", _port, "it takes no connection"),
    Check("login", _login, "it does not take us"),
    Check("publish", _publish),
    Check("retained", _retained),
    Check("discovery", _discovery),
    Check("home assistant", _home_assistant),
    Check("bridge", _bridge),
)
