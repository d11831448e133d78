"""What the cloud says instead of doing its work: refusals, pages, garbage (protocol notes, section 5)."""

from typing import NamedTuple

LOGIN_PAGE = (
    "<!DOCTYPE html>\n<html><body><form action='/login' method='post'>"
    "<input type='text' name='username'><input type='password' name='password'></form></body></html>\n"
)
MAINTENANCE = "<!DOCTYPE html>\n<html><head><title>Enlighten</title></head><body>Back soon.</body></html>\n"
ISSUED = (
    "<!DOCTYPE html>\n<html><body><textarea id='other'>no token</textarea>\n"
    '<textarea name="accessToken" id="JWTToken" cols="30" rows="10" >{}</textarea></body></html>\n'
)


class Said(NamedTuple):
    """An answer that is always the same."""

    status: int
    body: str
    headers: dict[str, str] = {}  # noqa: RUF012


JSON = {"Content-Type": "application/json; charset=utf-8"}
HTML = {"Content-Type": "text/html; charset=utf-8"}

# What a step may answer instead of doing its work.
TROUBLES = {
    "password": Said(401, '{"message":"Invalid"}', JSON),
    "second_factor": Said(
        200, '{"success":true,"isBlocked":false}', JSON | {"Set-Cookie": "login_otp_nonce=1"}
    ),
    "locked": Said(200, '{"success":false,"isBlocked":true}', JSON),
    "user_agent": Said(406, "Not Acceptable"),
    "page": Said(200, MAINTENANCE, HTML),
    "login_page": Said(200, LOGIN_PAGE, HTML),
    "busy": Said(429, "Too Many Requests", {"Retry-After": "7200"}),
    "resting": Said(503, MAINTENANCE, HTML | {"Retry-After": "7200"}),
    "broken": Said(500, MAINTENANCE, HTML),
    "refused": Said(401, "", {}),
    "not_owner": Said(403, '{"message":"Forbidden"}', JSON),
    "not_found": Said(404, MAINTENANCE, HTML),
    "message": Said(200, '{"message":"Something went wrong"}', JSON),
    "garbage": Said(200, "not.a.token", {"Content-Type": "text/plain"}),
    "empty": Said(200, "", {"Content-Type": "text/plain"}),
    "sign_in": Said(200, '{"message":"You need to sign in first"}', JSON),
    "error": Said(200, ISSUED.format("Error: the serial number is not yours"), HTML),
    "flood": Said(200, "x" * 2_000_000, {"Content-Type": "text/plain"}),
    "redirect": Said(307, "", {"Location": "/elsewhere"}),
    "cut": Said(0, ""),
}
