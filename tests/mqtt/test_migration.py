"""What leaves, and in which order, when meters, phases, style or prefix change."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoy_mqtt.model import Site
from envoy_mqtt.mqtt.discovery import Device, Discovery, gateway_device, inverter_device, messages
from envoy_mqtt.mqtt.migration import Known, Step, changes, known, meanwhile
from tests.mqtt.layouts import LAYOUTS, SERIAL, N, P, site, state

NODE = f"envoy_{SERIAL}"
WHOLE = f"homeassistant/device/{NODE}/config"
MIGRATE = b'{"migrate_discovery":true}'

DEVICE = Discovery()
COMPONENT = Discovery(style="component")


def device(*kinds: Any, options: Discovery = DEVICE, phases: int = 1) -> Device:
    layout = site(*kinds, phases=phases)
    return gateway_device(layout, state(layout), options)


def after(before: Device | None, *now: Device) -> list[Step]:
    """The steps, with what was known gone through JSON as it goes through a file."""
    remembered = {} if before is None else {before.node: known(before)}
    return changes(json.loads(json.dumps(remembered)), now)


def topic(platform: str, key: str) -> str:
    return f"homeassistant/{platform}/{NODE}/{key}/config"


def test_what_is_remembered_is_small() -> None:
    assert known(device(options=COMPONENT)) == {
        "prefix": "homeassistant",
        "style": "component",
        "components": {
            "production_power": "sensor",
            "production_energy": "sensor",
            "production_energy_today": "sensor",
            "connection": "binary_sensor",
            "source": "sensor",
            "firmware": "sensor",
            "timestamp": "sensor",
            "reconnect": "button",
            "interval_s": "number",
            "token_expires": "sensor",
        },
    }


@pytest.mark.parametrize("options", [DEVICE, COMPONENT], ids=["device", "component"])
def test_a_new_device_is_simply_said(options: Discovery) -> None:
    new = device(P, N, options=options)
    assert after(None, new) == [messages(new)]


@pytest.mark.parametrize("options", [DEVICE, COMPONENT], ids=["device", "component"])
def test_what_has_not_changed_is_simply_said_again(options: Discovery) -> None:
    same = device(P, N, options=options)
    assert after(same, same) == [messages(same)]


def test_a_meter_that_is_gone_is_first_named_with_nothing_but_its_platform() -> None:
    """A Home Assistant that is still busy ignores what stands late in a payload: the farewells come first."""
    first, second = after(device(P, N), device(P))
    (farewell,) = first
    components = json.loads(farewell.payload)["cmps"]
    gone = [key for key, component in components.items() if component == {"p": "sensor"}]
    assert farewell.topic == WHOLE
    assert set(gone) == device(P, N).components.keys() - device(P).components.keys()
    assert list(components) == gone + list(device(P).components)
    assert second == messages(device(P))
    assert json.loads(second[0].payload)["cmps"].keys() == device(P).components.keys()


def test_in_component_style_the_topics_of_what_is_gone_are_emptied() -> None:
    first, second = after(device(N, phases=2, options=COMPONENT), device(N, options=COMPONENT))
    emptied = {message.topic for message in first}
    assert topic("sensor", "net_l1_power") in emptied
    assert topic("sensor", "net_power") not in emptied
    assert {message.payload for message in first} == {b""}
    assert second == messages(device(N, options=COMPONENT))


def test_to_component_style_in_the_steps_home_assistant_defines() -> None:
    announced, said, emptied = after(device(P), device(P, options=COMPONENT))
    assert [(message.topic, message.payload) for message in announced] == [(WHOLE, MIGRATE)]
    assert said == messages(device(P, options=COMPONENT))
    assert [(message.topic, message.payload) for message in emptied] == [(WHOLE, b"")]


def test_to_device_style_in_the_steps_home_assistant_defines() -> None:
    old = device(P, options=COMPONENT)
    announced, said, emptied = after(old, device(P))
    old_topics = [message.topic for message in messages(old)]
    assert [(message.topic, message.payload) for message in announced] == [(it, MIGRATE) for it in old_topics]
    assert said == messages(device(P))
    assert [(message.topic, message.payload) for message in emptied] == [(it, b"") for it in old_topics]


def test_what_goes_together_with_the_style_goes_in_the_old_style() -> None:
    removed, announced, said, _ = after(device(P, N), device(P, options=COMPONENT))
    assert removed == after(device(P, N), device(P))[0]
    assert [message.topic for message in announced] == [WHOLE]
    assert said == messages(device(P, options=COMPONENT))


def test_what_goes_together_with_the_topics_style_is_not_announced() -> None:
    removed, announced, *_ = after(device(P, N, options=COMPONENT), device(P))
    net = topic("sensor", "net_power")
    assert (net, b"") in [(message.topic, message.payload) for message in removed]
    assert net not in {message.topic for message in announced}


def test_what_comes_together_with_the_style_is_not_announced_where_it_never_was() -> None:
    announced, *_ = after(device(P, options=COMPONENT), device(P, N))
    assert topic("sensor", "net_power") not in {message.topic for message in announced}


def test_with_another_prefix_the_old_topics_are_emptied_and_all_is_said_anew() -> None:
    elsewhere = device(P, options=Discovery(prefix="ha"))
    emptied, said = after(device(P), elsewhere)
    assert [(message.topic, message.payload) for message in emptied] == [(WHOLE, b"")]
    assert said == messages(elsewhere)
    assert said[0].topic == f"ha/device/{NODE}/config"


@pytest.mark.parametrize("options", [DEVICE, COMPONENT], ids=["device", "component"])
def test_without_discovery_everything_goes(options: Discovery) -> None:
    old = device(P, N, options=options)
    (emptied,) = after(old)
    assert [message.topic for message in emptied] == [message.topic for message in messages(old)]
    assert {message.payload for message in emptied} == {b""}


def test_a_microinverter_that_is_gone_takes_its_device_with_it() -> None:
    gateway, first, second = device(P), *(inverter_device(SERIAL, f"12180000000{n}", DEVICE) for n in (1, 2))
    before: dict[str, Known] = {each.node: known(each) for each in (gateway, first, second)}
    (step,) = changes(before, (gateway, second))
    assert [(message.topic, bool(message.payload)) for message in step] == [
        (WHOLE, True),
        (f"homeassistant/device/{second.node}/config", True),
        (f"homeassistant/device/{first.node}/config", False),
    ]


def test_many_devices_change_side_by_side() -> None:
    """A pause follows each step, and fifty microinverters shall not take two minutes."""
    devices = [inverter_device(SERIAL, str(n), DEVICE) for n in range(50)]
    steps = changes(
        {each.node: known(each) for each in devices}, [each._replace(style="component") for each in devices]
    )
    assert [len(step) for step in steps] == [50, 150, 50]


layouts = st.sampled_from(sorted(LAYOUTS)).map(LAYOUTS.__getitem__)
options = st.builds(
    Discovery, prefix=st.sampled_from(("ha", "hass")), style=st.sampled_from(("device", "component"))
)


@given(before=layouts, old_options=options, now=layouts, new_options=options)
def test_whatever_changes_the_broker_keeps_what_is_there_now_and_no_more(
    before: Site, old_options: Discovery, now: Site, new_options: Discovery
) -> None:
    old = gateway_device(before, state(before), old_options)
    new = gateway_device(now, state(now), new_options)
    kept = {message.topic: message.payload for message in messages(old)}
    for step in after(old, new):
        kept |= {message.topic: message.payload for message in step}
        assert all(message.retain and message.qos == 1 for message in step)
    assert {topic: payload for topic, payload in kept.items() if payload} == {
        message.topic: message.payload for message in messages(new)
    }


def test_amid_the_steps_either_may_be_known() -> None:
    old, new = device(N), device(P)
    (said,) = meanwhile({NODE: known(old)}, [new]).values()
    assert said["components"].keys() == old.components.keys() | new.components.keys()
    assert meanwhile({}, [new]) == {NODE: known(new)}
    assert meanwhile({NODE: known(old)}, []) == {NODE: known(old)}


@pytest.mark.parametrize("options", [COMPONENT, Discovery(prefix="ha")])
def test_amid_a_move_the_place_it_began_from_is_known(options: Discovery) -> None:
    assert meanwhile({NODE: known(device(P))}, [device(P, N, options=options)]) == {NODE: known(device(P))}
