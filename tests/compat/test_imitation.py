"""What other bridges would have published: which messages a reading makes, where, and when none."""

import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoy_mqtt.compat.imitation import GRID_WATTS, LARGEST, PATIENCE, Imitated, Imitation, Shape
from envoy_mqtt.model import Kind, Phases, Quantities, Quantity, Site
from envoy_mqtt.mqtt.message import Message
from tests.compat.sites import CHARGE, EIDS, EXPORT, IMPORT, MADE, N, P, S, T, reading, site
from tests.compat.test_livedata import PAGE as LIVEDATA_PAGE
from tests.compat.test_readings import PAGE, PHANTOM, entry

READINGS, LIVEDATA = "/ivp/meters/readings", "/ivp/livedata/status"
HOUSE = site(P, N)
SAID: dict[Kind, Phases] = {P: (MADE,), N: (EXPORT,)}
SERIAL = HOUSE.identity.serial


def written(
    imitation: Imitation, source: str = "stream", layout: Site = HOUSE, said: dict[Kind, Phases] = SAID
) -> list[Message]:
    return list(imitation.write(said, reading(layout, said, source), layout, good_until=80.0))


def wanting(shape: Shape, *pages: tuple[str, Any], **more: Any) -> Imitation:
    imitation = Imitation(Imitated(shape, **more))
    for path, page in pages:
        imitation.hear(path, json.dumps(page).encode())
    return imitation


def content(messages: list[Message]) -> Any:
    (message,) = messages
    return json.loads(message.payload)


def test_nothing_is_said_where_nobody_asked() -> None:
    assert written(Imitation()) == []


@pytest.mark.parametrize("shape", [each for each in get_args(Shape) if each != "off"])
def test_it_is_sent_as_the_script_sends_it_and_never_late(shape: Shape) -> None:
    (message,) = written(wanting(shape, (READINGS, PAGE), (LIVEDATA, LIVEDATA_PAGE)))
    assert (message.topic, message.qos, message.retain) == ("/envoy/json", 0, False)
    assert message.good_until == 80.0
    assert not message.lasting
    assert message.content_type == "application/json"


def test_of_several_gateways_the_first_has_the_topic_and_the_diverter() -> None:
    first, second = (
        wanting("stream", topic="envoy/json", freeds=True, first=first) for first in (True, False)
    )
    assert [message.topic for message in written(first)] == ["envoy/json", GRID_WATTS]
    assert [message.topic for message in written(second)] == [f"envoy/json/{SERIAL}"]


def test_readings_of_another_source_are_put_into_the_last_page() -> None:
    production, net = content(written(wanting("readings", (READINGS, PAGE))))
    assert (production["activePower"], net["activePower"]) == (2500.0, -1600.0)
    assert net["actEnergyDlvd"] == 1000.0


def test_the_source_s_own_page_is_passed_on_with_its_meters_first() -> None:
    phantom = entry(PHANTOM, 0.0, 0.0)
    imitation = wanting("readings", (READINGS, [phantom, *PAGE]))
    assert content(written(imitation, "readings")) == [*PAGE, phantom]
    imitation = wanting("livedata", (LIVEDATA, LIVEDATA_PAGE))
    assert content(written(imitation, "livedata")) == LIVEDATA_PAGE


def test_livedata_of_another_source_is_put_into_the_last_page() -> None:
    said = content(written(wanting("livedata", (READINGS, PAGE), (LIVEDATA, LIVEDATA_PAGE))))
    assert said["meters"]["grid"]["agg_p_mw"] == -1_600_000
    assert said["meters"]["main_relay_state"] == 1


@pytest.mark.parametrize("shape", ["readings", "livedata"])
def test_without_its_page_it_waits_a_while_and_then_does_without(shape: Shape) -> None:
    imitation = wanting(shape)
    assert [written(imitation) for _ in range(PATIENCE)] == [[]] * PATIENCE
    assert content(written(imitation))
    imitation.forget()
    assert written(imitation) == []


def test_a_page_that_nobody_can_want_is_none() -> None:
    imitation = wanting("readings", (LIVEDATA, PAGE), (READINGS, {"error": "no"}))
    imitation.hear(READINGS, b"[]" + b" " * LARGEST)
    imitation.hear(READINGS, b"[NaN]")
    assert written(imitation) == []


def test_another_gateways_pages_are_forgotten() -> None:
    imitation = wanting("readings", (READINGS, PAGE))
    imitation.forget()
    assert written(imitation) == []


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(), max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["eid", "channels", "meters", "grid", "soc", "activePower", "info"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)
EIDS_TOO = st.fixed_dictionaries({"eid": st.sampled_from([*EIDS.values(), True, -1]), "channels": ANYTHING})


@given(ANYTHING | st.lists(EIDS_TOO | ANYTHING, max_size=4), st.sampled_from(["readings", "livedata"]))
def test_whatever_a_page_holds_what_is_said_is_json(page: object, shape: Shape) -> None:
    imitation = wanting(shape, (READINGS, page), (LIVEDATA, page))
    for source in ("stream", "readings", "livedata"):
        for message in written(imitation, source):
            json.loads(message.payload, parse_constant=pytest.fail)


@pytest.mark.parametrize(
    "body", [b"[1e999]", b"[-1e999]", b'["\\ud800"]', b"[" + b"9" * 5000 + b"]", b"[" * 9999 + b"]" * 9999]
)
def test_what_json_allows_and_nobody_can_read_is_passed_on_as_null_or_not_at_all(body: bytes) -> None:
    imitation = Imitation(Imitated("readings"))
    imitation.hear(READINGS, body)
    for message in written(imitation, "readings"):
        assert b"Infinity" not in message.payload
        assert b"NaN" not in message.payload


# FreeDS


@pytest.mark.parametrize(
    ("layout", "said", "watts"),
    [
        (HOUSE, SAID, b"-1600"),
        (site(P, N, phases=2), {P: (MADE,) * 2, N: (IMPORT._replace(power=0.6), EXPORT)}, b"-1599"),
        (site(P, T), {P: (MADE,), T: (IMPORT,)}, b"-2100"),
        (site(N, S), {N: (IMPORT,), S: (CHARGE,)}, b"400"),
    ],
)
def test_a_diverter_is_told_the_grid_s_watts_of_all_phases(
    layout: Site, said: dict[Kind, Phases], watts: bytes
) -> None:
    (message,) = written(wanting("off", freeds=True), layout=layout, said=said)
    assert message == Message(GRID_WATTS, watts, qos=0, retain=False, good_until=80.0)


def test_a_diverter_is_told_nothing_that_is_not_known() -> None:
    diverter = wanting("off", freeds=True)
    assert written(diverter, said={P: (MADE,)}) == []
    assert written(diverter, layout=site(P), said={P: (MADE,)}) == []
    layout = site(P, T, phases=2, battery=True)
    said = reading(layout, {P: (MADE,) * 2, T: (IMPORT,) * 2})
    assert list(diverter.write({}, said, layout, 80.0)) == []
    whole = said._replace(quantities=Quantities(said.quantities.phases, {Quantity.NET: -250.4}))
    assert [message.payload for message in diverter.write({}, whole, layout, 80.0)] == [b"-250"]
