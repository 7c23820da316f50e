# shellcheck shell=bash
# Shared by `node` and `machine`: what keeps a part of this machine apart from the rest; sourced, not run.

# enter_groups NAME: a group of processes of that name in each hierarchy of cgroup v1, below that of the
# caller, whose limits so hold. A cgroup namespace then makes it the root.
enter_groups() {
  local own controllers path hierarchy group file
  own=$(cat /proc/self/cgroup) # it changes while the process moves
  while IFS=: read -r _ controllers path; do
    [ -n "$controllers" ] || continue
    hierarchy=/sys/fs/cgroup/${controllers#name=}
    group=$hierarchy${path%/}/$1
    mkdir -p "$group"
    if [ "$controllers" = cpuset ]; then
      for file in cpuset.cpus cpuset.mems; do cat "$hierarchy${path%/}/$file" > "$group/$file"; done
    fi
    echo "$BASHPID" > "$group/cgroup.procs"
  done <<< "$own"
}

mount_groups() {
  local controllers place options
  mount -t sysfs sysfs /sys
  mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
  while IFS=: read -r _ controllers _; do
    [ -n "$controllers" ] || continue
    place=/sys/fs/cgroup/${controllers#name=} options=$controllers
    case $controllers in name=*) options=none,$controllers ;; esac
    mkdir "$place"
    mount -t cgroup -o "$options" cgroup "$place"
  done <<< "$(cat /proc/self/cgroup)"
}

# remove_groups NAME [SECONDS]: a group can go when the last of its processes has gone.
remove_groups() {
  local end=$((SECONDS + ${2:-10})) left
  while true; do
    find /sys/fs/cgroup -depth -type d -path "*/$1*" -exec rmdir {} + 2> /dev/null || true
    left=$(find /sys/fs/cgroup -type d -path "*/$1" -print -quit)
    if [ -z "$left" ] || [ "$SECONDS" -ge "$end" ]; then break; fi
    sleep 0.1
  done
}

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
