# shellcheck shell=bash
# Shared by `node` and the node image of kind; sourced, not run.

# kubelet, and systemd in a container, set these of the whole machine where they differ from their own wish:
# they are shown files with their wish.
hide_settings() {
  local key value
  while read -r key value; do
    [ -e "/proc/sys/$key" ] || continue
    echo "$value" > "/run/${key##*/}"
    mount --bind "/run/${key##*/}" "/proc/sys/$key"
  done <<'SETTINGS'
vm/overcommit_memory 1
vm/panic_on_oom 0
kernel/panic 10
kernel/panic_on_oops 1
kernel/keys/root_maxkeys 1000000
kernel/keys/root_maxbytes 25000000
fs/file-max 9223372036854775807
SETTINGS
}
