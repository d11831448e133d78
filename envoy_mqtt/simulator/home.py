"""`/home`: where the gateway believes it is, and how it is connected (protocol notes, section 3.7)."""

import json
from datetime import UTC, datetime

from envoy_mqtt.simulator.ensemble import fitted
from envoy_mqtt.simulator.options import Options


def home(options: Options, unix: float, house_unix: float, inverters: int) -> bytes:
    """One compact line; the date and the time are the house's own."""
    local = datetime.fromtimestamp(house_unix + options.utc_offset_s, UTC)
    batteries = 1 if fitted(options) else 0
    document = {
        "software_build_epoch": 1_687_460_237,
        "timezone": options.time_zone,
        "current_date": local.strftime("%m/%d/%Y"),
        "current_time": local.strftime("%H:%M"),
        "network": {
            "web_comm": True,
            "ever_reported_to_enlighten": True,
            "last_enlighten_report_time": int(unix) - int(unix) % 900,
            "primary_interface": "eth0",
            "interfaces": [_ethernet()],
        },
        "tariff": "none",
        "comm": {
            "num": inverters + batteries,
            "level": 5,
            "pcu": {"num": inverters, "level": 5},
            "acb": {"num": 0, "level": 0},
            "nsrb": {"num": 1, "level": 5},
            "esub": {"num": 0, "level": 0},
            "encharge": [{"num": batteries, "level": 5 * batteries, "level_24g": 0, "level_subg": 0}],
        },
        "wireless_connection": [
            {"signal_strength": 0, "signal_strength_max": 0, "type": "BLE", "connected": False}
        ],
    }
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"


def _ethernet() -> dict[str, object]:
    """Addresses are those kept for documentation."""
    return {
        "type": "ethernet",
        "interface": "eth0",
        "mac": "00:00:5E:00:53:01",
        "dhcp": True,
        "ip": "192.0.2.10",
        "signal_strength": 1,
        "signal_strength_max": 1,
        "carrier": True,
    }
