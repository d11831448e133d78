"""The soak's own arithmetic: where each reading went, and what is usual among several looks."""

from tests.faults.rig import Look
from tests.faults.soak import fates, settled


def test_each_reading_has_one_fate() -> None:
    """One to six; the broker dies at 100 s."""
    sent = {1: 10.0, 2: 50.0, 4: 99.5, 5: 100.2, 6: 130.0}
    became = fates(6, {1, 6}, sent, [100.0])
    assert became == {
        1: "published",
        2: "unexplained",
        3: "replaced",
        4: "lost",
        5: "lost",
        6: "published",
    }


def test_a_look_amid_a_restart_is_not_the_usual() -> None:
    looks = [Look(58.0, 10, 23, 2), Look(58.4, 8, 21, 2), Look(58.2, 10, 23, 3)]
    assert settled(looks) == Look(58.2, 10, 23, 2)
