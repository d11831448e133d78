"""Values that are right alone and wrong together; they show only when all sources are one."""

import re
from collections.abc import Callable, Hashable, Iterator, Mapping

from envoy_mqtt.compat.imitation import GRID_WATTS
from envoy_mqtt.config import forms, mistakes
from envoy_mqtt.config.keys import LIST_OF, Key
from envoy_mqtt.config.layers import Found
from envoy_mqtt.config.settings import Gateway, Settings

GATEWAYS: Key = ("gateways",)
Merged = Mapping[Key, Found]


def find(merged: Merged) -> list[str]:
    """A sentence for each conflict."""
    return [
        *_both(merged),
        *(gap for at in LIST_OF for gap in _gap(merged, at)),
        *_same(merged, "host", forms.endpoint),
        *_same(merged, "serial", str),
        *_among_ours(merged),
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


def _among_ours(merged: Merged) -> Iterator[str]:
    """A foreign topic must be none that means something else here."""
    topic, base = (
        merged.get(key, Found(Settings.model_fields[key[0]].default.model_dump()[key[1]], ""))
        for key in (("compat", "topic"), ("mqtt", "base_topic"))
    )
    ours = re.compile(rf"{re.escape(str(base.value))}(/(bridge|[0-9]{{12}})(/.*)?)?")
    if topic.name and (ours.fullmatch(str(topic.value)) or topic.value == GRID_WATTS):
        yield f"{topic.name}: found {topic.value}, which the bridge uses for something else; choose another"


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
