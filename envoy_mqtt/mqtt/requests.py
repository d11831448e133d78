"""What may be asked of a running bridge over MQTT: the contract's section "Requests". Pure.

Whatever arrives, `read` returns what to do, or the answer that says why nothing is done, or nothing.
"""

import re
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from pydantic_core import from_json

from envoy_mqtt.mqtt.message import Incoming, Message, encode

LARGEST = 64 * 1024
LONGEST_TRANSACTION = 128

# What a JSON number can be in every program that reads the answer (RFC 8259, section 6).
LARGEST_NUMBER = 2**53

NAME = re.compile(r"[a-z_]{1,32}", re.ASCII)

# An answer is of use to who waits for it, and nobody waits longer.
ANSWERED_WITHIN_S = 30.0

Transaction = str | int | float | None
Keys = Mapping[str, Callable[[object], str]]


class Request(NamedTuple):
    """Something to do; `serial` is `None` for every gateway."""

    name: str
    serial: str | None = None
    value: Any = None
    transaction: Transaction = None


def _interval(value: object) -> str:
    fits = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 60
    return "" if fits else "value has to be a whole number of seconds from 1 to 60"


def _level(value: object) -> str:
    levels = ("debug", "info", "warning", "error")
    return "" if value in levels else f"value has to be one of {', '.join(levels)}"


def _serial(value: object) -> str:
    return "" if isinstance(value, str) else "serial has to be a gateway's serial number in quotes"


# The requests there are, each with its keys and what is wrong with a value; `value` is never left out.
REQUESTS: Final[Mapping[str, Keys]] = MappingProxyType(
    {
        "reconnect": {"serial": _serial},
        "republish": {},
        "set_interval": {"value": _interval},
        "set_log_level": {"value": _level},
        "health": {},
        "doctor": {"serial": _serial},
    }
)


class Wrong(Exception):
    """Why a request is not carried out."""


def read(incoming: Incoming, base: str, serials: Collection[str], now: float) -> Request | Message | None:
    """What to do, else the answer that says what is wrong; `None` where nothing is said.

    A retained request is none: it would be carried out at every connect. `serials` are the gateways that
    there are, `now` is the steady time.
    """
    prefix = f"{base}/bridge/request/"
    if incoming.retain or not incoming.topic.startswith(prefix):
        return None
    name = incoming.topic[len(prefix) :]
    named = NAME.fullmatch(name) is not None
    transaction: Transaction = None
    try:
        content = _content(incoming.payload)
        transaction = _transaction(content)
        if not named:
            raise Wrong("a request's name has 1 to 32 letters a to z and underscores")
        return _request(name, content, serials, transaction)
    except Wrong as wrong:
        answering = Request(name if named else "error", transaction=transaction)
        return refuse(answering, base, str(wrong), now)


def _content(payload: bytes) -> dict[str, Any]:
    if len(payload) > LARGEST:
        raise Wrong(f"a request has at most {LARGEST // 1024} KiB")
    try:
        content = from_json(payload, allow_inf_nan=False) if payload else {}
    except ValueError:
        raise Wrong("a request is a JSON object or empty, and this is no JSON") from None
    if not isinstance(content, dict):
        raise Wrong("a request is a JSON object or empty")
    return content


def _transaction(content: dict[str, Any]) -> Transaction:
    transaction = content.pop("transaction", None)
    if transaction is None or (isinstance(transaction, str) and len(transaction) <= LONGEST_TRANSACTION):
        return transaction
    number = isinstance(transaction, int | float) and not isinstance(transaction, bool)
    if number and abs(transaction) <= LARGEST_NUMBER:
        return transaction  # type: ignore[no-any-return]
    raise Wrong(f"transaction has to be a text of at most {LONGEST_TRANSACTION} characters or a number")


def _request(
    name: str, content: dict[str, Any], serials: Collection[str], transaction: Transaction
) -> Request:
    if name not in REQUESTS:
        raise Wrong(f"there is no such request; there are {', '.join(REQUESTS)}")
    keys = REQUESTS[name]
    if set(content) - set(keys):
        known = ", ".join((*keys, "transaction"))
        raise Wrong(f"it has a key that {name} does not know; it knows {known}")
    if "value" in keys and "value" not in content:
        raise Wrong("value is missing")
    for key, value in content.items():
        wrong = keys[key](value)
        if wrong:
            raise Wrong(wrong)
    serial = content.get("serial")
    if serial is not None and serial not in serials:
        raise Wrong("there is no gateway with this serial number here")
    return Request(name, serial, content.get("value"), transaction)


def answer(request: Request, base: str, data: object, now: float) -> Message:
    """The response to a request that was carried out."""
    return _response(request, base, {"status": "ok", "data": data}, now)


def refuse(request: Request, base: str, sentence: str, now: float) -> Message:
    """The response to a request that was not."""
    return _response(request, base, {"status": "error", "error": sentence}, now)


def busy(incoming: Incoming, now: float) -> list[Message]:
    """The answer to a message that nobody has time for, where it is a request."""
    base, found, name = incoming.topic.rpartition("/bridge/request/")
    if not found or incoming.retain or not NAME.fullmatch(name):
        return []
    return [refuse(Request(name), base, "too many requests wait; ask again later", now)]


def _response(request: Request, base: str, content: dict[str, object], now: float) -> Message:
    if request.transaction is not None:
        content["transaction"] = request.transaction
    topic = f"{base}/bridge/response/{request.name}"
    return Message(topic, encode(content), qos=1, retain=False, good_until=now + ANSWERED_WITHIN_S)
