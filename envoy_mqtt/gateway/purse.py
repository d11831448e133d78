"""What `data_dir` holds of an account: its tokens, one file a gateway, and the count of its logins.

    tokens/SERIAL.json   the newest token, bound to gateway, account and role
    cloud.json           a record for each account, see `budget`
    cloud.lock           held by whoever asks the cloud

Every program on this machine that wants a token goes through the same three.
"""

import hashlib
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from envoy_mqtt import store
from envoy_mqtt.errors import BadAnswer, ConfigError
from envoy_mqtt.gateway import budget
from envoy_mqtt.gateway.auth import Account
from envoy_mqtt.gateway.budget import Record
from envoy_mqtt.gateway.token import Token, issued_token
from envoy_mqtt.line import Line
from envoy_mqtt.lock import locked

VERSION = 1

# Stands for every account of which a lost count may have told.
ANY = "*"

Owner = tuple[str, str, str]


class Purse:
    """One account's share of `data_dir`; `line` is told what had to be ignored."""

    def __init__(self, folder: Path, account: Account, line: Line) -> None:
        self.folder = folder
        self.account = account
        self._line = line
        # An e-mail address has no business in these files.
        self._name = hashlib.sha256(account.username.strip().lower().encode()).hexdigest()[:16]
        self._records: dict[str, Record] = {}

    def locked(self) -> AbstractAsyncContextManager[None]:
        """Alone with the cloud; raises `OSError`."""
        store.make(self.folder)
        return locked(self.folder / "cloud.lock")

    def cached(self, serial: str) -> Token | None:
        """The gateway's token, where the file is there, whole, and this account's and role's."""
        try:
            found = store.read(self._file(serial), VERSION, _understand_token)
        except (store.Broken, ConfigError, OSError) as error:
            self._line.warn("token cache ignored", error=str(error))
            return None
        if found is None:
            return None
        owner, token = found
        if owner != self._owner(serial) or not token.fits(serial):
            self._line.warn(
                "token cache ignored", error="its token is another account's, role's or gateway's"
            )
            return None
        return token

    def keep(self, serial: str, token: Token) -> None:
        """Put a new token into the cache; where that fails it is said, and the token is good all the same."""
        names = ("serial", "account", "role")
        content = dict(zip(names, self._owner(serial), strict=True)) | {"token": token.text}
        try:
            store.write(self._file(serial), VERSION, content)
            self._line.mended("token not cached")
        except OSError as error:
            self._line.warn("token not cached", error=store.unwritable(self.folder, error), code="disk")

    def record(self, unix: float) -> Record:
        """What is remembered of the account's logins; raises `OSError`, and `ConfigError` for a newer file.

        A file that cannot be read counts as every login of the day used up: an account that is locked costs
        its owner more than a day's wait for a token.
        """
        try:
            self._records = store.read(self._book, VERSION, _understand_records) or {}
        except store.Broken as broken:
            self._line.warn(
                "count of logins lost, so none for a day",
                stands_s=budget.DAY_S,
                error=str(broken),
                code="login_limit",
            )
            self._records = {ANY: budget.used_up(unix)}
            self._save()
        unknown = self._records.get(ANY, Record())
        found = self._records.get(self._name, unknown)
        record = found.settled(unix)
        if record != found:
            self.write(record)
        return record

    def logins_today(self, unix: float) -> int:
        """How many logins there were within a day; 0 where nobody can tell, for then there are none."""
        try:
            return sum(unix - login < budget.DAY_S for login in self.record(unix).logins)
        except (OSError, ConfigError):
            return 0

    def write(self, record: Record) -> None:
        """Write the account's record down; raises `OSError`."""
        self._records[self._name] = record
        self._save()

    def _save(self) -> None:
        accounts = {name: each._asdict() for name, each in self._records.items()}
        store.write(self._book, VERSION, {"accounts": accounts})

    @property
    def _book(self) -> Path:
        return self.folder / "cloud.json"

    def _file(self, serial: str) -> Path:
        return self.folder / "tokens" / f"{serial}.json"

    def _owner(self, serial: str) -> Owner:
        return serial, self._name, self.account.role


def _understand_token(content: dict[str, Any]) -> tuple[Owner, Token]:
    owner = (str(content["serial"]), str(content["account"]), str(content["role"]))
    try:
        return owner, issued_token(content["token"], owner[0])
    except BadAnswer as error:
        raise ValueError from error


def _understand_records(content: dict[str, Any]) -> dict[str, Record]:
    return {str(name): budget.understand(each) for name, each in content["accounts"].items()}
