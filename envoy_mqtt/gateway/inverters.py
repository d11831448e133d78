"""What `/api/v1/production/inverters` answers: each microinverter's last report.

They report every 5 to 15 min and sleep at night; the answer keeps what they said last (protocol notes,
section 3.5).
"""

from typing import NamedTuple

from pydantic_core import SchemaValidator
from pydantic_core import core_schema as schema

from envoy_mqtt.gateway.answers import SERIAL
from envoy_mqtt.gateway.document import NUMBER, decode, entries, record

PATH = "/api/v1/production/inverters"

# Unix seconds that a calendar has: up to the end of the year 9999.
MOMENT = schema.float_schema(strict=True, allow_inf_nan=False, ge=0, lt=253_402_300_800)

_ANSWER = SchemaValidator(
    entries(
        record(
            {
                "serialNumber": schema.str_schema(strict=True, pattern=rf"^{SERIAL.pattern}$"),
                "lastReportDate": MOMENT,
                "lastReportWatts": NUMBER,
                "maxReportWatts": NUMBER,
            }
        )
    )
)


class Inverter(NamedTuple):
    """One microinverter's last report: when, in Unix seconds, and its power then and at most, in W."""

    serial: str
    reported_unix: float
    power_w: float
    max_power_w: float


def read_inverters(body: bytes) -> tuple[Inverter, ...]:
    """All of them in the gateway's order; raises `BadAnswer`, and nothing else."""
    return tuple(
        Inverter(
            entry["serialNumber"], entry["lastReportDate"], entry["lastReportWatts"], entry["maxReportWatts"]
        )
        for entry in decode(PATH, body, _ANSWER)
    )
