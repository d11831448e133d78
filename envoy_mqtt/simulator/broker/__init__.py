"""A small MQTT broker inside the process, for `envoy-mqtt demo` and for tests; never for production.

MQTT 3.1.1 and 5 on one port, loopback unless told otherwise, nobody is asked for a password, and
nothing outlives it. The test suite runs the same checks on it and on a real Mosquitto.

    fields    bytes ↔ integers, strings, properties     pure
    packets   packets as values                         pure
    codec     bytes ↔ packets                           pure
    topics    filters                                   pure
    session   what one client is owed                   pure
    routes    who gets a topic's messages               pure
    exchange  MQTT's rules                              pure
    server    sockets and the clock

    async with Broker() as broker:
        print(broker.host, broker.port, broker.retained)

Section numbers in these modules are the MQTT 5 standard's, unless 3.1.1 is named beside them.
"""

from envoy_mqtt.simulator.broker.server import Broker

__all__ = ["Broker"]
