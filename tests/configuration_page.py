"""docs/configuration.md, made of the settings and of config.example.toml: `make docs` writes it.

What a key means stands in the example's comments, what is allowed beside its check in the settings; a test
holds the page against both.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from envoy_mqtt.config.keys import KEYS, LISTS, Key
from envoy_mqtt.config.mistakes import dotted, variable
from tests.pages import ROOT, text

NAME = "docs/configuration.md"
EXAMPLE = "config.example.toml"

SECTION = re.compile(r"(?:# )?\[{1,2}([a-z_.]+)\]{1,2}")
KEY = re.compile(r"(# )?([a-z_]+) = (.+)")

HEAD = """\
# Configuration

<!-- `make docs` writes this page, from the settings and config.example.toml: change those. -->

One TOML file, `--config FILE`, else `config.toml` in the current folder, else in `data_dir`; none is needed.
What counts first: the command line, the environment (every key is a variable, an empty one counts as not
set), the files of secrets (each secret `x` can come from a file, `x_file`), the configuration file, the Home
Assistant app's options. Lists in variables are written with commas or as JSON, several gateways as
`ENVOY_GATEWAYS__0__HOST` and so on.

`envoy-mqtt config check` says in a line for each mistake which key it is, what was found and what is allowed;
`envoy-mqtt config show` what is in force.
"""

# What one exports for has the keys of what one imports for; the example does not repeat them.
LIKE: dict[Key, Key] = {("tariff", "export"): ("tariff", "import")}


class Told(NamedTuple):
    """What the example tells of one key: its meaning, and its value where that is the default."""

    meaning: str
    default: str | None


class Example(NamedTuple):
    """The example, read: sections in its order with what stands above each, and what it tells of keys."""

    sections: dict[Key, str]
    keys: dict[Key, Told]


def read() -> Example:
    """The example's comments, by what they stand above."""
    found, at, comment = Example({(): ""}, {}), Key(), list[str]()
    for line in text(EXAMPLE).splitlines():
        section, key = SECTION.fullmatch(line), KEY.fullmatch(line)
        if section:
            at = tuple(section[1].split("."))
            found.sections.setdefault(at, " ".join(comment))
        elif key and (*_listed(at), key[2]) in KEYS:
            told = Told(" ".join(comment), None if key[1] else key[3])
            found.keys.setdefault((*at, key[2]), told)  # the first time it stands there it is explained
        elif line.startswith("# "):
            comment.append(line.removeprefix("# "))
            continue
        comment.clear()
    return found


def _listed(at: Key) -> Key:
    return at if at == ("gateways",) else LISTS.get(at, at)


def page() -> str:
    """The whole page."""
    example = read()
    return HEAD + "".join(_section(at, above, example) for at, above in example.sections.items())


def _section(at: Key, above: str, example: Example) -> str:
    """A heading, what stands above the section, and a row for each key of it."""
    rows = "".join(_row(at, key, example) for key in KEYS if key[:-1] == _listed(at))
    double = at in LISTS
    heading = "" if not at else f"\n## `[{'[' * double}{dotted(at)}{']' * double}]`\n"
    above = f"\n{above}\n" if above else ""
    return f"{heading}{above}\n| key, variable | default | allowed | |\n| --- | --- | --- | --- |\n{rows}"


def _row(at: Key, key: Key, example: Example) -> str:
    told = example.keys[*LIKE.get(at, at), key[-1]]
    default = "" if told.default is None or at in LISTS else f"`{told.default}`"
    allowed = KEYS[key].description or ""
    cells = (f"`{key[-1]}`<br>`{variable(key)}`", default, allowed, told.meaning)
    return f"| {' | '.join(_cell(cell) for cell in cells)} |\n"


def _cell(words: str) -> str:
    return words.replace("|", "\\|")


def names() -> Iterator[str]:
    """Every key as the page has it."""
    yield from re.findall(r"^\| `[a-z_]+`<br>`(ENVOY_[A-Z0-9_]+)`", text(NAME), re.MULTILINE)


if __name__ == "__main__":
    (ROOT / NAME).write_text(page())
