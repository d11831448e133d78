"""One errand to the vendor's cloud: alone, within the budget, and written down before it begins."""

from collections.abc import Callable

from envoy_mqtt import store
from envoy_mqtt.errors import CloudTrouble, ConfigError, Refused
from envoy_mqtt.gateway import budget
from envoy_mqtt.gateway.auth import Cloud, fetch
from envoy_mqtt.gateway.budget import Record
from envoy_mqtt.gateway.cloud import BY_HAND, unavailable
from envoy_mqtt.gateway.purse import Purse
from envoy_mqtt.gateway.token import Held, Token
from envoy_mqtt.model import CLOCK_SET
from envoy_mqtt.mqtt.message import iso

NO_CLOCK = (
    "this machine does not know the date yet, and no token is fetched before it does: let it set its clock "
    "by network time"
)


async def bring(
    purse: Purse, cloud: Cloud, serial: str, good: Callable[[Token], bool], unix: Callable[[], float]
) -> Held:
    """A good token for a gateway, from the cache or else from the cloud; raises `Refused`.

    Who waited for somebody else's errand looks into the cache first, so several that want one token cost
    one login. Where logins cannot be counted there are none.
    """
    try:
        async with purse.locked():
            cached = purse.cached(serial)
            if cached is not None and good(cached):
                return Held(cached, "cache")
            return Held(await _ask(purse, cloud, serial, unix), "cloud")
    except OSError as error:
        sentence = store.unwritable(purse.folder, error)
    except ConfigError as error:
        sentence = str(error)
    raise Refused(sentence, reason="refused", code="disk")


async def _ask(purse: Purse, cloud: Cloud, serial: str, unix: Callable[[], float]) -> Token:
    now = unix()
    if now < CLOCK_SET:
        raise CloudTrouble(NO_CLOCK, code="clock")
    record = purse.record(now)
    if now < record.may_ask_at():
        raise _not_yet(record)
    begun = record.begun(now)
    purse.write(begun)
    try:
        token = await fetch(cloud, purse.account, serial)
    except CloudTrouble as trouble:
        purse.write(begun.failed(unix(), trouble))
        raise
    purse.write(_outcome(begun, token, unix()))
    purse.keep(serial, token)
    return token


def _outcome(begun: Record, token: Token, now: float) -> Record:
    if token.due(now):  # no success, or it would be asked for again at once
        return begun.failed(now, unavailable("issues tokens that are about to end"))
    return begun.succeeded()


def _not_yet(record: Record) -> CloudTrouble:
    again = iso(record.may_ask_at())
    if record.free_at > record.rested_at:
        return CloudTrouble(
            f"Enphase's cloud was asked {budget.LOGINS_A_DAY} times within a day, and more could lock the "
            f"account: it is asked again at {again}, or {BY_HAND}",
            code="login_limit",
        )
    return CloudTrouble(f"{record.text}. It is asked again at {again}", code=record.code)
