"""What is known of a site as a whole only: the table "Which meters", where a battery or inverters report."""

import pytest

from envoy_mqtt.gateway.layout import combiner, quantities
from envoy_mqtt.model import UNKNOWN, Identity, Kind, Meter, Phase, Quantity, Site

P, N, T, S = Kind.PRODUCTION, Kind.NET, Kind.TOTAL, Kind.STORAGE
PRODUCTION, NET, CONSUMPTION, STORAGE = (
    Quantity.PRODUCTION,
    Quantity.NET,
    Quantity.CONSUMPTION,
    Quantity.STORAGE,
)


def site(*kinds: Kind, phases: int = 1, battery: bool = False) -> Site:
    meters = tuple(Meter(1, kind, kind, True, phases, "normal", ()) for kind in kinds)
    return Site(Identity("122100000017", "", ""), meters, battery)


def legs(*watts: float) -> tuple[Phase, ...]:
    return tuple(Phase(power=power, reactive_power=0.0, voltage=230.0) for power in watts)


def test_a_battery_without_a_meter_counts_as_storage() -> None:
    with_battery = site(P, N, phases=2, battery=True)
    assert quantities(with_battery) == (PRODUCTION, NET, CONSUMPTION, STORAGE)
    assert with_battery.fitted == {P: 2, N: 2, S: 2}
    assert with_battery.metered == {P: 2, N: 2}


def test_what_a_battery_reports_is_the_whole_of_storage_and_of_what_is_computed_from_it() -> None:
    """The house: 300 W from the grid, 500 W from the sun, 1,200 W into the battery: it draws −400 W."""
    said = combiner(site(P, N, phases=2, battery=True))(
        {P: legs(250.0, 250.0), N: legs(100.0, 200.0)}, {S: -1200.0}
    )
    assert said.phases[STORAGE] == (UNKNOWN, UNKNOWN)
    assert [phase.power for phase in said.phases[CONSUMPTION]] == [None, None]
    assert said.wholes == {PRODUCTION: 500.0, NET: 300.0, CONSUMPTION: -400.0, STORAGE: -1200.0}


def test_on_one_phase_the_whole_is_the_phase() -> None:
    said = combiner(site(P, N, battery=True))({P: legs(500.0), N: legs(300.0)}, {S: -100.0})
    assert said.phases[STORAGE] == (Phase(power=-100.0),)
    (consumption,) = said.phases[CONSUMPTION]
    assert (consumption.power, consumption.reactive_power, consumption.voltage) == (700.0, None, 230.0)
    assert not said.wholes


def test_the_inverters_own_figure_is_production_where_no_meter_measures_it() -> None:
    """Net only on two legs: 40 W and −540 W, the inverters say 800 W, so the house draws 300 W."""
    said = combiner(site(N, phases=2))({N: legs(40.0, -540.0)}, {P: 800.0})
    assert said.phases[PRODUCTION] == (UNKNOWN, UNKNOWN)
    assert said.wholes == {PRODUCTION: 800.0, NET: -500.0, CONSUMPTION: 300.0}


def test_a_report_replaces_what_a_meter_says_of_the_whole_and_leaves_its_legs() -> None:
    """A storage meter one of whose legs is a copy (8.2.127): that leg is unknown, the report has the sum."""
    said = combiner(site(P, N, S, phases=2))(
        {P: legs(0.0, 0.0), N: legs(1000.0, 500.0), S: (UNKNOWN, Phase(power=-700.0))}, {S: -1300.0}
    )
    assert [phase.power for phase in said.phases[STORAGE]] == [None, -700.0]
    assert [phase.power for phase in said.phases[CONSUMPTION]] == [None, -200.0]
    assert said.wholes[STORAGE] == -1300.0
    assert said.wholes[CONSUMPTION] == 200.0


def test_without_a_report_nothing_is_known_of_the_whole() -> None:
    said = combiner(site(P, N, phases=2, battery=True))({P: legs(1.0, 2.0), N: legs(3.0, 4.0)}, {})
    assert not said.wholes


@pytest.mark.parametrize("kinds", [(P, N), (P, T), (N,), (P,)])
def test_one_unknown_part_leaves_the_whole_unknown(kinds: tuple[Kind, ...]) -> None:
    """Of a net meter's second leg nothing is known, and of anything that needs it neither."""
    layout = site(*kinds, phases=2, battery=True)
    said = combiner(layout)({kind: (*legs(5.0), UNKNOWN) for kind in kinds}, {S: 50.0})
    assert said.wholes == {STORAGE: 50.0}
