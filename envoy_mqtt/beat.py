"""When something is due that goes by the clock: every ten seconds, at :00, :10, :20. Pure."""


def due(sent_unix: float, now_unix: float, interval_s: float) -> bool:
    """Whether a beat has passed since it was sent last.

    A clock set ahead makes one beat due and not all that it skipped; set back, it waits for no more than
    two intervals.
    """
    passed = now_unix // interval_s > sent_unix // interval_s
    return passed or now_unix < sent_unix - interval_s
