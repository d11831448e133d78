"""What the README's figures come from: `python -m benchmarks`, on Linux, with mosquitto and curl there."""

import sys

if sys.platform != "linux":
    raise SystemExit("The benchmarks read /proc and pin processes to cores: they need Linux.")
