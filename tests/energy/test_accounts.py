"""A site's accounts: what registers, reports and powers put into them."""

import json
from typing import Any

import pytest

from envoy_mqtt.energy.accounts import Accounts
from envoy_mqtt.energy.amount import UNKNOWN, Source
from envoy_mqtt.energy.plan import Grid, plan
from envoy_mqtt.model import Counted, Phase, Phases, Quantities, Quantity, Register, Site
from tests.energy.sites import N, P, S, T, at, powers, register, site

LAYOUT = "as it is called"
EXCHANGE = ("exchange_delivered", "exchange_received")


def opened(layout: Site, memory: Any = None, grid: Grid = "phases", called: str = LAYOUT) -> Accounts:
    return Accounts(layout, plan(layout, grid), layout=called, interval_s=60.0, memory=memory or {})


def kept(accounts: Accounts, seconds: float) -> Any:
    return json.loads(json.dumps(accounts.memory(at(seconds))))


def amounts(accounts: Accounts, seconds: float, *names: str) -> list[float | None]:
    return [accounts.amount(name, at(seconds)).wh for name in names]


def counted(first: float, second: float) -> Counted:
    return {
        P: (Register(first, 1.0), Register(second, 1.0)),
        N: (Register(5.0, first), Register(6.0, second)),
    }


def test_each_register_has_its_account() -> None:
    accounts = opened(site(P, N, phases=2))
    accounts.count(counted(100.0, 200.0), at(0))
    names = ("production_l1_delivered", "production_l2_delivered", "net_l2_delivered", "net_l1_received")
    assert amounts(accounts, 0, *names) == [100.0, 200.0, 6.0, 100.0]


def test_what_was_not_read_is_unknown() -> None:
    accounts = opened(site(P, N))
    accounts.count({N: register(5.0)}, at(0))
    assert amounts(accounts, 0, "production_l1_delivered", "net_l1_delivered") == [None, 5.0]


def test_meters_that_began_again_together_are_one_reset() -> None:
    accounts = opened(site(P, N, phases=2))
    accounts.count(counted(1e6, 2e6), at(0))
    for minute in range(1, 17):
        accounts.count(counted(1.0, 2.0), at(60.0 * minute))
    assert accounts.resets == 1
    assert opened(site(P, N, phases=2), kept(accounts, 1000)).resets == 1


def test_an_account_that_is_held_is_named() -> None:
    accounts = opened(site(P, N))
    accounts.count({P: register(1e6), N: register(1e6, 1e6)}, at(0))
    accounts.count({P: register(1e6), N: register(0.0, 1e6)}, at(60))
    assert accounts.held == ("net_l1_delivered",)


def test_a_report_counts_where_no_meter_does() -> None:
    accounts = opened(site(N))
    accounts.report(7e6, at(0))
    assert accounts.amount("reported", at(0)) == (7e6, 0.0, Source.REPORTED)
    metered = opened(site(P, N))
    metered.report(7e6, at(0))
    assert "reported" not in kept(metered, 0)["accounts"]


def test_a_first_report_of_zero_is_not_believed_at_once() -> None:
    accounts = opened(site(N))
    accounts.report(0.0, at(0))
    assert accounts.amount("reported", at(0)).wh is None
    accounts.report(7e6, at(60))
    assert accounts.amount("reported", at(60)).wh == 7e6


def flowing(accounts: Accounts, seconds: range, quantities: Quantities) -> None:
    for second in seconds:
        accounts.flow(quantities, 1000.0 + second, at(second))


def test_each_phase_goes_on_by_its_own_power() -> None:
    """A minute at 600 and −1,200 W: 10 Wh in on one phase, 20 out on the other."""
    accounts = opened(site(P, N, phases=2))
    accounts.count(counted(100.0, 200.0), at(0))
    phases: Phases = (Phase(power=600.0), Phase(power=-1200.0))
    flowing(accounts, range(61), Quantities(dict.fromkeys(Quantity, phases)))
    names = ("net_l1_delivered", "net_l1_received", "net_l2_delivered", "net_l2_received")
    assert amounts(accounts, 200, *names) == pytest.approx([15.0, 100.0, 6.0, 220.0])
    assert accounts.amount("net_l1_delivered", at(200)).source is Source.INTEGRATED


def test_a_battery_without_a_meter_is_in_two_accounts() -> None:
    accounts = opened(site(P, N, battery=True))
    assert amounts(accounts, 0, "battery_delivered", "battery_received") == [0.0, 0.0]
    flowing(accounts, range(31), powers(production=0.0, net=0.0, consumption=0.0, storage=-1200.0))
    assert amounts(accounts, 30, "battery_delivered", "battery_received") == pytest.approx([0.0, 10.0])


def test_an_exchange_is_corrected_when_all_its_counters_are_good() -> None:
    accounts = opened(site(P, T))
    flowing(accounts, range(1), powers(production=0.0, net=600.0, consumption=600.0))
    accounts.count({P: register(1e6), T: register(2e6)}, at(0))
    flowing(accounts, range(1, 61), powers(production=0.0, net=600.0, consumption=600.0))
    accounts.count({P: register(0.0), T: register(2e6 + 9.5)}, at(60))
    assert amounts(accounts, 60, *EXCHANGE) == pytest.approx([10.0, 0.0])
    accounts.count({P: register(1e6), T: register(2e6 + 9.5)}, at(61))
    assert amounts(accounts, 61, *EXCHANGE) == pytest.approx([9.5, 0.0])


def test_a_counter_that_began_again_does_not_correct_an_exchange() -> None:
    accounts = opened(site(P, T))
    accounts.count({P: register(1e6), T: register(2e6)}, at(0))
    for minute in range(1, 17):
        flowing(
            accounts,
            range(60 * minute - 59, 60 * minute + 1),
            powers(production=600.0, net=0.0, consumption=600.0),
        )
        accounts.count(
            {P: register(1.0 + 10.0 * minute), T: register(2e6 + 10.0 * minute)}, at(60.0 * minute)
        )
    assert accounts.resets == 1
    assert amounts(accounts, 960, *EXCHANGE) == pytest.approx([0.0, 0.0], abs=1e-6)


def test_an_exchange_of_another_layout_is_not_taken_for_ours_and_kept_for_its_return() -> None:
    """A storage meter was added: its lifetime is no import."""
    accounts = opened(site(P, T), called="without")
    accounts.count({P: register(1e6), T: register(2e6)}, at(0))
    accounts.count({P: register(1e6), T: register(2e6 + 50.0)}, at(600))
    others = opened(site(P, T, S), kept(accounts, 600), called="with")
    others.count({P: register(1e6), T: register(2e6 + 50.0), S: register(3e6, 4e6)}, at(660))
    assert amounts(others, 660, *EXCHANGE) == [0.0, 0.0]
    again = opened(site(P, T), kept(others, 660), called="without")
    again.count({P: register(1e6), T: register(2e6 + 70.0)}, at(720))
    assert amounts(again, 720, *EXCHANGE) == [70.0, 0.0]


def test_a_balanced_grid_is_unknown_before_its_counters_are() -> None:
    accounts = opened(site(P, N, phases=2), grid="balanced")
    flowing(accounts, range(10), Quantities(dict.fromkeys(Quantity, (Phase(power=600.0),) * 2)))
    assert accounts.amount("balance_delivered", at(10)) == UNKNOWN
    accounts.count(counted(100.0, 200.0), at(10))
    assert amounts(accounts, 10, "balance_delivered", "balance_received") == [11.0, 300.0]


@pytest.mark.parametrize("power", [None, 1e6, -1e6])
def test_a_power_that_is_unknown_or_that_no_house_has_is_bridged(power: float | None) -> None:
    """900 W for four seconds are 1 Wh, whatever came between."""
    accounts = opened(site(P, N, battery=True))
    for second, watts in ((0, 900.0), (2, power), (4, 900.0)):
        flowing(accounts, range(second, second + 1), powers(production=0.0, net=0.0, storage=watts))
    assert amounts(accounts, 4, "battery_delivered", "battery_received") == [1.0, 0.0]


def test_a_power_that_is_unknown_for_a_moment_is_no_gap() -> None:
    """What was integrated too much can be taken back still."""
    accounts = opened(site(P, T))
    flowing(accounts, range(1), powers(production=0.0, net=600.0, consumption=600.0))
    accounts.count({P: register(1e6), T: register(2e6)}, at(0))
    for second in range(1, 61):
        net = None if second == 30 else 600.0
        flowing(accounts, range(second, second + 1), powers(production=0.0, net=net, consumption=net))
    accounts.count({P: register(1e6), T: register(2e6 + 9.5)}, at(60))
    assert amounts(accounts, 60, *EXCHANGE) == pytest.approx([9.5, 0.0])


def test_what_fell_into_a_gap_between_two_counts_is_import_if_positive() -> None:
    """28 Wh were seen to leave, then nothing for 35 s; in all 5 Wh came in, 33 of them unseen."""
    accounts = opened(site(P, T))
    flowing(accounts, range(1), powers(production=5040.0, net=-5040.0, consumption=0.0))
    accounts.count({P: register(1e6), T: register(2e6)}, at(0))
    flowing(accounts, range(1, 21), powers(production=5040.0, net=-5040.0, consumption=0.0))
    flowing(accounts, range(55, 61), powers(production=0.0, net=0.0, consumption=0.0))
    accounts.count({P: register(1e6 + 50.0), T: register(2e6 + 55.0)}, at(60))
    assert amounts(accounts, 60, *EXCHANGE) == pytest.approx([33.0, 28.0])
