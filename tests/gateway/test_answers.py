"""`/info` and `/ivp/meters` in every form that gateways have been seen to answer, and in those they may."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envoy_mqtt.errors import BadAnswer
from envoy_mqtt.gateway.answers import read_info, read_meters, read_time
from envoy_mqtt.model import Identity, Kind, Meter, Site
from envoy_mqtt.mqtt.message import encode

# Answers of real gateways, where they lie beside the repository (protocol notes, section 10).
RECORDED = Path(__file__).parents[3] / "shared" / "gateways"

PLAIN = b"""<?xml version='1.0' encoding='UTF-8'?>
<envoy_info>
  <time>1695301417</time>
  <device>
    <sn>122100000017</sn>
    <pn>800-00555-r03</pn>
    <software>R4.10.35</software>
    <euaid>4c8675</euaid>
    <imeter>true</imeter>
  </device>
  <package name='rootfs'><pn>500-00001-r01</pn><version>02.00.00</version></package>
</envoy_info>
"""
QUOTED = PLAIN.replace(b"'", b'"').replace(b"UTF-8", b"utf-8") + b"\n\n\n"
TABBED = PLAIN.replace(b"  ", b"\t").replace(b"\n", b"\r\n")
ONE_LINE = b"".join(line.strip() for line in PLAIN.splitlines())

LOGIN_PAGE = b"""<html>\r\n<head><title>401 Authorization Required</title></head>\r\n<body>
<center><h1>401 Authorization Required</h1></center><hr><center>openresty/1.17.8.1</center></body></html>"""


# Who it is


@pytest.mark.parametrize("body", [PLAIN, QUOTED, TABBED, ONE_LINE, b"\n\n" + PLAIN, b"\xef\xbb\xbf" + QUOTED])
def test_every_print_style_says_who_it_is(body: bytes) -> None:
    assert read_info(body) == Identity("122100000017", "800-00555-r03", "R4.10.35", metered=True)


def info(device: str) -> bytes:
    return f"<envoy_info><device>{device}</device></envoy_info>".encode()


def test_what_else_is_there_or_not_does_not_matter() -> None:
    more = "<sn>1</sn><x/><pn>p</pn><y z='1'>t</y><software>s</software>"
    assert read_info(info(more)) == Identity("1", "p", "s")
    assert read_info(info("<sn>1</sn>")) == Identity("1", "", "")
    assert read_info(info("<sn>1</sn><pn/><software></software>")) == Identity("1", "", "")


@pytest.mark.parametrize(
    ("told", "metered"),
    [("true", True), (" TRUE\n", True), ("false", False), ("", None), ("1", None)],
)
def test_metering_hardware_is_there_or_not_or_nobody_knows(told: str, metered: bool | None) -> None:
    assert read_info(info(f"<sn>1</sn><imeter>{told}</imeter>")).metered is metered


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        ("<web-tokens>true</web-tokens>", True),
        ("<web-tokens>false</web-tokens>", False),
        ("<web-tokens/>", False),
    ],
)
def test_whether_it_wants_tokens_stands_beside_the_device(told: str, wanted: bool) -> None:
    body = info("<sn>1</sn>").replace(b"</device>", f"</device>{told}".encode())
    assert read_info(body).web_tokens is wanted


def test_its_clock_is_told_in_unix_seconds() -> None:
    assert read_time(PLAIN) == 1695301417.0


@pytest.mark.parametrize("told", ["", "soon", "-1", "1e9", "9" * 400])
def test_a_clock_that_tells_nothing_is_no_clock(told: str) -> None:
    assert read_time(f"<envoy_info><time>{told}</time></envoy_info>".encode()) is None
    assert read_time(b"<envoy_info/>") is None


def test_blanks_around_a_value_are_not_part_of_it() -> None:
    assert read_info(info("<sn>\n\t1221 </sn><pn> p</pn><software>s </software>")) == Identity(
        "1221", "p", "s"
    )


@pytest.mark.parametrize(
    ("told", "word"),
    [
        ("D8.3.5167 (da7504)", "D8.3.5167 (da7504)"),
        ("D8\n2026-11-21 [error] x", "D8?2026-11-21 [error] x"),
        ("D8\u202e.3\u00e9", "D8?.3?"),
        ("D" * 10_000, "D" * 64),
    ],
)
def test_what_it_calls_itself_is_short_and_printable(told: str, word: str) -> None:
    body = PLAIN.replace(b"R4.10.35", told.encode()).replace(b"800-00555-r03", told.encode())
    identity = read_info(body)
    assert (identity.firmware, identity.part_number) == (word, word)


def test_the_part_number_of_a_package_is_not_the_gateways() -> None:
    body = b"<a><package><pn>500</pn><sn>9</sn></package><device><sn>1</sn></device></a>"
    assert read_info(body)[:3] == ("1", "", "")


@pytest.mark.parametrize(
    "serial", ["", "   ", "a/b", "1/+", "#", "+", "12 34", "$SYS", "1" * 33, "é", "1\x7f2", "<b>1</b>"]
)
def test_a_serial_number_that_cannot_be_a_level_of_a_topic_is_refused(serial: str) -> None:
    with pytest.raises(BadAnswer):
        read_info(info(f"<sn>{serial}</sn>"))


ENTITIES = """<?xml version="1.0" encoding="{}"?><!DOCTYPE x [<!ENTITY a "122100000017">]>
<envoy_info><device><sn>&a;</sn></device></envoy_info>"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be", "latin-1"])
def test_a_document_type_and_its_entities_are_refused_in_every_encoding(encoding: str) -> None:
    with pytest.raises(BadAnswer):
        read_info(ENTITIES.format(encoding.removesuffix("-le").removesuffix("-be")).encode(encoding))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  \n",
        b"404",
        b'{"error": "404 - Not Found"}',
        LOGIN_PAGE,
        b"<!DOCTYPE html><h2>Valid token.</h2>\n",
        b"<envoy_info/>",
        b"<envoy_info><device/></envoy_info>",
        b"<device><sn>1</sn></device>",
        b"<envoy_info><device><sn>&a;</sn></device></envoy_info>",
        PLAIN + b"<more/>",
        b"<?xml version='1.0' encoding='nonsense'?>" + ONE_LINE[38:] + b"<",
        b"\x00" * 100,
        b"\xff\xfe<\x00a\x00>\x00",
        b"<a>" * 80_000,
        b"<a>" * 80_000 + b"</a>" * 80_000,
    ],
    ids=lambda body: repr(body[:24]),
)
def test_whatever_is_not_a_gateways_xml_is_refused(body: bytes) -> None:
    with pytest.raises(BadAnswer, match="/info"):
        read_info(body)


def test_an_answer_that_was_cut_is_refused_wherever_it_was_cut() -> None:
    for length in range(len(ONE_LINE)):
        with pytest.raises(BadAnswer):
            read_info(ONE_LINE[:length])


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_random_bytes_raise_nothing_but_bad_answer(body: bytes) -> None:
    for read in (read_info, read_meters):
        with suppress(BadAnswer):
            read(body)


@st.composite
def damaged(draw: st.DrawFn, bodies: list[bytes]) -> bytes:
    """A good answer in which a few bytes are others, are gone, or are there twice."""
    body = bytearray(draw(st.sampled_from(bodies)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(body) - 1))
        body[at : at + draw(st.integers(0, 3))] = draw(
            st.binary(max_size=3) | st.sampled_from([b"<!", b"&x;"])
        )
    return bytes(body)


@settings(max_examples=300)
@given(damaged([PLAIN, QUOTED, TABBED]))
def test_a_damaged_info_raises_nothing_but_bad_answer(body: bytes) -> None:
    with suppress(BadAnswer):
        identity = read_info(body)
        assert identity.serial.isascii()
        assert not set(identity.serial) & set("/+# \n")


# Which meters it has

P_EID, C_EID, S_EID = 704643328, 704643584, 704643840


def entry(**values: Any) -> dict[str, Any]:
    """A split-phase production meter's entry with some values others; `None` leaves a key out."""
    usual = {
        "eid": P_EID,
        "state": "enabled",
        "measurementType": "production",
        "phaseMode": "split",
        "phaseCount": 2,
        "meteringStatus": "normal",
        "statusFlags": [],
    }
    return {key: value for key, value in (usual | values).items() if value is not None}


def meters(*entries: object) -> tuple[Meter, ...]:
    return read_meters(json.dumps(entries, indent=4).encode())


def meter(**values: Any) -> Meter:
    (only,) = meters(entry(**values))
    return only


def test_a_meter_is_read_whole() -> None:
    flags = ["production-imbalance", "negative-production"]
    assert meter(meteringStatus="check-wiring", statusFlags=flags) == Meter(
        eid=P_EID,
        type="production",
        kind=Kind.PRODUCTION,
        enabled=True,
        phases=2,
        status="check-wiring",
        flags=("production-imbalance", "negative-production"),
    )


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("production", Kind.PRODUCTION),
        ("net-consumption", Kind.NET),
        ("total-consumption", Kind.TOTAL),
        ("storage", Kind.STORAGE),
        ("backfeed", None),
        ("load", None),
        ("evse", None),
        ("pv3p", None),
        ("something-new", None),
        ("", None),
    ],
)
def test_each_type_is_kept_in_the_vendors_word_and_known_ones_in_ours(
    kind: str, expected: Kind | None
) -> None:
    read = meter(eid=5, measurementType=kind)
    assert (read.type, read.kind) == (kind, expected)


@pytest.mark.parametrize("state", ["disabled", "", "Enabled", "on"])
def test_only_enabled_is_enabled(state: str) -> None:
    assert not meter(state=state).enabled


def test_european_single_phase_says_three_and_counts_one() -> None:
    assert meter(phaseMode="three", phaseCount=1).phases == 1


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("mode", ["single", "split", "three", "new", None, 5, ["x"], {"x": 1}])
def test_the_count_decides_whatever_the_mode_says(count: int, mode: object) -> None:
    assert meter(phaseMode=mode, phaseCount=count).phases == count


@pytest.mark.parametrize("count", [None, 0, 4, -1, 10**30, "2", "x", 2.5, True, [2], {"n": 2}, 1e300])
def test_without_a_usable_count_the_mode_decides(count: object) -> None:
    assert meter(phaseMode="single", phaseCount=count).phases == 1
    assert meter(phaseMode="split", phaseCount=count).phases == 2
    assert meter(phaseMode="three", phaseCount=count).phases == 3


@pytest.mark.parametrize("mode", [None, "", "five", 3, ["split"], {"split": 2}])
def test_without_count_and_mode_there_is_one_phase(mode: object) -> None:
    assert meter(phaseMode=mode, phaseCount=None).phases == 1


@pytest.mark.parametrize("flags", [None, "x", 5, {}, {"a": 1}, True])
def test_status_flags_that_are_no_list_are_none(flags: object) -> None:
    """Firmware 4.2.33 has no `statusFlags`."""
    assert meter(statusFlags=flags).flags == ()


@pytest.mark.parametrize(
    ("eid", "kind"), [(704643328, Kind.PRODUCTION), (704643584, None), (704643840, Kind.STORAGE), (5, None)]
)
def test_a_meter_without_a_type_is_what_its_id_says(eid: int, kind: Kind | None) -> None:
    """Firmware 4.2.33 (protocol notes, sections 3.1 and 7); 704643584 may be net or total."""
    read = meter(eid=eid, measurementType=None, statusFlags=None)
    assert (read.type, read.kind, read.enabled) == ("", kind, True)


def test_what_it_calls_its_meters_is_short_and_printable() -> None:
    long = "a\x1b[31m" + "b" * 100
    entry = {"eid": 1, "state": "enabled", "measurementType": long, "meteringStatus": long}
    (meter,) = read_meters(json.dumps([entry | {"statusFlags": [long] * 1000}]).encode())
    word = "a?[31m" + "b" * 58
    assert (meter.type, meter.status, meter.flags) == (word, word, (word,) * 16)


def test_more_meters_than_there_can_be_are_refused() -> None:
    entry = {"eid": 1, "state": "enabled"}
    assert len(read_meters(json.dumps([entry] * 64).encode())) == 64
    with pytest.raises(BadAnswer, match="65 meters"):
        read_meters(json.dumps([entry] * 65).encode())


def test_unknown_keys_do_not_matter() -> None:
    assert meter(new={"a": [1]}, other=None) == meter()


def test_seven_meters_keep_their_order() -> None:
    kinds = ["production", "total-consumption", "storage", "backfeed", "load", "evse", "pv3p"]
    listed = meters(*(entry(eid=P_EID + n, measurementType=kind) for n, kind in enumerate(kinds)))
    assert [read.type for read in listed] == kinds
    assert [read.eid for read in listed] == [P_EID + n for n in range(7)]


def test_a_gateway_without_metering_hardware_has_none() -> None:
    assert read_meters(b"[]") == read_meters(b" [ ]\n") == ()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"true",
        b"5",
        b'"enabled"',
        b"{}",
        b'{"error":"404 - Not Found"}',
        b'{ "error" : 5 }',
        b'{"eid":1,"state":"enabled"}',
        b"[5]",
        b"[[]]",
        b"[null]",
        b'["production"]',
        b"[{}]",
        b'[{"eid":1}]',
        b'[{"state":"enabled"}]',
        b'[{"eid":"1","state":"enabled"}]',
        b'[{"eid":true,"state":"enabled"}]',
        b'[{"eid":1.5,"state":"enabled"}]',
        b'[{"eid":NaN,"state":"enabled"}]',
        b'[{"eid":1,"state":true}]',
        b'[{"eid":1,"state":null}]',
        b'[{"eid":1,"state":"enabled","measurementType":5}]',
        b'[{"eid":1,"state":"enabled"}',
        b'[{"eid":1,"state":"enabled"}] x',
        b"[" * 60_000,
        b"[" * 60_000 + b"]" * 60_000,
        b'{"a":' * 60_000,
        b'[{"eid":1,"state":"enabled","x":' + b"[" * 60_000 + b"]" * 60_000 + b"}]",
        LOGIN_PAGE,
        b"Error: 401",
        b"\xff\xfe\x00",
        b'[{"eid":1,"state":"\xff"}]',
        b'[{"eid":1,"state":"\\ud800"}]',
    ],
    ids=lambda body: repr(body[:40]),
)
def test_whatever_is_not_a_list_of_meters_is_refused(body: bytes) -> None:
    with pytest.raises(BadAnswer, match="/ivp/meters"):
        read_meters(body)


@pytest.mark.parametrize("digits", [400, 4000, 5000])
def test_a_number_of_absurd_length_becomes_no_number_in_the_topic_gateway(digits: int) -> None:
    """The contract: values are finite numbers, and 10⁴⁰⁰ is none to most readers of JSON."""
    body = b'[{"eid":%s,"state":"enabled"}]' % (b"9" * digits)
    with suppress(BadAnswer):
        (read,) = read_meters(body)
        assert read.eid < 10**300


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
ENTRIES = st.fixed_dictionaries(
    {"eid": st.just(P_EID) | VALUES, "state": st.just("enabled") | VALUES},
    optional=dict.fromkeys(
        ["measurementType", "phaseMode", "phaseCount", "meteringStatus", "statusFlags", "x"], VALUES
    ),
)


@settings(max_examples=250)
@given(st.lists(ENTRIES | VALUES, max_size=4))
def test_random_json_raises_nothing_but_bad_answer_and_can_be_told(entries: list[object]) -> None:
    with suppress(BadAnswer):
        for read in read_meters(json.dumps(entries).encode()):
            assert 1 <= read.phases <= 3
            assert json.loads(encode({"type": read.type, "status": read.status, "flags": read.flags}))


@settings(max_examples=200)
@given(damaged([json.dumps([entry(), entry(eid=C_EID)]).encode()]))
def test_a_damaged_list_raises_nothing_but_bad_answer(body: bytes) -> None:
    with suppress(BadAnswer):
        read_meters(body)


# What recorded gateways say, read by hand from their files: serial number, part number, firmware; then
# each meter's class (the eid's last but one hexadecimal digits), type, state and phases.

P2, P3, P1 = ("production", True, 2), ("production", True, 3), ("production", True, 1)
N2, N3, N1 = ("net-consumption", True, 2), ("net-consumption", True, 3), ("net-consumption", True, 1)
OFF = [(kind, False, 2) for kind in ("storage", "backfeed", "load", "evse", "pv3p")]
WHO = {
    "4.10.35": ("121938119871", "800-00555-r03", "R4.10.35"),
    "5.0.62": ("121621012167", "800-00551-r02", "D5.0.62"),
    "7.3.130_no_consumption": ("202305058594", "800-00647-r10", "D7.3.130"),
    "7.6.175_with_cts": ("122238082763", "800-00654-r08", "D7.6.175"),
    "7.6.185_with_cts_and_battery_3t": ("122238082690", "800-00654-r08", "D7.6.185"),
    "8.2.127_with_3cts_and_battery_split": ("123456789012", "800-00654-r08", "D8.2.127"),
    "8.2.4264_metered_noct": ("envoyserial", "800-00554-r03", "D8.2.4264"),
    "8.3.5167_3rd-pv": ("123456789012", "800-00649-r01", "D8.3.5167"),
    "8.3.5289_modGone": ("123456789012", "800-00554-r03", "D8.3.5289"),
    "8.3.5433_tot_is_net_cons": ("123456789012", "800-00555-r03", "D8.3.5433"),
}
METERS = {
    "4.10.35": [P2, N2],
    "5.0.62": [],
    "7.3.130_no_consumption": [P2, ("net-consumption", False, 2)],
    "7.6.175_with_cts": [P1, N1],
    "7.6.185_with_cts_and_battery_3t": [P1, N1],
    "8.2.127_with_3cts_and_battery_split": [P2, N2, ("storage", True, 2)],
    "8.2.4264_metered_noct": [("production", False, 3), ("net-consumption", False, 3)],
    "8.3.5167_3rd-pv": [P3, N3],
    "8.3.5289_modGone": [P1, ("net-consumption", False, 1)],
    "8.3.5433_tot_is_net_cons": [P2, ("total-consumption", True, 2), *OFF],
}
PHASES = {
    "4.10.35": 2,
    "5.0.62": 1,
    "7.3.130_no_consumption": 2,
    "7.6.175_with_cts": 1,
    "7.6.185_with_cts_and_battery_3t": 1,
    "8.2.127_with_3cts_and_battery_split": 2,
    "8.2.4264_metered_noct": 1,
    "8.3.5167_3rd-pv": 3,
    "8.3.5289_modGone": 1,
    "8.3.5433_tot_is_net_cons": 2,
}
CLASSES = {
    "production": P_EID,
    "net-consumption": C_EID,
    "total-consumption": C_EID,
    "storage": S_EID,
    "backfeed": 704644352,
    "load": 704644608,
    "evse": 704644864,
    "pv3p": 704645120,
}


def recorded() -> list[Path]:
    """The folders of recorded gateways; none where they do not lie beside the repository."""
    return sorted(folder for folder in RECORDED.glob("*") if (folder / "ivp_meters").exists())


def test_recorded_gateways_are_who_they_are() -> None:
    for folder in recorded():
        identity = read_info((folder / "info").read_bytes())
        assert identity[:3] == WHO[folder.name], folder.name
        # Every recorded gateway but 5.0.62 has the hardware, and from 7 on they want tokens.
        assert identity[3:] == (folder.name != "5.0.62", folder.name > "7"), folder.name


def test_recorded_gateways_have_the_meters_they_have() -> None:
    for folder in recorded():
        listed = read_meters((folder / "ivp_meters").read_bytes())
        told = [(read.type, read.enabled, read.phases) for read in listed]
        assert told == METERS[folder.name], folder.name
        assert [read.eid for read in listed] == [CLASSES[read.type] for read in listed], folder.name
        assert {(read.status, read.flags) for read in listed} <= {("normal", ())}, folder.name
        assert Site(Identity("1", "", ""), listed).phases == PHASES[folder.name], folder.name
