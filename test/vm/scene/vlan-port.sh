# shellcheck shell=bash
# Host ports of a pod in a VLAN, whose way from the node is the gateway's interface and not the bridge.

# What a server in a pod answers to one connection; empty when there is none.
asked() { in_place "$1" timeout 3 nc -w 2 "$2" "$3" < /dev/null || true; }

# A server for one connection after the other, that says its name.
serve() { nsenter --net="/run/netns/$1" sh -c "while :; do echo $1 | nc -l -p $2; done" > /dev/null 2>&1 & }

# From outside, the node and localhost; then what the two pods of the VLAN are answered.
host_port() {
  local filter=$1 pods=$2
  # The packet filter may not see bridges at all where this is absent.
  [ "$filter" = 0 ] || modprobe br_netfilter
  if [ -e /proc/sys/net/bridge/bridge-nf-call-iptables ]; then echo "$filter" > /proc/sys/net/bridge/bridge-nf-call-iptables; fi
  ip netns add neighbour
  ip link add uplink type veth peer name wire netns neighbour
  ip address add 192.168.50.1/24 dev uplink
  ip link set uplink up
  ip -n neighbour address add 192.168.50.2/24 dev wire
  ip -n neighbour link set wire up
  network pods '{ bridge: "pods0", vlan: 100, isDefaultGateway: true, ipMasq: true, ipam: { type: "host-local", ranges: [[{ subnet: "10.1.0.0/24" }]] } }'
  jq '. + { runtimeConfig: { portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }] } }' /run/scene/pods.json > /run/scene/ported.json
  attach pods blue
  attach ported red
  serve red 80
  same "from the node, by the pod's address" "$(asked host "$(address red)" 80)" red
  same "from outside" "$(asked neighbour 192.168.50.1 8080)" red
  same "from the node" "$(asked host 192.168.50.1 8080)" red
  same "from localhost" "$(asked host 127.0.0.1 8080)" red
  same "from a pod of the VLAN" "$(asked blue 192.168.50.1 8080)" "$pods"
  same "from itself" "$(asked red 192.168.50.1 8080)" "$pods"
  check red ported
  del red ported
  same "elements" "$(nft list table inet pontoon-ports | grep -E 'elements' || true)" ""
  kill %1
}

scene unseen "a host port leads to a pod in a VLAN from everywhere, where the packet filter does not see bridges"
unseen() { host_port 0 red; }

# The kernel translates the frame in the bridge, and hands it to the bridge's own interface, which is not in
# the VLAN.
scene seen "where the packet filter sees bridges, a host port leads to a pod in a VLAN from all but the pods of that VLAN"
seen() { host_port 1 ""; }
