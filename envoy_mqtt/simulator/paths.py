"""Which path of a simulated site answers with which document."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from envoy_mqtt.simulator import (
    documents,
    ensemble,
    home,
    inverters,
    livedata,
    pages,
    readings,
    reported,
)
from envoy_mqtt.simulator.pages import Answer

if TYPE_CHECKING:
    from envoy_mqtt.simulator.installation import Installation

JSON = {"Content-Type": "application/json"}


def answer(site: "Installation", target: str, unix: float) -> Answer | None:
    """The answer to a GET of this path, query included; None where this firmware has no such path."""
    path, _, query = target.partition("?")
    if path in OLD:
        return OLD[path](site, query, unix)
    if path in SINCE_7 and site.options.version.has_tokens:
        return Answer(200, SINCE_7[path](site, unix))
    return None


def _info(site: "Installation", _: str, unix: float) -> Answer:
    kind = {"Content-Type": "text/xml"} if site.options.version.info_content_type else {}
    return Answer(200, documents.info(site.options, unix), kind)


def _meters(site: "Installation", _: str, __: float) -> Answer:
    return Answer(200, documents.meters(site.options))


def _readings(site: "Installation", _: str, unix: float) -> Answer:
    options = site.options
    if site.odd.stray_meter:
        options = replace(options, unknown_meter=True, unknown_meter_first=True)
    return Answer(200, readings.readings(options, unix, site.sample(unix), site.counters(unix)))


def _production(site: "Installation", query: str, unix: float) -> Answer:
    return pages.slow_json(reported.production_json(site.facts(unix), details="details=1" in query))


def _api_production(site: "Installation", _: str, unix: float) -> Answer:
    return Answer(200, reported.api_production(site.facts(unix)), JSON)


def _inverters(site: "Installation", _: str, unix: float) -> Answer:
    return Answer(200, inverters.document(site.reports(unix)), JSON)


def _home(site: "Installation", _: str, unix: float) -> Answer:
    count = len(site.reports(unix))
    return pages.slow_json(home.home(site.options, unix, site.house_time(unix), count))


def _inventory(site: "Installation", unix: float) -> bytes:
    return ensemble.inventory(site.options, unix, site.soc(unix), awake=not site.asleep)


def _power(site: "Installation", unix: float) -> bytes:
    return ensemble.power(site.options, site.storage_w(unix), site.soc(unix), awake=not site.asleep)


def _secctrl(site: "Installation", unix: float) -> bytes:
    return ensemble.secctrl(site.options, site.soc(unix), awake=not site.asleep)


def _live_status(site: "Installation", unix: float) -> bytes:
    then, enabled = site.live.shown(unix), site.live.enabled(unix)
    now, state = site.sample(then), site.state(then)
    return livedata.status(site.options, now, state, site.soc(then), then, enabled=enabled)


# The paths of every firmware, and those that came with 7.
OLD: Mapping[str, Callable[["Installation", str, float], Answer]] = {
    "/info": _info,
    "/info.xml": _info,
    "/ivp/meters": _meters,
    "/ivp/meters/readings": _readings,
    "/production": _production,
    "/production.json": _production,
    "/api/v1/production": _api_production,
    "/api/v1/production/inverters": _inverters,
    "/home": _home,
    "/home.json": _home,
}
SINCE_7: Mapping[str, Callable[["Installation", float], bytes]] = {
    "/ivp/livedata/status": _live_status,
    "/ivp/ensemble/inventory": _inventory,
    "/ivp/ensemble/power": _power,
    "/ivp/ensemble/secctrl": _secctrl,
}
