#!/bin/sh
# What an engine does with `--read-only --cap-drop ALL --security-opt no-new-privileges`, in a mount and a PID
# namespace of our own: enter.sh ROOT DATA USER GROUP FOLDER COMMAND…, and a DATA of - mounts none.
set -eu
root=$1 data=$2 user=$3 group=$4 folder=$5
shift 5
mount --make-rprivate /
mount --bind "$root" "$root"
[ "$data" = - ] || mount --bind "$data" "$root/data"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for name in null zero random urandom; do
  : >"$root/dev/$name"
  mount --bind "/dev/$name" "$root/dev/$name"
done
mount -o remount,ro "$root/dev"
mount -o remount,bind,ro "$root"
exec chroot "$root" setpriv --reuid "$user" --regid "$group" --clear-groups --bounding-set -all --inh-caps -all \
  --no-new-privs -- env --chdir="$folder" "$@"
