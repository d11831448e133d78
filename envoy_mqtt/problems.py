"""What can be wrong, in plain words: the contract's codes, each with what it means and what to do. Pure.

Whoever meets trouble keeps it as a value, a `Trouble`; health reads those and makes `Problem`s of them.
`Register` remembers since when each has been there.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple


class Trouble(NamedTuple):
    """One trouble where it was met: a word for counters and logs, the contract's code where it is known
    there, and the cause as a sentence.
    """

    reason: str = ""
    code: str = ""
    text: str = ""


class Problem(NamedTuple):
    """A trouble as health tells it; `serial` is the gateway it is about, `cause` why, where that is known."""

    code: str
    serial: str | None = None
    cause: str = ""

    @property
    def text(self) -> str:
        """What is wrong, and why."""
        what = WORDS[self.code].what
        return f"{what}: {self.cause.rstrip('.')}." if self.cause else f"{what}."

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return WORDS[self.code].remedy


class Words(NamedTuple):
    """What a code means, without its full stop, and its remedy."""

    what: str
    remedy: str


MEND_ACCOUNT = "Mend gateway.account.username and gateway.account.password."

# The contract's codes in its order (section "Health").
WORDS: Mapping[str, Words] = MappingProxyType(
    {
        "gateway_unreachable": Words(
            "The gateway cannot be reached",
            "Look whether it has power and is on the network, and whether gateway.host is its address.",
        ),
        "gateway_silent": Words(
            "The gateway sends no readings",
            "Nothing to do at first, it often comes back by itself; if it stays silent, restart the gateway.",
        ),
        "gateway_refused": Words(
            "The gateway does not accept the token",
            "Set a newer token of this gateway, or gateway.account, with which the bridge fetches its own.",
        ),
        "gateway_frozen": Words(
            "The gateway repeats the same reading",
            "Restart the gateway.",
        ),
        "gateway_bad_data": Words(
            "The gateway sends what cannot be read",
            "Restart the gateway; if that does not help, report its firmware and the log's lines.",
        ),
        "gateway_other_serial": Words(
            "Another gateway answers at this address",
            "Mend gateway.host, or gateway.serial where the gateway was replaced.",
        ),
        "certificate_changed": Words(
            "The gateway's certificate has changed",
            "Gateways renew it about once a year; where it is refused, 'envoy-mqtt trust' accepts it. If you "
            "doubt it, look who is on your network.",
        ),
        "token_missing": Words(
            "There is no token for the gateway",
            "Set gateway.token or gateway.token_file, or gateway.account, with which tokens are fetched.",
        ),
        "token_expiring": Words(
            "The gateway's token ends soon",
            "Set a newer one, or gateway.account, with which the bridge renews it by itself.",
        ),
        "token_expired": Words(
            "The gateway's token has ended",
            "Set a new one, or gateway.account, with which the bridge renews it by itself.",
        ),
        "token_other_serial": Words(
            "The configured token is another gateway's",
            "Set a token of this gateway, or mend gateway.host.",
        ),
        "stream_not_for_role": Words(
            "The gateway refuses the stream to this token's role",
            "Nothing to do, slower sources are read; an installer's token may read the stream.",
        ),
        "account_password": Words("Enphase refuses the account's password", MEND_ACCOUNT),
        "account_second_factor": Words(
            "Enphase asks for a second factor",
            "Switch it off for this account, use another account, or set gateway.token by hand.",
        ),
        "account_locked": Words(
            "Enphase has locked the account",
            "Unlock it at enlighten.enphaseenergy.com, then mend gateway.account.",
        ),
        "account_not_owner": Words(
            "The account does not own the gateway",
            "Use the account in whose name the gateway is registered, or set gateway.token by hand.",
        ),
        "cloud_unavailable": Words(
            "Enphase's cloud gives no token",
            "Nothing to do, it is asked again; a token can also be set by hand in gateway.token.",
        ),
        "login_limit": Words(
            "The day's logins to Enphase's cloud are used up",
            "Wait a day, or set gateway.token by hand.",
        ),
        "meter_reversed": Words(
            "A current transformer is fitted the wrong way round",
            "Have an installer turn it, or correct its direction in the gateway's settings.",
        ),
        "meter_total_is_net": Words(
            "The gateway reports the grid's power as the house's",
            "Nothing to do, the bridge computes the house's power; a newer firmware may mend it.",
        ),
        "meter_layout": Words(
            "The gateway's meters fit no known layout",
            "Look at the meters in the gateway's settings, and report what they are.",
        ),
        "counter_held": Words(
            "An energy counter made an impossible step and is held back",
            "Nothing to do: it is believed once several readings agree.",
        ),
        "counter_reset": Words(
            "An energy counter was reset",
            "Nothing to do: the bridge counts on from the last good value.",
        ),
        "broker_unreachable": Words(
            "The broker cannot be reached",
            "Look whether it runs, and at mqtt.host, mqtt.port and mqtt.tls.",
        ),
        "broker_refused": Words(
            "The broker refuses the bridge",
            "Mend mqtt.username and mqtt.password, or allow this user at the broker.",
        ),
        "broker_refused_topic": Words(
            "The broker refuses some of the bridge's topics",
            "Allow them in the broker's access list, or raise its limit of a message's size.",
        ),
        "broker_same_client_id": Words(
            "Another program uses the bridge's client id",
            "Stop the other one, or give each its own mqtt.client_id; a copied data_dir copies the id.",
        ),
        "broker_same_base_topic": Words(
            "Another bridge publishes under the same base topic",
            "Choose another base_topic (mqtt.base_topic) for one of the two.",
        ),
        "journal_full": Words(
            "The journal is full and the oldest readings are dropped",
            "Bring the broker back, or raise journal.max_mb.",
        ),
        "disk": Words(
            "The data folder cannot be used",
            "Make room, or give the folder to the bridge's user; data_dir says where it is.",
        ),
        "clock": Words(
            "This machine does not know the date",
            "Let it set its clock by network time.",
        ),
        "web_port": Words(
            "The web server cannot listen",
            "Choose another web.port, or stop the program that has it; look at web.host too.",
        ),
        "configuration": Words(
            "The configuration is not enough",
            "Run 'envoy-mqtt config check'.",
        ),
    }
)


class Register:
    """The problems that are there now, each with the Unix time since when."""

    def __init__(self) -> None:
        self._since: dict[tuple[str, str | None], float] = {}
        self._problems: list[Problem] = []

    def update(self, problems: Iterable[Problem], unix: float) -> bool:
        """Replace what is there; whether one came or went. One code is told once of a gateway."""
        present: dict[tuple[str, str | None], Problem] = {}
        for problem in problems:
            present.setdefault(problem[:2], problem)
        before = self._since
        self._since = {key: before.get(key, unix) for key in present}
        self._problems = list(present.values())
        return self._since.keys() != before.keys()

    @property
    def standing(self) -> list[tuple[Problem, float]]:
        """Each problem with the Unix time at which it came."""
        return [(problem, self._since[problem[:2]]) for problem in self._problems]
