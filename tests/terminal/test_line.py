"""Lines fit where they are shown."""

from envoy_mqtt.terminal.line import DIM, PLAIN, Line, Section, both_ends, fitting, length, listed, paragraph


def plain(line: Line) -> str:
    return "".join(text for text, _ in line)


def test_two_texts_stand_at_both_ends_and_the_right_one_goes_where_there_is_no_room() -> None:
    assert plain(both_ends([("left", PLAIN)], [("right", DIM)], 12)) == "left   right"
    assert plain(both_ends([("left", PLAIN)], [("right", DIM)], 10)) == "left right"
    assert plain(both_ends([("left", PLAIN)], [("right", DIM)], 9)) == "left"


def test_a_list_breaks_between_items() -> None:
    lines = listed("today", ["a 1", "b 2", "c 3"], 18)
    assert [plain(line) for line in lines] == ["today   a 1 · b 2", "        c 3"]
    assert all(length(line) <= 18 for line in lines)
    assert listed("today", [], 18) == []


def test_a_paragraph_is_indented_behind_its_mark() -> None:
    assert [plain(line) for line in paragraph("one two three", 8, PLAIN, "- ")] == [
        "- one",
        "  two",
        "  three",
    ]


def test_what_matters_least_goes_first_and_the_order_stays() -> None:
    line: Line = [("x", PLAIN)]
    sections = [Section(0, [line]), Section(9, [line, line]), Section(1, [line])]
    assert len(fitting(sections, 10)) == 4
    assert len(fitting(sections, 3)) == 2
    assert len(fitting(sections, 1)) == 1
    assert fitting(sections, 0) == []
