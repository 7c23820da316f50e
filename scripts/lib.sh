# shellcheck shell=bash
# Shared by the scripts; sourced, not run.

# Where Debian keeps ip, nft and others; the PATH of a root that came by `su` may lack these folders.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

# Go's own installer puts it where PATH does not always lead.
find_go() {
  command -v go > /dev/null && return
  [ -x /usr/local/go/bin/go ] && PATH="$PATH:/usr/local/go/bin"
}

need_root() {
  [ "$(id -u)" -eq 0 ] && return
  printf '%s makes network namespaces: run it as root.\n' "$1" >&2
  exit 1
}
