"""`/ivp/ensemble/*`: the batteries one by one and together (protocol notes, section 3.7).

Minutes after a start, numbers there are the word "unknown". Positive powers discharge.
"""

import json
from math import ceil
from typing import Any

from envoy_mqtt.simulator.options import Battery, Options

UNIT_WH = 5000.0
RESERVE_PERCENT = 10
INSTALLED = 1_709_749_530
UNKNOWN = "unknown"


def inventory(options: Options, unix: float, soc: float, *, awake: bool) -> bytes:
    """Every battery with its charge; an AC Battery is not in it."""
    if not fitted(options):
        return _written([])
    devices = [_device(options, number, unix, soc, awake=awake) for number in range(_count(options))]
    return _written([{"type": "ENCHARGE", "devices": devices}])


def power(options: Options, storage_w: float, soc: float, *, awake: bool) -> bytes:
    """Under a key that has a colon of its own; whole watts, in milliwatts."""
    share_mw = round(storage_w / _count(options)) * 1000 if fitted(options) else 0
    devices = [
        {
            "serial_num": _serial(number),
            "real_power_mw": share_mw if awake else UNKNOWN,
            "apparent_power_mva": share_mw if awake else UNKNOWN,
            "soc": round(100.0 * soc) if awake else UNKNOWN,
        }
        for number in range(_count(options))
    ]
    return _written({"devices:": devices if fitted(options) else []})


def secctrl(options: Options, soc: float, *, awake: bool) -> bytes:
    """All of them together, in the keys of each generation (recordings)."""
    version, here, ac = options.version, fitted(options), options.battery is Battery.AC
    capacity_wh = round(options.battery_wh) if here else 0
    percent: int | str = round(100.0 * soc) if awake else UNKNOWN
    stored_wh = round(options.battery_wh * soc)
    reserve = RESERVE_PERCENT if here or ac else 0
    document: dict[str, Any] = {
        "shutdown": False,
        **_bias(),
        **({"offgrid_secctrl": _off_grid()} if version.number >= (8, 3) else {}),
        "configured_backup_soc": reserve,
        "adjusted_backup_soc": reserve,
        "agg_soc": percent if here or ac else 0,
        "Max_energy": capacity_wh,
        "ENC_agg_soc": percent if here else 0,
        "ENC_agg_soh": 100 if here else 0,
        "ENC_agg_backup_energy": capacity_wh * RESERVE_PERCENT // 100,
        "ENC_agg_avail_energy": stored_wh if here else 0,
        "Enc_commissioned_capacity": capacity_wh,
        "Enc_max_available_capacity": capacity_wh,
        "ACB_agg_soc": percent if ac else 0,
        "ACB_agg_energy": stored_wh if ac else 0,
    }
    return _written(document | (_RECOVERY if version.number >= (8, 2) else {}))


_RECOVERY: dict[str, Any] = {
    "VLS_Limit": 10,
    "soc_rec_enabled": True,
    "soc_recovery_entry": 0,
    "soc_recovery_exit": 10,
    "Commission_in_progress": False,
    "ESS_in_progress": False,
}


def fitted(options: Options) -> bool:
    """Whether there is an ENCHARGE, with a storage meter or without."""
    return options.battery in (Battery.METERED, Battery.UNMETERED)


def _count(options: Options) -> int:
    return ceil(options.battery_wh / UNIT_WH)


def _serial(number: int) -> str:
    return f"1222{49_097_000 + number:08d}"


def _device(options: Options, number: int, unix: float, soc: float, *, awake: bool) -> dict[str, Any]:
    """One battery; its radio and its phase are told differently from 8.2 on (recordings)."""
    newer = options.version.number >= (8, 2)
    serial, installed = {"serial_num": _serial(number)}, {"installed": INSTALLED}
    older_head = {"zigbee_dongle_fw_version": "100F", "bmu_fw_version": "2.1.34", "operating": True}
    return {
        "part_num": "836-01826-r76" if newer else "830-01760-r37",
        **(serial | installed if newer else installed | serial),
        "device_status": ["envoy.global.ok", "prop.done"],
        "last_rpt_date": int(unix) - int(unix) % 60,
        "admin_state": 6,
        "admin_state_str": "ENCHG_STATE_READY",
        "created_date": INSTALLED,
        "img_load_date": INSTALLED,
        "img_pnum_running": "3.0.6614_rel/31.13" if newer else "2.6.5973_rel/22.11",
        **({"bmu_fw_version": "3.8.63"} if newer else older_head),
        "communicating": True,
        "sleep_enabled": False,
        "percentFull": round(100.0 * soc) if awake else UNKNOWN,
        "temperature": 22 if awake else UNKNOWN,
        "maxCellTemp": 23 if awake else UNKNOWN,
        **({"reported_enc_grid_state": "grid-tied"} if newer else {}),
        "comm_level_sub_ghz": 0 if newer else 4,
        "comm_level_2_4_ghz": 0 if newer else 4,
        "led_status": 12 if newer else 17,
        "dc_switch_off": False,
        "encharge_rev": 3 if newer else 2,
        "encharge_capacity": round(options.battery_wh / _count(options)),
        **({"phase": "ph-a", "der_index": 2} if newer else {}),
    }


def _bias() -> dict[str, Any]:
    """Frequency and voltage bias of each phase: nothing to correct here."""
    phases = ("", "_phaseb", "_phasec")
    return {
        key: zero
        for phase in phases
        for key, zero in (
            (f"freq_bias_hz{phase}", 0.0),
            (f"voltage_bias_v{phase}", 0.0),
            (f"freq_bias_hz_q8{phase}", 0),
            (f"voltage_bias_v_q5{phase}", 0),
        )
    }


def _off_grid() -> dict[str, Any]:
    still = dict.fromkeys(("F", "V", "Vd_neg", "Vq_neg", "Vd_zero", "Vq_zero"), 0.0)
    return {**still, "is_active": False, "is_system_balanced": True}


def _written(document: Any) -> bytes:
    return json.dumps(document, indent=4).encode()
