"""TLS to a real Mosquitto, client certificates included: never unverified, and each refusal in its words."""

from pathlib import Path
from typing import Any, NamedTuple

import pytest

from envoy_mqtt.clock import now
from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Options
from tests import certificates
from tests.e2e.harness import bridging, eventually, settings
from tests.mosquitto import Mosquitto

# paho leaves the socket of a failed handshake to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

HOST: dict[str, Any] = {"mqtt__host": "127.0.0.1", "mqtt__tls__enabled": True}
WANTS_ONE = "it may want a client certificate (mqtt.tls.cert_file)"


class Papers(NamedTuple):
    """The authority that all trust, another one, and who was signed by it for what."""

    authority: Path
    other: Path
    server: Path
    ended: Path
    elsewhere: Path
    ours: Path
    ours_ended: Path
    foreign: Path


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    folder = tmp_path_factory.mktemp("papers")
    authority, other = (certificates.make(folder, name) for name in ("authority", "other"))
    return Papers(
        authority,
        other,
        server=certificates.make(folder, "server", signer=authority),
        ended=certificates.make(folder, "ended", signer=authority, days=-1),
        elsewhere=certificates.make(folder, "elsewhere", signer=authority, host="192.0.2.1"),
        ours=certificates.make(folder, "solar", signer=authority),
        ours_ended=certificates.make(folder, "ours_ended", signer=authority, days=-1),
        foreign=certificates.make(folder, "foreign", signer=other),
    )


def secured(certificate: Path, authority: Path | None = None, *extra: str) -> Mosquitto:
    """A broker with this certificate; with an authority it wants one of its clients, who are called by it."""
    lines = [f"certfile {certificate}", f"keyfile {certificate.with_suffix('.key')}", *extra]
    if authority is not None:
        lines += [f"cafile {authority}", "require_certificate true", "use_identity_as_username true"]
    return Mosquitto(*lines)


def shown(certificate: Path) -> dict[str, Any]:
    return {
        "mqtt__tls__cert_file": str(certificate),
        "mqtt__tls__key_file": str(certificate.with_suffix(".key")),
    }


def trusting(authority: Path) -> dict[str, Any]:
    return {"mqtt__tls__ca_file": str(authority)}


async def refusal(folder: Path, port: int, **keys: Any) -> str:
    """What health says of a broker that is not reached."""
    keys = {**HOST, "gateway__host": "127.0.0.1:9", **keys}
    async with bridging(settings(folder, mqtt__port=port, **keys)) as app:
        await eventually(lambda: bool(app.broker_line.reconnects))
        assert app.publisher.connects == 0
        told = app.report.content(now())["problems"]
        (problem,) = [each for each in told if each["code"] == "broker_unreachable"]  # type: ignore[attr-defined]
        assert "mqtt.tls" in problem["remedy"]
        return str(problem["text"])


async def test_a_client_certificate_opens_the_broker_and_names_the_user(
    papers: Papers, tmp_path: Path
) -> None:
    """The name in the certificate is the user of the access list, who alone may write."""
    access = tmp_path / "access"
    access.write_text("user solar\ntopic readwrite #\n")
    with secured(papers.server, papers.authority, f"acl_file {access}") as broker:
        keys = {**HOST, **trusting(papers.authority), **shown(papers.ours)}
        async with (
            Gateway(Options(rate_hz=10.0), keys=Keys()) as gateway,
            bridging(
                settings(
                    tmp_path,
                    gateway__host=f"127.0.0.1:{gateway.port}",
                    gateway__token=gateway.owner_token,
                    mqtt__port=broker.port,
                    **keys,
                )
            ) as app,
        ):
            await eventually(lambda: app.publisher.latency.percentiles_ms != (None, None))
            assert app.publisher.facts().refused_topics == {}


@pytest.mark.parametrize("kind", ["none", "ended", "foreign"])
async def test_without_a_good_client_certificate_the_broker_stays_shut_and_the_remedy_is_named(
    papers: Papers, tmp_path: Path, kind: str
) -> None:
    ours = {"none": {}, "ended": shown(papers.ours_ended), "foreign": shown(papers.foreign)}[kind]
    with secured(papers.server, papers.authority) as broker:
        told = await refusal(tmp_path, broker.port, **trusting(papers.authority), **ours)
    assert WANTS_ONE in told


async def test_a_broker_of_another_name_of_an_unknown_authority_or_of_yesterday_is_not_talked_to(
    papers: Papers, tmp_path: Path
) -> None:
    """The handshake ends before anything is said, a password above all."""
    known = trusting(papers.authority)
    for certificate, trusted, words in (
        (papers.elsewhere, known, "certificate is not valid for '127.0.0.1'"),
        (papers.server, trusting(papers.other), "unable to get local issuer certificate"),
        (papers.server, {}, "unable to get local issuer certificate"),
        (papers.ended, known, "certificate has expired"),
    ):
        with secured(certificate) as broker:
            told = await refusal(tmp_path, broker.port, **trusted)
            assert "its certificate is refused" in told
            assert words in told
            assert "New client connected" not in broker.log


async def test_a_broker_without_tls_is_not_talked_to_in_the_clear(papers: Papers, tmp_path: Path) -> None:
    with Mosquitto() as broker:
        assert await refusal(tmp_path, broker.port, **trusting(papers.authority))
        assert "New client connected" not in broker.log
