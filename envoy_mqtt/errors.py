"""Every error this package raises on purpose.

* EnvoyMqttError
  + ConfigError           someone has to edit something; exit status 2
  + TryAgain              not for ever: the job is restarted after a wait
    - GatewayUnavailable    away, reset, stalled, or done talking
    - Absent                the gateway has no such page, or not for us: another source has to do
    - Refused               our credentials: someone has to act
      · CloudTrouble          the vendor's cloud gives no token; asked again much more slowly
    - BrokerUnavailable     away, frozen, or unwilling
  + BadAnswer             a gateway's answer that cannot be read; the session ends, `TryAgain` carries it on
    - Asleep                it is zeros, as for minutes after a start; asked again
  + BadEvent              one unreadable event; skipped and counted

Whatever else escapes is a bug: the process ends and says so.
"""


class EnvoyMqttError(Exception):
    """The root: its text is one sentence that says what happened and, where someone can act, what to do."""


class ConfigError(EnvoyMqttError):
    """The configuration cannot be used; `mistakes` holds one line for each, with the key it is about."""

    def __init__(self, *mistakes: str) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


class TryAgain(EnvoyMqttError):
    """Something outside is away; the job that raises this is restarted after a wait.

    `reason` is a word for counters and logs, `code` the contract's word for the problem in health where
    there is one that says more, `after_s` what the other side asked us to wait, and
    `steady_s` how long the attempt did what it is for: after a minute of that the back-off starts over.
    """

    def __init__(
        self, text: str, *, reason: str, code: str = "", after_s: float = 0.0, steady_s: float = 0.0
    ) -> None:
        super().__init__(text)
        self.reason = reason
        self.code = code
        self.after_s = after_s
        self.steady_s = steady_s


class GatewayUnavailable(TryAgain):
    """The gateway is away, was reset, fell silent, or ended the stream."""


class Absent(TryAgain):
    """The gateway has no such page, or does not show it to this token's role."""


class Refused(TryAgain):
    """The gateway does not accept our token, or we have none."""


class CloudTrouble(Refused):
    """The vendor's cloud gives no token. `final` where another road to it would be of no use: the account
    itself is refused, or the cloud asked us to wait.
    """

    def __init__(self, text: str, *, code: str, final: bool = False, after_s: float = 0.0) -> None:
        super().__init__(text, reason="refused", code=code, after_s=after_s)
        self.final = final


class BrokerUnavailable(TryAgain):
    """The broker is away, frozen, or does not accept us."""


class BadAnswer(EnvoyMqttError):
    """An answer of a gateway that is not what its path promises; the text says what was found. `reason` is a
    word for the counter.
    """

    reason = "bad_data"


class Asleep(BadAnswer):
    """An answer of zeros: the gateway is still starting, and waiting mends it."""

    reason = "asleep"


class BadEvent(EnvoyMqttError):
    """One event that cannot be read; `reason` is a word for the counter."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason
