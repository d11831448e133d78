"""The rule with which Mosquitto says the scalars again where emoncms listens, in a real Mosquitto."""

from pathlib import Path

from envoy_mqtt.simulator.identity import Keys
from tests.consumers.pages import FOLDER, blocks, commands, subscribed
from tests.consumers.site import ONE_PHASE, SERIAL, at_work
from tests.mosquitto import Mosquitto

FILE = FOLDER / "emoncms" / "mosquitto-bridge.conf"
LINES = [line for line in FILE.read_text().splitlines() if line and not line.startswith("#")]


class Talking(Mosquitto):
    """One that knows its own address, as one at port 1883 does."""

    def _configuration(self) -> list[str]:
        place = f"127.0.0.1:{self.port}"
        return super()._configuration() + [line.replace("127.0.0.1:1883", place) for line in LINES]


async def test_each_scalar_is_said_again_and_nothing_else(tmp_path: Path, keys: Keys) -> None:
    with Talking() as broker:
        async with at_work(broker, keys, tmp_path / "site", ONE_PHASE, publish__scalars=True) as site:
            await site.ears.hear("emon/envoy/net_power", count=2)
            (again, *_) = [each for each in site.ears.on("emon/envoy/net_power") if not each.retain]
            ours = [each.payload for each in site.ears.on(f"envoy/{SERIAL}/sensor/net_power")]
            assert again.payload in ours
            said = {each.topic for each in site.ears.heard if each.topic.startswith("emon/")}
            before, after = "emon/envoy/", f"envoy/{SERIAL}/sensor/"
            heard = {each.topic for each in site.ears.heard if each.topic.startswith(after)}
            assert {topic.replace(before, after) for topic in said} <= heard
            (check,) = commands("emoncms.md")
            assert all(line.startswith(before) for line in await subscribed(check, broker.port, 5))
            assert all(len(topic.split("/")) == 3 for topic in said)


def test_the_page_shows_the_rule() -> None:
    assert blocks("emoncms.md", "text") == [f"{LINES[-1]}\n"]
