"""Home Assistant's entities of a tariff, from the topic `tariff`. Pure.

A period's energy is a grid source of its own in the Energy dashboard, and the costs are statistics it takes
as they are. What begins anew every day or with every bill has none, for those of the whole tell the same.
"""

from collections.abc import Iterator

from envoy_mqtt.mqtt.entity import Entity, Measurement
from envoy_mqtt.tariff.period import Tariff, names
from envoy_mqtt.tariff.statement import energy_key

ENERGY = Measurement("energy", "kWh", "total_increasing", 3)


def rates(tariff: Tariff, *, grid: bool) -> list[Entity]:
    """The entities of a tariff; `grid` is whether what flows to and from it is known."""
    return [*_now(tariff), *(_sums(tariff) if grid else ())]


def _now(tariff: Tariff) -> Iterator[Entity]:
    price = Measurement(None, f"{tariff.currency}/kWh", "measurement", 4)
    for side, periods in (("import", tariff.imports), ("export", tariff.exports)):
        if periods:
            yield Entity(
                f"{side}_period",
                f"{side.capitalize()} period",
                topic="tariff",
                device_class="enum",
                alone=True,
                more={"ops": list(names(periods))},
            )
            yield Entity(f"{side}_price", f"{side.capitalize()} price", price, topic="tariff", alone=True)


def _sums(tariff: Tariff) -> Iterator[Entity]:
    per_hour = Measurement(None, f"{tariff.currency}/h", "measurement", 2)
    ever = Measurement("monetary", tariff.currency, "total", 2)
    once = ever._replace(state_class="")
    yield Entity("cost_per_hour", "Cost per hour", per_hour, topic="tariff")
    for side, periods, money in (
        ("import", tariff.imports, "import_cost"),
        ("export", tariff.exports, "export_revenue"),
    ):
        for name in names(periods):
            key, called = energy_key(side, name), f"Grid {side} energy {name.replace('_', ' ')}"
            yield Entity(key, called, ENERGY, topic="tariff")
            yield Entity(f"{key}_today", f"{called} today", ENERGY, topic="tariff", enabled=False)
        if periods:
            called = money.capitalize().replace("_", " ")
            yield Entity(money, called, ever, topic="tariff")
            yield Entity(f"{money}_today", f"{called} today", once, topic="tariff")
            yield Entity(f"{money}_bill", f"{called} this bill", once, topic="tariff")
    yield Entity("saved_today", "Saved today", once, topic="tariff")
