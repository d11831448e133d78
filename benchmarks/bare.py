"""A process that imports what it is told and waits: what the bridge's libraries weigh without the bridge."""

import sys
from contextlib import suppress
from importlib import import_module


def main() -> None:
    """Import the modules that one line of the input names, say so, and stay until the input ends."""
    for unused in ("cryptography", "rich"):  # as `cli._keep_lean` does
        sys.modules[unused] = None  # type: ignore[assignment]
    for name in sys.stdin.readline().split():
        with suppress(ImportError):
            import_module(name)
    print(flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
