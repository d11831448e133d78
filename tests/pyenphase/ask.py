"""Runs in pyenphase's own environment, and imports nothing of ours: what it knows of a gateway, as JSON.

The first line of stdin says whom to ask: `{"host": …, "token": …}`, because others can read a command line.
Each line after it is answered by one on stdout: everything pyenphase has after one more update.
"""

import asyncio
import dataclasses
import json
import sys

import pyenphase  # type: ignore[import-not-found]


async def main() -> None:
    target = json.loads(sys.stdin.readline())
    envoy = pyenphase.Envoy(target["host"])
    try:
        await envoy.setup()
        await envoy.authenticate(token=target["token"])
        while await asyncio.to_thread(sys.stdin.readline):
            data = dataclasses.asdict(await envoy.update())
            print(json.dumps(data, default=str), flush=True)
    finally:
        await envoy.close()


if __name__ == "__main__":
    asyncio.run(main())
