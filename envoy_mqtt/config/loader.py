"""From all sources to one `Settings`, or every mistake at once."""

import os
import sys
from collections import ChainMap
from collections.abc import Iterable, Mapping, Sequence
from errno import EACCES
from pathlib import Path
from types import MappingProxyType

from pydantic import ValidationError

from envoy_mqtt import store
from envoy_mqtt.config import conflicts, mistakes, options, secrets, sources, tariffs
from envoy_mqtt.config.keys import DATA_DIR, LISTS, Key, listed
from envoy_mqtt.config.layers import Found, Layer
from envoy_mqtt.config.settings import Settings
from envoy_mqtt.config.surroundings import Surroundings
from envoy_mqtt.errors import ConfigError

IMAGE = Path("/etc/envoy-mqtt/image.toml")
"""Where a container image keeps what it wants instead of our defaults; everyone can overrule it."""


def load(
    file: Path | None,
    *,
    environ: Mapping[str, str],
    overrides: Mapping[str, object] = MappingProxyType({}),
    cwd: Path | None = None,
    in_container: bool = False,
    image: Path = IMAGE,
    platform: str = sys.platform,
) -> Settings:
    """The configuration in force: command line, environment, secret files, file, app's form, image, defaults.

    `file` is the one someone named, which has to be there; without it `config.toml` is looked for in
    `cwd` and in the data folder. `overrides` maps dotted keys to values, None for "not given". Raises
    ConfigError with a line for each mistake.
    """
    around = Surroundings(environ, (cwd or Path()).absolute(), in_container, platform)
    strong = (sources.command_line(overrides, around.place), *sources.environment(environ, around.place))
    lowest = _lowest(image, around)
    data_dir = _data_dir((*strong, *lowest), around)
    path, config = _config(file, around, data_dir.found[DATA_DIR].value)
    weak = (config, *_form(around, data_dir.found[DATA_DIR].value), *lowest, data_dir)
    _whole_lists((*strong, *weak))
    layers = (*strong, secrets.decide(strong, weak), *weak)
    settings = _settings(layers)
    if isinstance(settings, list):
        raise ConfigError(*settings)
    settings._file, settings._supervisor = path, around.supervisor
    return settings


def _lowest(image: Path, around: Surroundings) -> tuple[Layer, ...]:
    layer = sources.toml(image, around.place, lambda key: f"{mistakes.dotted(key)} in {image}")
    return () if layer is None else (layer,)


def _data_dir(layers: Sequence[Layer], around: Surroundings) -> Layer:
    """The data folder as far as it is known before the file is, for the file may lie in it."""
    said = _merged(layers).get(DATA_DIR)
    layer = Layer()
    layer.found[DATA_DIR] = said or Found(around.data_dir(), "data_dir")
    return layer


def _config(file: Path | None, around: Surroundings, data_dir: object) -> tuple[Path | None, Layer]:
    if file is not None:
        path = around.cwd / file
        return path, sources.toml(path, around.place) or _missing(path)
    for folder in (around.cwd, data_dir):
        if isinstance(folder, Path) and (layer := _look(folder, around, needed=folder == data_dir)):
            return folder / "config.toml", layer
    return None, Layer()


def _form(around: Surroundings, data_dir: object) -> tuple[Layer, ...]:
    """The Home Assistant app's form; elsewhere an `options.json` is nothing of ours."""
    if around.supervisor is None or not isinstance(data_dir, Path):
        return ()
    return options.read(data_dir, around.place)


def _look(folder: Path, around: Surroundings, *, needed: bool) -> Layer | None:
    """What `config.toml` there says; whoever is sent into a folder they may not enter means none in it."""
    path = folder / "config.toml"
    if not folder.is_dir() or os.access(folder, os.X_OK):
        return sources.toml(path, around.place)
    layer = Layer()
    layer.mistakes.append(store.denied(path, "read", folder, PermissionError(EACCES, os.strerror(EACCES))))
    return layer if needed else None


def _missing(path: Path) -> Layer:
    layer = Layer()
    layer.mistakes.append(mistakes.unreadable(path, FileNotFoundError(2, "there is no such file")))
    return layer


def _whole_lists(layers: Sequence[Layer]) -> None:
    """A list given as a whole replaces those below it; single variables merge into it by number."""
    replaced: set[Key] = set()
    for layer in layers:
        layer.found = {key: found for key, found in layer.found.items() if listed(key) not in replaced}
        replaced |= LISTS.keys() & layer.found.keys()


def _merged(layers: Iterable[Layer]) -> Mapping[Key, Found]:
    return ChainMap(*(layer.found for layer in layers))


def _settings(layers: tuple[Layer, ...]) -> Settings | list[str]:
    merged = _merged(layers)
    wrong = [mistake for layer in layers for mistake in layer.mistakes]
    wrong += conflicts.find(merged)
    try:
        # Our sources in place of those BaseSettings would make; it merges them, highest first.
        settings = Settings(_build_sources=(layers, {}))
    except ValidationError as error:
        wrong += [
            _sentence(merged, problem["loc"])
            for problem in error.errors(include_input=False)
            if problem["type"] != "default_factory_not_called"  # the value it depends on has its own sentence
        ]
    return wrong or list(tariffs.mistakes(settings.tariff)) or settings


def _sentence(merged: Mapping[Key, Found], key: Key) -> str:
    at = listed(key)
    if at is not None:
        # pydantic counts what is there; the numbers someone wrote may leave some out.
        n = len(at)
        key = (*at, conflicts.numbers(merged, at)[int(key[n])], *key[n + 1 :])
    return mistakes.wrong(merged[key].name, key, merged[key].value)
