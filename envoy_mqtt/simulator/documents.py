"""The gateway's own documents as bytes: `/info` and `/ivp/meters`.

Written by hand rather than by a library, because the gateways' writers have ways no library has: quotes
and tabs that change with the firmware, four spaces and no final newline (protocol notes, sections 3.0, 4).
"""

from collections.abc import Sequence
from typing import NamedTuple

from envoy_mqtt.simulator.firmware import Firmware
from envoy_mqtt.simulator.options import Options

# Constants of every gateway, 0x2A000n00 (section 3.1).
EIDS = {
    "production": 704643328,
    "consumption": 704643584,
    "storage": 704643840,
    "backfeed": 704644352,
    "load": 704644608,
    "evse": 704644864,
    "pv3p": 704645120,
}


class Listed(NamedTuple):
    """One entry of the list of meters: its place in EIDS, what it measures, and whether it is fitted."""

    name: str
    kind: str
    fitted: bool


def listed(options: Options) -> list[Listed]:
    """The meters a gateway lists: none without meter hardware, two or three, or all seven (section 3.1)."""
    if not options.metered:
        return []
    layout = options.layout
    consumption = "total-consumption" if layout.total else "net-consumption"
    entries = [
        Listed("production", "production", layout.production),
        Listed("consumption", consumption, layout.consumption),
    ]
    if options.storage_meter:
        entries.append(Listed("storage", "storage", True))
    if options.version.lists_every_meter:
        entries += [Listed(name, name, False) for name in list(EIDS)[len(entries) :]]
    return entries


def meters(options: Options) -> bytes:
    """`/ivp/meters`: which meters there are and which of them are fitted (section 3.1)."""
    return pretty(
        [
            [
                f'"eid": {EIDS[entry.name]}',
                f'"state": "{"enabled" if entry.fitted else "disabled"}"',
                f'"measurementType": "{entry.kind}"',
                f'"phaseMode": "{options.phases.mode}"',
                f'"phaseCount": {options.phases.number}',
                '"meteringStatus": "normal"',
                '"statusFlags": []',
            ]
            for entry in listed(options)
        ]
    )


def pretty(entries: Sequence[Sequence[str]]) -> bytes:
    """A list of objects, each given as its lines, with four spaces a level and no final newline."""
    if not entries:
        return b"[]"
    objects = ("    {\n        " + ",\n        ".join(lines) + "\n    }" for lines in entries)
    return ("[\n" + ",\n".join(objects) + "\n]").encode()


def info(options: Options, unix: float) -> bytes:
    """`/info`: who the gateway is, in its firmware's own style of XML (section 4)."""
    version = options.version
    encoding, quote, step = version.markup
    lines = [f"<?xml version={quote}1.0{quote} encoding={quote}{encoding}{quote}?>", "<envoy_info>"]
    lines.append(f"{step}<time>{int(unix)}</time>")
    lines += _element("device", step, "device", _device(options))
    if version.has_tokens:
        lines.append(f"{step}<web-tokens>true</web-tokens>")
    for name, *values in _packages(version):
        children = list(zip(("pn", "version", "build"), values, strict=True))
        lines += _element(f"package name={quote}{name}{quote}", step, "package", children)
    lines += _element("build_info", step, "build_info", _build(version))
    # Blank lines at the end are seen from 8.3 on.
    lines += ["</envoy_info>", "", *([""] * 2 if version.number >= (8, 3) else [])]
    return "\n".join(lines).encode()


def _element(start: str, step: str, end: str, children: Sequence[tuple[str, str]]) -> list[str]:
    inner = [f"{step * 2}<{key}>{value}</{key}>" for key, value in children]
    return [f"{step}<{start}>", *inner, f"{step}</{end}>"]


def _device(options: Options) -> list[tuple[str, str]]:
    return [
        ("sn", options.serial),
        ("pn", "800-00654-r08" if options.metered else "800-00551-r02"),
        ("software", options.firmware),
        ("euaid", "4c8675"),
        ("seqnum", "0"),
        ("apiver", "1"),
        ("imeter", str(options.metered).lower()),
    ]


def _packages(version: Firmware) -> list[tuple[str, str, str, str]]:
    packages = [
        ("rootfs", "500-00001-r01", "02.00.00", "1210"),
        ("kernel", "500-00011-r02", "04.04.225", "51a0f2"),
        ("boot", "590-00019-r01", "02.00.01", "90b1c4"),
        ("app", "500-00002-r01", ".".join(f"{part:02d}" for part in version.number), "5e11a7"),
        ("backbone", "500-00010-r01", "07.00.20", "bb0a11"),
        ("meter", "500-00013-r01", "03.02.08", "3e7e12"),
        ("security", "500-00016-r01", "02.00.00", "5ec1d2"),
    ]
    # From 8.3 on they are sorted (recordings).
    return sorted(packages) if version.number >= (8, 3) else packages


def _build(version: Firmware) -> list[tuple[str, str]]:
    """The children differ by firmware (recordings 4.10.35, 5.0.62, 7.3.130 and 8.3.5167)."""
    stamp = ("build_time_gmt", "1687460237")
    name = ("build_id", "simulated-envoy_uber-pkg:pkg-Jun-22-23-18:57:17")
    if version.number < (7,):
        return [stamp, name] if version.number < (5,) else [name, stamp]
    release, stage = ("release_ver", "02.00.4238"), ("release_stage", "700-GA")
    return [name, stamp, *((stage, release) if version.number >= (8, 3) else (release, stage))]
