"""Values that are right alone and wrong together; they show only when all sources are one."""

from collections.abc import Callable, Hashable, Iterator, Mapping

from envoy_mqtt.config import forms, mistakes
from envoy_mqtt.config.keys import LIST_OF, Key
from envoy_mqtt.config.layers import Found
from envoy_mqtt.config.settings import Gateway

GATEWAYS: Key = ("gateways",)
Merged = Mapping[Key, Found]


def find(merged: Merged) -> list[str]:
    """A sentence for each conflict."""
    return [
        *_both(merged),
        *(gap for at in LIST_OF for gap in _gap(merged, at)),
        *_same(merged, "host", forms.endpoint),
        *_same(merged, "serial", str),
    ]


def numbers(merged: Merged, at: Key) -> list[int]:
    """The numbers of the members of a list that someone wrote about."""
    n = len(at)
    return sorted({int(key[n]) for key in merged if key[:n] == at and len(key) > n})


def _both(merged: Merged) -> Iterator[str]:
    one, several = (
        min((found.name for key, found in merged.items() if key[0] == section), default=None)
        for section in ("gateway", "gateways")
    )
    if one and several:
        yield f"{several}: stands beside {one}; gateways replaces gateway altogether, keep one of the two"


def _gap(merged: Merged, at: Key) -> Iterator[str]:
    found = numbers(merged, at)
    missing = next((number for number in range(len(found)) if number not in found), None)
    if missing is not None:
        last = (*at, max(found))
        name = next(it.name for key, it in merged.items() if key[: len(last)] == last)
        yield f"{name}: there is no {mistakes.dotted((*at, missing))}; numbers start at 0 and leave none out"


def _same(merged: Merged, leaf: str, meaning: Callable[[str], Hashable]) -> Iterator[str]:
    seen: dict[Hashable, str] = {}
    default = Gateway.model_fields[leaf].default
    for number in numbers(merged, GATEWAYS):
        key = (*GATEWAYS, number, leaf)
        found = merged.get(key, Found(default, mistakes.dotted(key)))
        try:
            means = meaning(found.value) if isinstance(found.value, str) else None
        except ValueError:
            continue
        if means in seen:
            yield f"{found.name}: found {found.value}, which is {seen[means]} already"
        elif means is not None:
            seen[means] = found.name
