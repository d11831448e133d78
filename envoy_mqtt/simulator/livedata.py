"""`/ivp/livedata/status`: the figures behind the vendor's app, and the switch that keeps them fresh.

Whoever does not switch it on reads what it was when it was last on; it goes off by itself a quarter of an
hour after it was switched on (protocol notes, section 3.6). Milliwatts and milli-VA throughout.
"""

import json
from collections.abc import Sequence

from envoy_mqtt.simulator.house import State
from envoy_mqtt.simulator.options import Battery, Options
from envoy_mqtt.simulator.wire import NO_PHASES, NOTHING, Reading, Sample, Style

STALE = "Last available status data shown. Live stream not enabled. Enable using /ivp/livedata/stream/ API"
ENABLED = b'{\n    "sc_stream": "enabled"\n}'
DISABLED = b'{\n    "sc_stream": "disabled"\n}'
REFUSED = b'{\n    "error": "Stream already enabled"\n}'


class LiveStream:
    """The switch; `lasts_s` is how long it stays on, times are Unix seconds."""

    def __init__(self, unix: float, lasts_s: float) -> None:
        # Nobody has switched it on for a day.
        self._until = unix - 86400.0
        self._lasts_s = lasts_s

    def enabled(self, unix: float) -> bool:
        return unix < self._until

    def enable(self, unix: float) -> bool:
        """Switch it on; False where it is on already, which changes nothing."""
        if self.enabled(unix):
            return False
        self._until = unix + self._lasts_s
        return True

    def disable(self, unix: float) -> None:
        """Switch it off, as the vendor's app does."""
        self._until = min(self._until, unix)

    def shown(self, unix: float) -> float:
        """The moment whose figures it shows."""
        return min(unix, self._until)


def wants_on(body: bytes) -> bool | None:
    """What a POST asks for: on, off, or None where it is neither."""
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        return None
    enable = asked.get("enable") if isinstance(asked, dict) else None
    return {1: True, 0: False}.get(enable) if isinstance(enable, int) else None


def status(options: Options, now: Sample, state: State, soc: float, unix: float, *, enabled: bool) -> bytes:
    """The whole document, of the moment `unix`; `soc` is 0 to 1."""
    document: dict[str, object] = {
        "connection": {
            "mqtt_state": "connected",
            "prov_state": "configured",
            "auth_state": "ok",
            "sc_stream": "enabled" if enabled else "disabled",
            "sc_debug": "disabled",
        },
        "meters": {**_batteries(options, soc, unix), **_powers(options, now, state)},
        "tasks": {"task_id": 0, "timestamp": 0},
        "counters": {"main_CfgLoad": 1, "main_CfgChanged": 1, "main_taskUpdate": 12, "MqttClient_publish": 9},
    }
    if not enabled:
        document["info"] = STALE
    return json.dumps(document, indent=4).encode()


def _batteries(options: Options, soc: float, unix: float) -> dict[str, int]:
    percent, energy_wh = round(100.0 * soc), round(options.battery_wh * soc)
    here = options.battery is not Battery.NONE
    # An AC Battery has fields of its own.
    enc, acb = here and options.battery is not Battery.AC, options.battery is Battery.AC
    phases = {
        "is_split_phase": int(options.phases.number == 2),
        "phase_count": options.phases.number,
    }
    return {
        "last_update": int(unix),
        "soc": percent * here,
        "main_relay_state": 1,
        "gen_relay_state": 5,
        "backup_bat_mode": 1,
        "backup_soc": 10 * here,
        **(phases if options.version.livedata_phases else {}),
        "enc_agg_soc": percent * enc,
        "enc_agg_energy": energy_wh * enc,
        "acb_agg_soc": percent * acb,
        "acb_agg_energy": energy_wh * acb,
    }


def _powers(options: Options, now: Sample, state: State) -> dict[str, dict[str, int]]:
    """`load` is the sum of the others exactly, as everywhere (section 3.6); generators are not simulated."""
    style, count = Style.of(options), options.phases.number
    pv = _milli(now.production if style.production else NO_PHASES, count)
    grid = _milli(now.net if style.consumption else NO_PHASES, count)
    storage = _milli(
        [NOTHING._replace(p=phase.storage_w, s=phase.storage_w) for phase in state.phases], count
    )
    load = [tuple(map(sum, zip(*phase, strict=True))) for phase in zip(pv, grid, storage, strict=True)]
    sections = {
        "pv": pv,
        "storage": storage,
        "grid": grid,
        "load": load,
        "generator": _milli(NO_PHASES, count),
    }
    per_phase = options.version.livedata_phases
    return {name: _section(phases, per_phase=per_phase) for name, phases in sections.items()}


def _milli(phases: Sequence[Reading], count: int) -> Sequence[tuple[int, ...]]:
    """Active and apparent power of three phases, of which only `count` are there."""
    fitted = [(round(1000.0 * reading.p), round(1000.0 * reading.s)) for reading in phases[:count]]
    return [*fitted, (0, 0), (0, 0)][:3]


def _section(phases: Sequence[tuple[int, ...]], *, per_phase: bool) -> dict[str, int]:
    section = {"agg_p_mw": sum(p for p, _ in phases), "agg_s_mva": sum(s for _, s in phases)}
    if per_phase:
        for key, place in (("agg_p_ph_{}_mw", 0), ("agg_s_ph_{}_mva", 1)):
            section |= {key.format(name): phases[number][place] for number, name in enumerate("abc")}
    return section
