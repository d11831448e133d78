"""An HTTP answer as a value, and the pages a gateway has for everything that is not data.

The words are ours; sizes, types and kinds are those of the protocol notes, sections 1.7, 3.0 and 5.1.
"""

from collections.abc import Mapping
from typing import NamedTuple

NO_HEADERS: Mapping[str, str] = {}
UNAUTHORIZED_BYTES = 539
FAILURES = {500: "Internal Server Error", 502: "Bad Gateway", 504: "Gateway Time-out"}


NOT_CACHED = {
    "Content-Type": "application/json",
    "Pragma": "no-cache",
    "Expires": "1",
    "Cache-Control": "no-cache",
}


class Answer(NamedTuple):
    """One whole answer; `headers` are those beyond what every answer has.

    A `bare` one comes from the door (401, 404, 5xx) and lacks the security headers (recording 7.3.130).
    """

    status: int
    body: bytes
    headers: Mapping[str, str] = NO_HEADERS
    bare: bool = False
    chunked: bool = False


def not_found(path: str, *, old: bool = False) -> Answer:
    """31 bytes of JSON below /ivp and on old firmware, OpenResty's page elsewhere (section 1.7)."""
    if old or path.startswith("/ivp"):
        kind = {"Content-Type": "application/json; charset=ISO-8859-4"}
        return Answer(404, b'{ "error" : "404 - Not Found" }', kind)
    return html(404, _nginx("404 Not Found"))


def unauthorized(page: str) -> Answer:
    """The 539 bytes that send a browser to `page`, for whatever is wrong with a token; there is no 403."""
    text = (
        "<html>\n<head><title>401 Authorization Required</title></head>\n<body>\n"
        "<center><h1>401 Authorization Required</h1></center>\n<hr>\n"
        '<center>Redirecting to <a id="target" href="">the sign-in page</a></center>\n<script>\n'
        f"const target = location.origin + '{page}';\n"
        "document.getElementById('target').href = target;\n"
        "window.addEventListener('load', () => setTimeout(() => { location.href = target; }, 500));\n"
        "</script>\n"
    )
    tail = "</body>\n</html>\n"
    filler = UNAUTHORIZED_BYTES - len(text) - len(tail) - len("<!-- -->\n")
    return html(401, f"{text}<!-- {'.' * filler}-->\n{tail}")


def challenged(challenge: str) -> Answer:
    """What firmware before 7 says without a good Digest (recording 4.10.35)."""
    body = b"<html><body><h2>401 Unauthorized</h2></body></html>"
    return Answer(401, body, {"Content-Type": "text/html", "WWW-Authenticate": challenge})


def garbled(challenge: str) -> Answer:
    """3.9.36's answer without credentials: JSON, and a challenge nobody can read (section 2)."""
    body = b'{"status":401,"error":"","info":"Authentication required","moreInfo":""}'
    return Answer(401, body, {"Content-Type": "application/json", "WWW-Authenticate": challenge})


def failed(status: int) -> Answer:
    """A failure behind the door as OpenResty says it (section 1.7)."""
    return html(status, _nginx(f"{status} {FAILURES.get(status, 'Error')}"))


def moved(location: str) -> Answer:
    """Port 80's answer to everything, from 7 on (section 6)."""
    page = html(301, _nginx("301 Moved Permanently"))
    return page._replace(headers={**page.headers, "Location": location})


def busy() -> Answer:
    """What a gateway says minutes after it was switched on."""
    return Answer(503, b"Resource busy, please retry after 30 seconds", {"Content-Type": "text/plain"})


def front_page() -> Answer:
    """HTML with a 200, where JSON or events were asked for (firmware 3.9.36 and proxies do that)."""
    return html(
        200, "<!DOCTYPE html>\n<html><head><title>Envoy</title></head><body>Loading&hellip;</body></html>\n"
    )


def valid_token(cookie: Mapping[str, str]) -> Answer:
    """What check_jwt says to a good token, with the cookie of the session it opened (section 5.1)."""
    return Answer(200, b"<!DOCTYPE html><h2>Valid token.</h2>\n", {"Content-Type": "text/html", **cookie})


def slow_json(body: bytes) -> Answer:
    """The older pages come chunked and are not to be kept (section 3.0)."""
    return Answer(200, body, NOT_CACHED, chunked=True)


def html(status: int, text: str) -> Answer:
    return Answer(status, text.encode(), {"Content-Type": "text/html"}, bare=True)


def _nginx(line: str) -> str:
    return (
        f"<html>\r\n<head><title>{line}</title></head>\r\n<body>\r\n<center><h1>{line}</h1></center>\r\n"
        "<hr><center>openresty/1.17.8.1</center>\r\n</body>\r\n</html>\r\n"
    )
