"""Everything that can go wrong with a gateway, as a table: a name, a sentence, and what it does.

Where they come from: the protocol notes, section 9, "bad behaviour". What their hooks are: `trouble`.
"""

import asyncio
from collections.abc import Callable, Mapping

from envoy_mqtt.simulator import digest, pages
from envoy_mqtt.simulator.garbage import KINDS
from envoy_mqtt.simulator.noise import unit
from envoy_mqtt.simulator.pages import Answer
from envoy_mqtt.simulator.streams import Stream, in_steps
from envoy_mqtt.simulator.trouble import Fault, Replace, Setting, Target, Value
from envoy_mqtt.simulator.upsets import UPSETS

# Pieces of one event are at most so many, however small they ought to be: a megabyte of garbage is one too.
MAX_PIECES = 4096


def _meant(setting: Setting, path: str) -> bool:
    """Whether a fault of answers is about this path; its own may be several, and none is every one."""
    only = setting.text("path").split()
    return not only or path.rstrip("/") in [each.rstrip("/") for each in only]


async def _never(_: Target, setting: Setting, path: str, __: Callable[[], None]) -> Answer | None:
    if _meant(setting, path):
        # Cancelled when the client gives up, or with the gateway.
        await asyncio.get_running_loop().create_future()
    return None


async def _always_silent(_: Target, __: Setting, ___: str, ____: Callable[[], None]) -> Answer | None:
    await asyncio.get_running_loop().create_future()
    return None


async def _hang_up(target: Target, setting: Setting, path: str, close: Callable[[], None]) -> Answer | None:
    if _meant(setting, path):
        close()
    return await _never(target, setting, path, close)


async def _unauthorized(target: Target, setting: Setting, path: str, _: Callable[[], None]) -> Answer | None:
    needs_token = not path.startswith("/info")
    return target.refusal() if needs_token and _meant(setting, path) else None


async def _garbled(_: Target, setting: Setting, path: str, __: Callable[[], None]) -> Answer | None:
    needs_login = not path.startswith("/info")
    return pages.garbled(digest.GARBAGE) if needs_login and _meant(setting, path) else None


async def _html(_: Target, setting: Setting, path: str, __: Callable[[], None]) -> Answer | None:
    return pages.front_page() if _meant(setting, path) and not path.startswith("/info") else None


def _failing(make: Callable[[Setting, str], Answer]) -> Replace:
    """An answer instead of the true one, with a Retry-After header where one is set."""

    async def answer(_: Target, setting: Setting, path: str, __: Callable[[], None]) -> Answer | None:
        if not _meant(setting, path):
            return None
        made, wait_s = make(setting, path), setting.number("retry_after")
        return made._replace(headers={**made.headers, "Retry-After": f"{wait_s:g}"}) if wait_s else made

    return answer


def _spoil(setting: Setting, pieces: list[bytes]) -> list[bytes]:
    """So many of the events are replaced, by the kind of garbage that is set or by any."""
    seed = int(setting.number("seed"))
    if unit(seed, setting.count) >= setting.number("share"):
        return pieces
    any_kind = list(KINDS)[int(unit(seed + 1, setting.count) * len(KINDS))]
    return [KINDS[setting.text("kind") or any_kind](b"".join(pieces))]


def _chop(setting: Setting, pieces: list[bytes]) -> list[bytes]:
    """Chunks of one size, or of random sizes up to 48 bytes, most of them small."""
    data, size = b"".join(pieces), int(setting.number("size"))
    least = 1 + len(data) // MAX_PIECES
    if size:
        return in_steps(data, [max(least, size)])
    return in_steps(data, [least + int(48 * unit(setting.count, place) ** 2) for place in range(64)])


def _drip(_: Setting, pieces: list[bytes]) -> list[bytes]:
    data = b"".join(pieces)
    return in_steps(data, [1 + len(data) // MAX_PIECES])


def _cut(setting: Setting, stream: Stream, event: bytes) -> None:
    stream.write(event[: int(setting.number("bytes"))])
    stream.cut()


def _one_event(_: Setting, stream: Stream, event: bytes) -> None:
    stream.write(event)
    stream.finish()


async def _refuse(target: Target, _: Setting) -> None:
    target.refuse()


async def _listen(target: Target, _: Setting) -> None:
    await target.listen()


async def _pretend(target: Target, setting: Setting) -> None:
    target.rename(setting.text("serial"))


async def _be_yourself(target: Target, _: Setting) -> None:
    target.rename("")


async def _renew(target: Target, setting: Setting) -> None:
    target.renew_certificate(expired=bool(setting.number("expired")))


async def _forget(target: Target, _: Setting) -> None:
    target.forget_sessions()


async def _revoke(target: Target, _: Setting) -> None:
    target.revoke_tokens()


async def _redirect(target: Target, setting: Setting, path: str, _: Callable[[], None]) -> Answer | None:
    there = setting.text("location") or target.https_url + path
    return pages.moved(there) if _meant(setting, path) else None


async def _late(_: Target, setting: Setting, path: str, __: Callable[[], None]) -> Answer | None:
    if _meant(setting, path):
        await asyncio.sleep(setting.number("delay_s"))
    return None


async def _reboot(target: Target, setting: Setting) -> None:
    """Away, then busy, then with zeros for numbers and without its old sessions, then well."""
    await target.fault("refuse")
    target.hang_up()
    await asyncio.sleep(setting.number("away_s"))
    target.forget_sessions()
    await target.fault("503")
    await target.clear("refuse")
    await asyncio.sleep(setting.number("busy_s"))
    await target.fault("zeros")
    await target.clear("503")
    await asyncio.sleep(setting.number("zeros_s"))
    await target.clear("zeros")


WHERE: Mapping[str, Value] = {"path": ""}
LATER: Mapping[str, Value] = {"path": "", "retry_after": 0.0}

# In this order where several are on: what replaces an event comes before what cuts it up.
FAULTS: Mapping[str, Fault] = {
    "stall": Fault("Streams stay open and say nothing, new ones too.", shape=lambda _, __: []),
    "outage": Fault(
        "Nothing is answered and streams say nothing, as from 23:00 to 23:10.",
        answer=_always_silent,
        shape=lambda _, __: [],
    ),
    "late": Fault(
        "True answers that come after `delay_s`, such as production.json's.",
        {"path": "/production.json", "delay_s": 30.0},
        answer=_late,
    ),
    "silent": Fault("Requests are taken and never answered.", WHERE, answer=_never),
    "hang_up": Fault("Connections close as soon as a request has come.", WHERE, answer=_hang_up),
    "cut": Fault(
        "Streams end with FIN after so many `bytes` of an event.", {"bytes": 300.0}, once=True, strike=_cut
    ),
    "end": Fault("Streams end in good order.", once=True, strike=lambda _, stream, __: stream.finish()),
    "reset": Fault("Streams end with RST.", once=True, strike=lambda _, stream, __: stream.reset()),
    "one_event_then_close": Fault("Streams say one event and end.", once=True, strike=_one_event),
    "401": Fault("Everything that needs a token answers 401.", WHERE, answer=_unauthorized),
    "garbled_challenge": Fault(
        "Everything that needs credentials answers 401 with an unreadable challenge, as 3.9.36.",
        WHERE,
        answer=_garbled,
    ),
    "404": Fault("Everything answers 404.", LATER, answer=_failing(lambda _, path: pages.not_found(path))),
    "5xx": Fault(
        "Everything fails with a `status` like 500, 502 or 504.",
        {**LATER, "status": 502.0},
        answer=_failing(lambda setting, _: pages.failed(int(setting.number("status")))),
    ),
    "503": Fault(
        "Resource busy, please retry after 30 seconds.", LATER, answer=_failing(lambda _, __: pages.busy())
    ),
    "html": Fault("A web page with a 200, where JSON or events were asked for.", WHERE, answer=_html),
    "redirect": Fault(
        "Everything answers 301, to `location` or to the same path over HTTPS.",
        {**WHERE, "location": ""},
        answer=_redirect,
    ),
    "refuse": Fault("Nobody listens; what is open stays open.", begin=_refuse, end=_listen),
    "other_serial": Fault(
        "Another gateway answers here: its certificate, its /info, its tokens.",
        {"serial": "122399999999"},
        begin=_pretend,
        end=_be_yourself,
    ),
    "new_certificate": Fault(
        "The certificate is another from now on; with `expired` 1 it has ended.",
        {"expired": 0.0},
        once=True,
        begin=_renew,
    ),
    "lost_sessions": Fault("Cookies are worth nothing any more; tokens are.", once=True, begin=_forget),
    "revoked_tokens": Fault(
        "Every token that was shown here so far is refused; new ones are good.", once=True, begin=_revoke
    ),
    **UPSETS,
    "reboot": Fault(
        "Away, then 503, then old sessions are lost and numbers zero, then well.",
        {"away_s": 20.0, "busy_s": 20.0, "zeros_s": 20.0},
        life=_reboot,
    ),
    "garbage": Fault(
        "A `share` of the events is unreadable, of one `kind` or of any.",
        {"share": 0.5, "kind": "", "seed": 1.0},
        shape=_spoil,
    ),
    "chop": Fault("Events come in chunks of `size` bytes; 0 is any size.", {"size": 0.0}, shape=_chop),
    "slow": Fault(
        "Headers come after `delay_s`, the rest a byte at a time.",
        {"delay_s": 2.0, "pause_s": 0.002},
        shape=_drip,
    ),
}
