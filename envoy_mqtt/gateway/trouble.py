"""What a gateway's troubles mean: foreign exceptions and statuses become `TryAgain`. Pure.

The reasons are the contract's words for why a gateway is offline.
"""

import errno
from email.utils import parsedate_to_datetime

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError

from envoy_mqtt.errors import Absent, BadAnswer, GatewayUnavailable, Refused, TryAgain

# What asking a gateway can raise. `HttpProcessingError` is aiohttp's and no `ClientError`.
FOREIGN = (aiohttp.ClientError, HttpProcessingError, BadAnswer, TimeoutError, OSError)

# The first line that fits says the reason and the sentence; `{}` is the foreign error's own text. Where
# aiohttp's text quotes what the far end sent it is left out: that may be the token we showed.
SENTENCES: tuple[tuple[type[BaseException], str, str], ...] = (
    (BadAnswer, "bad_data", "{}"),
    (aiohttp.ClientConnectorDNSError, "unreachable", "its name does not resolve: {}"),
    (aiohttp.ClientSSLError, "unreachable", "no secure connection: {}"),
    (aiohttp.ClientConnectorError, "unreachable", "no connection: {}"),
    (aiohttp.ServerFingerprintMismatch, "unreachable", "its certificate changed within a session"),
    (aiohttp.ConnectionTimeoutError, "unreachable", "no connection within 10 s"),
    (TimeoutError, "timeout", "it accepts connections and is silent"),
    (aiohttp.ClientResponseError, "bad_data", "it does not speak HTTP"),
    (HttpProcessingError, "bad_data", "it does not speak HTTP"),
    (aiohttp.ServerDisconnectedError, "closed", "the connection was cut before an answer"),
    (aiohttp.ClientPayloadError, "closed", "the connection was cut within an answer"),
    (OSError, "closed", "the connection was cut: {}"),
    (BaseException, "closed", "the connection was cut"),
)

# aiohttp's own text of these is not for people.
NOBODY = {
    errno.ECONNREFUSED: "nothing listens at {host}:{port} (connection refused)",
    errno.EHOSTUNREACH: "nothing is at {host} (no route to host)",
    errno.ENETUNREACH: "there is no way to {host} from here (network is unreachable)",
}

LOCAL_NAME = (
    "its name does not resolve; names ending in .local do not in most containers and routed networks: "
    "set gateway.host to the gateway's IP address"
)

# What failed before a single byte of HTTP: the same gateway may listen elsewhere.
NO_CONNECTION = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)

# Statuses that someone other than the gateway has to mend.
REFUSED = "gateway_refused"
REFUSALS = {
    401: "it refuses the token (401): it may be expired, be another gateway's, or its role too low",
    403: "it refuses the token (403)",
}
UNAUTHORIZED = frozenset(REFUSALS)

# A gateway shows this to everyone (protocol notes, section 4): who refuses it is none, or stands before one.
INFO = "/info"
INFO_REFUSED = "it refuses /info ({status}), which a gateway shows to all: another device may answer there"

# Nobody needs to come back for these soon.
NOT_THERE = {404, 405, 410, 501}

# It is there and gives nothing now: starting, busy, or asked too much.
NOT_NOW = {429, *range(500, 600)} - NOT_THERE

# `{path}`, `{role}` and `{status}` are filled in.
STREAM_NOT_FOR_ROLE = (
    "this token's role, {role}, may not read the stream on this firmware ({status}): an installer's token "
    'may, which gateway.account.role = "installer" fetches'
)
PATH_NOT_FOR_ROLE = "it takes the token, and its role, {role}, may not read {path} ({status})"

NOT_UNDERSTOOD = (
    "it asks for a password ({status}) in a way that nobody understands: its firmware is too old or broken, "
    "and an update by Enphase may mend it"
)
NOT_THE_INSTALLER = (
    "it refuses the installer's password ({status}) that belongs to its serial number: if it answers "
    "with another gateway's serial number, something stands between us"
)


def no_connection(error: BaseException) -> bool:
    """Whether nobody listens there, or nobody who speaks TLS; a name without an address is neither."""
    return isinstance(error, NO_CONNECTION) and not isinstance(error, aiohttp.ClientConnectorDNSError)


def translate(error: BaseException) -> TryAgain:
    """The same trouble in our words."""
    if isinstance(error, aiohttp.ClientConnectorDNSError) and error.host.endswith(".local"):
        return GatewayUnavailable(LOCAL_NAME, reason="unreachable")
    if isinstance(error, NO_CONNECTION[0]) and error.errno in NOBODY:
        text = NOBODY[error.errno].format(host=error.host, port=error.port)
        return GatewayUnavailable(text, reason="unreachable")
    reason, sentence = next((why, text) for kind, why, text in SENTENCES if isinstance(error, kind))
    detail = " ".join(str(error).split())[:200] or type(error).__name__
    return GatewayUnavailable(sentence.format(detail), reason=reason)


def of_status(path: str, status: int, retry_after: str, now_unix: float) -> TryAgain:
    """What an answer other than 200 means."""
    after_s = retry_after_s(retry_after, now_unix)
    if status in REFUSALS and path == INFO:
        text = INFO_REFUSED.format(status=status)
        return GatewayUnavailable(text, reason="unreachable", after_s=after_s)
    if status in REFUSALS:
        return Refused(REFUSALS[status], reason="refused", code=REFUSED, after_s=after_s)
    kind = Absent if status in NOT_THERE else GatewayUnavailable
    reason = "closed" if status in NOT_NOW else "bad_data"
    return kind(f"it answers {status} for {path}", reason=reason, after_s=after_s)


def of_role(path: str, status: int, role: str | None, *, stream: bool) -> Absent:
    """The gateway takes the token, and not for this path (protocol notes, section 1.6)."""
    sentence, code = (STREAM_NOT_FOR_ROLE, "stream_not_for_role") if stream else (PATH_NOT_FOR_ROLE, REFUSED)
    text = sentence.format(path=path, role=role or "unknown", status=status)
    return Absent(text, reason="refused", code=code)


def of_password(status: int, *, understood: bool) -> Refused:
    """A gateway before firmware 7 does not let us in; `understood` is whether its challenge was."""
    sentence = NOT_THE_INSTALLER if understood else NOT_UNDERSTOOD
    return Refused(sentence.format(status=status), reason="refused", code=REFUSED)


def retry_after_s(value: str, now_unix: float) -> float:
    """Seconds of a `Retry-After` header, a number or a date (RFC 9110, section 10.2.3); else 0."""
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now_unix)
    except (ValueError, OverflowError):
        return 0.0
