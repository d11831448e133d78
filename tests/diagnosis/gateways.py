"""A gateway that is well, as it is seen, and one that is hardly seen at all."""

from envoy_mqtt.diagnosis.findings import Finding, Level
from envoy_mqtt.diagnosis.gateway import diagnose
from envoy_mqtt.diagnosis.pacing import Flow
from envoy_mqtt.diagnosis.reach import Port, Reached
from envoy_mqtt.diagnosis.seen import Seen, Shown
from envoy_mqtt.gateway.token import Claims, Token
from envoy_mqtt.model import Identity, Kind, Meter, Site

SERIAL, OTHER = "122312345678", "122399999999"
NOW = 1_774_000_000.0  # 2026-03-20T09:46:40Z
DAY_S = 86_400.0
SHA256 = "0123456789abcdef" * 4
TOKEN = Token("eyJ.marked.secret", Claims(SERIAL, "owner", NOW + 300 * DAY_S), NOW - 65 * DAY_S)
METERS = (
    Meter(704643328, "production", Kind.PRODUCTION, True, 1, "normal", ()),
    Meter(704643584, "net-consumption", Kind.NET, True, 1, "normal", ()),
)
WHO = Identity(SERIAL, "800-00654-r08", "D8.3.5167")
SITE = Site(WHO, METERS)
STORAGE = Meter(704643840, "storage", Kind.STORAGE, True, 1, "normal", ())
OPEN = Reached("10.0.0.5", ("10.0.0.5",), ports=(Port(443), Port(80, "refused")))
WELL = Seen(
    host="10.0.0.5",
    now=NOW,
    reached=OPEN,
    shown=Shown(f"envoy-{SERIAL}", SHA256, NOW + DAY_S),
    pinned=SHA256,
    identity=WHO,
    gateway_time=NOW - 2.4,
    token=TOKEN,
    origin="cache",
    renewed=True,
    site=SITE,
    flow=Flow(20.0, tuple(float(n) for n in range(1, 20))),
)
NOTHING = Seen(host="10.0.0.5", now=NOW, reached=OPEN)


def of(seen: Seen, check: str) -> Finding:
    """The first finding of a check."""
    return next(each for each in diagnose(seen) if each.check == check)


def levels(seen: Seen) -> dict[str, Level]:
    return {each.check: each.level for each in reversed(diagnose(seen))}
