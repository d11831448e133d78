"""Why there is no connection to the broker, or none any more, as half a sentence."""

import re
import ssl

# "[Errno 111] Connection refused" says no more than without it.
NUMBER = re.compile(r"^\[Errno -?\d+\] ")

SILENT = "it accepts connections and does not answer"

HUNG_UP = "it hangs up without an answer"
# In TLS 1.3 a broker says that it misses our certificate when we think that the handshake is over; paho reads
# it as the end of the connection.
HUNG_UP_ON_TLS = (
    f"{HUNG_UP}: it may want a client certificate (mqtt.tls.cert_file), or refuse the one it gets"
)

UNTRUSTED = "its certificate is refused: {}"
INSECURE = "no secure connection: {}"

# What the client's library says, and what it means.
PLAIN = {"timed out": SILENT, "Unspecified error": "the connection ended without a word"}


def said(error: BaseException) -> str:
    """What ended it. Of a lost connection only the cause says why: refused, taken over, shut down."""
    causes = (error, error.__cause__, error.__context__)
    insecure = next((each for each in causes if isinstance(each, ssl.SSLError)), None)
    if isinstance(insecure, ssl.SSLCertVerificationError):
        return UNTRUSTED.format(insecure.verify_message.rstrip("."))
    if insecure is not None:
        # An error of Python's own making, not OpenSSL's, has no such attribute.
        return INSECURE.format((getattr(insecure, "reason", None) or str(insecure)).replace("_", " ").lower())
    words = NUMBER.sub("", str(error.__cause__ or error))
    known = (sentence for part, sentence in PLAIN.items() if part in words)
    return next(known, words)


def first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error that came first; the others followed from it."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
