"""A tariff in the configuration, from file and environment, and every mistake as a sentence that mends it."""

import subprocess
import sys
import textwrap
import tomllib
from datetime import date
from pathlib import Path

import pytest

from envoy_mqtt.almanac import UnknownCalendar, holidays_of
from envoy_mqtt.config import load, show, tariff_of
from envoy_mqtt.errors import ConfigError
from envoy_mqtt.tariff.period import Span, Tariff
from tests.tariff.ausgrid import HOLIDAYS, IMPORTS

AUSGRID = """
[tariff]
currency = "AUD"
daily_charge = 1.10
billing_day = 12
holidays = "AU-NSW"

[[tariff.import]]
name = "peak"
price = 0.52
times = ["14:00-20:00"]
months = [11, 12, 1, 2, 3]
days = "workdays"

[[tariff.import]]
name = "peak"
times = ["17:00-21:00"]
months = [6, 7, 8]
days = "workdays"

[[tariff.import]]
name = "offpeak"
price = 0.18
times = ["22:00-07:00"]

[[tariff.import]]
name = "shoulder"
price = 0.25

[[tariff.export]]
name = "buyback"
price = 0.07
"""

FLAT = 'tariff.currency = "EUR"\n[[tariff.import]]\nname = "flat"\nprice = 0.3\n'


def tariff(folder: Path, toml: str, **environ: str) -> Tariff | None:
    (folder / "config.toml").write_text(toml)
    return tariff_of(load(None, environ=environ, cwd=folder).tariff)


def mistakes(folder: Path, toml: str, **environ: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        tariff(folder, toml, **environ)
    return list(caught.value.mistakes)


def test_without_periods_there_is_no_tariff(tmp_path: Path) -> None:
    assert tariff(tmp_path, "") is None
    assert tariff(tmp_path, 'tariff.currency = "EUR"') is None


def test_a_file_makes_the_tariff(tmp_path: Path) -> None:
    found = tariff(tmp_path, AUSGRID)
    assert found is not None
    assert found.imports == IMPORTS
    assert found[0:1] + found[3:6] == ("AUD", 1.10, 12, 0.0)
    assert [day for day in HOLIDAYS if not found.holiday(day)] == []
    assert not found.holiday(date(2026, 11, 20))


def test_what_is_shown_loads_back_equal(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(AUSGRID)
    it = load(None, environ={}, cwd=tmp_path)
    shown = show(it)
    assert len(tomllib.loads(shown)["tariff"]["import"]) == 4
    (tmp_path / "config.toml").write_text(shown)
    assert load(None, environ={}, cwd=tmp_path).tariff == it.tariff


def test_every_key_is_a_variable_by_number(tmp_path: Path) -> None:
    found = tariff(
        tmp_path,
        FLAT,
        ENVOY_TARIFF__DISCOUNT="0.1",
        ENVOY_TARIFF__IMPORT__0__PRICE="0.5",
        ENVOY_TARIFF__IMPORT__0__TIMES="7:00-9:00, 17:00-19:00",
        ENVOY_TARIFF__IMPORT__0__MONTHS="1,2",
        ENVOY_TARIFF__IMPORT__0__DAYS="mon,tue",
        ENVOY_TARIFF__IMPORT__1__NAME="rest",
        ENVOY_TARIFF__IMPORT__1__PRICE_TOPIC="prices/now",
        ENVOY_TARIFF__IMPORT__1__PRICE_KEY="price",
        ENVOY_TARIFF__EXPORT__0__NAME="sun",
        ENVOY_TARIFF__EXPORT__0__PRICE="-0.05",
    )
    assert found is not None
    flat, rest = found.imports
    assert (flat.name, flat.price, sorted(flat.months)) == ("flat", 0.5, [1, 2])
    assert flat.times == (Span(420, 540), Span(1020, 1140))
    assert flat.days == {0, 1, 7, 8}
    assert (rest.price_topic, rest.price_key, rest.times) == ("prices/now", "price", ())
    assert (found.discount, found.exports[0].price) == (0.1, -0.05)


def test_a_list_as_json_replaces_the_list_of_the_file(tmp_path: Path) -> None:
    found = tariff(
        tmp_path, AUSGRID, ENVOY_TARIFF__IMPORT='[{"name": "flat", "price": 0.3, "times": ["00:00-24:00"]}]'
    )
    assert found is not None
    assert [period.name for period in found.imports] == ["flat"]
    assert [period.name for period in found.exports] == ["buyback"]


@pytest.mark.parametrize(
    ("toml", "sentence"),
    [
        (
            FLAT.replace("EUR", "Euro"),
            'tariff.currency: found "Euro", allowed is an ISO 4217 code such as "EUR"',
        ),
        (
            FLAT.removeprefix('tariff.currency = "EUR"\n'),
            "tariff.currency: is missing; add what prices are in",
        ),
        (
            FLAT + 'times = ["7-9"]',
            'tariff.import[0].times: found ["7-9"], allowed is a list of local times such',
        ),
        (
            FLAT + "months = [13]",
            "tariff.import[0].months: found [13], allowed is a list of numbers from 1",
        ),
        (FLAT + "months = []", "tariff.import[0].months: found a list, allowed is a list of numbers"),
        (FLAT + 'days = "holidays"', 'tariff.import[0].days: found "holidays", allowed is "all", "workdays"'),
        (FLAT.replace('"flat"', '"Flat"'), 'tariff.import[0].name: found "Flat", allowed is small letters'),
        (
            FLAT.replace('"flat"', '"former"'),
            'found "former", allowed is small letters, digits and _, but not',
        ),
        (FLAT.replace('"flat"', '"a_today"'), 'found "a_today", allowed is small letters'),
        (FLAT.replace('"flat"', '"today"'), 'found "today", allowed is small letters'),
        (FLAT.replace("0.3", '"dear"'), 'tariff.import[0].price: found "dear", allowed is a number'),
        (
            FLAT.replace("price = 0.3", 'price_topic = "a/#"'),
            'price_topic: found "a/#", allowed is a topic with',
        ),
        (FLAT + 'colour = "red"', "tariff.import[0].colour: there is no such key"),
        (FLAT + 'time = ["7:00-9:00"]', "there is no such key; did you mean tariff.import[0].times?"),
        (FLAT.replace('name = "flat"\n', ""), 'tariff.import[0]: has no name; add one such as name = "peak"'),
        (
            FLAT.replace("[[", "[").replace("]]", "]"),
            "tariff.import: found a section, allowed is a list of at",
        ),
        (
            FLAT + 'times = ["7:00-9:00"]',
            "tariff.import: no period holds at 00:00 on Mon in January; add one without times, months and",
        ),
        (
            'tariff.currency = "EUR"\n[[tariff.export]]\nname = "sun"\nprice = 0.1',
            "tariff.export: stands without tariff.import; add at least one [[tariff.import]]",
        ),
        (FLAT + "[tariff]\nbilling_day = 29", "config.toml"),
        ("tariff.billing_day = 29", "tariff.billing_day: found 29, allowed is a whole number from 1 to 28"),
        ("tariff.discount = 1.5", "tariff.discount: found 1.5, allowed is a number from 0 to 1"),
        ('tariff.holidays = "XX"', "tariff.holidays: found 'XX', but there is no country 'XX'"),
        ('tariff.holidays = "AU-XX"', "AU has no part 'XX'; its parts are ACT, NSW, NT,"),
        ('tariff.holidays = "nsw"', 'tariff.holidays: found "nsw", allowed is a country or a part of one'),
    ],
)
def test_each_mistake_is_one_sentence_that_mends_it(tmp_path: Path, toml: str, sentence: str) -> None:
    (found,) = mistakes(tmp_path, toml)
    assert sentence in found


def test_numbers_leave_none_out(tmp_path: Path) -> None:
    (found,) = mistakes(
        tmp_path, FLAT, ENVOY_TARIFF__IMPORT__2__NAME="late", ENVOY_TARIFF__IMPORT__2__PRICE="1"
    )
    assert found == (
        "ENVOY_TARIFF__IMPORT__2__NAME: there is no tariff.import[1]; numbers start at 0 and leave none out"
    )


def test_a_list_that_is_no_json_is_told(tmp_path: Path) -> None:
    (found,) = mistakes(tmp_path, "", ENVOY_TARIFF__IMPORT="[flat]")
    assert found == "ENVOY_TARIFF__IMPORT: this is not JSON, allowed is a list of periods as JSON"


def test_public_holidays_are_those_of_the_country_or_the_part() -> None:
    """King's Birthday: in June in New South Wales, in September or October in Western Australia."""
    june = date(2026, 6, 8)
    assert holidays_of("AU-NSW")(june)
    assert not holidays_of("AU-WA")(june)
    assert holidays_of("FR")(date(2026, 7, 14))
    with pytest.raises(UnknownCalendar):
        holidays_of("FR-Nowhere")


def test_the_library_of_holidays_is_imported_only_where_a_calendar_is_named(tmp_path: Path) -> None:
    script = textwrap.dedent("""
        import sys
        from pathlib import Path
        from envoy_mqtt import app
        from envoy_mqtt.config import load, tariff_of
        tariff_of(load(None, environ={}, cwd=Path(sys.argv[1])).tariff)
        print("holidays" in sys.modules)
    """)
    for toml, imported in ((AUSGRID.replace('holidays = "AU-NSW"', ""), "False"), (AUSGRID, "True")):
        (tmp_path / "config.toml").write_text(toml)
        done = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == imported
