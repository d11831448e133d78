"""One answer's JSON against the shape it must have; what is not of that shape is a `BadAnswer`.

Gateways answer without or with odd content types, with pages of HTML on JSON paths, and with
`{"error": …}` (protocol notes, sections 3.0 and 3.1), so only the bytes count. A sentence about an answer
never quotes it: it is on its way to logs and topics. Keys that a shape does not name may be anything.
"""

from collections.abc import Mapping
from typing import Any

from pydantic_core import CoreSchema, SchemaValidator, ValidationError, from_json
from pydantic_core import core_schema as schema

from envoy_mqtt.errors import BadAnswer

# A finite number that JSON calls a number, and one a site could have: beyond a gigawatt (or gigavolt)
# it is garbage, and sums of what passes stay finite.
NUMBER = schema.float_schema(strict=True, allow_inf_nan=False, ge=-1e9, le=1e9)

# The same for what is written in thousandths, and for lifetime counters in Wh.
BIG_NUMBER = schema.float_schema(strict=True, allow_inf_nan=False, ge=-1e12, le=1e12)

PERCENT = schema.float_schema(strict=True, allow_inf_nan=False, ge=0, le=100)
ANYTHING = schema.any_schema()

# More entries than any gateway has; 50 batteries and 600 inverters are the most that are sold.
LONGEST = 10_000


def record(
    required: Mapping[str, CoreSchema], optional: Mapping[str, CoreSchema] | None = None
) -> schema.TypedDictSchema:
    """An object that has at least these keys; the `optional` ones may be missing, but not be anything."""
    fields = {key: schema.typed_dict_field(value) for key, value in required.items()}
    spare = {key: schema.typed_dict_field(value, required=False) for key, value in (optional or {}).items()}
    return schema.typed_dict_schema(fields | spare)


def entries(of: CoreSchema = ANYTHING) -> schema.ListSchema:
    """A list, no longer than a gateway's could be."""
    return schema.list_schema(of, max_length=LONGEST)


def tolerant(of: CoreSchema, default: object = None) -> schema.WithDefaultSchema:
    """For a key of `optional`: the `default` where it is missing or not of its shape."""
    return schema.with_default_schema(of, default=default, on_error="default")


def decode(path: str, body: bytes, shape: SchemaValidator) -> Any:
    """What `body`, the answer of `path`, says; raises `BadAnswer` with a sentence, and nothing else."""
    try:
        return shape.validate_json(body)
    except ValidationError as error:
        raise BadAnswer(f"{path} {_complaint(body, error)}") from None


def check(path: str, value: object, shape: SchemaValidator) -> Any:
    """The same for a part of an answer that was decoded before."""
    try:
        return shape.validate_python(value)
    except ValidationError as error:
        raise BadAnswer(f"{path} {_misfit(error)}") from None


def _complaint(body: bytes, error: ValidationError) -> str:
    try:
        answer = from_json(body)
    except ValueError:
        return "is not JSON"
    if isinstance(answer, dict) and "error" in answer:
        return "answers with an error"
    return _misfit(error)


def _misfit(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(step) for step in first["loc"]) or "all of it"
    return f"is not what it should be ({where}: {first['msg']})"


def loose(body: bytes) -> Any:
    """What an answer that was checked before says, of whatever shape; `None` where it cannot be read."""
    try:
        return from_json(body, allow_inf_nan=False)
    except ValueError:
        return None
