"""The configuration: where values come from, what is refused and how, what is shown of it."""

import json
import string
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import SecretStr

from envoy_mqtt.config import Gateway, Mqtt, Settings, Tls, inside_container, load, public, read_token, show
from envoy_mqtt.config.keys import KEYS, Key
from envoy_mqtt.errors import ConfigError

EXAMPLE = (Path(__file__).parent.parent / "config.example.toml").read_text()
HOST = "a name, an IPv4 address or [an IPv6 address], each with or without :port"
TOKEN = "a token: three parts of letters, digits, - and _ with dots between them"
JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl"
OTHER_JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ5b3UifQ.c2lnbmF0dXJl"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all examples of a property."""
    return tmp_path_factory.mktemp("config")


def settings(folder: Path, toml: str = "", environ: Mapping[str, str] | None = None, **more: Any) -> Settings:
    """Load with `toml` as ./config.toml of `folder`, a home and nothing else around."""
    (folder / "config.toml").write_text(toml, encoding="utf-8")
    around: dict[str, Any] = {"cwd": folder, "image": folder / "image.toml", "platform": "linux"} | more
    return load(None, environ={"HOME": "/home/me"} | dict(environ or {}), **around)


def mistakes(
    folder: Path, toml: str = "", environ: Mapping[str, str] | None = None, **more: Any
) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        settings(folder, toml, environ, **more)
    assert caught.value.__context__ is None, "what pydantic says of a secret must not hang on the error"
    return list(caught.value.mistakes)


def values(it: Settings) -> dict[str, Any]:
    return it.model_dump(mode="python")


def secret(it: SecretStr | None) -> str | None:
    return None if it is None else it.get_secret_value()


# Defaults


def test_without_any_file_the_defaults_are_in_force(tmp_path: Path) -> None:
    it = load(None, environ={"HOME": "/home/me"}, cwd=tmp_path, image=tmp_path / "none", platform="linux")

    assert it.file is None
    assert it.data_dir == Path("/home/me/.local/state/envoy-mqtt")
    assert it.gateway == Gateway(host="envoy.local")
    assert it.every_gateway == (it.gateway,)
    assert (it.gateway.serial, it.gateway.token, it.gateway.token_file) == (None, None, None)
    assert it.gateway.certificate == "pin"
    assert (it.mqtt.host, it.mqtt.port, it.mqtt.keepalive_s, it.mqtt.timeout_s) == ("localhost", 1883, 15, 5)
    assert (it.mqtt.username, it.mqtt.password, it.mqtt.password_file, it.mqtt.client_id) == (None,) * 4
    assert (it.mqtt.protocol, it.mqtt.base_topic, it.mqtt.retain) == ("auto", "envoy", True)
    assert it.mqtt.tls.model_dump() == {
        "enabled": False,
        "ca_file": None,
        "cert_file": None,
        "key_file": None,
    }
    assert it.publish.model_dump() == {"meters": True, "live": True, "scalars": False}
    assert it.availability.timeout_s == 30
    assert (it.web.enabled, it.web.host, it.web.port, it.web.allowed_hosts) == (True, "127.0.0.1", 8099, ())
    assert (it.web.allowed_clients, it.web.trusted_proxies) == ((), ())
    assert (it.log.level, it.log.format) == ("info", "auto")


@pytest.mark.parametrize(
    ("environ", "platform", "in_container", "folder"),
    [
        ({"HOME": "/home/me"}, "linux", True, "/data"),
        ({"HOME": "/home/me", "XDG_STATE_HOME": "/state"}, "linux", False, "/state/envoy-mqtt"),
        ({"HOME": "/home/me", "XDG_STATE_HOME": "state"}, "linux", False, "/home/me/.local/state/envoy-mqtt"),
        ({"HOME": "/Users/me"}, "darwin", False, "/Users/me/Library/Application Support/envoy-mqtt"),
        ({"HOME": "/home/me", "ENVOY_DATA_DIR": "~/solar"}, "linux", True, "/home/me/solar"),
    ],
)
def test_the_data_folder_depends_on_where_we_are(
    tmp_path: Path, environ: dict[str, str], platform: str, in_container: bool, folder: str
) -> None:
    it = settings(tmp_path, environ=environ, platform=platform, in_container=in_container)
    assert it.data_dir == Path(folder)


def test_a_container_is_known_by_its_marks(tmp_path: Path) -> None:
    assert not inside_container({}, tmp_path)
    assert inside_container({"container": "podman"}, tmp_path)
    for mark in (".dockerenv", "run/.containerenv", "etc/envoy-mqtt/image.toml"):
        root = tmp_path / mark.replace("/", "-")
        (root / mark).parent.mkdir(parents=True)
        (root / mark).touch()
        assert inside_container({}, root)


def test_the_port_is_8883_with_tls_unless_someone_says_otherwise(tmp_path: Path) -> None:
    assert settings(tmp_path, "[mqtt.tls]\nenabled = true").mqtt.port == 8883
    assert settings(tmp_path, "[mqtt]\nport = 1\n[mqtt.tls]\nenabled = true").mqtt.port == 1


def test_settings_can_be_made_directly() -> None:
    gateway = Gateway(host="localhost:8443", token=SecretStr(JWT))
    it = Settings(data_dir=Path("/here"), gateways=(gateway,), mqtt=Mqtt(tls=Tls(enabled=True)))
    assert (it.every_gateway, it.mqtt.port, it.file) == ((gateway,), 8883, None)


def test_settings_are_frozen(tmp_path: Path) -> None:
    it = settings(tmp_path)
    with pytest.raises(ValueError, match="frozen"):
        it.mqtt.host = "other"  # type: ignore[misc]


# Files


def test_a_named_file_is_the_one_that_is_read(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("[mqtt]\nhost = 'mine'")
    (tmp_path / "config.toml").write_text("[mqtt]\nhost = 'other'")
    it = load(Path("mine.toml"), environ={}, cwd=tmp_path, image=tmp_path / "none")
    assert (it.mqtt.host, it.file) == ("mine", tmp_path / "mine.toml")


def test_without_a_name_the_working_folder_comes_before_the_data_folder(tmp_path: Path) -> None:
    data, here = tmp_path / "data", tmp_path / "here"
    for folder in (data, here):
        folder.mkdir()
        (folder / "config.toml").write_text(f"[mqtt]\nhost = '{folder.name}'")
    environ = {"ENVOY_DATA_DIR": str(data)}
    assert load(None, environ=environ, cwd=here, image=tmp_path / "none").mqtt.host == "here"
    (here / "config.toml").unlink()
    it = load(None, environ=environ, cwd=here, image=tmp_path / "none")
    assert (it.mqtt.host, it.file) == ("data", data / "config.toml")


def test_a_named_file_that_is_missing_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(Path("none.toml"), environ={}, cwd=tmp_path, image=tmp_path / "none")
    assert caught.value.mistakes == (f"{tmp_path}/none.toml: there is no such file",)


def test_a_folder_in_place_of_the_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "config.toml").mkdir()
    with pytest.raises(ConfigError, match=r"config\.toml: is a directory"):
        load(None, environ={}, cwd=tmp_path, image=tmp_path / "none")


@pytest.mark.parametrize(
    ("toml", "mistake"),
    [
        ("[mqtt]\nhost = envoy", "line 2, column 8: invalid value"),
        ("a = 1\na = 2\n", "line 2, column 6: cannot overwrite a value"),
        ("[mqtt]\n[mqtt]", "line 2, column 6: cannot declare mqtt twice"),
        ("[mqtt.tls]\n[mqtt.tls]", "line 2, column 10: cannot declare mqtt.tls twice"),
        ("a = [1,", "at its end: invalid value"),
    ],
)
def test_broken_toml_tells_where_and_what(tmp_path: Path, toml: str, mistake: str) -> None:
    assert mistakes(tmp_path, toml) == [f"{tmp_path}/config.toml: {mistake}"]


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    assert settings(tmp_path, "\ufeff[mqtt]\nhost = 'pi'").mqtt.host == "pi"


def test_paths_are_absolute_and_know_the_home_folder(tmp_path: Path) -> None:
    it = settings(tmp_path, "[mqtt.tls]\nca_file = 'ca.pem'\nkey_file = '~/key'\ncert_file = '/etc/c'")
    assert it.mqtt.tls.ca_file == tmp_path / "ca.pem"
    assert it.mqtt.tls.key_file == Path("/home/me/key")
    assert it.mqtt.tls.cert_file == Path("/etc/c")


# The environment


def test_text_of_the_environment_becomes_what_the_key_is(tmp_path: Path) -> None:
    it = settings(
        tmp_path,
        environ={
            "ENVOY_MQTT__PORT": "8884",
            "ENVOY_MQTT__TIMEOUT_S": "2.5",
            "ENVOY_MQTT__RETAIN": "No",
            "ENVOY_MQTT__PASSWORD": "123",
            "ENVOY_MQTT__PROTOCOL": "5",
            "ENVOY_GATEWAY__SERIAL": "001234567890",
            "envoy_mqtt__tls__enabled": "on",
            "ENVOY_PUBLISH__SCALARS": "1",
            "ENVOY_PUBLISH__LIVE": "off",
        },
    )
    assert (it.mqtt.port, it.mqtt.timeout_s, it.mqtt.retain, it.mqtt.tls.enabled) == (8884, 2.5, False, True)
    assert (secret(it.mqtt.password), it.mqtt.protocol, it.gateway.serial) == ("123", "5", "001234567890")
    assert (it.publish.scalars, it.publish.live) == (True, False)


def test_an_empty_variable_counts_as_not_set(tmp_path: Path) -> None:
    environ = {"ENVOY_MQTT__HOST": "", "ENVOY_MQTT__HOTS": "", "ENVOY_GATEWAYS": "", "ENVOY_DATA_DIR": ""}
    assert settings(tmp_path, "[mqtt]\nhost = 'pi'", environ).mqtt.host == "pi"


def test_what_kubernetes_sets_beside_a_service_named_envoy_is_ignored(tmp_path: Path) -> None:
    environ = {
        "ENVOY_PORT": "tcp://10.0.0.1:80",
        "ENVOY_SERVICE_HOST": "10.0.0.1",
        "ENVOY_PORT_80_TCP_ADDR": "10.0.0.1",
        "ENVOY_GATEWAY": "tcp://10.0.0.1:80",
        "ENVOY_MQTT": "tcp://10.0.0.1:80",
        "ENVOY_": "x",
    }
    assert values(settings(tmp_path, environ=environ)) == values(settings(tmp_path))


def test_a_variable_in_capitals_wins_over_the_same_in_small_letters(tmp_path: Path) -> None:
    environ = {"envoy_mqtt__host": "small", "ENVOY_MQTT__HOST": "CAPITALS"}
    assert settings(tmp_path, environ=environ).mqtt.host == "CAPITALS"


def test_gateways_of_the_environment_merge_over_those_of_the_file_by_number(tmp_path: Path) -> None:
    toml = "[[gateways]]\nhost = 'a'\nserial = '122000000001'\n[[gateways]]\nhost = 'b'"
    environ = {"ENVOY_GATEWAYS__0__HOST": "c", "ENVOY_GATEWAYS__2__HOST": "d:8443"}
    it = settings(tmp_path, toml, environ)
    assert [(one.host, one.serial) for one in it.every_gateway] == [
        ("c", "122000000001"),
        ("b", None),
        ("d:8443", None),
    ]


def test_more_than_ten_gateways_keep_their_order(tmp_path: Path) -> None:
    environ = {f"ENVOY_GATEWAYS__{number}__HOST": f"g{number}" for number in range(12)}
    assert [it.host for it in settings(tmp_path, environ=environ).gateways] == [f"g{n}" for n in range(12)]


def test_a_list_as_json_replaces_the_list_of_the_file(tmp_path: Path) -> None:
    toml = f"[[gateways]]\nhost = 'a'\ntoken = '{JWT}'\n[[gateways]]\nhost = 'b'"
    environ = {"ENVOY_GATEWAYS": '[{"host": "c"}]', "ENVOY_GATEWAYS__0__SERIAL": "122000000001"}
    assert settings(tmp_path, toml, environ).gateways == (Gateway(host="c", serial="122000000001"),)


def test_the_command_line_speaks_in_dotted_keys_and_none_is_not_given(tmp_path: Path) -> None:
    overrides = {"mqtt.port": "1884", "data_dir": Path("here"), "mqtt.host": None, "publish.live": False}
    it = settings(tmp_path, overrides=overrides)
    assert (it.mqtt.port, it.data_dir, it.mqtt.host) == (1884, tmp_path / "here", "localhost")
    assert not it.publish.live


# Precedence

SOURCES = ("command-line", "environment", "secret-file", "file", "image")


@given(st.sets(st.sampled_from(SOURCES)))
def test_the_highest_source_that_says_something_wins(shared: Path, said: set[str]) -> None:
    def section(name: str, key: str, source: str) -> str:
        return f"[{name}]\n{key} = 'h.p.{source}'\n" if source in said else f"[{name}]\n"

    (shared / "secret").write_text("h.p.secret-file\n")
    (shared / "image").write_text(section("mqtt", "password", "image") + section("gateway", "token", "image"))
    files = {"mqtt.password_file": "secret", "gateway.token_file": "secret"} if "secret-file" in said else {}
    it = settings(
        shared,
        section("mqtt", "password", "file") + section("gateway", "token", "file"),
        {"ENVOY_MQTT__PASSWORD": "h.p.environment", "ENVOY_GATEWAY__TOKEN": "h.p.environment"}
        if "environment" in said
        else {},
        overrides=files
        | (
            {"mqtt.password": "h.p.command-line", "gateway.token": "h.p.command-line"}
            if "command-line" in said
            else {}
        ),
        image=shared / "image",
    )
    expected = next((f"h.p.{source}" for source in SOURCES if source in said), None)
    assert secret(it.mqtt.password) == expected
    assert secret(read_token(it.gateway)) == expected


@given(st.sets(st.sampled_from([source for source in SOURCES if source != "secret-file"])))
def test_so_does_it_for_what_is_no_secret(shared: Path, said: set[str]) -> None:
    (shared / "image").write_text("mqtt.base_topic = 'image'" if "image" in said else "")
    it = settings(
        shared,
        "mqtt.base_topic = 'file'" if "file" in said else "",
        {"ENVOY_MQTT__BASE_TOPIC": "environment"} if "environment" in said else {},
        overrides={"mqtt.base_topic": "command-line" if "command-line" in said else None},
        image=shared / "image",
    )
    assert it.mqtt.base_topic == next((source for source in SOURCES if source in said), "envoy")


# Secrets in files


def test_a_password_file_loses_its_last_newline_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text(" a b \n\n")
    assert secret(settings(tmp_path, "mqtt.password_file = 'pw'").mqtt.password) == " a b \n"


def test_a_password_file_that_cannot_be_used_names_its_key_and_path(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    environ = {"ENVOY_MQTT__PASSWORD_FILE": str(tmp_path / "none")}
    assert mistakes(tmp_path, environ=environ) == [
        f"ENVOY_MQTT__PASSWORD_FILE: {tmp_path}/none: no such file or directory"
    ]
    assert mistakes(tmp_path, "mqtt.password_file = 'empty'") == [
        f"mqtt.password_file: {tmp_path}/empty is empty, allowed is a file with the password in it"
    ]
    assert mistakes(tmp_path, "mqtt.password_file = 'binary'") == [
        f"mqtt.password_file: {tmp_path}/binary: it is not UTF-8 text"
    ]
    assert mistakes(tmp_path, "mqtt.password_file = '.'") == [
        f"mqtt.password_file: {tmp_path}: is a directory"
    ]


def test_a_path_with_a_line_break_is_told_in_one_line(tmp_path: Path) -> None:
    (mistake,) = mistakes(tmp_path, environ={"ENVOY_MQTT__PASSWORD_FILE": "a\nb"})
    assert mistake == f"ENVOY_MQTT__PASSWORD_FILE: {tmp_path}/a\\nb: no such file or directory"


def test_a_password_file_nobody_needs_is_not_read(tmp_path: Path) -> None:
    it = settings(tmp_path, "mqtt.password_file = 'none'", {"ENVOY_MQTT__PASSWORD": "here"})
    assert (secret(it.mqtt.password), it.mqtt.password_file) == ("here", None)


def test_a_token_file_is_read_anew_each_time(tmp_path: Path) -> None:
    gateway = settings(tmp_path, "gateway.token_file = 'jwt'").gateway
    assert read_token(gateway) is None
    (tmp_path / "jwt").write_text("\n")
    assert read_token(gateway) is None
    (tmp_path / "jwt").write_text(f"  {JWT}\n\n")
    assert secret(read_token(gateway)) == JWT
    (tmp_path / "jwt").write_text(OTHER_JWT)
    assert secret(read_token(gateway)) == OTHER_JWT


def test_a_token_file_with_something_else_is_told_without_showing_it(tmp_path: Path) -> None:
    (tmp_path / "jwt").write_text("hunter2")
    gateway = settings(tmp_path, "[[gateways]]\ntoken_file = 'jwt'").gateways[0]
    with pytest.raises(ConfigError) as caught:
        read_token(gateway, "gateways[0]")
    assert caught.value.mistakes == (
        f"gateways[0].token_file: {tmp_path}/jwt holds something else, allowed is {TOKEN}",
    )


def test_a_token_of_the_environment_beats_the_file_and_the_file_that_of_the_configuration(
    tmp_path: Path,
) -> None:
    (tmp_path / "jwt").write_text(OTHER_JWT)
    toml = "[[gateways]]\nhost = 'a'\ntoken_file = 'jwt'\n[[gateways]]\nhost = 'b'\n" + f"token = '{JWT}'\n"
    environ = {"ENVOY_GATEWAYS__0__TOKEN": f" {JWT}\n", "ENVOY_GATEWAYS__1__TOKEN_FILE": "jwt"}
    first, second = settings(tmp_path, toml, environ).gateways
    assert (secret(first.token), first.token_file) == (JWT, None)
    assert (second.token, second.token_file) == (None, tmp_path / "jwt")


# Mistakes


def test_every_mistake_is_told_at_once_each_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "image.toml").write_text("[log]\nlevel = 'loud'")
    toml = """
        weather = "fair"
        [gateway]
        host = "192.168.1.300"
        serial = 122012345678
        token = "secret token"
        [mqtt]
        hots = "pi"
        port = 99999
        password = 1234
        keepalive_s = true
        timeout_s = nan
        base_topic = "envoy/#"
        tls = true
        [publish]
        live = "yes"
        [wobble]
        port = 8099
    """
    environ = {"ENVOY_AVAILABILITY__TIMEOUT_S": "soon", "ENVOY_MQTT__TSL__ENABLED": "1"}
    assert sorted(mistakes(tmp_path, toml, environ)) == [
        'ENVOY_AVAILABILITY__TIMEOUT_S: found "soon", allowed is a number from 2 to 3600',
        "ENVOY_MQTT__TSL__ENABLED: there is no such key; did you mean ENVOY_MQTT__TLS__ENABLED?",
        f'gateway.host: found "192.168.1.300", allowed is {HOST}',
        "gateway.serial: found 122012345678, allowed is 12 digits in quotes",
        f"gateway.token: what is there cannot be used, allowed is {TOKEN}",
        f'log.level in {tmp_path}/image.toml: found "loud", allowed is "debug", "info", "warning" or "error"',
        'mqtt.base_topic: found "envoy/#", allowed is a topic without + and #, and without / at its ends',
        "mqtt.hots: there is no such key; did you mean mqtt.host?",
        "mqtt.keepalive_s: found true, allowed is a whole number from 5 to 300",
        "mqtt.password: what is there cannot be used, allowed is text in quotes, not empty",
        "mqtt.port: found 99999, allowed is a whole number from 1 to 65535",
        "mqtt.timeout_s: found nan, allowed is a number from 1 to 60",
        "mqtt.tls: found true or false, allowed is a section with keys of its own",
        'publish.live: found "yes", allowed is true or false',
        "weather: there is no such key",
        "wobble: there is no such key",
    ]


@pytest.mark.parametrize(
    ("toml", "environ", "expected"),
    [
        ("gateways = []", {}, "gateways: found an empty list, allowed is a list of at least one gateway"),
        ("gateways = 'a'", {}, "gateways: found text, allowed is a list of at least one gateway"),
        ("gateways = [1]", {}, "gateways[0]: found a number, allowed is a section with keys of its own"),
        (
            "",
            {"ENVOY_GATEWAYS": "[]"},
            "ENVOY_GATEWAYS: found an empty list, allowed is a list of at least one gateway",
        ),
        (
            "",
            {"ENVOY_GATEWAYS": "a,b"},
            "ENVOY_GATEWAYS: this is not JSON, allowed is a list of gateways as JSON",
        ),
        (
            "",
            {"ENVOY_GATEWAYS": '[{"hots": "a"}]'},
            "ENVOY_GATEWAYS[0].hots: there is no such key; did you mean ENVOY_GATEWAYS[0].host?",
        ),
        (
            "",
            {"ENVOY_GATEWAYS": '[{"serial": "1"}]'},
            'ENVOY_GATEWAYS[0].serial: found "1", allowed is 12 digits in quotes',
        ),
        (
            "[gateway]\n[[gateways]]\nhost = 'a'",
            {},
            "gateways: stands beside gateway; gateways replaces gateway altogether, keep one of the two",
        ),
        (
            "gateway.serial = '122000000001'",
            {"ENVOY_GATEWAYS__0__HOST": "a"},
            "ENVOY_GATEWAYS__0__HOST: stands beside gateway; gateways replaces gateway altogether",
        ),
        (
            "",
            {"ENVOY_GATEWAYS__1__HOST": "a"},
            "ENVOY_GATEWAYS__1__HOST: there is no gateways[0]; numbers start at 0 and leave none out",
        ),
        (
            "[[gateways]]\nhost = 'Envoy.local'\n[[gateways]]\nhost = 'envoy.local:443'",
            {},
            "gateways[1].host: found envoy.local:443, which is gateways[0].host already",
        ),
        (
            "[[gateways]]\nserial = '122000000001'\n[[gateways]]",
            {},
            "gateways[1].host: found envoy.local, which is gateways[0].host already",
        ),
        (
            "[[gateways]]\nhost = 'a'\nserial = '122000000001'",
            {"ENVOY_GATEWAYS__1__HOST": "b", "ENVOY_GATEWAYS__1__SERIAL": "122000000001"},
            "ENVOY_GATEWAYS__1__SERIAL: found 122000000001, which is gateways[0].serial already",
        ),
        (
            "[[gateways]]\nhost = 'a'\nhots = 'a'",
            {},
            "gateways[0].hots: there is no such key; did you mean gateways[0].host?",
        ),
        ("", {"ENVOY_GATEWAYS__HOST": "a"}, "ENVOY_GATEWAYS__HOST: there is no such key"),
        ("", {"ENVOY__MQTT_HOST": "a"}, "ENVOY__MQTT_HOST: there is no such key"),
        ('"a b\\n" = 1', {}, '"a b\\n": there is no such key'),
        (f"mqtt.username = 1\nmqtt.host = '{JWT}'", {}, "mqtt.username: found 1, allowed is text"),
        (
            "mqtt.host = 'mqtt://me:hunter2@pi'",
            {},
            "mqtt.host: found text of 20 characters, allowed is a name",
        ),
        ("mqtt.port = 0x" + "f" * 5000, {}, "mqtt.port: found a far greater number, allowed is a whole"),
        ("mqtt.host = 1979-05-27", {}, "mqtt.host: found something else, allowed is a name"),
        ("mqtt.host = {}", {}, "mqtt.host: found a section, allowed is a name"),
        ("mqtt.protocol = 4", {}, 'mqtt.protocol: found 4, allowed is "auto", "5" or "3.1.1"'),
        (
            "compat.topic = 'envoy/122100000017/live'",
            {},
            "compat.topic: found envoy/122100000017/live, which the bridge uses for something else",
        ),
        ("mqtt.base_topic = 'a/b'\ncompat.topic = 'a/b/bridge'", {}, "compat.topic: found a/b/bridge, which"),
        (
            "",
            {"ENVOY_COMPAT__TOPIC": "Inverter/GridWatts"},
            "ENVOY_COMPAT__TOPIC: found Inverter/GridWatts, which the bridge uses for something else",
        ),
    ],
)
def test_a_mistake_names_the_key_what_was_found_and_what_is_allowed(
    tmp_path: Path, toml: str, environ: dict[str, str], expected: str
) -> None:
    assert mistakes(tmp_path, toml, environ)[0].startswith(expected)


def allowed(folder: Path, key: str, value: object) -> bool:
    try:
        settings(folder, f"{key} = {json.dumps(value)}")
    except ConfigError as error:
        return not all(mistake.startswith(f"{key}: ") for mistake in error.mistakes)
    return True


@pytest.mark.parametrize(
    ("key", "good", "bad"),
    [
        (
            "gateway.host",
            ["envoy", "envoy.local.", "my_envoy:8443", "192.168.1.5", "192.168.1.5:443", "[::1]"],
            ["", "https://envoy.local", "envoy.local/", "envoy.local:0", "envoy.local:65536", "a b", "-a"],
        ),
        (
            "gateway.host",
            ["[fe80::1%eth0]", "[fe80::1%3]:443"],
            ["fe80::1", "[fe80::1", "[envoy]", "[::1]:", "192.168.1", "192.168.1.5:x", "a..b", "a\n", 1],
        ),
        (
            "mqtt.host",
            ["localhost", "192.168.1.2", "::1", "[fe80::1%eth0]"],
            ["", "mqtt://pi", "pi:1883", "a b", "1.2.3", True],
        ),
        (
            "gateway.serial",
            ["122000000001", "000000000000"],
            ["12200000000", "1220000000011", "١" * 12, "a" * 12],
        ),
        ("gateway.token", [JWT, f" {JWT}\n"], ["", "a.b", "a.b.c.d", "a.b.c!", "a..c", 1]),
        ("gateway.certificate", ["pin", "strict", "off"], ["", "on", "PIN", False]),
        ("mqtt.port", [1, 65535], [0, 65536, -1, 1.5, "1883", True]),
        ("mqtt.keepalive_s", [5, 300], [4, 301, 5.5, "15"]),
        ("mqtt.timeout_s", [1, 60, 2.5], [0.9, 60.1, "5", False]),
        ("mqtt.protocol", ["auto", "5", "3.1.1", 5], ["", "3", 4, True]),
        ("mqtt.base_topic", ["e", "home/solar", "a//b", "ü"], ["", "/", "/a", "a/", "a/+", "#", "a\0b", 1]),
        ("mqtt.username", ["me"], ["", 1, "a\0b"]),
        ("mqtt.client_id", ["me"], ["", 1]),
        ("mqtt.password", ["pw"], ["", 1]),
        ("mqtt.retain", [True, False], ["true", 1, 0]),
        ("mqtt.tls.ca_file", ["a"], ["", 1, "a\0b"]),
        ("publish.meters", [True], ["on", 1]),
        (
            "compat.enphase_envoy_mqtt_json",
            ["off", "readings", "stream", "livedata"],
            ["", "Stream", False, "production"],
        ),
        (
            "compat.topic",
            ["/envoy/json", "envoy/json", "a", "envoy/json/122100000017", "envoys"],
            ["", "/", "a/", "a/+", "#", "a\0b", 1, "envoy", "envoy/bridge/state", "envoy/122100000017"],
        ),
        ("compat.freeds", [True, False], ["true", 1]),
        ("availability.timeout_s", [2, 3600, 2.5], [1, 3601, "30"]),
        ("web.enabled", [True, False], ["true", 1]),
        ("web.host", ["127.0.0.1", "0.0.0.0", "::", "[::1]", "pi"], ["", "http://pi", "pi:80", 1]),
        ("web.port", [1, 65535], [0, 65536, "8099", 1.5]),
        (
            "web.allowed_hosts",
            [[], ["solar.example.com"], ["a.example", "B.example."], "a.example, b.example"],
            [[""], ["a:80"], ["http://a"], [1], {}, 1, ["*.example"]],
        ),
        (
            "web.allowed_clients",
            [[], ["192.168.1.10", "192.168.1.0/24"], ["fe80::/10", "::1"], "10.0.0.1, 10.0.1.0/24"],
            [[""], ["a"], ["192.168.1.10/24"], ["10.0.0.1:80"], ["[::1]"], [1], {}, 1],
        ),
        ("web.trusted_proxies", [[], ["172.30.32.2"]], [["homeassistant"], [1], 1]),
        ("log.level", ["debug", "info", "warning", "error"], ["", "DEBUG", "critical", 10]),
        ("log.format", ["auto", "console", "json"], ["text", True]),
        ("data_dir", ["a"], ["", 1]),
        ("gateway.account.username", ["me@example.com"], ["", 1]),
        ("gateway.account.password", ["pw"], ["", 1]),
        ("gateway.account.role", ["owner", "installer"], ["", "Owner", 1]),
        (
            "cloud.login_url",
            ["https://a.example", "https://a.example/", "https://a.example:8443/base", "https://[::1]"],
            ["", "a.example", "ftp://a.example", "https://", "https:///x", "https://a b", "https://a/?x=1"],
        ),
        (
            "cloud.token_url",
            ["http://127.0.0.1:8080", "http://127.9.9.9", "http://[::1]:1", "https://192.168.1.5"],
            ["http://a.example", "http://localhost", "http://192.168.1.5", "https://me:pw@a.example", 1],
        ),
    ],
)
def test_ranges_and_forms(tmp_path: Path, key: str, good: list[object], bad: list[object]) -> None:
    assert [value for value in good if not allowed(tmp_path, key, value)] == []
    assert [value for value in bad if allowed(tmp_path, key, value)] == []


# What is shown


def test_the_configuration_in_force_is_shown_as_toml_without_secrets(tmp_path: Path) -> None:
    toml = f"""
        [[gateways]]
        host = "a"
        token = "{JWT}"
        account = {{ username = "me@example.com", password = "hunter3", role = "installer" }}
        [[gateways]]
        host = "b"
        [mqtt]
        timeout_s = 2.5
        username = 'my "own"'
        password = "hunter2"
        tls = {{ enabled = true, ca_file = "/etc/ca.pem" }}
        [web]
        allowed_hosts = ["a.example", "B.example."]
        allowed_clients = ["10.0.0.1/32", "10.0.1.0/24"]
    """
    assert show(settings(tmp_path, toml, {"ENVOY_DATA_DIR": "/data"})) == (
        'data_dir = "/data"\n'
        "\n[[gateways]]\n"
        'host = "a"\n'
        'token = "***"\n'
        'source = "auto"\n'
        'certificate = "pin"\n'
        "\n[gateways.account]\n"
        'username = "***"\n'
        'password = "***"\n'
        'role = "installer"\n'
        "\n[[gateways]]\n"
        'host = "b"\n'
        'source = "auto"\n'
        'certificate = "pin"\n'
        "\n[gateways.account]\n"
        'role = "owner"\n'
        "\n[cloud]\n"
        'login_url = "https://enlighten.enphaseenergy.com"\n'
        'token_url = "https://entrez.enphaseenergy.com"\n'
        "\n[mqtt]\n"
        'host = "localhost"\n'
        "port = 8883\n"
        'username = "my \\"own\\""\n'
        'password = "***"\n'
        "keepalive_s = 15\n"
        "timeout_s = 2.5\n"
        'protocol = "auto"\n'
        'base_topic = "envoy"\n'
        "retain = true\n"
        "\n[mqtt.tls]\n"
        "enabled = true\n"
        'ca_file = "/etc/ca.pem"\n'
        "\n[publish]\n"
        "meters = true\n"
        "live = true\n"
        "scalars = false\n"
        "\n[homeassistant]\n"
        "enabled = true\n"
        'prefix = "homeassistant"\n'
        'birth_topic = "homeassistant/status"\n'
        "interval_s = 10\n"
        'style = "device"\n'
        "\n[availability]\n"
        "timeout_s = 30\n"
        "\n[energy]\n"
        "interval_s = 60\n"
        'grid = "phases"\n'
        "\n[site]\n"
        "night_w = 5\n"
        "\n[inverters]\n"
        "enabled = false\n"
        "interval_s = 300\n"
        "\n[tariff]\n"
        "daily_charge = 0\n"
        "billing_day = 1\n"
        "discount = 0\n"
        "\n[compat]\n"
        'enphase_envoy_mqtt_json = "off"\n'
        'topic = "/envoy/json"\n'
        "freeds = false\n"
        "\n[journal]\n"
        "enabled = false\n"
        "max_mb = 256\n"
        "\n[web]\n"
        "enabled = true\n"
        'host = "127.0.0.1"\n'
        "port = 8099\n"
        'allowed_hosts = ["a.example", "b.example"]\n'
        'allowed_clients = ["10.0.0.1", "10.0.1.0/24"]\n'
        "trusted_proxies = []\n"
        "\n[log]\n"
        'level = "info"\n'
        'format = "auto"\n'
    )


def test_what_is_public_has_no_secret_and_no_path_and_is_json(tmp_path: Path) -> None:
    toml = f"gateway.token = '{JWT}'\nmqtt.password = 'pw'\n[gateway.account]\n"
    toml += "username = 'me@example.com'\npassword = 'pw'"
    toml += "\n[mqtt.tls]\nca_file = '/home/me/ca.pem'"
    it = settings(tmp_path, toml, {"ENVOY_DATA_DIR": "/home/me/data"})
    assert json.loads(json.dumps(public(it))) == {
        "gateway": {
            "host": "envoy.local",
            "source": "auto",
            "certificate": "pin",
            "account": {"role": "owner"},
        },
        "cloud": {
            "login_url": "https://enlighten.enphaseenergy.com",
            "token_url": "https://entrez.enphaseenergy.com",
        },
        "mqtt": {
            "tls": {"enabled": False},
            "host": "localhost",
            "port": 1883,
            "keepalive_s": 15,
            "timeout_s": 5,
            "protocol": "auto",
            "base_topic": "envoy",
            "retain": True,
        },
        "publish": {"meters": True, "live": True, "scalars": False},
        "homeassistant": {
            "enabled": True,
            "prefix": "homeassistant",
            "birth_topic": "homeassistant/status",
            "interval_s": 10,
            "style": "device",
        },
        "availability": {"timeout_s": 30},
        "energy": {"interval_s": 60, "grid": "phases"},
        "site": {"night_w": 5},
        "inverters": {"enabled": False, "interval_s": 300},
        "tariff": {"daily_charge": 0, "billing_day": 1, "discount": 0},
        "compat": {"enphase_envoy_mqtt_json": "off", "topic": "/envoy/json", "freeds": False},
        "journal": {"enabled": False, "max_mb": 256},
        "web": {
            "enabled": True,
            "host": "127.0.0.1",
            "port": 8099,
            "allowed_hosts": [],
            "allowed_clients": [],
            "trusted_proxies": [],
        },
        "log": {"level": "info", "format": "auto"},
    }


def test_the_repr_of_settings_hides_secrets(tmp_path: Path) -> None:
    it = settings(tmp_path, f"gateway.token = '{JWT}'\nmqtt.password = 'hunter2'")
    assert JWT not in repr(it)
    assert "hunter2" not in repr(it)


# Properties

# TOML takes any text but surrogates; a secret is long enough not to stand in a sentence by chance.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=30)
SECRET = TEXT.map(lambda text: f"hunter2{text}")


@given(SECRET, st.sampled_from(["eyJ.{0}", "{0}.b.c", "{0}"]))
@example('"\n[mqtt', "{0}")
def test_no_secret_is_ever_in_an_error_or_shown(shared: Path, text: str, form: str) -> None:
    hidden = form.format(text)
    quoted = json.dumps(hidden, ensure_ascii=False).replace("\x7f", "\\u007f")
    (shared / "jwt").write_text(hidden, encoding="utf-8")
    said = ""
    for toml, environ in (
        (f"gateway.token = {quoted}\nmqtt.password = {quoted}", {}),
        (f"gateway.token = '{hidden}'\nmqtt.password = {hidden}", {}),
        (f"gateway = {quoted}\nmqtt = {quoted}\ngateways = {quoted}", {}),
        (f"gateway.token = [{quoted}]\nmqtt.password = {{a = {quoted}}}", {}),
        (f"mqtt.password = {quoted}\nmqtt.port = 0", {}),
        ("", {"ENVOY_GATEWAY__TOKEN": hidden, "ENVOY_MQTT__PASSWORD": hidden, "ENVOY_MQTT__PORT": "x"}),
        ("", {"ENVOY_GATEWAYS": json.dumps([{"token": hidden}])}),
        ("", {"ENVOY_GATEWAYS": json.dumps(hidden)}),
        ("", {"ENVOY_GATEWAYS": hidden}),
        ("gateway.token_file = 'jwt'\nmqtt.password_file = 'jwt'", {}),
        (f"mqtt.password = {quoted}", {}),
        (f"gateway.account.password = {quoted}\ngateway.account.username = {quoted}", {}),
        (f"gateway.account = {quoted}\ncloud = {quoted}", {}),
        (f"gateway.account.username = [{quoted}]", {"ENVOY_GATEWAY__ACCOUNT__PASSWORD": hidden}),
        ("gateway.account.password_file = 'jwt'", {}),
    ):
        try:
            it = settings(shared, toml, environ)
            said += show(it) + json.dumps(public(it), ensure_ascii=False) + repr(it)
            read_token(it.gateway)
        except ConfigError as error:
            said += f"{error!r} {error}"
    assert text not in said
    assert hidden not in said


def _names() -> st.SearchStrategy[str]:
    label = st.text(string.ascii_letters + string.digits + "_", min_size=1, max_size=8)
    return st.lists(label, min_size=1, max_size=3).map(".".join).filter(lambda name: not name[-1].isdigit())


VALID: dict[Key, st.SearchStrategy[object]] = {
    ("data_dir",): TEXT,
    ("gateway", "host"): st.one_of(_names(), st.ip_addresses(v=4).map(str)),
    ("gateway", "serial"): st.text(string.digits, min_size=12, max_size=12),
    ("gateway", "token"): st.just(JWT),
    ("gateway", "token_file"): TEXT,
    ("gateway", "certificate"): st.sampled_from(["pin", "strict", "off"]),
    ("gateway", "account", "username"): TEXT,
    ("gateway", "account", "password"): TEXT,
    ("gateway", "account", "password_file"): st.just("password"),
    ("gateway", "account", "role"): st.sampled_from(["owner", "installer"]),
    ("cloud", "login_url"): _names().map("https://{}:8443/base/".format),
    ("cloud", "token_url"): st.integers(1, 254).map("http://127.0.0.{}".format),
    ("mqtt", "tls", "enabled"): st.booleans(),
    ("mqtt", "tls", "ca_file"): TEXT,
    ("mqtt", "tls", "cert_file"): TEXT,
    ("mqtt", "tls", "key_file"): TEXT,
    ("mqtt", "host"): st.one_of(_names(), st.ip_addresses().map(str)),
    ("mqtt", "port"): st.integers(1, 65535),
    ("mqtt", "username"): TEXT,
    ("mqtt", "password"): TEXT,
    ("mqtt", "password_file"): st.just("password"),
    ("mqtt", "client_id"): TEXT,
    ("mqtt", "keepalive_s"): st.integers(5, 300),
    ("mqtt", "timeout_s"): st.floats(1, 60),
    ("mqtt", "protocol"): st.sampled_from(["auto", "5", "3.1.1"]),
    ("mqtt", "base_topic"): TEXT.map(lambda text: text.translate(dict.fromkeys(map(ord, "+#/"), "_"))),
    ("mqtt", "retain"): st.booleans(),
    ("publish", "meters"): st.booleans(),
    ("publish", "live"): st.booleans(),
    ("publish", "scalars"): st.booleans(),
    ("compat", "enphase_envoy_mqtt_json"): st.sampled_from(["off", "readings", "stream", "livedata"]),
    ("compat", "freeds"): st.booleans(),
    ("availability", "timeout_s"): st.one_of(st.floats(2, 3600), st.integers(2, 3600)),
    ("web", "enabled"): st.booleans(),
    ("web", "host"): st.one_of(_names(), st.ip_addresses().map(str)),
    ("web", "port"): st.integers(1, 65535),
    ("web", "allowed_hosts"): st.lists(_names(), max_size=3).map(",".join),
    ("web", "allowed_clients"): st.lists(st.ip_addresses().map(str), max_size=3).map(",".join),
    ("web", "trusted_proxies"): st.lists(st.ip_addresses().map(str), max_size=3).map(",".join),
    ("log", "level"): st.sampled_from(["debug", "info", "warning", "error"]),
    ("log", "format"): st.sampled_from(["auto", "console", "json"]),
}


@given(st.fixed_dictionaries({}, optional=VALID), st.booleans())
def test_what_is_shown_loads_back_equal(shared: Path, said: dict[Key, object], several: bool) -> None:
    (shared / "password").write_text("from a file")
    environ = {
        "__".join(["ENVOY", *map(str, key)]).replace("ENVOY__", "ENVOY_").upper(): str(value)
        for key, value in said.items()
    }
    if several:
        environ = {name.replace("GATEWAY__", "GATEWAYS__0__"): value for name, value in environ.items()}
    it = settings(shared, environ=environ)
    again = settings(shared, show(it).replace('token = "***"', f'token = "{JWT}"'))

    assert without_passwords(again) == without_passwords(it)


def without_passwords(tree: Any) -> Any:
    """The values, and of passwords and account names only whether there is one; `***` is one too."""
    match tree:
        case Settings():
            dump = values(tree)
            return without_passwords(dump)
        case dict():
            return {
                name: "***" if isinstance(value, SecretStr) and name != "token" else without_passwords(value)
                for name, value in tree.items()
            }
        case tuple() | list():
            return [without_passwords(item) for item in tree]
    return tree


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["host", "token", "serial", "token_file"]) | st.text(), inner, max_size=4
        )
    ),
    max_leaves=8,
)
VARIABLES = st.sampled_from(["ENVOY_" + "__".join(map(str, key)).upper() for key in KEYS]) | st.builds(
    "ENVOY_GATEWAYS__{}__{}".format, st.integers(0, 3), st.sampled_from(["HOST", "TOKEN", "TOKEN_FILE", "X"])
)
ANY_TEXT = st.text(st.characters())


@given(
    st.dictionaries(VARIABLES | ANY_TEXT.map("ENVOY_{}".format), ANY_TEXT, max_size=4), JSON, st.booleans()
)
def test_whatever_the_environment_holds_it_loads_or_is_a_mistake_in_one_line(
    shared: Path, environ: dict[str, str], gateways: object, listed: bool
) -> None:
    if listed:
        environ = environ | {"ENVOY_GATEWAYS": json.dumps(gateways)}
    loads_or_tells(shared, environ)


@given(st.binary() | st.text().map(str.encode) | JSON.map(lambda it: f"gateways = {json.dumps(it)}".encode()))
@example(b"a = " + b"[" * 60_000)
@example(b"a = " + b"9" * 5_000)
@example(b'mqtt.host = "\\ud800"')
def test_whatever_the_file_holds_it_loads_or_is_a_mistake_in_one_line(shared: Path, content: bytes) -> None:
    (shared / "any.toml").write_bytes(content)
    loads_or_tells(shared, {}, Path("any.toml"))


def loads_or_tells(folder: Path, environ: Mapping[str, str], file: Path | None = None) -> None:
    it = outcome(folder, environ, file)
    if isinstance(it, Settings):
        assert tomllib.loads(show(it))
        return
    assert it.mistakes
    assert [mistake for mistake in it.mistakes if not mistake or "\n" in mistake] == []
    assert "pydantic" not in str(it)
    assert str(it).encode(), "every sentence can be printed"


def outcome(folder: Path, environ: Mapping[str, str], file: Path | None) -> Settings | ConfigError:
    try:
        return load(file, environ={"HOME": "/home/me"} | dict(environ), cwd=folder, image=folder / "none")
    except ConfigError as error:
        return error


# The example file


def commented_in(text: str) -> str:
    """The example with every key that is commented out in force."""
    lines = text.splitlines()
    assignments = [line.removeprefix("# ") for line in lines]
    known = {str(key[-1]) for key in KEYS}
    return "\n".join(
        bare if bare.split(" = ")[0] in known or bare.startswith("[[") else line
        for bare, line in zip(assignments, lines, strict=True)
    )


def exporting(key: Key) -> bool:
    """What one exports for has the keys of what one imports for; the example does not repeat them."""
    return key[:2] == ("tariff", "export")


def flat(tree: Mapping[str, Any], at: Key = ()) -> Iterator[tuple[Key, object]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from flat(value, (*at, name))
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for each in value:
                yield from flat(each, (*at, name, 0))
        else:
            yield (*at, name), value


def test_the_example_loads_as_it_is_and_changes_nothing(tmp_path: Path) -> None:
    assert values(settings(tmp_path, EXAMPLE)) == values(settings(tmp_path))


def test_the_example_has_every_key_and_no_other(tmp_path: Path) -> None:
    shown = dict(flat(tomllib.loads(commented_in(EXAMPLE))))
    assert {key for key in shown if not exporting(key)} == {key for key in KEYS if not exporting(key)}
    assert set(shown) <= set(KEYS)


def test_the_example_shows_defaults_and_comments_out_what_has_none_of_its_own(tmp_path: Path) -> None:
    without = {key for key, field in KEYS.items() if field.default is None or 0 in key}
    # The default of these depends: on where we are, and on TLS.
    without |= {("data_dir",), ("mqtt", "port")}
    assert set(dict(flat(tomllib.loads(EXAMPLE)))) == set(KEYS) - without
    assert "\n# port = 1883\n" in EXAMPLE


def test_the_example_is_right_with_every_key_in_force(tmp_path: Path) -> None:
    (tmp_path / "mqtt_password").write_text("hunter2\n")
    (tmp_path / "account_password").write_text("hunter3\n")
    (tmp_path / "envoy_token").write_text(JWT)
    it = settings(tmp_path, commented_in(EXAMPLE).replace("/run/secrets", str(tmp_path)))
    assert secret(it.mqtt.password) == "hunter2"
    assert secret(it.gateway.account.password) == "hunter3"
    assert secret(read_token(it.gateway)) == JWT
    assert it.mqtt.port == 1883


def test_what_is_shown_has_the_order_of_the_example(tmp_path: Path) -> None:
    (tmp_path / "mqtt_password").write_text("hunter2\n")
    (tmp_path / "account_password").write_text("hunter3\n")
    it = settings(tmp_path, commented_in(EXAMPLE).replace("/run/secrets", str(tmp_path)))
    order = list(dict(flat(tomllib.loads(commented_in(EXAMPLE)))))
    shown = list(dict(flat(tomllib.loads(show(it)))))
    left_out = {key for key in shown if exporting(key)} | {("gateway", "token")}
    assert [key for key in shown if key not in left_out] == [
        key for key in order if key not in left_out and not exporting(key)
    ]
