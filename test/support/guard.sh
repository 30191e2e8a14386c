#!/bin/sh
# guard.sh OWNERS FOLDER SIGNAL: ends the server whose pid stands in FOLDER/pid when one of the processes OWNERS is
# gone (finished, Ctrl-C, kill -9), and removes FOLDER; so no test run leaves servers or data behind.
# Ends by itself when FOLDER is removed. A file FOLDER/kept (see database.ts) keeps the data for a look.
owners=$1 folder=$2 signal=$3

# In a container nobody may reap orphans, and `kill -0` takes a zombie for alive.
is_alive() {
  case $(ps -o stat= -p "$1") in '' | Z*) return 1 ;; esac
}

all_owners_live() {
  for owner in $owners; do kill -0 "$owner" 2>/dev/null || return 1; done
}

while [ -d "$folder" ] && all_owners_live; do sleep 0.2; done
[ -d "$folder" ] || exit 0

if [ -e "$folder/kept" ]; then signal=INT; fi # Postgres: disconnect everyone and write everything down
pid=$(cat "$folder/pid" 2>/dev/null)
# shellcheck disable=SC2086 # $tree is several numbers
if [ -n "$pid" ]; then
  tree="$pid $(ps -A -o pid=,ppid= | awk -v parent="$pid" '$2 == parent { print $1 }')"
  kill -CONT $tree 2>/dev/null # a frozen process would not hear the signal
  kill -"$signal" "$pid" 2>/dev/null
  tries=50
  while [ "$tries" -gt 0 ] && is_alive "$pid"; do sleep 0.1; tries=$((tries - 1)); done
  kill -KILL $tree 2>/dev/null
fi
[ -e "$folder/kept" ] || rm -rf "$folder"

# Nobody looks at a kept database after two days.
find "$(dirname "$folder")" -maxdepth 1 -name 'askwell-test-run-*' -mtime +1 -exec rm -rf {} +
