"""Which power is followed, and where its energies go."""

import pytest

from envoy_mqtt.energy.integral import Areas
from envoy_mqtt.energy.probe import Probe, into
from envoy_mqtt.energy.tally import Tally
from envoy_mqtt.model import Phase, Quantities, Quantity
from tests.energy.sites import at


def net(*watts: float | None, whole: float | None = None) -> Quantities:
    phases = {Quantity.NET: tuple(Phase(power=power) for power in watts)}
    return Quantities(phases, {} if whole is None else {Quantity.NET: whole})


def followed(leg: int | None, *readings: Quantities) -> list[Areas | None]:
    """Each three seconds and six tenths after the one before: a thousandth of an hour."""
    taken = list[Areas | None]()
    probe = Probe(Quantity.NET, leg, 50_000.0, lambda areas, _now: taken.append(areas))
    for n, reading in enumerate(readings):
        probe.follow(reading, 3.6 * n, at(3.6 * n))
    return taken


def test_a_phase_has_its_own_power_and_the_whole_their_sum() -> None:
    reading = net(1000.0, -3000.0)
    assert followed(0, reading, reading) == [None, pytest.approx(Areas(1.0, 0.0))]
    assert followed(None, reading, reading) == [None, pytest.approx(Areas(0.0, 2.0))]


def test_of_the_whole_it_is_enough_that_only_that_is_known() -> None:
    reading = net(None, 4000.0, whole=5000.0)
    assert followed(None, reading, reading)[-1] == pytest.approx(Areas(5.0, 0.0))
    assert followed(0, reading, reading) == []


@pytest.mark.parametrize("power", [None, 50_001.0, -1e9])
def test_a_power_that_is_not_known_or_that_no_phase_has_is_bridged(power: float | None) -> None:
    assert followed(0, net(1000.0), net(power), net(1000.0)) == [None, pytest.approx(Areas(2.0, 0.0))]


def test_both_directions_have_accounts_where_they_are_wanted() -> None:
    delivered, received = (Tally(50_000.0, 60.0, uncounted=True) for _ in range(2))
    into(delivered, received)(Areas(3.0, 1.0), at(0))
    into(delivered, None)(Areas(3.0, 1.0), at(0))
    into(None, received)(None, at(0))
    assert (delivered.amount(at(0)).wh, received.amount(at(0)).wh) == (6.0, 1.0)
