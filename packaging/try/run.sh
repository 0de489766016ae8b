#!/bin/bash
# Tries a package as a new user would, on a machine with a systemd of its own: a container made by debootstrap, without
# a network. Needs root, debootstrap and systemd-nspawn (Debian package systemd-container), and a Debian mirror once:
# the empty system is kept in target/try-package.
set -euo pipefail
package=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
for tool in debootstrap systemd-nspawn; do
  command -v "$tool" >/dev/null || { echo "missing: $tool (apt install debootstrap systemd-container)" >&2; exit 2; }
done
base=$here/../../target/try-package
mkdir -p "$base"
if [ ! -e "$base/empty.done" ]; then
  rm -rf "$base/empty"
  debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,procps,man-db \
    bookworm "$base/empty" "${MIRROR:-http://deb.debian.org/debian}" >"$base/debootstrap.log"
  touch "$base/empty.done"
fi
root=$base/root
rm -rf "$root"
cp -a --reflink=auto "$base/empty" "$root"
: >"$root/etc/machine-id"
cp "$package" "$root/root/samara.deb"
install -m 755 "$here/inside.sh" "$root/root/inside.sh"
cat >"$root/etc/systemd/system/inside.service" <<'UNIT'
[Service]
Type=oneshot
ExecStart=/bin/sh -c '/root/inside.sh >/root/log 2>&1; echo $? >/root/code; systemctl poweroff'
TimeoutStartSec=300
UNIT
mkdir -p "$root/etc/systemd/system/graphical.target.wants"
ln -s ../inside.service "$root/etc/systemd/system/graphical.target.wants/inside.service"
systemd-nspawn --quiet --directory="$root" --boot --register=no --keep-unit --private-network \
  --machine=samara-try >"$base/boot.log" 2>&1 || true
cat "$root/root/log"
code=$(cat "$root/root/code" 2>/dev/null || echo "none: it did not boot, see $base/boot.log")
[ "$code" = 0 ] || { echo "the package was tried in vain: exit code $code" >&2; exit 1; }
echo "the package works"
