"""The command line. Each command imports what it needs when it runs, so that `run` carries nothing else.

Exit status: 0 done, 1 failed, 2 usage or configuration. Errors are sentences on stderr.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer

from envoy_mqtt import __version__
from envoy_mqtt.errors import ConfigError, EnvoyMqttError

if TYPE_CHECKING:
    from envoy_mqtt.config import Settings

cli = typer.Typer(
    name="envoy-mqtt",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Streams an Enphase IQ Gateway's meters to MQTT, once a second.",
)
config_cli = typer.Typer(no_args_is_help=True, help="Look at the configuration.")
cli.add_typer(config_cli, name="config")

# What the simulator offers; spelled out, so that `run` need not import it. A test keeps them true.
Layouts = Literal["production+net", "production+total", "production", "net", "none"]
Wirings = Literal["single", "single-three", "split", "three"]
Paces = Literal["steady", "bursts", "buffer", "flood", "manual"]
Batteries = Literal["none", "metered", "unmetered", "ac"]

ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="The configuration file; else ./config.toml, else config.toml in the data folder, else none.",
    ),
]


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"envoy-mqtt {__version__}")
        raise typer.Exit


@cli.callback()
def top(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Streams an Enphase IQ Gateway's meters to MQTT, once a second."""


@cli.command()
def run(config: ConfigFile = None) -> None:
    """Bridge the configured gateways to the broker until SIGTERM or Ctrl-C."""
    # Told to stop while the imports go on: there is nothing yet to say goodbye to. As a container's
    # first process it would not even hear SIGTERM without this.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))
    _keep_lean()
    settings = _load(config)

    from envoy_mqtt import app, log

    log.configure(settings.log.level, settings.log.format, stream=sys.stderr)
    asyncio.run(_run_and_leave(app.run(settings)))


@cli.command()
def demo(
    port: Annotated[int, typer.Option(help="The broker's port; a free one where it is taken.")] = 1883,
    host: Annotated[
        str, typer.Option(help="The address that broker and web server listen on; neither has a password.")
    ] = "127.0.0.1",
) -> None:
    """A simulated house, a broker and the bridge between them, in one process."""
    _need_simulator()
    from envoy_mqtt.demo import demo as play

    _play(play(port, host))


@cli.command()
def simulate(
    *,
    layout: Annotated[Layouts, typer.Option(help="Which meters are fitted.")] = "production+net",
    phases: Annotated[Wirings, typer.Option(help="How they are wired.")] = "single-three",
    battery: Annotated[Batteries, typer.Option(help="Which battery, and whether a meter shows it.")] = "none",
    firmware: Annotated[
        str, typer.Option(help="Its arithmetic, number style, roles; below 7 HTTP and passwords.")
    ] = "D8.3.5167",
    serial: Annotated[str, typer.Option(help="The serial number.")] = "122312345678",
    pace: Annotated[Paces, typer.Option(help="How events leave.")] = "steady",
    speed: Annotated[float, typer.Option(help="Seconds of the house's day in one second.")] = 1.0,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The gateway's port; a free one where it is taken.")] = 8443,
    control_port: Annotated[int, typer.Option(help="The switchboard's port; likewise.")] = 8444,
    http_port: Annotated[
        int | None, typer.Option(help="Its port 80, which sends to HTTPS or is closed; else it has none.")
    ] = None,
    cloud: Annotated[bool, typer.Option("--cloud", help="Play the cloud that issues tokens too.")] = False,
    cloud_port: Annotated[int, typer.Option(help="The cloud's port; a free one where it is taken.")] = 8445,
    nightly_outage: Annotated[
        bool, typer.Option("--nightly-outage", help="Answer nothing from 23:00 to 23:10 of its day.")
    ] = False,
) -> None:
    """A gateway to practise on: a house's meters, a real one's oddities, and faults to switch on."""
    _need_simulator()
    from envoy_mqtt.simulate import Battery, Layout, Options, Pace, Ports, Wiring
    from envoy_mqtt.simulate import simulate as play

    options = Options(
        serial=serial,
        firmware=firmware,
        layout=Layout(layout),
        phases=Wiring(phases),
        pace=Pace(pace),
        speed=speed,
        battery=Battery(battery),
        nightly_outage=nightly_outage,
    )
    ports = Ports(port, control_port, http_port, cloud_port if cloud else None)
    _play(play(options, host, ports))


@cli.command()
def trust(
    config: ConfigFile = None,
    *,
    serial: Annotated[
        str | None, typer.Option(metavar="S", help="Only the gateway with this serial number.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Change what is pinned without asking.")] = False,
) -> None:
    """Show the gateway's certificate and pin it: the bridge knows the gateway by it from now on."""
    settings = _load(config)

    from envoy_mqtt.trust import accept, look

    found, errors = asyncio.run(look(settings, serial))
    for finding in found:
        typer.echo(finding.describe())
        if finding.known:
            typer.echo("It is the one that is pinned.")
        elif finding.changed and not yes and not _confirm("Trust this one instead of the pinned one?"):
            errors.append(f"{finding.host}: nothing was changed; --yes changes it without asking")
        else:
            accept(settings, finding)
            typer.echo("It is pinned now.")
    if errors:
        raise EnvoyMqttError("\n".join(errors))


def _confirm(question: str) -> bool:
    """Yes or no; nobody there to ask is a no."""
    try:
        return typer.confirm(question)
    except typer.Abort:
        typer.echo()
        return False


@cli.command()
def token(
    serial: Annotated[
        str | None, typer.Option(help="The gateway's serial number; else the gateway is asked for it.")
    ] = None,
    config: ConfigFile = None,
    *,
    bare: Annotated[bool, typer.Option("--print", help="Print the token itself, and nothing else.")] = False,
) -> None:
    """Fetch the gateway's token where that is needed, and show its role and end."""
    settings = _load(config)

    from envoy_mqtt import access, log

    log.configure("warning", "console", stream=sys.stderr)
    asyncio.run(_run_and_leave(access.show(settings, serial, bare=bare)))


@cli.command()
def discover(
    *,
    seconds: Annotated[float, typer.Option(min=0.5, max=60, help="How long to listen.")] = 5.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """List the gateways on this network, and what to write into the configuration."""
    from envoy_mqtt import config, discover

    inside = config.inside_container(os.environ)
    _play(discover.show(seconds, as_json=as_json, in_container=inside))


@cli.command()
def doctor(
    config: ConfigFile = None,
    *,
    seconds: Annotated[float, typer.Option(min=1, max=600, help="How long to watch the stream.")] = 20.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Look at every step from gateway to broker: what works, what doesn't, and what to do about it."""
    from envoy_mqtt import config as configuration
    from envoy_mqtt import doctor, log

    log.configure("error", "console", stream=sys.stderr)
    inside = configuration.inside_container(os.environ)
    showing = doctor.show(lambda: _load(config), seconds, as_program=as_json, in_container=inside)
    asyncio.run(_run_and_leave(showing))


@cli.command()
def healthcheck(config: ConfigFile = None) -> None:
    """Ask a running bridge on this machine whether it is alive; status 0 or 1."""
    settings = _load(config)

    from envoy_mqtt.healthcheck import ask

    typer.echo(ask(settings))


@cli.command()
def watch(
    config: ConfigFile = None,
    *,
    once: Annotated[
        bool, typer.Option("--once", help="Show one picture and end; so does a pipe in place of a terminal.")
    ] = False,
) -> None:
    """Show the power flow in this terminal, as the broker is told of it."""
    settings = _load(config)

    from envoy_mqtt import log
    from envoy_mqtt.watch import watch as look

    log.configure("error", "console", stream=sys.stderr)
    _play(look(settings, once=once))


@cli.command()
def tariff(config: ConfigFile = None) -> None:
    """Show the configured tariff: what now is, and a week of its periods."""
    from envoy_mqtt import tariffs

    typer.echo(tariffs.show(_load(config)))


@cli.command()
def cleanup(
    config: ConfigFile = None,
    *,
    serial: Annotated[
        str | None,
        typer.Option(metavar="S", help="Only what is of the gateway with this serial number."),
    ] = None,
    base_topic: Annotated[
        str | None, typer.Option(metavar="T", help="Another base topic than the configured one.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Empty them without asking.")] = False,
) -> None:
    """Empty what a bridge has left at the broker: its retained topics and what it told Home Assistant."""
    settings = _load(config)

    from envoy_mqtt import cleanup, log

    log.configure("error", "console", stream=sys.stderr)
    place = cleanup.place(settings, base_topic, serial)
    found = asyncio.run(cleanup.look(settings, place))
    typer.echo(found.describe())
    if not found.topics:
        return
    if not yes and not _confirm(f"Empty these {len(found.topics)} topics?"):
        raise EnvoyMqttError("nothing was changed; --yes empties them without asking")
    asyncio.run(cleanup.empty(settings, place, found.topics))
    typer.echo(f"{len(found.topics)} topics are empty now.")


@config_cli.command()
def check(config: ConfigFile = None) -> None:
    """Say whether the configuration is right, and what is wrong with it."""
    from envoy_mqtt import app

    settings = _load(config)
    app.check(settings)
    typer.echo(f"{settings.file or 'no file, defaults and environment'}: the configuration is right")


@config_cli.command()
def show(config: ConfigFile = None) -> None:
    """Show the configuration in force, secrets hidden."""
    from envoy_mqtt import config as configuration

    typer.echo(configuration.show(_load(config)))


def _load(file: Path | None) -> "Settings":
    from envoy_mqtt import config

    return config.load(file, environ=os.environ, in_container=config.inside_container(os.environ))


def _keep_lean() -> None:
    """Keep two packages out of the process that pyjwt and structlog import whenever they are installed.

    The one is for verifying signatures, the other for colourful tracebacks, and a bridge does neither;
    together they are 12 MiB of resident memory (Python 3.11), a fifth of the whole.
    """
    for unused in ("cryptography", "rich"):
        sys.modules.setdefault(unused, None)  # type: ignore[arg-type]  # how Python says "not installed"


def _need_simulator() -> None:
    if find_spec("cryptography") is None:
        raise EnvoyMqttError(
            "the simulated gateway needs the package cryptography, which is not here: install the wheel "
            "with [simulator] behind its name, or build the container image with EXTRA=simulator"
        )


def _play(work: Coroutine[Any, Any, None]) -> None:
    """Run something that talks on stdout; it ends quietly when nobody listens any more (`| head`)."""
    try:
        asyncio.run(_run_and_leave(work))
    except* BrokenPipeError:
        os._exit(0)


async def _run_and_leave(work: Coroutine[Any, Any, int | None]) -> NoReturn:
    """Do the work, then end the process with the status it gives, without waiting for threads.

    A name look-up or a connection attempt of the MQTT client runs in a thread that nothing can
    interrupt, and asyncio joins its threads at the end: a hanging resolver would hold up the exit.
    """
    status = await work
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status or 0)


def main() -> NoReturn:
    """The entry point: what is raised on purpose becomes a sentence and an exit status."""
    try:
        cli()
    except ConfigError as error:
        _fail(error, 2)
    except EnvoyMqttError as error:
        _fail(error, 1)
    sys.exit(0)


def _fail(error: EnvoyMqttError, status: int) -> NoReturn:
    typer.echo(str(error), err=True)
    sys.exit(status)
