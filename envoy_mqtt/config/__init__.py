"""What someone wants of this program: read from files, the environment and the command line, and checked.

    command line > environment > secret files > configuration file > app's form > image > defaults
        each a layer, read by `sources` ──► `loader` ──► Settings, or every mistake at once

`load` answers with one frozen `Settings`, or raises ConfigError with a line for each mistake. Every key is
declared once, in `settings`: type, default, limits, and the sentence for who goes beyond them.
"""

from envoy_mqtt.config.loader import load
from envoy_mqtt.config.secrets import read_token
from envoy_mqtt.config.settings import (
    Account,
    Availability,
    Cloud,
    Gateway,
    Log,
    Mqtt,
    Publish,
    Settings,
    Tls,
    Web,
)
from envoy_mqtt.config.shown import public, show
from envoy_mqtt.config.surroundings import inside_container
from envoy_mqtt.config.tariffs import tariff_of

__all__ = [
    "Account",
    "Availability",
    "Cloud",
    "Gateway",
    "Log",
    "Mqtt",
    "Publish",
    "Settings",
    "Tls",
    "Web",
    "inside_container",
    "load",
    "public",
    "read_token",
    "show",
    "tariff_of",
]
