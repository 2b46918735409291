#!/usr/bin/env bash
# Servers for the tests, from Debian's packages, on ports of their own, with their files in build/services.
# A test asks for one with a mark: browser, mosquitto, nats, postgres. What no test asks for is neither installed nor started.
# usage: tools/services.sh up|down [NAME...]      SERVICES="postgres nats" in the environment does the same
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$PWD/build/services
: "${POSTGRES_PORT:=58432}" "${MOSQUITTO_PORT:=58883}" "${NATS_PORT:=58222}"

# name -> a file or program that shows it is there; its Debian packages
declare -A sign=([browser]=chromium [mosquitto]=mosquitto [nats]=nats-server
    [postgres]='/usr/share/postgresql/*/extension/postgis.control')
declare -A packages=([browser]="chromium fonts-wqy-zenhei" [mosquitto]=mosquitto [nats]=nats-server
    [postgres]="postgresql postgresql-15-postgis-3")

asked() {
    if [ $# -gt 0 ]; then echo "$@"; return; fi
    if [ -n "${SERVICES:-}" ]; then echo "$SERVICES"; return; fi
    grep -rhoE --include='*.py' 'pytest\.mark\.(browser|mosquitto|nats|postgres)\b' tests 2>/dev/null |
        sed 's/.*\.//' | sort -u | tr '\n' ' '
}

present() { PATH=$PATH:/usr/sbin command -v "${sign[$1]}" >/dev/null || compgen -G "${sign[$1]}" >/dev/null; }

install() {
    present "$1" && return
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "Tests that need '$1' will be skipped: install ${packages[$1]} (Debian's names) to run them." >&2
        echo "需要“$1”的测试将跳过；安装 ${packages[$1]} 后即可运行。" >&2
        return 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    # shellcheck disable=SC2086 # a list of packages
    apt-get install -y -qq --no-install-recommends ${packages[$1]} >/dev/null
}

# A server of ours runs as long as the process named in its pid file.
alive() { [ -f "$folder/$1.pid" ] && kill -0 "$(cat "$folder/$1.pid")" 2>/dev/null; }

background() {
    local name=$1; shift
    alive "$name" && return
    PATH=$PATH:/usr/sbin setsid nohup "$@" >"$folder/$name.log" 2>&1 < /dev/null &
    echo $! >"$folder/$name.pid"
}

start_browser() { :; } # each test opens its own

start_mosquitto() {
    printf 'listener %s 127.0.0.1\nallow_anonymous true\npersistence false\n' "$MOSQUITTO_PORT" >"$folder/mosquitto.conf"
    background mosquitto mosquitto -c "$folder/mosquitto.conf"
}

start_nats() { background nats nats-server -a 127.0.0.1 -p "$NATS_PORT" -js -sd "$folder/nats"; }

# PostgreSQL refuses to run as root, so root hands it to the user that the package makes.
as_postgres() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }

start_postgres() {
    local bin data=$folder/postgres
    bin=$(find /usr/lib/postgresql -maxdepth 2 -name bin | sort -V | tail -n 1)
    [ -d "$data" ] || { install_folder "$data"; as_postgres "$bin/initdb" -D "$data" -A trust -U zhicheng >/dev/null; }
    as_postgres "$bin/pg_ctl" -D "$data" status >/dev/null ||
        as_postgres "$bin/pg_ctl" -D "$data" -w -l "$data/log" \
            -o "-p $POSTGRES_PORT -c listen_addresses=127.0.0.1 -c unix_socket_directories=$data" start >/dev/null
}

install_folder() { mkdir -p "$1"; if [ "$(id -u)" = 0 ]; then chown postgres "$1"; fi; }

stop_postgres() {
    local bin data=$folder/postgres
    [ -d "$data" ] || return 0
    bin=$(find /usr/lib/postgresql -maxdepth 2 -name bin | sort -V | tail -n 1)
    as_postgres "$bin/pg_ctl" -D "$data" -m fast stop >/dev/null || true
}

up() {
    local name
    for name in $(asked "$@"); do
        [ -n "${sign[$name]:-}" ] || { echo "No service '$name'; there are: ${!sign[*]}" >&2; exit 2; }
        mkdir -p "$folder"
        if install "$name"; then "start_$name"; fi
    done
}

down() {
    stop_postgres
    local name
    for name in mosquitto nats; do
        if alive "$name"; then kill "$(cat "$folder/$name.pid")"; fi
        rm -f "$folder/$name.pid"
    done
}

case "${1:-}" in
    up) shift; up "$@" ;;
    down) down ;;
    *) sed -n '2,4s/^# //p' "$0"; exit 2 ;;
esac
