"""The faults of a gateway's numbers: zeros, repetitions, lost meters, and counters that go wrong."""

from collections.abc import Callable, Mapping

from envoy_mqtt.simulator.trouble import Fault, Hook, Setting, Target


async def _fall_asleep(target: Target, _: Setting) -> None:
    target.source.asleep = True


async def _wake_up(target: Target, _: Setting) -> None:
    target.source.asleep = False


def _odd(key: str, value: Callable[[Target, Setting], object]) -> Hook:
    """Set one oddity of the numbers."""

    async def hook(target: Target, setting: Setting) -> None:
        setattr(target.source.odd, key, value(target, setting))

    return hook


def _flag(text: str, key: str) -> Fault:
    """An oddity that is there or is not."""
    return Fault(text, begin=_odd(key, lambda _, __: True), end=_odd(key, lambda _, __: False))


async def _live_off(target: Target, _: Setting) -> None:
    target.source.end_live(target.clock())


async def _reset_counters(target: Target, _: Setting) -> None:
    target.source.reset_counters(target.clock())


UPSETS: Mapping[str, Fault] = {
    "zeros": Fault("All numbers are zero, counters too.", begin=_fall_asleep, end=_wake_up),
    "frozen": Fault(
        "Events repeat what was true when it began; readings go on.",
        begin=_odd("frozen_at", lambda target, _: target.clock()),
        end=_odd("frozen_at", lambda _, __: None),
    ),
    "inactive": _flag("production.json has lost its meters: activeCount 0 and nonsense.", "inactive"),
    "stray_meter": _flag("An all-zero meter nobody fitted comes first in the readings.", "stray_meter"),
    "livedata_off": Fault("Livedata is switched off, as the vendor's app does.", once=True, begin=_live_off),
    "counters_zero": _flag("Counters are 0, powers are true.", "counters_zero"),
    "counters_back": Fault(
        "Counters of what was delivered are `wh` lower, each meter's.",
        {"wh": 1_190_000.0},
        begin=_odd("counters_back_wh", lambda _, setting: setting.number("wh")),
        end=_odd("counters_back_wh", lambda _, __: 0.0),
    ),
    "counters_reset": Fault("Counters begin at 0 again, for good.", once=True, begin=_reset_counters),
}
