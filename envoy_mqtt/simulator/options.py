"""What a simulated gateway can be told to be; one frozen value, checked when it is made."""

from dataclasses import dataclass
from enum import StrEnum

from envoy_mqtt.errors import ConfigError
from envoy_mqtt.simulator.firmware import Absent, Firmware, Generation, Role

SLOW_PATHS = ("/production", "/home", "/inventory")


class Layout(StrEnum):
    """Which current transformers are fitted and enabled."""

    PRODUCTION_NET = "production+net"
    PRODUCTION_TOTAL = "production+total"
    PRODUCTION = "production"
    NET = "net"
    NONE = "none"

    @property
    def production(self) -> bool:
        return self.value.startswith("production")

    @property
    def consumption(self) -> bool:
        return self is not Layout.PRODUCTION and self is not Layout.NONE

    @property
    def total(self) -> bool:
        """Whether the consumption transformer measures the house and not the grid."""
        return self is Layout.PRODUCTION_TOTAL


class Battery(StrEnum):
    """Which battery there is, and what measures it."""

    NONE = "none"
    METERED = "metered"  # with a storage meter of its own
    UNMETERED = "unmetered"  # an ENCHARGE that only its own figures show
    AC = "ac"  # an AC Battery, of before ENCHARGE


class Wiring(StrEnum):
    """The phases as a gateway names them; the usual European single phase is mode "three", count 1."""

    SINGLE = "single"
    SINGLE_THREE = "single-three"
    SPLIT = "split"
    THREE = "three"

    @property
    def mode(self) -> str:
        """The gateway's `phaseMode`."""
        return "three" if self is Wiring.SINGLE_THREE else self.value

    @property
    def number(self) -> int:
        """The gateway's `phaseCount`."""
        return {"split": 2, "three": 3}.get(self.value, 1)


class Pace(StrEnum):
    """When events leave (protocol notes, section 1.5)."""

    STEADY = "steady"  # about one a second
    BURSTS = "bursts"  # held for 3 to 13 s, then up to 8 within 30 ms: 8.3.6086
    BUFFER = "buffer"  # 16 KB at a time, every 21 to 23 s: 7.0.88
    FLOOD = "flood"  # as fast as the client reads
    MANUAL = "manual"  # only what somebody says


@dataclass(frozen=True, kw_only=True)
class Options:
    """One gateway. None means: as this firmware does."""

    serial: str = "122312345678"
    firmware: str = "D8.3.5167"
    layout: Layout = Layout.PRODUCTION_NET
    phases: Wiring = Wiring.SINGLE_THREE
    metered: bool = True  # without meter hardware `/ivp/meters` is [] and /info says imeter false

    battery: Battery = Battery.NONE
    battery_wh: float = 10_000.0
    battery_w: float = 3840.0

    report_delay_s: float = 0.0  # 1 to 55 s on real ones, section 3.0

    livedata_s: float = 900.0  # how long livedata stays on, section 3.6

    # Unresponsive from 23:00 to 23:10 of the house's day, as real ones are (section 7).
    nightly_outage: bool = False
    stream: bool = True  # False: there is no /stream/meter here

    pace: Pace = Pace.STEADY
    rate_hz: float = 1.0
    # Seconds of the house's day that pass in one second. Energies go on counting what the events said.
    speed: float = 1.0
    start: float | None = None  # Unix time at which the house's day begins; None is now
    seed: int | None = None  # None: from the serial
    utc_offset_s: float = 3600.0
    timezone: str = ""  # what /home says; nothing: as the offset says
    array_w: float = 5200.0

    tls: bool = True  # False: plain HTTP, as firmware before 7 always has it
    # False: everything is open, as from 127.0.0.1 on a real one. Firmware before 7 asks for Digest instead.
    tokens: bool = True
    stream_role: Role | None = None
    stream_content_type: bool = True
    cookie_every_time: bool | None = None
    # Some 7.x take no bearer token but at check_jwt, and then its cookie (section 1.6).
    cookie_required: bool = False

    generation: Generation | None = None
    absent: Absent | None = None
    total_is_net: bool = False  # 8.3.5433's bug
    unknown_meter: bool | None = None  # the all-zero meter nobody fitted
    unknown_meter_first: bool = False
    # Whether the TLS certificate is past its year; the gateways go on using it.
    expired_certificate: bool = False

    def __post_init__(self) -> None:
        Firmware.parse(self.firmware)
        mistakes = []
        # Twelve digits on real gateways; recordings that were made anonymous have letters.
        if not (self.serial.isascii() and self.serial.isalnum() and len(self.serial) <= 32):
            mistakes.append(f"serial: {self.serial!r} is not a serial number, like 122312345678.")
        mistakes += [
            f"{key}: {value!r} is not a number above 0."
            for key in ("rate_hz", "speed", "array_w", "battery_wh", "battery_w")
            for value in (getattr(self, key),)
            if not 0.0 < value < 1e9
        ]
        if mistakes:
            raise ConfigError(*mistakes)

    @property
    def version(self) -> Firmware:
        return Firmware.parse(self.firmware)

    @property
    def encrypted(self) -> bool:
        """Whether it speaks TLS."""
        return self.tls and self.version.has_tokens

    @property
    def unknown_meter_listed(self) -> bool:
        return self.version.unknown_meter if self.unknown_meter is None else self.unknown_meter

    @property
    def time_zone(self) -> str:
        """What `/home` says; POSIX turns the sign round: an hour east is Etc/GMT-1."""
        return self.timezone or f"Etc/GMT{-round(self.utc_offset_s / 3600.0):+d}"

    def delay_s(self, path: str) -> float:
        """How long this path takes."""
        return self.report_delay_s if path.startswith(SLOW_PATHS) else 0.0

    @property
    def storage_meter(self) -> bool:
        """Whether a storage meter is fitted and enabled."""
        return self.metered and self.battery is Battery.METERED

    @property
    def chance(self) -> int:
        """What this gateway's randomness starts from."""
        return int.from_bytes(self.serial.encode()) % 999_983 if self.seed is None else self.seed

    @property
    def role_for_stream(self) -> Role:
        return self.version.stream_role if self.stream_role is None else self.stream_role

    @property
    def fresh_cookies(self) -> bool:
        return self.version.cookie_every_time if self.cookie_every_time is None else self.cookie_every_time
