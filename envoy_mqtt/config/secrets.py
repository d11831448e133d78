"""Secrets that stand in files of their own, as Docker and Kubernetes hand them out.

A password file is read with the configuration. A token file is read at every connection attempt, for
someone may put a new token there while the program runs.
"""

from collections.abc import Sequence
from pathlib import Path

from pydantic import SecretStr

from envoy_mqtt.config import forms, mistakes
from envoy_mqtt.config.keys import SECRETS, Key, pattern
from envoy_mqtt.config.layers import Layer
from envoy_mqtt.config.settings import JWT, Gateway
from envoy_mqtt.errors import ConfigError

_READ_LATER = {("gateway", "token")}


def read_token(gateway: Gateway, name: str = "gateway") -> SecretStr | None:
    """The gateway's token as it is now; None when there is none, or its file is missing or still empty.

    `name` is the section for the sentence, such as `gateways[1]`. Raises ConfigError when the file cannot
    be read or holds something else.
    """
    file = gateway.token_file
    if file is None:
        return gateway.token
    key = f"{name}.token_file"
    try:
        text = _text(file).strip()
        return forms.token(SecretStr(text)) if text else None
    except FileNotFoundError:
        return None
    except OSError as error:
        mistake = mistakes.unreadable(file, error, key)
    except ValueError:
        mistake = f"{key}: {file} holds something else, allowed is {JWT}"
    raise ConfigError(mistake)


def _text(file: Path) -> str:
    return file.read_bytes().decode("utf-8-sig")


def decide(strong: Sequence[Layer], weak: Sequence[Layer]) -> Layer:
    """Leave one of each secret and its file: the strong layers' secret, else the file, else the weak ones'.

    Returns the layer between the two, with the secrets whose files are read for it now.
    """
    files = Layer()
    layers = (*strong, *weak)
    for secret in sorted({it for layer in layers for key in layer.found if (it := _secret(key))}, key=str):
        file = next((layer.found[_twin(secret)] for layer in layers if _twin(secret) in layer.found), None)
        if any(secret in layer.found for layer in strong):
            _forget(_twin(secret), layers)
        elif file is not None:
            _forget(secret, weak)
            if pattern(secret) not in _READ_LATER and isinstance(file.value, Path):
                _read(files, secret, file.value, file.name)
    return files


def _read(layer: Layer, secret: Key, file: Path, name: str) -> None:
    try:
        text = _text(file)
    except (OSError, ValueError) as error:
        layer.mistakes.append(mistakes.unreadable(file, error, name))
        return
    # Editors end a file with a newline; other white space may belong to a password.
    text = text.removesuffix("\n").removesuffix("\r")
    if text:
        layer.put(secret, text, name)
    else:
        layer.mistakes.append(f"{name}: {file} is empty, allowed is a file with the {secret[-1]} in it")


def _twin(secret: Key) -> Key:
    return (*secret[:-1], f"{secret[-1]}_file")


def _secret(key: Key) -> Key | None:
    """The secret that a key is, or is the file of."""
    secret = (*key[:-1], str(key[-1]).removesuffix("_file")) if key else key
    return secret if pattern(secret) in SECRETS else None


def _forget(key: Key, layers: Sequence[Layer]) -> None:
    for layer in layers:
        layer.found.pop(key, None)
