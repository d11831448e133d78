"""Whether a gateway's certificate is taken, in one pure function.

Nobody vouches for these certificates, and a gateway makes itself a new one about once a year (protocol
notes, section 6). What we can hold on to is its name, `envoy-SERIAL`, and that it is the one we know:

                              pin                         strict
    another gateway's name    refused                     refused
    none known yet            taken and pinned            taken and pinned
    the one we know           taken                       taken
    another, the right name   followed with a warning     refused until `envoy-mqtt trust`
    another, without it       refused until `trust`       refused until `envoy-mqtt trust`

`off` takes everything. Nothing here looks at validity: gateways go on with certificates that have ended.
"""

from typing import Literal, NamedTuple

Mode = Literal["pin", "strict", "off"]

PREFIX = "envoy-"

# As much of a fingerprint as a person compares.
FIRST_BYTES = 4

# A name of a certificate is whatever its maker wrote; so much of it goes into a sentence.
LONGEST_NAME = 64

NOT_CHECKED = "certificate not checked: gateway.certificate is off"
NO_NAME = "certificate pinned, though its name is not of the form envoy-SERIAL"
RENEWED = "certificate renewed: the new one bears the gateway's name and is pinned from now on"


class Verdict(NamedTuple):
    """What to do with a certificate: refuse it where `refusal` says why (`reason` is its word for counters
    and logs), else take it; remember it where `pin` is set; say `warning` where there is one.
    """

    refusal: str = ""
    reason: str = ""
    pin: bool = False
    warning: str = ""


def judge(mode: Mode, *, serial: str, name: str | None, shown: str, pinned: str | None) -> Verdict:
    """The table above, for the gateway `serial`.

    `name` is the certificate's common name, `shown` and `pinned` are SHA-256 fingerprints in lower-case
    hex, `pinned` is `None` where none is known.
    """
    if mode == "off":
        return Verdict(warning=NOT_CHECKED)
    ours = name == f"{PREFIX}{serial}"
    if not ours and name is not None and name.startswith(PREFIX):
        return Verdict(_another(serial, name), "other_serial")
    if pinned is None:
        return Verdict(pin=True, warning="" if ours else NO_NAME)
    if shown == pinned:
        return Verdict()
    if mode == "pin" and ours:
        return Verdict(pin=True, warning=RENEWED)
    return Verdict(_changed(serial, shown, pinned), "certificate_changed")


def brief(sha256: str) -> str:
    """The first bytes of a fingerprint as people compare them: `AB:CD:EF:01`."""
    return colons(sha256[: 2 * FIRST_BYTES])


def colons(sha256: str) -> str:
    """A fingerprint as other programs show it: `AB:CD:…`."""
    return bytes.fromhex(sha256).hex(":").upper()


def printable(name: str) -> str:
    """A certificate's name for people: short, and without what a terminal would obey."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in name[:LONGEST_NAME])
    return shown if len(name) <= LONGEST_NAME else f"{shown}…"


def _another(serial: str, name: str) -> str:
    claimed = printable(name.removeprefix(PREFIX))
    return (
        f"the gateway says it is {serial} and shows a certificate of {claimed!r}: something stands between us"
    )


def _changed(serial: str, shown: str, pinned: str) -> str:
    return (
        f"its certificate begins with {brief(shown)} and the one we know with {brief(pinned)}: if it was "
        f"renewed, 'envoy-mqtt trust --serial {serial}' accepts it; if not, something stands between us"
    )
