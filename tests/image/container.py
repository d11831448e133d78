"""A container of the built image without an engine: root read-only, no capability, `/data` alone to write."""

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, Self

from tests.e2e.harness import PATIENCE_S
from tests.image.environment import buildah

ENTER = Path(__file__).with_name("enter.sh")


class Image(NamedTuple):
    """An image: what its configuration says, and where its root file system is mounted."""

    config: dict[str, Any]
    root: Path

    def command(
        self,
        data: Path | None,
        *words: str,
        environ: Mapping[str, str],
        kept: Iterable[str] = (),
        secrets: Path | None = None,
    ) -> list[str]:
        """What starts its entry point with these words, or with its own where there are none; `kept` are the
        capabilities it may use, and where there are any it may come by others.
        """
        start = [*self.config["Entrypoint"], *(words or self.config.get("Cmd") or ())]
        said = [*self.config["Env"], *(f"{name}={value}" for name, value in environ.items())]
        folder = f"--chdir={self.config['WorkingDir'] or '/'}"
        rights = [*self._rights(kept), *([] if kept else ["--no-new-privs"]), "--"]
        return [
            "sh",
            str(ENTER),
            str(self.root),
            str(data or "-"),
            str(secrets or "-"),
            *rights,
            "env",
            "-i",
            folder,
            *said,
            *start,
        ]

    def _rights(self, kept: Iterable[str]) -> list[str]:
        user, group = (self.config.get("User") or "0:0").split(":")
        bounds = ",".join(["-all", *(f"+{each}" for each in kept)])
        who = ["setpriv", "--reuid", user, "--regid", group, "--clear-groups"]
        return [*who, "--bounding-set", bounds, "--inh-caps", "-all"]


def image(name: str) -> tuple[Image, str]:
    """The image, and the container to remove in the end."""
    config = json.loads(buildah("inspect", "--type", "image", name))["Docker"]["config"]
    container = buildah("from", "--pull-never", name).strip()
    return Image(config, Path(buildah("mount", container).strip())), container


class Container:
    """`docker run`, with `environ` as its `-e` for our own variables and `more` for others; its first process
    is ours. `kept` are the capabilities that it may use, `secrets` is a folder for `/run/secrets`.
    """

    def __init__(
        self,
        image: Image,
        data: Path | None,
        *words: str,
        kept: Iterable[str] = (),
        more: Mapping[str, str] = MappingProxyType({}),
        secrets: Path | None = None,
        **environ: Any,
    ) -> None:
        self._image = image
        variables = {f"ENVOY_{name.upper()}": str(value) for name, value in environ.items()}
        told = {**variables, **more}
        self._command = image.command(data, *words, environ=told, kept=kept, secrets=secrets)

    async def __aenter__(self) -> Self:
        self.process = await asyncio.create_subprocess_exec(
            *("unshare", "--mount", "--pid", "--fork", *self._command),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        self._reading = asyncio.create_task(self._read())
        self.said: list[str] = []
        return self

    async def __aexit__(self, *_: object) -> None:
        # `unshare --kill-child` would do it, had the child not become another user since.
        if self.process.returncode is None and self.first:
            os.kill(self.first, signal.SIGKILL)
        await self._reading
        await self.process.wait()

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.said.append(line.decode())

    async def ended(self) -> int:
        """Wait for its end; the status."""
        async with asyncio.timeout(PATIENCE_S):
            await self._reading
            return await self.process.wait()

    @property
    def first(self) -> int:
        """The number that its process 1 has outside, 0 before there is one."""
        parent = self.process.pid
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        return int(children[0]) if children else 0

    async def stop(self) -> int:
        """`docker stop`; the status."""
        os.kill(self.first, signal.SIGTERM)
        return await self.ended()

    def status(self, field: str) -> str:
        """A line of its process's status (proc(5))."""
        lines = Path(f"/proc/{self.first}/status").read_text().splitlines()
        (found,) = (line.split(":", 1)[1].strip() for line in lines if line.startswith(f"{field}:"))
        return found

    @property
    def processor_s(self) -> float:
        """Processor time that its process has used (proc(5), utime and stime)."""
        fields = Path(f"/proc/{self.first}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def execute(self, *command: str) -> subprocess.CompletedProcess[str]:
        """`docker exec`: beside it, as its user, with its variables."""
        words = Path(f"/proc/{self.first}/environ").read_text().split("\0")
        drop = ("setpriv", "--reuid", self.status("Uid").split()[0], "--clear-groups", "--no-new-privs", "--")
        inside = ("nsenter", "--target", str(self.first), "--mount", "--pid", "--root", "--wd", *drop)
        return subprocess.run(
            [*inside, "env", "-i", *filter(None, words), *command],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
