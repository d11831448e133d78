"""Who comes before everything is set up is shown what to do, step by step."""

from pathlib import Path

import pytest
from playwright.async_api import Browser

from envoy_mqtt.config.options import FORM
from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Options
from tests.app.supervisor import TOKEN, supervising
from tests.e2e.harness import Process, free_port
from tests.mosquitto import Mosquitto
from tests.page.visit import Visit, visiting

STATES = """() => Object.fromEntries(Array.from(document.querySelectorAll("#steps > li"),
    (step) => [step.dataset.of, step.dataset.state]))"""


async def until_steps(visit: Visit, **states: str) -> None:
    """Wait until the steps are so."""
    await visit.until(
        f"(wanted) => Object.entries(wanted).every(([of, state]) => ({STATES})()[of] === state)", states
    )


async def test_without_a_token_it_says_how_to_give_one_and_goes_on_when_there_is(
    tmp_path: Path, keys: Keys, browser: Browser
) -> None:
    token, port = tmp_path / "token", free_port()
    with Mosquitto() as broker:
        async with (
            Gateway(Options(), keys=keys) as gateway,
            Process(
                tmp_path,
                gateway__host=f"127.0.0.1:{gateway.port}",
                gateway__token_file=token,
                mqtt__host="127.0.0.1",
                mqtt__port=broker.port,
                web__enabled=True,
                web__port=port,
            ) as process,
        ):
            await process.says("web server listens")
            async with visiting(browser, f"http://127.0.0.1:{port}/") as visit:
                await until_steps(
                    visit, bridge="good", broker="good", gateway="good", token="bad", readings="wait"
                )
                assert await visit.text("#setup-lead") == (
                    "Step 4 needs you. The bridge keeps trying, "
                    "and this page goes on by itself as soon as it works."
                )
                await visit.says("#steps [data-of=token]", "There is no token for the gateway.")
                await visit.says("#steps [data-of=token]", "gateway.account")
                await visit.says("#steps [data-of=gateway]", gateway.serial)
                assert await visit.page.locator("#house").is_hidden()
                token.write_text(gateway.owner_token)
                await visit.live()
                assert await visit.page.locator("#setup").is_hidden()


async def test_without_anything_it_begins_at_the_beginning(tmp_path: Path, browser: Browser) -> None:
    port, nobody = free_port(), free_port()
    keys = {"gateway__host": f"127.0.0.1:{nobody}", "mqtt__host": "127.0.0.1", "mqtt__port": nobody}
    async with Process(tmp_path, **keys, web__enabled=True, web__port=port) as process:
        await process.says("web server listens")
        async with visiting(browser, f"http://127.0.0.1:{port}/") as visit:
            await until_steps(
                visit, bridge="good", broker="bad", gateway="bad", token="wait", readings="wait"
            )
            await visit.says("#steps [data-of=broker]", f"port {nobody}")
            await visit.says("#steps [data-of=gateway]", "envoy-mqtt discover")
            await visit.says("#steps [data-of=bridge]", "There is no configuration file yet")


async def test_as_an_app_of_home_assistant_it_names_the_fields_of_the_form(
    tmp_path: Path, browser: Browser
) -> None:
    """There is no file to write and no command to type."""
    port = free_port()
    async with supervising() as supervisor:
        given = {"SUPERVISOR_TOKEN": TOKEN, "SUPERVISOR_API": supervisor.url}
        keys = {"gateway__host": f"127.0.0.1:{free_port()}", "web__enabled": True, "web__port": port}
        async with Process(tmp_path, given, **keys) as process:
            await process.says("web server listens")
            async with visiting(browser, f"http://127.0.0.1:{port}/") as visit:
                await until_steps(visit, bridge="good", broker="bad", gateway="bad")
                for of, label in (("broker", "Broker address"), ("gateway", "Gateway address")):
                    assert label in {field.label for field in FORM.values()}
                    await visit.says(f"#steps [data-of={of}]", f"“{label}”")
                assert "knows of no broker yet" in await visit.text("#steps [data-of=broker]")
                shown = await visit.text("#setup")
                assert "configuration file" not in shown
                assert not any(each in shown for each in ("[mqtt]", "[gateway]", "envoy-mqtt "))


@pytest.mark.parametrize("secret", ["eyJ", "example.com"])
async def test_nothing_that_lets_anybody_in_is_shown(
    tmp_path: Path, keys: Keys, browser: Browser, secret: str
) -> None:
    port, nobody = free_port(), free_port()
    async with Gateway(Options(serial="122399999999"), keys=keys) as other:
        given = (
            {"token": other.owner_token}
            if secret == "eyJ"
            else {"account__username": "me@example.com", "account__password": "hush"}
        )
        async with Process(
            tmp_path,
            gateway__host=f"127.0.0.1:{nobody}",
            mqtt__host="127.0.0.1",
            mqtt__port=nobody,
            web__enabled=True,
            web__port=port,
            **{f"gateway__{key}": value for key, value in given.items()},
        ) as process:
            await process.says("web server listens")
            async with visiting(browser, f"http://127.0.0.1:{port}/") as visit:
                await until_steps(visit, gateway="bad")
                assert secret not in await visit.page.content()
