"""What Home Assistant is told of, and what is remembered: steps, brokers that go, gateways that come twice.

Nobody sleeps: a wait of the announcer is a turn, in which the broker takes what waits and what a test has
planned happens.
"""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envoy_mqtt.announcer import Announcer
from envoy_mqtt.bridge import Bridge
from envoy_mqtt.errors import ConfigError
from envoy_mqtt.gateway import inverters
from envoy_mqtt.gateway.plan import Wanted
from envoy_mqtt.line import Line
from envoy_mqtt.model import Instant, Site
from envoy_mqtt.mqtt.about import Access
from envoy_mqtt.mqtt.discovery import Discovery
from envoy_mqtt.mqtt.message import Message
from envoy_mqtt.mqtt.payload import Publish
from envoy_mqtt.outbox import Outbox
from tests.mqtt.layouts import SERIAL, N, P, site
from tests.test_bridge import event

CONFIG = f"homeassistant/device/envoy_{SERIAL}/config"
OPTIONS = Discovery(version="0.1.0")
INVERTER = "121800000001"
NOW = Instant(0.0, 1_790_000_000.0)


class Over(Exception):
    """The turns of a story have ended."""


class Story:
    """An announcer, its bridges, and a broker that can be lost or frozen."""

    def __init__(self, folder: Path, *bridges: Bridge, options: Discovery | None = OPTIONS) -> None:
        self.outbox, self.line = Outbox(), Line("bridge")
        self.connected, self.connects, self.frozen = True, 1, False
        self.slept_s: list[float] = []
        self.outbox.open(0.0)
        self.path = folder / "announced.json"
        self._announcer = Announcer(
            folder,
            bridges,
            options,
            outbox=self.outbox,
            broker=self,
            line=self.line,
            sleep=self._sleep,
        )

    async def turns(
        self, count: int = 8, plan: Mapping[int, Callable[[], object]] | None = None
    ) -> list[Any]:
        """So many waits; what the broker took in each. `plan` is what happens in which."""
        self._left, self._plan, self._taken = count, plan or {}, list[list[Message]]()
        self.slept_s.clear()
        with pytest.raises(Over):
            await self._announcer.run()
        return self._taken

    async def says(self, count: int = 8) -> list[Message]:
        """All that the broker took in so many waits."""
        return [message for turn in await self.turns(count) for message in turn]

    async def _sleep(self, seconds: float) -> None:
        if len(self._taken) == self._left:
            raise Over
        self.slept_s.append(seconds)
        self._taken.append([])
        self._plan.get(len(self._taken), lambda: None)()
        with suppress(TimeoutError):
            while self.connected and not self.frozen:
                async with asyncio.timeout(0):  # whatever is there
                    message = await self.outbox.next()
                self._taken[-1].append(message)
                self.outbox.sent(message)

    def lose(self) -> None:
        """The broker is gone."""
        self.connected = False
        self.outbox.close()

    def find(self) -> None:
        """It is back, and has kept what it had."""
        self.connected, self.connects = True, self.connects + 1
        self.outbox.open(0.0)

    @property
    def remembered(self) -> dict[str, Any]:
        gateways: dict[str, Any] = json.loads(self.path.read_text())["gateways"]
        return gateways


def bridge(layout: Site | None = None, address: str = "192.0.2.1", publish: Publish | None = None) -> Bridge:
    """One whose gateway has answered, and wants to know of microinverters."""
    new = Bridge(publish or Publish(), Wanted(inverters_s=300.0))
    new.identify(layout or site(P, N), Access(address, certificate_sha256="ab"))
    return new


def report(of: Bridge, *serials: str) -> None:
    """The gateway answers which microinverters it has."""
    entries = [
        {"serialNumber": serial, "lastReportDate": 1_790_000_000, "lastReportWatts": 5, "maxReportWatts": 9}
        for serial in serials
    ]
    list(of.answer(inverters.PATH, json.dumps(entries).encode(), NOW))


def topics(messages: Iterable[Message]) -> list[str]:
    return [message.topic for message in messages]


def emptied(messages: Iterable[Message]) -> set[str]:
    return {message.topic for message in messages if not message.payload}


def components(message: Message) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(message.payload)["cmps"]
    return found


async def test_a_gateway_is_told_of_once_and_again_after_a_start(tmp_path: Path) -> None:
    for _ in range(2):
        story = Story(tmp_path, bridge())
        (said,) = await story.says()
        assert (said.topic, said.retain, said.qos) == (CONFIG, True, 1)
        assert {"production_power", "net_power", "connection"} <= components(said).keys()
        assert await story.says() == []


async def test_a_gateway_that_has_not_answered_is_not_told_of(tmp_path: Path) -> None:
    new = Bridge(Publish())
    story = Story(tmp_path, new)
    assert await story.says() == []
    new.meet(SERIAL)
    assert await story.says() == []


async def test_availability_leaves_before_discovery_also_when_all_is_said_again(tmp_path: Path) -> None:
    new = Bridge(Publish())
    story = Story(tmp_path, new)
    story.outbox.put(new.identify(site(P, N), Access("192.0.2.1")))
    first = topics(await story.says())
    story.outbox.say_again(0.0)
    for said in (first, topics(await story.says())):
        assert said.index(f"envoy/{SERIAL}/availability") < said.index(CONFIG)


async def test_without_a_broker_it_waits(tmp_path: Path) -> None:
    story = Story(tmp_path, bridge())
    story.lose()
    assert await story.says() == []
    assert not story.path.exists()
    story.find()
    assert topics(await story.says()) == [CONFIG]


async def test_a_meter_that_is_gone_goes_in_three_steps(tmp_path: Path) -> None:
    """First its entities, then what stays, at last its topics; Home Assistant has a wait after each."""
    there = bridge()
    story = Story(tmp_path, there)
    await story.says()
    there.identify(site(P), Access("192.0.2.1", certificate_sha256="ab"))
    farewell, whole, rest = [turn for turn in await story.turns() if turn]
    assert story.slept_s[:6] == [1.0, 0.1, 2.0, 0.1, 2.0, 0.1]
    assert components(farewell[0])["net_power"] == {"p": "sensor"}
    assert "net_power" not in components(whole[0])
    assert topics(farewell + whole) == [CONFIG, CONFIG]
    assert emptied(rest) == {f"envoy/{SERIAL}/net", f"envoy/{SERIAL}/consumption"}
    assert set(story.remembered[SERIAL]["topics"]) == {
        f"envoy/{SERIAL}/{name}"
        for name in ("availability", "gateway", "live", "production", "energy", "state")
    }


async def test_what_went_between_two_runs_goes_as_well(tmp_path: Path) -> None:
    await Story(tmp_path, bridge(publish=Publish(meters=True))).says()
    said = await Story(tmp_path, bridge(site(P), publish=Publish(meters=False))).says()
    assert components(said[0])["net_power"] == {"p": "sensor"}
    assert emptied(said) == {f"envoy/{SERIAL}/{meter}" for meter in ("production", "net", "consumption")}


async def test_what_shall_not_be_kept_any_more_is_emptied(tmp_path: Path) -> None:
    await Story(tmp_path, bridge(site(P))).says()
    said = await Story(tmp_path, bridge(site(P), publish=Publish(retain=False))).says()
    names = ("gateway", "live", "production", "energy", "state")
    assert emptied(said) == {f"envoy/{SERIAL}/{name}" for name in names}
    assert await Story(tmp_path, bridge(site(P), publish=Publish(retain=False))).says(2) == said[:1]


async def test_who_is_interrupted_begins_again(tmp_path: Path) -> None:
    there = bridge()
    story = Story(tmp_path, there)
    await story.says()
    there.identify(site(P), Access("192.0.2.1", certificate_sha256="ab"))
    # In the second wait the first step is over; the third finds the broker gone.
    turns = await story.turns(plan={3: story.lose})
    assert sum(topic == CONFIG for turn in turns for topic in topics(turn)) == 1
    assert "net_power" in story.remembered[SERIAL]["devices"][f"envoy_{SERIAL}"]["components"]
    story.find()
    said = [message for message in await story.says() if message.topic == CONFIG]
    # What was last said is said again at the connection, and only then the steps from the first on.
    farewell = {"p": "sensor"}
    assert [components(each).get("net_power") for each in said] == [farewell, farewell, None]
    assert "net_power" not in story.remembered[SERIAL]["devices"][f"envoy_{SERIAL}"]["components"]


async def test_a_broker_that_went_and_came_between_two_steps_is_told_both(tmp_path: Path) -> None:
    there = bridge()
    story = Story(tmp_path, there)
    await story.says()
    there.identify(site(P), Access("192.0.2.1", certificate_sha256="ab"))

    def went_and_came() -> None:
        story.lose()
        story.find()

    turns = await story.turns(plan={3: went_and_came})
    said = [message for turn in turns for message in turn if message.topic == CONFIG]
    farewell = {"p": "sensor"}  # once, again at the connection, and once more from the beginning
    assert [components(each).get("net_power") for each in said] == [farewell, farewell, farewell, None]


async def test_who_ends_amid_the_first_step_has_it_remembered(tmp_path: Path) -> None:
    await Story(tmp_path, bridge()).turns(1)
    (said,) = await Story(tmp_path, options=None).says()
    assert (said.topic, said.payload) == (CONFIG, b"")


async def test_what_changes_nothing_is_not_written_again(tmp_path: Path) -> None:
    await Story(tmp_path, bridge()).says()
    story = Story(tmp_path, bridge())
    written = story.path.stat().st_mtime_ns
    assert await story.says()
    assert story.path.stat().st_mtime_ns == written, "each start wears out the memory card a little"


async def test_a_broker_that_takes_nothing_keeps_the_next_step_from_leaving(tmp_path: Path) -> None:
    there = bridge()
    story = Story(tmp_path, there)
    await story.says()
    there.identify(site(P), Access("192.0.2.1", certificate_sha256="ab"))
    story.frozen = True
    assert await story.says(20) == []
    assert "net_power" in story.remembered[SERIAL]["devices"][f"envoy_{SERIAL}"]["components"]
    story.frozen = False
    said = [message for message in await story.says() if message.topic == CONFIG]
    assert components(said[0])["net_power"] == {"p": "sensor"}
    assert "net_power" not in components(said[-1])


async def test_several_gateways_are_told_of_together(tmp_path: Path) -> None:
    other = site(P)._replace(identity=site(P).identity._replace(serial="122100000025"))
    story = Story(tmp_path, bridge(), bridge(other))
    turns = [turn for turn in await story.turns() if turn]
    assert [set(topics(turn)) for turn in turns] == [
        {CONFIG, "homeassistant/device/envoy_122100000025/config"}
    ]
    assert story.remembered.keys() == {SERIAL, "122100000025"}


OTHER = "122100000025"


def replacement() -> Bridge:
    """Another gateway, which has not brought a reading yet."""
    return bridge(site(P)._replace(identity=site(P).identity._replace(serial=OTHER)))


def read(of: Bridge) -> None:
    of.open(NOW)
    of.receive(event(), NOW)
    assert of.online


async def test_a_replaced_gateway_goes_with_all_it_had_once_the_new_one_is_read(tmp_path: Path) -> None:
    """Until then nobody knows whether it is the old one that answers next."""
    await Story(tmp_path, bridge(site(P))).says()
    new = replacement()
    story = Story(tmp_path, new)
    assert emptied(await story.says()) == set()
    assert story.remembered.keys() == {SERIAL, OTHER}
    read(new)
    names = ("availability", "gateway", "live", "production", "energy", "state")
    assert emptied(await story.says()) == {CONFIG, *(f"envoy/{SERIAL}/{name}" for name in names)}
    assert story.remembered.keys() == {OTHER}
    assert await story.says() == []


async def test_one_that_may_yet_answer_keeps_what_it_has(tmp_path: Path) -> None:
    """Of two configured gateways one is away since the start: it may be the one that is remembered."""
    await Story(tmp_path, bridge(site(P))).says()
    new, away = replacement(), Bridge(Publish())
    read(new)
    story = Story(tmp_path, new, away)
    assert emptied(await story.says()) == set()
    assert story.remembered.keys() == {SERIAL, OTHER}


async def test_a_gateway_that_comes_back_is_told_of_again(tmp_path: Path) -> None:
    there = bridge(site(P))
    story = Story(tmp_path, there)
    read(there)
    await story.says()
    other = site(P)._replace(identity=site(P).identity._replace(serial=OTHER))
    there.identify(other, Access("192.0.2.1", certificate_sha256="ab"))
    read(there)
    assert CONFIG in emptied(await story.says())
    there.identify(site(P), Access("192.0.2.1", certificate_sha256="ab"))
    read(there)
    said = await story.says()
    assert components(next(each for each in said if each.topic == CONFIG))
    assert story.remembered.keys() == {SERIAL}


async def test_a_gateway_that_is_read_twice_is_told_of_once_as_the_first_has_it(tmp_path: Path) -> None:
    story = Story(tmp_path, bridge(address="192.0.2.1"), bridge(address="192.0.2.2"))
    (said,) = await story.says()
    assert json.loads(said.payload)["dev"]["cu"] == "https://192.0.2.1/"
    assert await story.says() == []


async def test_a_gateway_at_another_address_is_told_of_again(tmp_path: Path) -> None:
    there = bridge()
    story = Story(tmp_path, there)
    await story.says()
    there.identify(site(P, N), Access("192.0.2.9", certificate_sha256="ab"))
    (said,) = await story.says()
    assert json.loads(said.payload)["dev"]["cu"] == "https://192.0.2.9/"


async def test_a_microinverter_that_is_gone_goes_with_its_topic(tmp_path: Path) -> None:
    there = bridge(site(P))
    config = f"homeassistant/device/envoy_{SERIAL}_inverter_{INVERTER}/config"
    story = Story(tmp_path, there)
    report(there, INVERTER, "121800000002")
    assert config in topics(await story.says())
    report(there, "121800000002")
    assert emptied(await story.says()) == {config, f"envoy/{SERIAL}/inverter/{INVERTER}"}


@pytest.mark.parametrize("answered", [True, False])
async def test_who_wants_no_home_assistant_any_more_takes_back_what_was_said(
    tmp_path: Path, answered: bool
) -> None:
    await Story(tmp_path, bridge()).says()
    unmet = bridge() if answered else Bridge(Publish())
    story = Story(tmp_path, unmet, options=None)
    said = await story.says()
    assert topics(said) == [CONFIG]
    assert emptied(said) == {CONFIG}
    assert story.remembered[SERIAL]["devices"] == {}
    assert await story.says() == []
    assert await Story(tmp_path, unmet, options=None).says() == []
    assert topics(await Story(tmp_path, bridge()).says()) == [CONFIG]


async def test_a_folder_that_cannot_be_written_is_said_and_stops_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "file"
    folder.write_text("")
    there = bridge()
    story = Story(folder, there)
    assert topics(await story.says()) == [CONFIG]
    (trouble,) = story.line.standing
    assert (trouble.code, "data_dir" in trouble.text) == ("disk", True)
    assert await story.says() == []
    folder.unlink()
    there.identify(site(P), Access("192.0.2.1"))
    await story.says()
    assert story.line.standing == []
    assert story.remembered.keys() == {SERIAL}


async def test_what_could_not_be_remembered_is_remembered_later_and_the_trouble_is_over(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "file"
    folder.write_text("")
    story = Story(folder, bridge())
    await story.turns(8, {7: folder.unlink})
    assert story.line.standing
    assert await story.says(15) == []
    assert story.line.standing == []
    assert story.remembered.keys() == {SERIAL}


STRANGE = {"prefix": "homeassistant", "style": "strange", "components": {}}


@pytest.mark.parametrize("gateway", [5, {"devices": {}}, {"devices": {"envoy_1": STRANGE}, "topics": []}])
async def test_a_spoilt_file_is_kept_aside_and_everything_told_anew(tmp_path: Path, gateway: object) -> None:
    (tmp_path / "announced.json").write_text(json.dumps({"version": 1, "gateways": {"1": gateway}}))
    story = Story(tmp_path, bridge())
    assert topics(await story.says()) == [CONFIG]
    assert (tmp_path / "announced.json.broken").exists()
    assert story.remembered.keys() == {SERIAL}


def test_what_a_newer_version_wrote_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "announced.json"
    path.write_text('{"version": 2}')
    with pytest.raises(ConfigError, match="newer envoy-mqtt"):
        Story(tmp_path)
    assert path.read_text() == '{"version": 2}'


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(("devices", "topics", "prefix", "style", "components", SERIAL)), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(gateways=JSON)
async def test_whatever_the_file_holds_the_gateway_is_told_of(tmp_path: Path, gateways: Any) -> None:
    (tmp_path / "announced.json").write_text(json.dumps({"version": 1, "gateways": gateways}))
    story = Story(tmp_path, bridge())
    assert CONFIG in topics(await story.says())
    assert SERIAL in story.remembered
