"""A program of somebody else's for a test: it runs while the block lasts, and its words are kept."""

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

from tests.e2e.harness import eventually

# Node.js and a Go program on a busy machine, many times over.
PATIENCE_S = 60.0


class Program:
    """One process; `ready` says of its words so far whether it is at work."""

    def __init__(
        self, folder: Path, *command: str | Path, ready: Callable[[str], bool], env: Mapping[str, str] = {}
    ) -> None:
        self._command = command
        self._log = folder / f"{Path(command[0]).name}.log"
        self._ready = ready
        self._folder = folder
        self._env = {key: value for key, value in os.environ.items() if not key.upper().endswith("_PROXY")}
        self._env.update(env)

    @property
    def words(self) -> str:
        """All it has said."""
        return self._log.read_text()

    async def __aenter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, cwd=self._folder, env=self._env, stdin=asyncio.subprocess.DEVNULL,
                stdout=log, stderr=log,
            )  # fmt: skip
        try:
            await eventually(lambda: self._gone() or self._ready(self.words), PATIENCE_S)
            assert not self._gone(), self.words
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._end()

    def _gone(self) -> bool:
        return self._process.returncode is not None

    async def _end(self) -> None:
        if not self._gone():
            self._process.kill()
        await self._process.wait()
