#!/bin/sh
# Programs of the system that tests talk to: `tests/need.sh COMMAND[=PACKAGE] …` installs what is missing, where we
# may. Where we may not it says so and the tests that want it are skipped; never in CI, where they fail.
PATH="$PATH:/usr/sbin:/usr/local/sbin"
packages=
for each; do
  command -v "${each%%=*}" >/dev/null || packages="$packages ${each#*=}"
done
[ -n "$packages" ] || exit 0
if [ "$(id -u)" = 0 ]; then sudo=; elif sudo -n true 2>/dev/null; then sudo=sudo; else sudo=no; fi
if [ "$sudo" = no ] || ! command -v apt-get >/dev/null; then
  echo "missing, and not to be installed from here; tests that need it are skipped: sudo apt install$packages"
  exit 0
fi
echo "installing, for tests:$packages"
# A package may start a service of its own: nothing here needs it, and it would take its port.
{ $sudo apt-get update -qq &&
  $sudo env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends $packages >/dev/null
} || echo "could not be installed; tests that need it are skipped:$packages"
