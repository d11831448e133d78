"""What `/info` and `/ivp/meters` answer, as values. Pure; the vendor's words stay in this package.

Both come without or with odd content types and in several print styles (protocol notes, sections 3.1
and 4), so only the bytes count. Whatever is not what it should be raises `BadAnswer` with a sentence.
"""

import re
from typing import Any
from xml.etree.ElementTree import Element, ParseError, XMLParser

from pydantic_core import SchemaValidator
from pydantic_core import core_schema as schema

from envoy_mqtt.errors import BadAnswer
from envoy_mqtt.gateway.document import ANYTHING, decode, entries, record
from envoy_mqtt.model import Identity, Kind, Meter

KINDS = {
    "production": Kind.PRODUCTION,
    "net-consumption": Kind.NET,
    "total-consumption": Kind.TOTAL,
    "storage": Kind.STORAGE,
}

# The meters' ids are constants that name the kind, for firmware that gives no type (4.2); whether its
# consumption meter is fitted to the grid or to the house they do not tell.
KINDS_OF_EID = {704643328: Kind.PRODUCTION, 704643840: Kind.STORAGE}

# European single phase says "three" with a `phaseCount` of 1, so the count decides; the mode serves
# where a firmware gives no count (protocol notes, section 3.1).
PHASES_OF_MODE = {"single": 1, "split": 2, "three": 3}

# A serial number becomes a level of a topic, so nothing that means something there may be in it. Real
# ones have 12 digits.
SERIAL = re.compile(r"[A-Za-z0-9_-]{1,32}")

# What a gateway calls itself and its parts goes into topics, discovery and logs. Real words are far shorter.
LONGEST_WORD = 64

# Real gateways list at most seven meters and have four flags.
MOST_METERS, MOST_FLAGS = 64, 16

_TRUTHS = {"true": True, "false": False}


def read_info(body: bytes) -> Identity:
    """Who answers, from the XML of `/info`; the elements are those of the protocol notes, section 4."""
    root = _parse_xml(body)
    device = root.find("device")
    if device is None:
        raise BadAnswer("/info has no <device>")
    serial = (device.findtext("sn") or "").strip()
    if not SERIAL.fullmatch(serial):
        raise BadAnswer("/info has no usable serial number")
    return Identity(
        serial=serial,
        part_number=word(device.findtext("pn") or ""),
        firmware=word(device.findtext("software") or ""),
        metered=_TRUTHS.get((device.findtext("imeter") or "").strip().lower()),
        web_tokens=_TRUTHS.get((root.findtext("web-tokens") or "").strip().lower(), False),
    )


def word(told: object) -> str:
    """What a gateway says of itself, for people: short, and without what a terminal would obey."""
    text = str(told).strip()[:LONGEST_WORD]
    return "".join(letter if letter.isascii() and letter.isprintable() else "?" for letter in text)


def read_time(body: bytes) -> float | None:
    """The gateway's clock in Unix seconds, from `/info`; `None` where it tells none."""
    told = (_parse_xml(body).findtext("time") or "").strip()
    return float(told) if told.isascii() and told.isdigit() and len(told) < 12 else None


def _parse_xml(body: bytes) -> Element:
    try:
        text = body.decode(errors="replace").strip()
        # No gateway sends a document type, and without one there are no entities to expand; a NUL would let
        # the parser find another encoding in which there is one.
        if "<!" in text or "\0" in text:
            raise BadAnswer("/info is not the XML of a gateway")
        parser = XMLParser()  # noqa: S314
        parser.feed(text)
        root: Element = parser.close()
    except (ParseError, ValueError) as error:
        raise BadAnswer(f"/info is not XML: {error}") from None
    return root


EID = schema.int_schema(strict=True, ge=0, lt=2**63)
TEXT = schema.str_schema(strict=True)

# What may be anything, for some firmware has it and some has not.
ODDS = ("phaseMode", "phaseCount", "meteringStatus", "statusFlags")

_METERS = SchemaValidator(
    entries(
        record(
            {"eid": EID, "state": TEXT},
            {"measurementType": TEXT} | dict.fromkeys(ODDS, ANYTHING),
        )
    )
)


def read_meters(body: bytes) -> tuple[Meter, ...]:
    """The gateway's meters in its own order; empty on gateways without metering hardware."""
    meters = decode("/ivp/meters", body, _METERS)
    if len(meters) > MOST_METERS:
        raise BadAnswer(f"/ivp/meters lists {len(meters)} meters, more than any gateway has")
    return tuple(map(_meter, meters))


def _meter(entry: dict[str, Any]) -> Meter:
    kind = entry.get("measurementType", "")
    flags = entry.get("statusFlags")
    return Meter(
        eid=entry["eid"],
        type=word(kind),
        kind=KINDS.get(kind) if kind else KINDS_OF_EID.get(entry["eid"]),
        enabled=entry["state"] == "enabled",
        phases=_phases(entry),
        status=word(entry.get("meteringStatus") or ""),
        flags=tuple(map(word, flags[:MOST_FLAGS])) if isinstance(flags, list) else (),
    )


def _phases(entry: dict[str, Any]) -> int:
    count = entry.get("phaseCount")
    if type(count) is int and 1 <= count <= 3:
        return count
    return PHASES_OF_MODE.get(str(entry.get("phaseMode")), 1)
