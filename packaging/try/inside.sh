#!/bin/sh
# Runs in the container of run.sh, as its root, beside its systemd. The first thing that is not so ends it.
set -eu
step() { echo "- $*"; }
says() { # WORDS COMMAND...: the command says these words, whether it succeeds or not
  words=$1; shift
  said=$("$@" 2>&1) || true
  case $said in *"$words"*) ;; *) echo "$*: does not say \"$words\", but: $said"; exit 1 ;; esac
}
property() { systemctl show samara -p "$1" --value; }
until_so() { # at most a minute
  for _ in $(seq 600); do if "$@" >/dev/null 2>&1; then return; fi; sleep 0.1; done
  echo "never so: $*"; exit 1
}
restarted() { [ "$(property NRestarts)" = "$1" ] && systemctl is-active --quiet samara; }

step "installed, neither enabled nor started, the user is there"
dpkg -i /root/samara.deb
[ "$(systemctl is-enabled samara || true)" = disabled ]
[ "$(stat -c %U:%a /var/lib/samara)" = samara:750 ]
systemd-analyze verify samara.service
for file in /etc/samara/node.toml /usr/share/doc/samara/examples/*.toml; do samara config check "$file"; done
man -w samara-fetch samara.1 >/dev/null

step "started: systemd heard that it is ready, and watches it"
systemctl enable --now samara
systemctl is-active --quiet samara
[ "$(property StatusText)" = ready ] && [ "$(property WatchdogUSec)" = 30s ]
samara status

step "members of its group may use it, others are told what they lack"
useradd -m alice; useradd -m bob; usermod -aG samara alice
says "ready" su alice -c 'samara status'
says "or join the group" su bob -c 'samara status'

step "publishes; fetches to where it may write, and says what it may not"
mkdir -p /srv/models
head -c 20000000 /dev/urandom >/srv/models/m
su alice -c 'samara publish /srv/models/m --name m --version 1'
says "Read-only file system" samara fetch m@1 -o /srv/models/copy --wait 5s
mkdir -p /etc/systemd/system/samara.service.d
printf '[Service]\nReadWritePaths=/srv/models\n' >/etc/systemd/system/samara.service.d/places.conf
chown samara /srv/models
systemctl daemon-reload
systemctl restart samara
samara fetch m@1 -o /srv/models/copy --wait 5s
cmp /srv/models/m /srv/models/copy

step "a reload takes what it can, and a wrong file changes nothing"
printf '\n[limits]\nup = "1 Gbit/s"\n' >>/etc/samara/node.toml
systemctl reload samara
until_so sh -c 'samara status | grep -q "1 Gbit/s up"'
cp /etc/samara/node.toml /root/right.toml
printf '\n[limts]\n' >>/etc/samara/node.toml
says 'did you mean `limits`' samara config check /etc/samara/node.toml
systemctl reload samara
until_so sh -c 'journalctl -u samara -o cat | grep -q "the configuration was not taken"'
says "1 Gbit/s up" samara status
cp /root/right.toml /etc/samara/node.toml

step "killed, it comes back; hanging, the watchdog ends it, and it comes back"
kill -9 "$(property MainPID)"
until_so restarted 1
kill -STOP "$(property MainPID)"
until_so restarted 2
says "m@1" samara contents

step "stops in order, and survives an upgrade"
systemctl stop samara
[ "$(property Result)" = success ] && [ "$(property ExecMainStatus)" = 0 ]
systemctl start samara
dpkg -i /root/samara.deb
systemctl is-active --quiet samara
says "m@1" samara contents

step "nothing of this met the sandbox"
if journalctl -u samara -o cat | grep -iE 'seccomp|operation not permitted'; then exit 1; fi

step "removed, its data stays"
dpkg -P samara
[ -d /var/lib/samara ] && [ ! -e /etc/samara/node.toml ]
