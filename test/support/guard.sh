#!/bin/sh
# guard.sh OWNERS FOLDER SIGNAL: when one of the processes OWNERS has ended (finished, Ctrl-C, kill -9), ends the server
# with the pid in FOLDER/pid and removes FOLDER, so that no test run leaves servers or data behind.
# Exits when FOLDER is removed. A file FOLDER/kept (see database.ts) preserves the data for inspection.
owners=$1 folder=$2 signal=$3

# In a container orphans may never be reaped, and `kill -0` reports a zombie as alive.
is_alive() {
  case $(ps -o stat= -p "$1") in '' | Z*) return 1 ;; esac
}

all_owners_live() {
  for owner in $owners; do kill -0 "$owner" 2>/dev/null || return 1; done
}

while [ -d "$folder" ] && all_owners_live; do sleep 1; done
[ -d "$folder" ] || exit 0

if [ -e "$folder/kept" ]; then signal=INT; fi # Postgres: disconnect all clients and write everything to disk
pid=$(cat "$folder/pid" 2>/dev/null)
# shellcheck disable=SC2086 # $tree is a list of numbers
if [ -n "$pid" ]; then
  tree="$pid $(ps -A -o pid=,ppid= | awk -v parent="$pid" '$2 == parent { print $1 }')"
  kill -CONT $tree 2>/dev/null # a stopped process would not handle the signal
  kill -"$signal" "$pid" 2>/dev/null
  tries=50
  while [ "$tries" -gt 0 ] && is_alive "$pid"; do sleep 0.1; tries=$((tries - 1)); done
  kill -KILL $tree 2>/dev/null
fi
[ -e "$folder/kept" ] || rm -rf "$folder"

# A kept database is no longer needed after two days.
find "$(dirname "$folder")" -maxdepth 1 -name 'askwell-test-run-*' -mtime +1 -exec rm -rf {} +
