"""`envoy-mqtt healthcheck`: is the bridge of this configuration alive, here and now?

A container or the Supervisor asks it every few seconds and restarts what does not answer, so it is told
nothing of gateways and broker: a restart mends neither.
"""

from http.client import HTTPConnection, HTTPException

from envoy_mqtt.clock import steady
from envoy_mqtt.config import Settings, Web
from envoy_mqtt.errors import EnvoyMqttError
from envoy_mqtt.life import beats
from envoy_mqtt.web.hosts import near

TIMEOUT_S = 5.0

ALIVE = b'{"status":"ok"}'


def ask(settings: Settings, timeout_s: float = TIMEOUT_S) -> str:
    """That it is alive, as a sentence; raises `EnvoyMqttError` with another where it is not."""
    web = settings.web
    if web.enabled and _answers(web, timeout_s):
        return f"the bridge is alive: it answers at port {web.port}"
    if beats(settings.data_dir, steady()):
        aside = f", but its web server does not answer at port {web.port}" if web.enabled else ""
        return f"the bridge is alive: its heart beats in {settings.data_dir}{aside}"
    where = f"at port {web.port}, and there is no" if web.enabled else "in time: there is no"
    raise EnvoyMqttError(
        f"the bridge does not answer {where} heartbeat in {settings.data_dir}: look whether it runs, and "
        "whether it has the same configuration"
    )


def _answers(web: Web, timeout_s: float) -> bool:
    connection = HTTPConnection(near(web.host), web.port, timeout=timeout_s)
    try:
        connection.request("GET", "/livez")
        response = connection.getresponse()
        return response.status == 200 and response.read(100) == ALIVE
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
