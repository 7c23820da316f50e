# shellcheck shell=bash
# Shared by the scripts; sourced, not run.

# Where Debian keeps ip, nft and others; the PATH of a root that came by `su` may lack these folders.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

# Node as package-lock.json pins it, below the repository; the machine's own only has to start npm.
# shellcheck disable=SC2034
node=node_modules/.bin/node

# Rust's own installer puts it where only a login shell's PATH leads.
find_rust() {
  command -v cargo > /dev/null && command -v rustc > /dev/null && return
  [ -x "${HOME-}/.cargo/bin/cargo" ] && PATH="$PATH:$HOME/.cargo/bin"
}

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
