"""Randomness without state: a number that depends on a seed and a place only.

The same question has the same answer, in any order and in any process, so a simulated day can be
looked at twice, and at any moment first.
"""

from math import floor

_MASK = 0xFFFFFFFF


def unit(seed: int, place: int) -> float:
    """A number in [0, 1), evenly spread over seeds and places (an integer hash of 32 bits)."""
    bits = (seed * 0x9E3779B1 + place * 0x85EBCA6B) & _MASK
    bits = ((bits ^ (bits >> 16)) * 0x7FEB352D) & _MASK
    bits = ((bits ^ (bits >> 15)) * 0x846CA68B) & _MASK
    return (bits ^ (bits >> 16)) * 2.0**-32


def smooth(seed: int, x: float) -> float:
    """A curve through one random point per whole `x`, in [0, 1], with no corners."""
    place = floor(x)
    part = x - place
    first = unit(seed, place)
    return first + (unit(seed, place + 1) - first) * part * part * (3.0 - 2.0 * part)
