"""Where the program finds itself: the folder it works in, a person's machine or a container."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

# The last is our own image's: not every runtime leaves a mark (containerd does not).
_MARKS = ("/.dockerenv", "/run/.containerenv", "/etc/envoy-mqtt/image.toml")


def inside_container(environ: Mapping[str, str], root: Path = Path("/")) -> bool:
    """Whether this is a container, by the marks that Docker, Podman, systemd-nspawn and our image leave."""
    return bool(environ.get("container")) or any((root / mark[1:]).exists() for mark in _MARKS)


# Where apps find the Supervisor; bashio, the apps' usual library, has the same name for another place.
_SUPERVISOR = "http://supervisor"


@dataclass(frozen=True)
class Supervisor:
    """Home Assistant's Supervisor, whose app this is: where it answers, and with what it knows us.

    `slug` is the app's name there with its repository's, empty where that is not known.
    """

    url: str
    token: SecretStr
    slug: str


@dataclass(frozen=True)
class Surroundings:
    """What paths and defaults depend on; an argument, so that no test has to pretend."""

    environ: Mapping[str, str]
    cwd: Path
    in_container: bool
    platform: str

    def place(self, text: str) -> Path:
        """The absolute path someone meant: `~/` is their home, else from the working folder."""
        return self._home() / text[2:] if text.startswith("~/") else self.cwd / text

    def data_dir(self) -> Path:
        """`/data` in a container, else the user's state folder (XDG Base Directory 0.8, Apple's on macOS)."""
        if self.in_container:
            return Path("/data")
        if self.platform == "darwin":
            return self._home() / "Library" / "Application Support" / "envoy-mqtt"
        # The specification has relative paths ignored.
        state = Path(self.environ.get("XDG_STATE_HOME", ""))
        return (state if state.is_absolute() else self._home() / ".local" / "state") / "envoy-mqtt"

    @property
    def supervisor(self) -> Supervisor | None:
        """The Supervisor, by the token that only its apps have.

        It gives the container the slug for a name, - for _ (HA developers' docs, "App communication").
        """
        token = self.environ.get("SUPERVISOR_TOKEN")
        if not token:
            return None
        url = self.environ.get("SUPERVISOR_API") or _SUPERVISOR
        return Supervisor(url, SecretStr(token), self.environ.get("HOSTNAME", "").replace("-", "_"))

    def _home(self) -> Path:
        try:
            return Path(self.environ.get("HOME") or Path.home())
        except RuntimeError:
            # A user without an entry in passwd; container runtimes set HOME=/ for them.
            return Path("/")
