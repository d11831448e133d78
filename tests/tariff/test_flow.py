"""What flows by the powers until it is handed over."""

from envoy_mqtt.tariff.flow import Flow


def live(imported: float | None, exported: float | None, own: float | None) -> dict[str, float | None]:
    return {"grid_import_power": imported, "grid_export_power": exported, "self_consumption_power": own}


def test_each_power_stands_for_the_time_since_the_one_before_and_is_handed_over_once() -> None:
    """1,800 W for 2 s are 1 Wh, 900 W for 4 s another."""
    flow = Flow()
    flow.read(live(9e9, 0.0, 0.0), 10.0)
    flow.read(live(1800.0, 0.0, 3600.0), 12.0)
    flow.read(live(0.0, 900.0, None), 16.0)
    assert flow.hand_over() == ({"import": 1.0, "export": 1.0, "self": 2.0}, 6.0)
    assert flow.hand_over() == ({"import": 0.0, "export": 0.0, "self": 0.0}, 0.0)


def test_an_unknown_net_and_a_long_gap_and_a_time_that_goes_back_are_no_flow() -> None:
    flow = Flow()
    for taken, imported in ((0.0, 1.0), (1.0, None), (2.0, 3600.0), (32.1, 3600.0), (31.0, 3600.0)):
        flow.read(live(imported, imported and 0.0, 0.0), taken)
    assert flow.hand_over() == ({"import": 1.0, "export": 0.0, "self": 0.0}, 1.0)
