import pytest

from envoy_mqtt.simulator.house import House, PhaseState, State
from envoy_mqtt.simulator.storage import RESERVE, ROUND_TRIP, Storage

MIDNIGHT = 1_751_324_400.0  # 2025-07-01 in the zone of these houses, an hour east
HOUSE = House(seed=4, phase_count=2, charger=False)


class Flat:
    """A house whose sun and use never change, both given in W."""

    seed = 1

    def __init__(self, made_w: float, used_w: float) -> None:
        self.made_w, self.used_w = made_w, used_w

    def at(self, unix: float) -> State:
        return State(unix, (PhaseState(self.made_w, 0.0, self.used_w, 0.0, 230.0),), 50.0)


def flat(made_w: float, used_w: float, *, unix: float = 0.0) -> Storage:
    return Storage(Flat(made_w, used_w), unix, 10_000.0, 3000.0)  # type: ignore[arg-type]


def about(watts: float) -> object:
    """Less the 5 to 25 W that it leaves to the grid."""
    return pytest.approx(watts - 15.0, abs=10.0)


def stored_w(storage: Storage, unix: float) -> float:
    return sum(phase.storage_w for phase in storage.at(unix).phases)


def test_what_is_left_over_is_stored_and_what_is_short_is_given() -> None:
    assert stored_w(flat(2000.0, 500.0), 60.0) == about(-1500.0)
    assert stored_w(flat(500.0, 2000.0), 60.0) == about(1500.0)


def test_it_leaves_a_little_to_the_grid_and_never_the_same() -> None:
    storage = flat(500.0, 2000.0)
    assert len({stored_w(storage, float(second)) for second in range(60)}) == 60


def test_it_gives_and_takes_no_more_than_it_can_and_does_not_chase_a_lamp() -> None:
    assert stored_w(flat(9000.0, 0.0), 60.0) == -3000.0
    assert stored_w(flat(0.0, 9000.0), 60.0) == 3000.0
    assert stored_w(flat(100.0, 120.0), 60.0) == 0.0


def test_an_hour_of_a_kilowatt_fills_ten_kilowatt_hours_by_nine_hundredths_and_empties_them_by_ten() -> None:
    storage = flat(1500.0, 500.0)
    assert storage.soc(3600.0) - storage.soc(0.0) == pytest.approx(0.1015 * ROUND_TRIP, abs=0.001)
    storage = flat(500.0, 1500.0)
    assert storage.soc(0.0) - storage.soc(3600.0) == pytest.approx(0.0985, abs=0.001)


def test_full_it_takes_no_more_and_at_its_reserve_it_gives_no_more() -> None:
    full, empty = flat(3000.0, 0.0), flat(0.0, 3000.0)
    assert (full.soc(86400.0), stored_w(full, 86400.0)) == (1.0, 0.0)
    assert (empty.soc(86400.0), stored_w(empty, 86400.0)) == (RESERVE, 0.0)


def test_phases_share_it_evenly() -> None:
    storage = Storage(HOUSE, MIDNIGHT, 10_000.0, 3840.0)
    one, other = storage.at(MIDNIGHT + 8.5 * 3600.0).phases
    assert one.storage_w == other.storage_w < 0.0


def test_in_a_summer_it_is_full_by_day_and_gives_in_the_evening() -> None:
    storage = Storage(HOUSE, MIDNIGHT, 10_000.0, 3840.0)
    assert storage.soc(MIDNIGHT + 17.0 * 3600.0) == 1.0
    assert stored_w(storage, MIDNIGHT + 22.0 * 3600.0) > 100.0


def test_the_same_moment_is_the_same_whatever_was_asked_before() -> None:
    one, other = (Storage(HOUSE, MIDNIGHT, 10_000.0, 3840.0) for _ in range(2))
    late = one.at(MIDNIGHT + 80_000.0), one.soc(MIDNIGHT + 80_000.0)
    for hour in range(30):
        other.at(MIDNIGHT + 3600.0 * hour)
    assert (other.at(MIDNIGHT + 80_000.0), other.soc(MIDNIGHT + 80_000.0)) == late
    assert one.soc(MIDNIGHT - 5000.0) == one.soc(MIDNIGHT)
