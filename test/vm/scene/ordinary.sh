# shellcheck shell=bash
# What every node needs, on a kernel older than the one that the other tests run on.

# A network with both families; what else its netconf says comes after it.
both_families() {
  network pods '{ bridge: "pods0", isDefaultGateway: true, ipMasq: true,
    ipam: { type: "host-local", ranges: [[{ subnet: "10.1.0.0/24" }], [{ subnet: "fd01::/64" }]] } } + '"${1-"{}"}"
}

# A neighbour of the host on a wire, without a route to any pod.
neighbour() {
  ip netns add neighbour
  ip link add uplink type veth peer name wire netns neighbour
  ip address add 192.168.50.1/24 dev uplink
  ip address add fd50::1/64 dev uplink nodad
  ip link set uplink up
  ip -n neighbour address add 192.168.50.2/24 dev wire
  ip -n neighbour address add fd50::2/64 dev wire nodad
  ip -n neighbour link set wire up
}

scene life "pods with both families reach each other, the gateway and a neighbour of the node; CHECK agrees; DEL leaves nothing"
life() {
  local address name
  neighbour
  both_families
  attach pods red blue
  for address in 10.1.0.1 fd01::1 "$(address blue)" "$(address blue 1)" 192.168.50.2 fd50::2; do reaches red "$address"; done
  for name in red blue; do check "$name" pods; done
  for name in red blue; do del "$name" pods; done
  same "ports of the bridge" "$(ports)" ""
  same "chains and elements" "$(nft list ruleset | grep -E 'net-|elements' || true)" ""
  same "leases" "$(leases)" ""
}

# One address for one pod after the other, and nothing on the way of an ADD that gives the kernel time for
# what it puts off.
one_address() {
  network pods '{ bridge: "pods0", isGateway: true,
    ipam: { type: "host-local", ranges: [[{ subnet: "'"$1"'", rangeStart: "'"$2"'", rangeEnd: "'"$2"'" }]] } }'
}

scene reused_4 "a reused IPv4 address with another MAC is reached at once by the host and by a pod that knew the old one"
reused_4() { reused 10.1.0.0/24 10.1.0.5 10.1.0.6/24; }

scene reused_6 "a reused IPv6 address with another MAC is reached at once by the host and by a pod that knew the old one"
reused_6() { reused fd01::/64 fd01::5 fd01::6/64; }

reused() {
  local subnet=$1 address=$2 of_peer=$3 name from
  one_address "$subnet" "$address"
  network plain '{ bridge: "pods0" }'
  attach plain peer
  ip -n peer address add "$of_peer" dev eth0 nodad
  for name in red blue green yellow; do
    case "$name" in red | green) from=host ;; *) from=peer ;; esac
    pod "$name"
    urgent
    add "$name" pods
    reaches "$from" "$address"
    at_ease
    # Both know this one's MAC now; the next pod has another.
    reaches host "$address"
    reaches peer "$address"
    del "$name" pods
  done
}

scene first_pod "the first pod on a bridge, a fresh one and one that lost its last pod, pings the gateway at once"
first_pod() {
  pod red blue
  one_address 10.1.0.0/24 10.1.0.5
  first_answer red 10.1.0.1
  first_answer blue 10.1.0.1
  ip link delete pods0
  one_address fd01::/64 fd01::5
  first_answer red fd01::1
  first_answer blue fd01::1
}

first_answer() {
  urgent
  add "$1" pods
  reaches "$1" "$2"
  at_ease
  del "$1" pods
}

scene spoof_check "macspoofchk: a pod with a false MAC reaches nobody, and others are not touched"
spoof_check() {
  local own
  both_families '{ macspoofchk: true }'
  attach pods red blue
  own=$(ip -n red -j link show eth0 | jq -r '.[0].address')
  ip -n red link set eth0 address 0a:00:00:00:00:99
  does_not_reach red 10.1.0.1
  does_not_reach red fd01::1
  reaches blue 10.1.0.1
  ip -n red link set eth0 address "$own"
  reaches red 10.1.0.1
  check red pods
  nft delete table bridge pontoon
  refuses CHECK red pods "source MAC addresses"
}

scene isolation "portIsolation: pods reach the gateway and not each other"
isolation() {
  both_families '{ portIsolation: true }'
  attach pods red blue
  reaches red 10.1.0.1
  reaches blue fd01::1
  does_not_reach red "$(address blue)"
  does_not_reach red "$(address blue 1)"
  check red pods
  bridge link set dev "$(port red)" isolated off
  refuses CHECK red pods isolat
}

scene collection "GC takes away what a pod left that nobody took back, and nothing of the others"
collection() {
  both_families '{ macspoofchk: true }'
  attach pods red blue
  ip netns delete red
  jq '. + { "cni.dev/valid-attachments": [{ containerID: "blue", ifname: "eth0" }] }' /run/scene/pods.json | CNI_COMMAND=GC pontoon
  same "ports of the bridge" "$(ports)" "$(port blue)"
  same "rules of red" "$(nft list ruleset | grep -w red || true)" ""
  same "leases" "$(leases | wc -l)" 2
  reaches blue fd01::1
  check blue pods
  CNI_COMMAND=STATUS pontoon < /run/scene/pods.json
}
