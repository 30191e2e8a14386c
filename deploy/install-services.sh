#!/usr/bin/env bash
# Installs what a bare Debian 12 (or newer) lacks to run Askwell's tests and a real database: Postgres with
# pgvector 0.8, Redis, PgBouncer, nginx, HAProxy, Prometheus (with promtool), and a browser for the page that people see. Safe to run again;
# starts and enables no service. Needs root or sudo.
set -euo pipefail

readonly postgres_minimum=15
readonly pgvector_minimum=0.8.0
# The release of Debian whose *source* package of pgvector is built when the system's own is absent or too old.
readonly pgvector_suite=trixie
readonly keyring=/usr/share/keyrings/debian-archive-keyring.gpg

say() { printf 'install-services: %s\n' "$*"; }
fail() { printf 'install-services: %s\n' "$*" >&2; exit 1; }

need_debian() {
  # shellcheck source=/dev/null
  [[ -r /etc/os-release ]] && . /etc/os-release
  [[ ${ID:-} == debian ]] && command -v apt-get >/dev/null && return
  fail "this script knows Debian only (here: ${PRETTY_NAME:-$(uname -s)}).
Install by hand: PostgreSQL 15+ with its server programs, pgvector $pgvector_minimum+ (https://github.com/pgvector/pgvector)
and Redis 6+, and prometheus with promtool on PATH. If initdb is not on PATH, set ASKWELL_TEST_PG_BIN to its folder; ASKWELL_TEST_REDIS to redis-server."
}

need_root() {
  [[ $(id -u) == 0 ]] && return
  command -v sudo >/dev/null || fail 'run as root (there is no sudo here)'
  exec sudo --preserve-env=http_proxy,https_proxy,no_proxy bash "$0" "$@"
}

# Debian's packages start their servers on install, unless this file says no. A file that is there already stays.
forbid_service_starts() {
  local policy=/usr/sbin/policy-rc.d
  [[ -e $policy ]] && return
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
  cleanup+=("$policy")
}

# A fresh container has no package lists at all; otherwise old ones are tried before they are renewed.
apt_install() {
  local missing=() name
  for name in "$@"; do
    dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null | grep -qx installed || missing+=("$name")
  done
  [[ ${#missing[@]} == 0 ]] && { say "already installed: $*"; return; }
  say "installing ${missing[*]}"
  apt_quiet install "${missing[@]}" || { apt_quiet update && apt_quiet install "${missing[@]}"; } || {
    cat "$work/apt.log" >&2
    fail "apt-get could not install ${missing[*]}"
  }
}

apt_quiet() {
  DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends \
    -o DPkg::Lock::Timeout=300 "$@" >"$work/apt.log" 2>&1
}

newest_postgres() {
  local versions=(/usr/lib/postgresql/*/bin/postgres)
  [[ -x ${versions[0]} ]] || return 1
  printf '%s\n' "${versions[@]}" | cut -d/ -f5 | sort -n | tail -1
}

# A Postgres that is there already (another repository's, a newer one) is as good as the distribution's.
install_postgres() {
  version=$(newest_postgres || true)
  if [[ ${version:-0} -ge $postgres_minimum ]]; then
    say "Postgres $version is there"
    return
  fi
  apt_install postgresql
  update-rc.d postgresql disable >/dev/null 2>&1 || true
  version=$(newest_postgres) || fail 'no Postgres under /usr/lib/postgresql after the install'
}

install_redis() {
  if command -v redis-server >/dev/null; then
    say 'redis-server is there'
    return
  fi
  apt_install redis-server
  update-rc.d redis-server disable >/dev/null 2>&1 || true
}

# For the tests of GET /monitoring; any Chrome does.
install_chromium() {
  local name
  for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null; then
      say "$name is there"
      return
    fi
  done
  apt_install chromium
}

# The tests of the alert rules start a Prometheus of their own.
install_prometheus() {
  if command -v prometheus >/dev/null && command -v promtool >/dev/null; then
    say 'prometheus and promtool are there'
    return
  fi
  apt_install prometheus
  update-rc.d prometheus disable >/dev/null 2>&1 || true
}

# What the tests put in front of Postgres.
install_pgbouncer() {
  if command -v pgbouncer >/dev/null || [[ -x /usr/sbin/pgbouncer ]]; then
    say 'pgbouncer is there'
    return
  fi
  apt_install pgbouncer
  update-rc.d pgbouncer disable >/dev/null 2>&1 || true
}

# What the tests put in front of Askwell.
install_proxies() {
  local name package
  for name in nginx haproxy; do
    if command -v "$name" >/dev/null || [[ -x /usr/sbin/$name ]]; then
      say "$name is there"
      continue
    fi
    package=$name
    [[ $name == nginx ]] && package=nginx-light
    apt_install "$package"
    update-rc.d "$name" disable >/dev/null 2>&1 || true
  done
}

pgvector_is_new_enough() {
  local control=/usr/share/postgresql/$version/extension/vector.control found
  [[ -r $control ]] || return 1
  found=$(sed -n "s/^default_version = '\(.*\)'/\1/p" "$control")
  dpkg --compare-versions "$found" ge "$pgvector_minimum" || return 1
  say "pgvector $found is there, for Postgres $version"
}

# shellcheck disable=SC2016 # the $(…) below are for apt
# The mirror that this system already uses for its own release, so that proxies and local mirrors keep working.
debian_mirror() {
  apt-get indextargets --format '$(COMPONENT) $(RELEASE) $(REPO_URI)' 'Created-By: Packages' |
    awk -v suite="$VERSION_CODENAME" '$1 == "main" && $2 == suite { print $3; exit }'
}

# Fetches the source package with a private apt configuration: the system's sources are not touched, and with
# only a `deb-src` line no binary package can ever come from the other release.
fetch_pgvector() {
  local mirror options
  mirror=$(debian_mirror)
  [[ -n $mirror ]] || fail "apt has no Debian repository of $VERSION_CODENAME to learn a mirror from"
  mkdir -p "$work/lists/partial"
  printf 'deb-src [signed-by=%s] %s %s main\n' "$keyring" "$mirror" "$pgvector_suite" >"$work/sources.list"
  options=(-qq -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=- -o Dir::State::lists="$work/lists")
  (cd "$work" && apt-get "${options[@]}" update && apt-get "${options[@]}" source pgvector) >"$work/source.log" 2>&1 || {
    cat "$work/source.log" >&2
    fail 'the source package of pgvector could not be fetched'
  }
}

# OPTFLAGS="" keeps -march=native out: the library must run on another machine than the one that built it.
build_pgvector() {
  local config=/usr/lib/postgresql/$version/bin/pg_config goal
  say "building pgvector for Postgres $version from Debian's source package"
  fetch_pgvector
  for goal in all install; do
    make -s -C "$work"/pgvector-*/ PG_CONFIG="$config" OPTFLAGS="" with_llvm=no "$goal" >"$work/make.log" 2>&1 || {
      cat "$work/make.log" >&2
      fail 'pgvector could not be built'
    }
  done
}

# Debian 13's own package is new enough, Debian 12 has none.
packaged_pgvector_is_new_enough() {
  local offered
  offered=$(apt-cache policy "postgresql-$version-pgvector" 2>/dev/null | awk '$1 == "Candidate:" { print $2 }')
  [[ -n $offered && $offered != '(none)' ]] && dpkg --compare-versions "$offered" ge "$pgvector_minimum"
}

install_pgvector() {
  pgvector_is_new_enough && return
  if packaged_pgvector_is_new_enough; then
    apt_install "postgresql-$version-pgvector"
    return
  fi
  apt_install build-essential dpkg-dev "postgresql-server-dev-$version"
  build_pgvector
  pgvector_is_new_enough || fail 'pgvector was built, but Postgres does not see it'
}

need_debian
need_root "$@"
work=$(mktemp -d)
cleanup=("$work")
trap 'rm -rf "${cleanup[@]}"' EXIT
chmod 755 "$work" # apt downloads as its own user

forbid_service_starts
install_postgres
install_pgvector
install_redis
install_chromium
install_prometheus
install_pgbouncer
install_proxies
apt_install python3-venv python3-pip # for deploy/install-models.sh
apt_install procps # the tests freeze and thaw whole process trees by ps
say 'done: start nothing by hand, the tests start their own servers'
