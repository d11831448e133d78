"""What the vendor's cloud answers, and what each refusal means. Pure; protocol notes, sections 5.2 to 5.4.

    login.json ──► session ──► /tokens               road A
                          └──► /entrez-auth-token    road B, when A's second step fails
    entrez /login ──► /entrez_tokens                 road C, for an installer's token

Whatever is no token raises `CloudTrouble` with a sentence, its remedy and the contract's code. No answer
is ever quoted: a page of the cloud's may repeat what we sent.
"""

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from envoy_mqtt.errors import BadAnswer, CloudTrouble
from envoy_mqtt.gateway.token import Token, issued_token

if TYPE_CHECKING:
    from envoy_mqtt.gateway.page import Page

BY_HAND = "get a token in a browser (the README says how) into the file of gateway.token_file"

# Seen are 32 hexadecimal digits; whatever could not be a cookie's value is no session.
SESSION = re.compile(r"[A-Za-z0-9._~%+/=-]{1,1024}")


class Answer(NamedTuple):
    """One answer of the cloud. `after_s` is its `Retry-After` in seconds."""

    status: int
    body: bytes
    after_s: float = 0.0

    @property
    def json(self) -> dict[str, Any] | None:
        """The body where it is a JSON object, else `None`."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace").strip()

    @property
    def page(self) -> bool:
        """Whether it is HTML, whatever it calls itself."""
        return self.text[:1] == "<"


def unavailable(what: str, *, final: bool = False, after_s: float = 0.0) -> CloudTrouble:
    """The cloud does not do its work; nobody here can mend that."""
    return CloudTrouble(
        f"Enphase's cloud {what}; wait for the next attempt, or {BY_HAND}",
        code="cloud_unavailable",
        final=final,
        after_s=after_s,
    )


def _password() -> CloudTrouble:
    return CloudTrouble(
        "Enphase's cloud refuses the username or the password; sign in with them at "
        "https://enlighten.enphaseenergy.com and mend gateway.account",
        code="account_password",
        final=True,
    )


def _second_factor() -> CloudTrouble:
    return CloudTrouble(
        "the account wants a second factor, which a program has not got: switch it off for this account, "
        f"or {BY_HAND}",
        code="account_second_factor",
        final=True,
    )


def _locked() -> CloudTrouble:
    return CloudTrouble(
        "Enphase has locked the account: unlock it at https://enlighten.enphaseenergy.com (a new password "
        "does), then wait",
        code="account_locked",
        final=True,
    )


def _not_owner(serial: str) -> CloudTrouble:
    return CloudTrouble(
        f"the account does not own gateway {serial}: use the account the system is registered to, or check "
        "gateway.host and gateway.serial",
        code="account_not_owner",
        final=True,
    )


def _check(answer: Answer, where: str) -> None:
    """What can be the matter with any answer."""
    if answer.status == 406:
        raise unavailable(
            f"rejects this program's user agent (406 at {where}): look for an update of envoy-mqtt",
            final=True,
        )
    if answer.status in (429, 503):
        raise unavailable(
            f"is busy and asks to wait ({answer.status} at {where})",
            final=answer.status == 429,
            after_s=answer.after_s,
        )
    if answer.status >= 500:
        raise unavailable(f"fails ({answer.status} at {where})", after_s=answer.after_s)


def _odd(answer: Answer, where: str) -> CloudTrouble:
    """An answer that is not what it should be, told by its kind alone."""
    if answer.page:
        return unavailable(f"answers with a web page instead of data ({answer.status} at {where})")
    return unavailable(f"answers with something unknown ({answer.status} at {where})")


def read_login(answer: Answer) -> str:
    """The session of an account that was let in (roads A and B)."""
    _check(answer, "the login")
    said = answer.json
    if said is not None and said.get("isBlocked") is True:
        raise _locked()
    if answer.status == 401 and not answer.page:
        raise _password()
    if answer.status != 200 or said is None:
        raise _odd(answer, "the login")
    session = said.get("session_id")
    if isinstance(session, str) and SESSION.fullmatch(session):
        return session
    if said.get("message") == "Invalid":
        raise _password()
    if "message" in said:
        raise _odd(answer, "the login")
    raise _second_factor()


def read_tokens(answer: Answer, serial: str) -> Token:
    """The token that road A ends with: the whole body."""
    _check(answer, "/tokens")
    if answer.status in (403, 404):
        raise _not_owner(serial)
    if answer.status != 200 or answer.page or answer.json is not None:
        raise _odd(answer, "/tokens")
    return _issued(answer.text, serial)


def read_auth_token(answer: Answer, serial: str) -> Token:
    """The token that road B ends with: `token` of a JSON object."""
    _check(answer, "/entrez-auth-token")
    if answer.status in (403, 404):
        raise _not_owner(serial)
    text = (answer.json or {}).get("token")
    if answer.status != 200 or not isinstance(text, str):
        raise _odd(answer, "/entrez-auth-token")
    return _issued(text, serial)


def check_form_login(answer: Answer, *, session: bool) -> None:
    """Raise unless the entrez form let us in: `session` tells whether it gave a cookie (road C)."""
    _check(answer, "the login form")
    if answer.status in (400, 401, 403) or _page(answer).asks_password:
        raise _password()
    if answer.status >= 400 or not session:
        raise _odd(answer, "the login form")


def read_form(answer: Answer, serial: str) -> Token:
    """The token that road C ends with, from the element of a page."""
    _check(answer, "/entrez_tokens")
    if answer.status in (403, 404):
        raise _not_owner(serial)
    text = _page(answer).found
    if answer.status != 200 or text is None:
        raise unavailable(f"answers without a token ({answer.status} at /entrez_tokens)")
    if text.startswith("Error"):
        raise _not_owner(serial)
    return _issued(text, serial)


def _issued(text: str, serial: str) -> Token:
    try:
        return issued_token(text, serial)
    except BadAnswer as error:
        raise unavailable(f"issues a token that cannot be used ({error})") from None


def _page(answer: Answer) -> "Page":
    # Only installers' tokens come from a page, and a parser of HTML is half a MiB that others do without.
    from envoy_mqtt.gateway.page import Page  # noqa: PLC0415

    return Page(answer.text)
