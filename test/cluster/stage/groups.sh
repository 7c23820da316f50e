# shellcheck shell=bash
# Groups of processes (cgroups) of the nodes and of kind's machine; sourced. Only this file knows the two
# versions: in v1 each controller has a hierarchy of its own, in v2 all share one. A machine with both counts
# as v1.
#
# The group of a node is below the caller's, whose limits so hold. In v2 a group with processes gives its
# children no controllers. So the node's processes are in the child "system" of its group, and those of the
# caller's group move to the child "pontoon-callers", until the last node has gone.

callers=pontoon-callers
# What kubelet and runc set limits with.
wanted_controllers=(cpu cpuset hugetlb io memory pids)

is_v2() { [ -e /sys/fs/cgroup/cgroup.controllers ]; }

has_groups() { is_v2 || grep -q '^[0-9]*:[a-z]' /proc/self/cgroup; }

# groups_of PID: the folder of its group in each hierarchy.
groups_of() {
  local all controllers path
  all=$(cat "/proc/$1/cgroup") # it changes while the process moves
  while IFS=: read -r _ controllers path; do
    if [ -n "$controllers" ]; then
      is_v2 || echo "/sys/fs/cgroup/${controllers#name=}${path%/}"
    elif is_v2; then
      echo "/sys/fs/cgroup${path%/}"
    fi
  done <<< "$all"
}

# node_groups NAME: the folders of a node's groups, whether they are there or not.
node_groups() {
  local group
  for group in $(groups_of self); do echo "${group%/"$callers"}/$1"; done
}

# make_groups NAME: not from two processes at a time, since it moves all that are in the caller's group.
make_groups() {
  local group file
  for group in $(node_groups "$1"); do
    mkdir -p "$group"
    if is_v2; then
      give_controllers "${group%/*}"
      mkdir -p "$group/system"
    elif [ -e "$group/cpuset.cpus" ]; then
      for file in cpuset.cpus cpuset.mems; do cat "${group%/*}/$file" > "$group/$file"; done
    fi
  done
}

# give_controllers GROUP: its children get all that the machine has. The groups above GROUP stay set so: that
# limits nobody.
give_controllers() {
  local group=$1 above=/sys/fs/cgroup part parts controller
  # The machine's root alone has no type, and may have processes beside children with controllers.
  if [ -e "$group/cgroup.type" ]; then
    mkdir -p "$group/$callers"
    move_all "$group" "$group/$callers"
  fi
  IFS=/ read -ra parts <<< "${group#"$above"}"
  for part in "${parts[@]-}"; do
    above=$above${part:+/$part}
    for controller in "${wanted_controllers[@]}"; do
      (echo "+$controller" > "$above/cgroup.subtree_control") 2> /dev/null || true
    done
  done
  for controller in cpu memory pids; do
    grep -qw "$controller" "$group/cgroup.subtree_control" && continue
    echo "$group cannot give its children the controller $controller; it has: $(cat "$group/cgroup.controllers")" >&2
    return 1
  done
}

# move_all FROM TO: the processes of a group, also those that begin meanwhile.
move_all() {
  local pid tries
  for ((tries = 0; tries < 20; tries++)); do
    [ -n "$(cat "$1/cgroup.procs")" ] || return 0
    while read -r pid; do (echo "$pid" > "$2/cgroup.procs") 2> /dev/null || true; done < "$1/cgroup.procs"
  done
  echo "Processes of the group $1 cannot be moved to $2." >&2
  return 1
}

# enter_groups NAME COMMAND...: executes it in the groups of a node, which a cgroup namespace makes its roots.
enter_groups() {
  local group groups next=
  groups=$(node_groups "$1")
  for group in $groups; do
    echo 0 > "$group/cgroup.procs"
    if is_v2; then next="echo 0 > '$group/system/cgroup.procs'; "; fi
  done
  exec unshare --cgroup sh -ec "$next"'exec "$@"' sh "${@:2}"
}

# join_groups PID: this process goes where that one is.
join_groups() {
  local group
  for group in $(groups_of "$1"); do echo 0 > "$group/cgroup.procs"; done
}

# In the mount and cgroup namespace of a node: its groups are at /sys/fs/cgroup.
mount_groups() {
  local all controllers place options
  all=$(cat /proc/self/cgroup)
  if is_v2; then
    mount -t sysfs sysfs /sys
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
    return
  fi
  mount -t sysfs sysfs /sys
  mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
  while IFS=: read -r _ controllers _; do
    [ -n "$controllers" ] || continue
    place=/sys/fs/cgroup/${controllers#name=} options=$controllers
    case $controllers in name=*) options=none,$controllers ;; esac
    mkdir "$place"
    mount -t cgroup -o "$options" cgroup "$place"
  done <<< "$all"
}

# In the namespaces of a node: the microseconds that processors spent on it since it is up.
processor_time() {
  if is_v2; then
    awk '$1 == "usage_usec" { print $2 }' /sys/fs/cgroup/cpu.stat
  else
    awk '{ printf "%.0f\n", $1 / 1000 }' /sys/fs/cgroup/cpuacct/cpuacct.usage
  fi
}

# remove_groups NAME [SECONDS]: a group can go when the last of its processes has gone.
remove_groups() {
  local end=$((SECONDS + ${2:-10}))
  while true; do
    find /sys/fs/cgroup -depth -type d -path "*/$1*" -exec rmdir {} + 2> /dev/null || true
    [ -n "$(find /sys/fs/cgroup -type d -path "*/$1" -print -quit)" ] || break
    [ "$SECONDS" -lt "$end" ] || break
    sleep 0.1
  done
  take_back_callers
}

# Where no other group is left beside it, the callers' processes go back to the group that was theirs.
take_back_callers() {
  local group own controllers
  while read -r group; do
    own=${group%/*}
    [ -n "$group" ] || continue
    [ -z "$(find "$own" -mindepth 1 -maxdepth 1 -type d ! -name "$callers")" ] || continue
    controllers=$(cat "$own/cgroup.subtree_control")
    [ -z "$controllers" ] || echo "-${controllers// / -}" > "$own/cgroup.subtree_control"
    move_all "$group" "$own"
    rmdir "$group"
  done <<< "$(find /sys/fs/cgroup -type d -name "$callers")"
}
