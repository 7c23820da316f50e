# shellcheck shell=bash
# Groups of processes (cgroups) that test/cluster/stage makes for its nodes, with cgroup v2 alone. The machine
# that tests may have v1.

SESSION=/sys/fs/cgroup/user/session

# A caller as on a node with systemd: its group has processes and no controllers, and a limit above it holds.
log_in() {
  # shellcheck source=test/cluster/stage/groups.sh
  source /test/groups.sh
  mount -t cgroup2 -o nsdelegate cgroup2 /sys/fs/cgroup
  echo +memory > /sys/fs/cgroup/cgroup.subtree_control
  mkdir -p "$SESSION"
  echo $((64 * 1024 * 1024)) > /sys/fs/cgroup/user/memory.max
  echo 0 > "$SESSION/cgroup.procs"
}

log_out() {
  echo 0 > /sys/fs/cgroup/cgroup.procs
  rmdir "$SESSION" /sys/fs/cgroup/user
}

# start_node N
start_node() {
  make_groups "kube-node$1"
  (enter_groups "kube-node$1" unshare --mount --pid --fork --kill-child --mount-proc sleep 1000) &
  nodes[$1]=$!
  local tries
  for ((tries = 0; tries < 600; tries++)); do
    [ -z "$(first "$1")" ] || return 0
    sleep 0.05
  done
  return 1
}

# The first process of a node: the only child of the one that waits for it.
first() { tr -d ' ' 2> /dev/null < "/proc/${nodes[$1]}/task/${nodes[$1]}/children"; }

# in_node N LINE...: lines of bash in the namespaces of a node, as its containerd is started anew.
in_node() {
  local process
  process=$(first "$1")
  (
    join_groups "$process"
    nsenter -t "$process" --mount --pid --cgroup bash -ec "source /test/groups.sh; $2"
  )
}

is_ended() {
  ! in_node "$@" || { echo "there was no limit"; return 1; }
}

stop_node() {
  kill -KILL "${nodes[$1]}"
  wait "${nodes[$1]}" || true
  remove_groups "kube-node$1" 10
}

limits_hold() {
  log_in
  declare -A nodes
  start_node 1
  start_node 2
  same "groups" "$(cd "$SESSION" && printf '%s ' *-*)" "kube-node1 kube-node2 pontoon-callers "
  same "the caller's group" "$(cat /proc/self/cgroup)" "0::/user/session/pontoon-callers"
  in_node 1 mount_groups
  same "a process of the node" "$(in_node 1 'cat /proc/self/cgroup')" 0::/system
  has "controllers" "$(in_node 1 'cat /sys/fs/cgroup/cgroup.controllers')" "cpuset cpu io memory"
  # What kubelet and runc do.
  in_node 1 "cd /sys/fs/cgroup; echo +cpu +memory +pids > cgroup.subtree_control; mkdir -p kubepods/pod
    echo +cpu +memory +pids > kubepods/cgroup.subtree_control
    echo 100 > kubepods/pod/cpu.weight; echo 16M > kubepods/pod/memory.max"
  in_node 1 "echo 0 > /sys/fs/cgroup/kubepods/pod/cgroup.procs; head -c 4m /dev/zero | tail > /tmp/tail"
  is_ended 1 "echo 0 > /sys/fs/cgroup/kubepods/pod/cgroup.procs; head -c 32m /dev/zero | tail > /tmp/tail"
  has "in the pod" "$(cat "$SESSION/kube-node1/kubepods/pod/memory.events")" "oom_kill 1"
  is_ended 2 "head -c 96m /dev/zero | tail > /tmp/tail"
  has "in the node" "$(cat "$SESSION/kube-node2/memory.events")" "oom_kill 1"
  [ "$(in_node 1 processor_time)" -gt 0 ]
  stop_node 1
  same "groups" "$(cd "$SESSION" && printf '%s ' *-*)" "kube-node2 pontoon-callers "
  stop_node 2
  same "groups" "$(find "$SESSION" -mindepth 1 -type d)" ""
  same "the caller's group" "$(cat /proc/self/cgroup)" "0::/user/session"
  log_out
}
scene limits_hold "a cluster's nodes have groups with controllers below the caller's, whose limits hold, and take them along"
