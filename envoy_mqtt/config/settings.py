"""Every key there is: its type, its default, and what is allowed.

`description` is the second half of the sentence someone reads who wrote something else, so it belongs
beside the check it tells of. What a key means stands in `config.example.toml`.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from envoy_mqtt.compat.imitation import Shape
from envoy_mqtt.config import forms
from envoy_mqtt.config.surroundings import Supervisor
from envoy_mqtt.energy.plan import Grid
from envoy_mqtt.gateway.ladder import Wanted
from envoy_mqtt.gateway.verdict import Mode

YES_NO = "true or false"
TOPIC = r"^[^+#/\x00]([^+#\x00]*[^+#/\x00])?$"
A_TOPIC = "a topic without + and #, and without / at its ends"
FOREIGN_TOPIC = r"^[^+#\x00]*[^+#/\x00]$"
TEXT = "text in quotes, not empty"
FILE = "the path of a file"
CLOUD = "an address that begins with https://, or with http:// before a loopback address such as 127.0.0.1"
JWT = "a token: three parts of letters, digits, - and _ with dots between them"

NETWORKS = 'a list of addresses and networks such as ["192.168.1.10", "192.168.1.0/24"]'
PERIOD_NAME = "small letters, digits and _, but not former, not today, and nothing that ends in _today"
TIMES = 'a list of local times such as ["22:00-07:00"], each from 00:00 to 24:00'
MONTHS = "a list of numbers from 1 to 12"
DAYS = '"all", "workdays", "weekend", or a list such as ["mon", "sat"]'


def _between(default: float, low: int, high: int, *, number: str = "a whole number") -> Any:
    return Field(default, ge=low, le=high, description=f"{number} from {low} to {high}")


def _switch(default: bool) -> Any:
    return Field(default, description=YES_NO)


def _maybe(description: str, **limits: Any) -> Any:
    return Field(None, description=description, **limits)


class Section(BaseModel):
    """One section of the configuration; strict, for what comes as text is converted before."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, hide_input_in_errors=True
    )


class Account(Section):
    """The vendor's cloud's account that tokens are fetched with.

    The username is an e-mail address: no password, and nobody's business on a broker all the same.
    """

    username: SecretStr | None = _maybe(TEXT, min_length=1)
    password: SecretStr | None = _maybe(TEXT, min_length=1)
    password_file: Path | None = _maybe(FILE)
    role: Literal["owner", "installer"] = Field("owner", description='"owner" or "installer"')


class Gateway(Section):
    """One gateway. Of `token` and `token_file` at most one is set once `load` has decided which counts."""

    host: Annotated[str, AfterValidator(forms.gateway_host)] = Field(
        "envoy.local", description="a name, an IPv4 address or [an IPv6 address], each with or without :port"
    )
    serial: str | None = _maybe("12 digits in quotes", pattern=r"^[0-9]{12}$")
    token: Annotated[SecretStr | None, AfterValidator(lambda it: it if it is None else forms.token(it))] = (
        _maybe(JWT)
    )
    token_file: Path | None = _maybe(FILE)
    source: Wanted = Field("auto", description='"auto", "stream", "readings", "livedata" or "production"')
    certificate: Mode = Field("pin", description='"pin", "strict" or "off"')
    account: Account = Account()


class Cloud(Section):
    """Where the vendor's cloud is asked for tokens: base addresses, to which the paths are appended."""

    login_url: Annotated[str, AfterValidator(forms.cloud_url)] = Field(
        "https://enlighten.enphaseenergy.com", description=CLOUD
    )
    token_url: Annotated[str, AfterValidator(forms.cloud_url)] = Field(
        "https://entrez.enphaseenergy.com", description=CLOUD
    )


class Tls(Section):
    """Encryption towards the broker; verification has no switch on purpose."""

    enabled: bool = _switch(False)
    ca_file: Path | None = _maybe(FILE)
    cert_file: Path | None = _maybe(FILE)
    key_file: Path | None = _maybe(FILE)


class Mqtt(Section):
    """The broker. `tls` comes first because the port's default looks at it."""

    tls: Tls = Tls()
    host: Annotated[str, AfterValidator(forms.broker_host)] = Field(
        "localhost", description="a name or an address, without scheme and port"
    )
    port: int = Field(
        default_factory=lambda before: 8883 if before["tls"].enabled else 1883,
        ge=1,
        le=65535,
        description="a whole number from 1 to 65535",
    )
    username: str | None = _maybe(TEXT, pattern=r"^[^\x00]+$")
    password: SecretStr | None = _maybe(TEXT, min_length=1)
    password_file: Path | None = _maybe(FILE)
    client_id: str | None = _maybe(TEXT, pattern=r"^[^\x00]+$")
    keepalive_s: int = _between(15, 5, 300)
    timeout_s: float = _between(5.0, 1, 60, number="a number")
    # A bare 5 is what TOML invites to; 3.1.1 it only takes in quotes.
    protocol: Annotated[Literal["auto", "5", "3.1.1"], BeforeValidator(lambda it: "5" if it == 5 else it)] = (
        Field("auto", description='"auto", "5" or "3.1.1"')
    )
    base_topic: str = Field(
        "envoy",
        max_length=1000,
        pattern=TOPIC,
        description=A_TOPIC,
    )
    retain: bool = _switch(True)


class Publish(Section):
    """Which of the topics of each reading are published."""

    meters: bool = _switch(True)
    live: bool = _switch(True)
    scalars: bool = _switch(False)


class Homeassistant(Section):
    """What is said to Home Assistant, and how often."""

    enabled: bool = _switch(True)
    prefix: str = Field("homeassistant", max_length=1000, pattern=TOPIC, description=A_TOPIC)
    birth_topic: str = Field("homeassistant/status", max_length=1000, pattern=TOPIC, description=A_TOPIC)
    interval_s: int = _between(10, 1, 60)
    style: Literal["device", "component"] = Field("device", description='"device" or "component"')


class Availability(Section):
    """When a silent gateway counts as offline."""

    timeout_s: float = _between(30.0, 2, 3600, number="a number")


class Energy(Section):
    """Lifetime and today's energy."""

    interval_s: float = _between(60.0, 5, 3600, number="a number")
    grid: Grid = Field("phases", description='"phases" or "balanced"')


class Site(Section):
    """Where the house stands, and what is noise there."""

    timezone: Annotated[str | None, AfterValidator(forms.zone)] = _maybe("an IANA time zone")
    night_w: float = _between(5.0, 0, 100, number="a number")


class Period(Section):
    """One period of a tariff: `tariffs` makes the pure one of it."""

    name: Annotated[str, AfterValidator(forms.period_name)] = Field("", description=PERIOD_NAME)
    price: float | None = _maybe("a number", ge=-1e6, le=1e6)
    price_topic: str | None = _maybe("a topic without + and #", max_length=1000, pattern=r"^[^+#\x00]+$")
    price_key: str | None = _maybe(TEXT, min_length=1)
    times: Annotated[tuple[str, ...], BeforeValidator(forms.times)] = Field((), description=TIMES)
    months: Annotated[tuple[int, ...], BeforeValidator(forms.months)] = Field((), description=MONTHS)
    days: Annotated[str | tuple[str, ...], BeforeValidator(forms.days)] = Field("all", description=DAYS)


Periods = Annotated[tuple[Period, ...], Field(strict=False), BeforeValidator(forms.members)]


class Tariff(Section):
    """What power costs; without periods nothing is published of it."""

    currency: str | None = _maybe('an ISO 4217 code such as "EUR"', pattern=r"^[A-Z]{3}$")
    daily_charge: float = _between(0.0, 0, 1_000_000, number="a number")
    billing_day: int = _between(1, 1, 28)
    holidays: str | None = _maybe(
        'a country or a part of one, such as "AU-NSW"', pattern=r"^[A-Z]{2}(-.{1,40})?$"
    )
    discount: float = _between(0.0, 0, 1, number="a number")
    imports: Periods = Field((), alias="import")
    exports: Periods = Field((), alias="export")

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics that prices come from, each once."""
        periods = (*self.imports, *self.exports)
        return tuple(dict.fromkeys(period.price_topic for period in periods if period.price_topic))


class Inverters(Section):
    """The microinverters' own reports."""

    enabled: bool = _switch(False)
    interval_s: float = _between(300.0, 300, 3600, number="a number")


class Compat(Section):
    """What other bridges would have published, beside our own topics."""

    enphase_envoy_mqtt_json: Shape = Field("off", description='"off", "readings", "stream" or "livedata"')
    topic: str = Field(
        "/envoy/json",
        max_length=1000,
        pattern=FOREIGN_TOPIC,
        description="a topic without + and #, and without / at its end",
    )
    freeds: bool = _switch(False)


class Journal(Section):
    """The durable copy of every reading."""

    enabled: bool = _switch(False)
    max_mb: int = _between(256, 1, 100_000)


class Web(Section):
    """The web server: the page, the state, server-sent events, health and metrics."""

    enabled: bool = _switch(True)
    host: Annotated[str, AfterValidator(forms.broker_host)] = Field(
        "127.0.0.1", description="a name or an address to listen on, without scheme and port"
    )
    port: int = _between(8099, 1, 65535)
    allowed_hosts: Annotated[tuple[str, ...], BeforeValidator(forms.names)] = Field(
        (), description="a list of names, without scheme and port"
    )
    allowed_clients: Annotated[tuple[str, ...], BeforeValidator(forms.networks)] = Field(
        (), description=NETWORKS
    )
    trusted_proxies: Annotated[tuple[str, ...], BeforeValidator(forms.networks)] = Field(
        (), description=NETWORKS
    )


class Log(Section):
    """What is said on stderr, and how it looks."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description='"debug", "info", "warning" or "error"'
    )
    format: Literal["auto", "console", "json"] = Field("auto", description='"auto", "console" or "json"')


class Settings(BaseSettings):
    """The whole configuration, checked and frozen; `load` makes it.

    Made directly (in tests) it takes what it is given and reads no environment.
    """

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", strict=True, hide_input_in_errors=True, validate_default=False
    )

    data_dir: Path = Field(description="the path of a folder")
    gateway: Gateway = Gateway()
    gateways: Annotated[tuple[Gateway, ...], Field(strict=False), BeforeValidator(forms.members)] = ()
    cloud: Cloud = Cloud()
    mqtt: Mqtt = Mqtt()
    publish: Publish = Publish()
    homeassistant: Homeassistant = Homeassistant()
    availability: Availability = Availability()
    energy: Energy = Energy()
    site: Site = Site()
    inverters: Inverters = Inverters()
    tariff: Tariff = Tariff()
    compat: Compat = Compat()
    journal: Journal = Journal()
    web: Web = Web()
    log: Log = Log()

    _file: Path | None = PrivateAttr(None)
    _supervisor: Supervisor | None = PrivateAttr(None)

    @property
    def file(self) -> Path | None:
        """The configuration file that was read, for `config check`; None when there is none."""
        return self._file

    @property
    def supervisor(self) -> Supervisor | None:
        """Home Assistant's Supervisor where this is its app; None elsewhere."""
        return self._supervisor

    @property
    def broker_offered(self) -> bool:
        """Whether the Supervisor is asked which broker there is: nobody has said one."""
        return self._supervisor is not None and "host" not in self.mqtt.model_fields_set

    @property
    def every_gateway(self) -> tuple[Gateway, ...]:
        """The gateways to read, at least one: `gateways` when given, else `gateway`."""
        return self.gateways or (self.gateway,)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """None of pydantic-settings' own, which know neither list indices nor where a value stood."""
        return (init_settings,)
