#!/bin/sh
# What an engine does with `--read-only --cap-drop ALL --security-opt no-new-privileges`, in a mount and a PID
# namespace of our own: enter.sh ROOT DATA SECRETS COMMAND…, and - for a folder mounts none. The command gives up
# the rights.
set -eu
root=$1 data=$2 secrets=$3
shift 3
mount --make-rprivate /
mount --bind "$root" "$root"
[ "$data" = - ] || mount --bind "$data" "$root/data"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
[ "$secrets" = - ] || { mkdir "$root/run/secrets" && mount --bind "$secrets" "$root/run/secrets"; }
mount -o remount,ro "$root/run"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for name in null zero random urandom; do
  : >"$root/dev/$name"
  mount --bind "/dev/$name" "$root/dev/$name"
done
mount -o remount,ro "$root/dev"
mount -o remount,bind,ro "$root"
exec chroot "$root" "$@"
