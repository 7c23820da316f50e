# shellcheck shell=bash
# What a scene is told with. Read before each scene, on its fresh host.
set -Eeuo pipefail

export CNI_PATH=/opt/cni/bin CNI_IFNAME=eth0

mount -t tmpfs run /run
mount -t tmpfs lib /var/lib
mkdir -p /run/netns /run/scene
ip link set lo up

evidence() {
  local status=$? command=$BASH_COMMAND frame place
  trap - ERR
  set +e
  echo "failed: $command"
  for ((frame = 0; frame < ${#FUNCNAME[@]} - 1; frame++)); do
    echo "  at $(basename "${BASH_SOURCE[frame + 1]}"):${BASH_LINENO[frame]}, ${FUNCNAME[frame + 1]}"
  done
  for place in host $(ip netns list | cut -d " " -f 1); do
    echo "--- $place"
    in_place "$place" ip -brief link
    in_place "$place" ip -brief address
    in_place "$place" ip route
  done
  echo "--- rules"
  nft list ruleset
  exit "$status"
}
trap evidence ERR

# --- The plugin ---

# A network: its name, and what its netconf says beside that.
network() {
  jq -n --arg name "$1" "{ cniVersion: \"1.1.0\", name: \$name, type: \"pontoon\" } + $2" > "/run/scene/$1.json"
}

# Namespaces of pods, as a runtime makes them.
pod() {
  local name
  for name in "$@"; do
    ip netns add "$name"
    ip -n "$name" link set lo up
  done
}

# Calls the plugin for a pod on a network. What it prints stays in <pod>.out.
call() {
  local verb=$1 pod=$2 network=$3 previous='{}'
  if [ "$verb" != ADD ] && [ -e "/run/scene/$pod.result" ]; then previous=$(jq '{ prevResult: . }' "/run/scene/$pod.result"); fi
  jq --argjson previous "$previous" '. + $previous' "/run/scene/$network.json" > "/run/scene/$pod.in"
  CNI_COMMAND=$verb CNI_CONTAINERID=$pod CNI_NETNS=/run/netns/$pod pontoon < "/run/scene/$pod.in" > "/run/scene/$pod.out"
}

# They have to succeed.
add() { succeed ADD "$1" "$2" && cp "/run/scene/$1.out" "/run/scene/$1.result"; }
check() { succeed CHECK "$1" "$2"; }
del() { succeed DEL "$1" "$2"; }

succeed() { call "$@" || { cat "/run/scene/$2.out"; return 1; }; }

# The call fails, and what it says has these words.
refuses() {
  if call "$1" "$2" "$3"; then
    echo "$1 of $2 is not refused"
    return 1
  fi
  has "$1 of $2" "$(jq -r '"\(.code) \(.msg) \(.details)"' "/run/scene/$2.out")" "$4"
}

# New pods on a network.
attach() {
  local network=$1 name
  shift
  for name in "$@"; do
    pod "$name"
    add "$name" "$network"
  done
}

# --- What is there ---

# The address of a pod without its prefix length; of a pod with both families the second is number 1.
address() { jq -r ".ips[${2-0}].address | split(\"/\")[0]" "/run/scene/$1.result"; }

# The host's end of a pod's veth pair.
port() { jq -r '[.interfaces[] | select((.sandbox // "") == "" and (.name | startswith("veth")))][0].name' "/run/scene/$1.result"; }

ports() { bridge -j link show | jq -r '[.[].ifname] | sort | join(" ")'; }

leases() { find /var/lib/cni/networks -name '*[.:]*' -not -name 'last_reserved*'; }

# --- What has to be ---

same() {
  [ "$2" = "$3" ] && return
  printf '%s\n  is:        %s\n  should be: %s\n' "$1" "$2" "$3"
  return 1
}

has() {
  case "$2" in *"$3"*) return ;; esac
  printf '%s\n  is:          %s\n  should have: %s\n' "$1" "$2" "$3"
  return 1
}

# Runs a command on the host or in a pod. `ip netns exec` would also mount, and wait there for the kernel; see
# urgent.
in_place() {
  if [ "$1" = host ]; then "${@:2}"; else nsenter --net="/run/netns/$1" "${@:2}"; fi
}

# The first ping is answered; a second ARP request or neighbour solicitation would come after a second.
reaches() { in_place "$1" ping -n -c 1 -W 0.8 "$2"; }

does_not_reach() {
  if in_place "$1" ping -n -c 3 -i 0.2 -W 0.5 "$2"; then
    echo "$1 reaches $2"
    return 1
  fi
}

# From here on this shell and what it starts run before everything else that wants the one processor, the
# kernel's own late work included: what the kernel puts off (a link that came up, an address that becomes
# usable) is only done when somebody here waits for it.
urgent() { chrt --fifo --pid 50 $$; }
at_ease() { chrt --other --pid 0 $$; }
