"""What the program says on stderr: one way for our own lines and for those of libraries.

    structlog, from `level` on ────┐
                                   ├─► traceback as text ─► time, level, event, facts ─► mask ─► line
    logging, warnings and worse ───┘

The mask is the last defence, not the first: secrets are `SecretStr` and do not reach a log call. It takes
too much rather than too little.
"""

import logging
import re
import sys
from collections.abc import Mapping
from math import isfinite
from types import TracebackType
from typing import Any, Final, TextIO

import structlog
from structlog.dev import ConsoleRenderer, plain_traceback
from structlog.processors import JSONRenderer, TimeStamper, add_log_level, format_exc_info
from structlog.stdlib import ProcessorFormatter, add_logger_name
from structlog.typing import EventDict, Processor, WrappedLogger

HIDDEN: Final = "***"
_DEEPEST = 6
_NAMES = ("token", "password", "passwd", "secret", "authorization", "cookie", "session", "sessionid")

# A token's header and payload are JSON objects, and `{"` is eyJ in base64url.
_RUN = re.compile(r"[\w.-]+", re.ASCII)
# Lengths are bounded so that no text takes long: 64 and 63 are the limits of RFC 5321 and RFC 1035.
_EMAIL = re.compile(r"[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_USERINFO = re.compile(r"(?<=://)[^/\s]{1,512}@")
_HEADER = re.compile(r"""((?:authorization|cookie)["'\\]{0,8}\s{0,8}[:=]\s{0,8})[^\n]+""", re.IGNORECASE)
_NAMED = re.compile(
    r"""
    ( (?:token|password|passwd|secret|session|session[_-]?id) ["'\\]{0,8} \s{0,8} [:=] \s{0,8} )
    (?: "(?:[^"\\\n]|\\.)*"?              # quoted, to the end of the line where the end is missing
      | '(?:[^'\\\n]|\\.)*'?
      | (?P<open>\\+["']).*?(?P=open)     # quoted within quotes
      | (?:Bearer|Basic)\ \S+
      | \S+ )
    """,
    re.IGNORECASE | re.VERBOSE,
)
# What a terminal would obey, and lone surrogates, which no stream takes.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def configure(level: str, format: str, *, stream: TextIO) -> None:  # noqa: A002
    """Say on `stream` what is at least `level`, as `console` or `json`; `auto` is `console` on a terminal.

    Can be called again; lines of loggers already made follow.
    """
    terminal = stream.isatty()
    steps = _console(terminal) if format == "console" or (format == "auto" and terminal) else _json()
    least = getattr(logging, level.upper())
    structlog.configure(
        processors=[add_log_level, *steps],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=False,
    )
    _take_over(logging.getLogger(), max(least, logging.WARNING), steps, stream)
    # What ends the process goes the same way: a traceback quotes what it failed on.
    sys.excepthook = _last_words


def _last_words(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    structlog.get_logger().critical("this is a bug, please report it", exc_info=(kind, error, trace))


def _console(colours: bool) -> list[Processor]:
    # Rich tracebacks would show the values of variables.
    renderer = ConsoleRenderer(
        colors=colours,
        timestamp_key="time",
        sort_keys=False,
        pad_event_to=0,
        exception_formatter=plain_traceback,
    )
    return [_stamp("%Y-%m-%d %H:%M:%S", utc=False), format_exc_info, _mask, renderer]


def _json() -> list[Processor]:
    return [_stamp("iso", utc=True), format_exc_info, _mask, JSONRenderer(ensure_ascii=False)]


def _stamp(form: str, *, utc: bool) -> Processor:
    return TimeStamper(fmt=form, utc=utc, key="time")


def _take_over(root: logging.Logger, least: int, steps: list[Processor], stream: TextIO) -> None:
    """Replace whatever handlers the root logger has by one that goes through `steps`."""
    handler = logging.StreamHandler(stream)
    # A library that sets the level of its own logger passes the root's level by.
    handler.setLevel(least)
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=[add_log_level, add_logger_name],
            processors=[ProcessorFormatter.remove_processors_meta, *steps],
        )
    )
    root.handlers = [handler]
    root.setLevel(least)


def _mask(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The facts without secrets, in the order a reader looks for them."""
    first = {key: event.pop(key) for key in ("time", "level", "event") if key in event}
    return {key: masked(value, key) for key, value in (first | dict(event)).items()}


def masked(value: object, key: str = "", depth: int = _DEEPEST) -> Any:
    """`value` as plain JSON data, everything that looks or is named like a secret replaced by `***`."""
    if value is None or isinstance(value, bool | int):
        return HIDDEN if value is not None and _names_secret(key) else value
    if _names_secret(key):
        return HIDDEN
    if isinstance(value, float):
        return value if isfinite(value) else str(value)
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        return _inside(value, depth - 1) if depth else "…"
    return text_masked(repr(value) if isinstance(value, bytes) else str(value))


def _inside(value: Any, depth: int) -> Any:
    if isinstance(value, Mapping):
        return {text_masked(str(key)): masked(item, str(key), depth) for key, item in value.items()}
    return [masked(item, "", depth) for item in value]


def _names_secret(key: str) -> bool:
    return re.sub(r"[^a-z]", "", key.lower()).endswith(_NAMES)


def text_masked(text: str) -> str:
    """`text` without tokens, e-mail addresses, and what stands behind `password=` and its like."""
    text = _RUN.sub(_without_token, text)
    text = _USERINFO.sub(f"{HIDDEN}@", text)
    text = _EMAIL.sub(HIDDEN, text)
    text = _HEADER.sub(rf"\g<1>{HIDDEN}", text)
    text = _NAMED.sub(rf"\g<1>{HIDDEN}", text)
    return _UNPRINTABLE.sub(lambda match: ascii(match[0])[1:-1], text)


def _without_token(match: re.Match[str]) -> str:
    run = match[0]
    start = run.find("eyJ")
    return run[:start] + HIDDEN if start >= 0 and run.count(".", start) >= 2 else run
