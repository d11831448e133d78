"""Topic filters (4.7)."""


def valid(topic_filter: str) -> bool:
    """Wildcards stand alone in their level, and `#` in the last one only."""
    *levels, last = topic_filter.split("/")
    alone = all(level == "+" or not {"+", "#"} & set(level) for level in levels)
    return topic_filter != "" and alone and (last in ("+", "#") or not {"+", "#"} & set(last))


def matches(topic_filter: str, topic: str) -> bool:
    """Whether a valid filter covers the topic; a leading wildcard never covers `$…` (4.7.2)."""
    if topic[0] == "$" and topic_filter[0] in "+#":
        return False
    wanted, levels = topic_filter.split("/"), topic.split("/")
    if wanted[-1] == "#":
        del wanted[-1]
        levels = levels[: len(wanted)]  # `a/#` covers `a` too (4.7.1.2).
    return len(wanted) == len(levels) and all(
        w in ("+", level) for w, level in zip(wanted, levels, strict=True)
    )
