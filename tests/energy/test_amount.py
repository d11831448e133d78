"""Sums of amounts: as old as their oldest part, and as trustworthy as their least."""

from math import inf

import pytest

from envoy_mqtt.energy.amount import UNKNOWN, Amount, Source, total

COUNTED = Amount(100.0, 5.0, Source.COUNTER)
INTEGRATED = Amount(30.0, 0.0, Source.INTEGRATED)
REPORTED = Amount(7.0, 60.0, Source.REPORTED)


def test_a_sum_has_signs_and_the_age_of_its_oldest_part() -> None:
    assert total([(1, COUNTED), (-1, REPORTED)]) == Amount(93.0, 60.0, Source.REPORTED)


def test_a_sum_of_which_a_part_is_unknown_is_unknown() -> None:
    assert total([(1, COUNTED), (1, UNKNOWN)])[:2] == (None, inf)


@pytest.mark.parametrize(
    ("parts", "derived", "source"),
    [
        ((COUNTED, COUNTED), False, "counter"),
        ((COUNTED, INTEGRATED), False, "integrated"),
        ((COUNTED, COUNTED), True, "derived"),
        ((COUNTED, REPORTED), True, "derived"),
        ((COUNTED, INTEGRATED), True, "integrated"),
    ],
)
def test_where_a_sum_comes_from(parts: tuple[Amount, ...], derived: bool, source: str) -> None:
    assert total([(1, part) for part in parts], derived=derived).source == source
