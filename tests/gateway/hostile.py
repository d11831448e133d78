"""What no gateway should answer, and some day one does."""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

NUMBERS = (
    st.sampled_from([0, 0.0, -0.0, 1e-310, 1e9, -1e12, 10**30, 704643328, True]) | st.floats() | st.integers()
)
ANYTHING = st.recursive(
    st.none() | NUMBERS | st.sampled_from(["unknown", "12", "", "enabled", "a/b"]) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)

PAGES = (
    b"",
    b"  \n",
    b"null",
    b"0",
    b'"unknown"',
    b"[null]",
    b"[[]]",
    b"\x00\xff",
    b"\xef\xbb\xbf[]",
    b"<html><body>401 Authorization Required</body></html>",
    b"[" * 60_000,
    b"[" * 60_000 + b"]" * 60_000,
    b'{"a":' * 60_000,
    b"9" * 5000,
    b"[" + b"0," * 20_000 + b"0]",
    b'{"\\ud800":1}',
)


def bodies(good: object) -> st.SearchStrategy[bytes]:
    """A good document in which a few values are others or gone, one that was cut, or something else."""
    whole = json.dumps(good).encode()
    cut = st.integers(0, len(whole)).map(lambda length: whole[:length])
    other = ANYTHING.map(lambda value: json.dumps(value).encode())
    return damaged(good) | cut | other | st.sampled_from(PAGES) | st.binary(max_size=60)


@st.composite
def damaged(draw: st.DrawFn, good: object) -> bytes:
    document = [deepcopy(good)]
    for _ in range(draw(st.integers(1, 4))):
        holder, key = draw(st.sampled_from(list(_places(document))))
        if isinstance(holder, dict) and draw(st.booleans()):
            del holder[key]
        else:
            holder[key] = draw(ANYTHING)
    return json.dumps(document[0]).encode()


def _places(holder: Any) -> Iterator[tuple[Any, Any]]:
    """Every value of a document, as what holds it and under which key."""
    keys = list(holder) if isinstance(holder, dict) else range(len(holder))
    for key in keys:
        yield holder, key
        if isinstance(holder[key], dict | list):
            yield from _places(holder[key])
