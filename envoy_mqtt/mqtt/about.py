"""The topic `gateway`: who a gateway is, what it measures, and how it is read. Pure."""

from typing import NamedTuple

from envoy_mqtt.gateway.ladder import Step
from envoy_mqtt.model import Meter, Site


class Access(NamedTuple):
    """How we reach a gateway, as far as `gateway` tells it: nothing secret."""

    address: str
    token_role: str | None = None
    token_expires: str | None = None
    certificate_sha256: str | None = None


def describe(site: Site, access: Access, step: Step) -> dict[str, object]:
    """The content of the topic."""
    return {
        "serial": site.identity.serial,
        "part_number": site.identity.part_number,
        "firmware": site.identity.firmware,
        "address": access.address,
        "phases": site.phases,
        "meters": [_meter(meter) for meter in site.meters],
        "source": step.source,
        "source_reason": step.reason,
        **access._asdict(),
    }


def _meter(meter: Meter) -> dict[str, object]:
    return {
        "eid": meter.eid,
        "type": meter.type,
        "enabled": meter.enabled,
        "status": meter.status,
        "flags": list(meter.flags),
    }
