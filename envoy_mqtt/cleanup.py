"""`envoy-mqtt cleanup`: what bridges have left at the broker under a base topic, found and emptied.

    async with cleaning(settings, base, serial) as cleaning:
        cleaning.topics, cleaning.running     to be shown, and to be asked about
        await cleaning.empty()                the topics that are still there, or are refused
"""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from envoy_mqtt.access import broker, tls
from envoy_mqtt.config import Settings
from envoy_mqtt.errors import EnvoyMqttError
from envoy_mqtt.mqtt.leavings import leavings, subscriptions
from envoy_mqtt.mqtt.message import ONLINE
from envoy_mqtt.mqtt.trial import NotTaken, Plan, Visit, visiting
