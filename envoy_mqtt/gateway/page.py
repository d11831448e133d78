"""A page of entrez, where the token stands in the text of one element (protocol notes, section 5.4)."""

from contextlib import suppress
from html.parser import HTMLParser

ELEMENT = "JWTToken"


class Page(HTMLParser):
    """A page of entrez: the text of the element with the id ELEMENT, and whether it asks for a password."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] | None = None
        self._tag = ""
        self.asks_password = False
        # It refuses some declarations that no browser minds; what came before them counts.
        with suppress(AssertionError):
            self.feed(text)
            self.close()

    @property
    def found(self) -> str | None:
        return None if self._parts is None else "".join(self._parts).strip()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if given.get("id") == ELEMENT and self._parts is None:
            self._parts, self._tag = [], tag
        if tag == "input" and given.get("type") == "password":
            self.asks_password = True

    def handle_endtag(self, tag: str) -> None:
        if tag == self._tag:
            self._tag = ""

    def handle_data(self, data: str) -> None:
        if self._tag and self._parts is not None:
            self._parts.append(data)
