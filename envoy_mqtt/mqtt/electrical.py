"""What the transformers measure besides power, as entities: for whoever asks, disabled until then. Pure."""

from collections.abc import Iterator

from envoy_mqtt.model import Kind, Quantity, Site
from envoy_mqtt.mqtt.entity import Entity, Measurement

# Core puts the word "current" last.
ELECTRICAL = {
    "voltage": ("Voltage {}", Measurement("voltage", "V", "measurement", 1)),
    "current": ("{} current", Measurement("current", "A", "measurement", 2)),
    "frequency": ("Frequency {}", Measurement("frequency", "Hz", "measurement", 2)),
    "power_factor": ("Power factor {}", Measurement("power_factor", None, "measurement", 2)),
    "apparent_power": ("Apparent power {}", Measurement("apparent_power", "VA", "measurement", 0)),
    "reactive_power": ("Reactive power {}", Measurement("reactive_power", "var", "measurement", 0)),
}

# The contract defines no voltage and no current of several phases: always null.
NOT_OF_SEVERAL = ("voltage", "current")

TRANSFORMERS = {
    Quantity.PRODUCTION: (Kind.PRODUCTION, "production CT"),
    Quantity.NET: (Kind.NET, "net consumption CT"),
    Quantity.CONSUMPTION: (Kind.TOTAL, "total consumption CT"),
    Quantity.STORAGE: (Kind.STORAGE, "storage CT"),
}


def electrical(site: Site) -> Iterator[Entity]:
    """Of the whole site, and of each phase that a transformer is fitted to."""
    for quantity, (kind, transformer) in TRANSFORMERS.items():
        fitted = site.metered.get(kind, 0)
        for key in ELECTRICAL if fitted else ():
            whole = _whole(f"{quantity}_{key}", key, transformer)
            if site.phases == 1 or key not in NOT_OF_SEVERAL:
                yield whole
            for n in range(1, fitted + 1) if site.phases > 1 else ():
                yield whole.of_phase(n, f"{quantity}_l{n}_{key}")


def _whole(key: str, measured: str, transformer: str) -> Entity:
    name, measurement = ELECTRICAL[measured]
    text = name.format(transformer)
    return Entity(key, text[0].upper() + text[1:], measurement, enabled=False)
