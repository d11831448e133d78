#!/bin/sh
# The Supervisor gives the folder to root and writes options.json anew, for root alone, at every start: both are
# taken over, and nothing of the bridge runs as root. What fails here the program itself tells in a sentence.
data="${ENVOY_DATA_DIR:-/data}"
set --
if [ "$(id -u)" = 0 ]; then
  chown -Rh 1000:1000 "$data"
  set -- setpriv --reuid=1000 --regid=1000 --clear-groups --inh-caps=-all --no-new-privs --
fi
exec "$@" envoy-mqtt run
