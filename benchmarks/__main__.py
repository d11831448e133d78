"""`python -m benchmarks`: everything the README says in figures, measured here and now.

Exit status 0 when every part was measured, whether or not its bars hold; 1 when one was not.
"""

import argparse
import asyncio
import gc
import json
import shutil
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

from benchmarks import flood, latency, machine, many, memory, pure, viewers
from benchmarks.report import Part, table
from tests.programs import SEARCH_PATH

SECONDS = 60.0
NEEDED = ("mosquitto", "mosquitto_pub", "curl", "sed")


class Job(NamedTuple):
    """How to measure a part, which share of `--seconds` it takes, how often, and what it may take besides."""

    measure: Callable[[float], Awaitable[Part]]
    share: float
    times: int
    besides_s: float


JOBS = {
    "a": Job(latency.measure, 1, 1, 60),
    "b": Job(flood.measure, 1 / 6, 4, 120),
    "c": Job(memory.measure, 0, 1, 240),
    "d": Job(many.measure, 1 / 2, 1, 240),
    "e": Job(pure.measure, 1 / 12, 2, 60),
    "f": Job(viewers.measure, 1 / 6, 12, 120),
}


async def _run(names: list[str], seconds: float) -> list[Part]:
    """Measure and print, part by part; the parts that could be measured."""
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    parts = []
    for name in names:
        part = await _measure(name, JOBS[name], seconds)
        if part is not None:
            parts.append(part)
            print("\n" + table(part), flush=True)
    return parts


async def _measure(name: str, job: Job, seconds: float) -> Part | None:
    limit_s = job.besides_s + job.share * job.times * seconds
    try:
        async with asyncio.timeout(limit_s):
            return await job.measure(job.share * seconds)
    except TimeoutError:
        print(f"\n({name}) was not done after {limit_s:.0f} s and was given up", flush=True)
        return None


def _as_json(about: str, parts: list[Part]) -> str:
    return json.dumps(
        {
            "machine": about,
            "pinning": machine.pinning(),
            "parts": [
                {
                    "title": part.title,
                    "beside": part.beside,
                    "rows": [
                        {**row._asdict(), "ratio": row.ratio, "bar": row.bar and row.bar._asdict()}
                        for row in part.rows
                    ],
                }
                for part in parts
            ],
        },
        indent=2,
        ensure_ascii=False,
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--seconds",
        type=float,
        default=SECONDS,
        help="how long (a) takes; the others in proportion (%(default)g)",
    )
    parser.add_argument("--only", default=",".join(JOBS), help="which parts (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    options = parser.parse_args()
    options.only = options.only.split(",")
    if unknown := set(options.only) - set(JOBS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    return options


def main() -> int:
    """The exit status."""
    options = _options()
    missing = [name for name in NEEDED if shutil.which(name, path=SEARCH_PATH) is None]
    if missing or sys.platform != "linux":
        print(f"missing: {', '.join(missing) or 'Linux'}", file=sys.stderr)
        return 1
    machine.allow_many_files()
    machine.pin_to_others()
    gc.disable()  # The subscriber is in this process, and a pause of ours would be taken for the bridge's.
    about = machine.description()
    print(about, machine.pinning(), sep="\n")
    try:
        parts = asyncio.run(_run(options.only, options.seconds))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 130
    if options.json is not None:
        options.json.write_text(_as_json(about, parts))
    return 0 if len(parts) == len(options.only) else 1


if __name__ == "__main__":
    sys.exit(main())
