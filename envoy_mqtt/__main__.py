"""`python -m envoy_mqtt` is `envoy-mqtt`."""

from envoy_mqtt.cli import main

main()
