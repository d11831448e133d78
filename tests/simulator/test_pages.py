import pytest

from envoy_mqtt.simulator import pages


@pytest.mark.parametrize("page", ["/home", "/login.html"])
def test_the_401_page_has_539_bytes_and_redirects_by_script(page: str) -> None:
    answer = pages.unauthorized(page)
    assert (answer.status, len(answer.body), answer.headers) == (401, 539, {"Content-Type": "text/html"})
    assert f"location.origin + '{page}'".encode() in answer.body
    assert b"401 Authorization Required" in answer.body


def test_a_path_that_is_not_there_is_json_below_ivp_and_html_elsewhere() -> None:
    answer = pages.not_found("/ivp/peb")
    assert (answer.status, len(answer.body)) == (404, 31)
    assert answer.headers == {"Content-Type": "application/json; charset=ISO-8859-4"}
    assert b"<center>openresty/1.17.8.1</center>" in pages.not_found("/nothing").body
    assert pages.not_found("/nothing", old=True) == answer


def test_failures_name_themselves() -> None:
    assert b"504 Gateway Time-out" in pages.failed(504).body
    assert pages.failed(502).status == 502
    assert pages.busy().body == b"Resource busy, please retry after 30 seconds"
