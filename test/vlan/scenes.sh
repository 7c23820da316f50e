#!/bin/sh
# Networks in VLANs, played on a kernel that can filter by them; `bridge`, `ip` and ping are the judges.
#
#   test/vlan/scenes.sh [PONTOON]        as root; PONTOON is the executable, dist/pontoon if it is not named
#
# Needs a POSIX shell, iproute2, ping, unshare and mount. The shell of busybox is none of use here: it takes
# its own `ip` for that of iproute2. Every scene has a network namespace of its own and a /run and
# /var/lib/cni of its own, so the machine's own network is not touched. REFERENCE=FOLDER with the reference
# plugins `bridge` and `host-local` in it plays those with both, SCENES="gateway trunk" only these. Ends with
# 0 when all is well, 1 when something is not, 77 when the kernel cannot filter by VLANs.
# shellcheck disable=SC2317,SC2086,SC2020
set -u

all="access gateway gateway6 device trunk native preserve isolated down check refused at_once healed mended masquerade"
SCENES=${SCENES-$all reference}

here=$(cd "$(dirname "$0")" && pwd)
if [ "${1-}" = --scene ]; then
  scene=$2 pontoon=$3
else
  pontoon=${1-$here/../../dist/pontoon}
  [ -x "$pontoon" ] || { echo "There is no executable at $pontoon. Hint: npm run build makes it." >&2; exit 1; }
  pontoon=$(cd "$(dirname "$pontoon")" && pwd)/$(basename "$pontoon")
  if ! unshare -n sh -c 'ip link add name probe type bridge vlan_filtering 1' 2>/dev/null; then
    echo "This kernel cannot filter by VLANs: it was built without CONFIG_BRIDGE_VLAN_FILTERING, or has no bridges."
    exit 77
  fi
  failed=0
  for each in $SCENES; do
    unshare -n -m sh "$here/$(basename "$0")" --scene "$each" "$pontoon" || failed=$((failed + 1))
  done
  if [ $failed -eq 0 ]; then echo "all scenes are as they should be"; exit 0; fi
  echo "$failed scenes are not as they should be"
  exit 1
fi

# --- One scene from here on, in namespaces of its own. ---

mount --make-rprivate / 2>/dev/null
mount -t tmpfs tmpfs /run
mkdir -p /var/lib/cni /run/netns /run/work
mount -t tmpfs tmpfs /var/lib/cni
ip link set lo up
ip netns add probe
if [ -e /run/netns/probe ]; then NETNS=/run/netns; else NETNS=/var/run/netns; fi
work=/run/work
bad=0

say() { if [ "$1" = 0 ]; then echo "ok      $scene: $2"; else echo "not ok  $scene: $2"; bad=1; fi; }
# is WHAT SEEN WANTED
is() { if [ "$2" = "$3" ]; then say 0 "$1"; else say 1 "$1"; echo "  seen:   $2"; echo "  wanted: $3"; fi; }
# has WHAT TEXT PART
has() { case $2 in *"$3"*) say 0 "$1" ;; *) say 1 "$1"; echo "  seen:   $2"; echo "  wanted: $3" ;; esac; }
works() { what=$1; shift; "$@" >$work/out 2>&1; ended=$?; say $ended "$what"; [ $ended = 0 ] || cat $work/out; }
fails() { what=$1; shift; if "$@" >$work/out 2>&1; then say 1 "$what"; else say 0 "$what"; fi; }

pod() { for name in "$@"; do ip netns add "$name" && ip -n "$name" link set lo up; done; }

# call VERB POD CONFIG: the plugin, with its answer in $work/POD.answer
call() {
  printf '%s' "$3" | CNI_COMMAND=$1 CNI_CONTAINERID=$2 CNI_IFNAME=eth0 CNI_NETNS=$NETNS/$2 \
    CNI_PATH=${plugins-$(dirname "$pontoon")} "${program-$pontoon}" > "$work/$2.answer"
}

# add POD NETWORK KEYS: an ADD; what it takes to end it is remembered
add() {
  config='{"cniVersion":"1.0.0","name":"'$2'","type":"bridge",'$3
  printf '%s' "$config" > "$work/$1.config"
  call ADD "$1" "$config}" || return 1
  cp "$work/$1.answer" "$work/$1.result"
}

check() { call CHECK "$1" "$(cat "$work/$1.config"),\"prevResult\":$(cat "$work/$1.result")}"; }
del() { call DEL "$1" "$(cat "$work/$1.config"),\"prevResult\":$(cat "$work/$1.result")}"; }
answer() { tr -d '\n' < "$work/$1.answer"; }

# ipam SUBNET [FIRST]: a subnet, and where in it the pods' addresses begin
ipam() { printf '"ipam":{"type":"host-local","subnet":"%s"%s}' "$1" "${2:+,\"rangeStart\":\"$2\"}"; }

# names POD: the names of the interfaces in the result, in a row
names() { tr -d '\n' < "$work/$1.result" | sed 's/.*"interfaces"[^[]*\[\([^]]*\)\].*/\1/' | tr ',{}' '\n\n\n' | sed -n 's/.*"name"[^"]*"\([^"]*\)".*/\1/p' | tr '\n' ' ' | sed 's/ $//'; }
port() { names "$1" | cut -d' ' -f2; }
address() { ip -n "$1" -4 -o address show dev eth0 | sed 's/.*inet \([0-9.]*\).*/\1/'; }
# vlans PORT: as `bridge` shows them, one after the other
vlans() {
  bridge -compressvlans vlan show dev "$1" | sed -e 1d -e "s/^$1//" | tr -s ' \t' ' ' |
    sed -e 's/^ //' -e 's/ *$//' | grep . | tr '\n' ';' | sed 's/;$//'
}
# peer LINK: the other end of a pair on the node
peer() { ip -o link show dev "$1" | sed 's/^[0-9]*: [^@]*@\([^:]*\):.*/\1/'; }
reaches() { ip netns exec "$1" ping -c 1 -W 1 "$2"; }
# From here on this shell and what it starts run before all else that wants the processor, the kernel's own
# late work included.
urgent() { chrt --fifo --pid 50 $$ 2>/dev/null || echo "#       $scene: not played at a high priority, chrt is not there or not allowed"; }
at_ease() { chrt --other --pid 0 $$ 2>/dev/null || true; }
leases() { for file in /var/lib/cni/networks/*/[0-9a-f]*; do if [ -e "$file" ]; then basename "$file"; fi; done; }

access() {
  pod red blue green
  works "a pod in VLAN 100" add red a '"bridge":"br0","vlan":100,'"$(ipam 10.1.0.0/24 10.1.0.10)"
  works "another one" add blue a '"bridge":"br0","vlan":100,'"$(ipam 10.1.0.0/24 10.1.0.10)"
  works "one in VLAN 200 with an address of the same subnet" add green b '"bridge":"br0","vlan":200,'"$(ipam 10.1.0.0/24 10.1.0.20)"
  has "the bridge filters" "$(ip -d link show br0)" "vlan_filtering 1"
  is "the port is in its VLAN alone" "$(vlans "$(port red)")" "100 PVID Egress Untagged"
  is "and that of the other network in its" "$(vlans "$(port green)")" "200 PVID Egress Untagged"
  works "pods of one VLAN reach each other" reaches red "$(address blue)"
  fails "pods of two do not" reaches red "$(address green)"
  fails "nor the other way" reaches green "$(address blue)"
  for name in red blue green; do works "CHECK of $name" check $name; works "DEL of $name" del $name; done
  is "no port is left" "$(ip -o link show type veth)" ""
  is "no lease is left" "$(leases)" ""
}

gateway() {
  pod red blue green
  works "a pod in VLAN 100 with its gateway" add red a '"bridge":"br0","vlan":100,"isDefaultGateway":true,'"$(ipam 10.1.0.0/24)"
  is "the result names bridge, port, pod and gateway" "$(names red)" "br0 $(port red) eth0 br0.100"
  has "the gateway has the address" "$(ip -o -4 address show dev br0.100)" "10.1.0.1/24"
  is "the bridge has none" "$(ip -o -4 address show dev br0)" ""
  is "the gateway's port is in the VLAN alone" "$(vlans "$(peer br0.100)")" "100 PVID Egress Untagged"
  has "the result says the gateway's MAC" "$(tr -d '\n' < $work/red.result)" "$(cat /sys/class/net/br0.100/address 2>/dev/null || ip -o link show br0.100 | sed 's/.*ether \([0-9a-f:]*\).*/\1/')"
  works "the pod reaches it at once" reaches red 10.1.0.1
  before=$(ip -o link show br0.100 | sed 's/ state .*//')
  works "a second pod" add blue a '"bridge":"br0","vlan":100,"isDefaultGateway":true,'"$(ipam 10.1.0.0/24)"
  is "has the same gateway" "$(ip -o link show br0.100 | sed 's/ state .*//')" "$before"
  works "and reaches it" reaches blue 10.1.0.1
  works "a pod in VLAN 200" add green b '"bridge":"br0","vlan":200,"isDefaultGateway":true,'"$(ipam 10.2.0.0/24)"
  works "reaches its own gateway" reaches green 10.2.0.1
  works "and by way of the node the other VLAN" reaches green "$(address red)"
  for name in red blue green; do works "CHECK of $name" check $name; works "DEL of $name" del $name; done
  is "both gateways stay, and nothing else" "$(ip -o link show type veth | wc -l | tr -d ' ')" "4"
  works "the next pod" add red a '"bridge":"br0","vlan":100,"isDefaultGateway":true,'"$(ipam 10.1.0.0/24)"
  works "reaches the gateway" reaches red 10.1.0.1
}

gateway6() {
  pod red neighbour
  ip link add name uplink type veth peer name wire netns neighbour
  ip address add fd50::1/64 dev uplink nodad
  ip link set uplink up
  ip -n neighbour address add fd50::2/64 dev wire nodad
  ip -n neighbour link set wire up
  works "a pod in VLAN 100 with IPv6" add red a '"bridge":"br0","vlan":100,"isDefaultGateway":true,'"$(ipam fd01::/64)"
  ip -n neighbour route add fd01::/64 via fd50::1
  works "is reached from beyond the node at once" reaches neighbour fd01::2
  works "reaches its gateway at once" reaches red fd01::1
  works "CHECK" check red
}

device() {
  pod red
  works "a bridge that filters" add red a '"bridge":"br0","vlan":200,'"$(ipam 10.2.0.0/24)"
  del red
  if ip link add link br0 name br0.100 type vlan id 100 2>/dev/null; then
    bridge vlan add dev br0 vid 100 self
    # Its carrier follows the bridge's: nothing that nobody waits for is done meanwhile, and `ip netns exec`
    # would wait too.
    urgent
    works "a VLAN device of that name, which somebody made, is the gateway" add red a '"bridge":"br0","vlan":100,"isGateway":true,'"$(ipam 10.1.0.0/24)"
    works "and the pod reaches it at once" nsenter --net="$NETNS/red" ping -n -c 1 -W 0.8 10.1.0.1
    at_ease
    works "CHECK" check red
  else
    echo "#       $scene: a VLAN device is not tried, this kernel has no 8021q"
  fi
}

isolated() {
  pod red blue
  works "a pod that is isolated in its VLAN" add red a '"bridge":"br0","vlan":100,"isGateway":true,"portIsolation":true,'"$(ipam 10.1.0.0/24)"
  works "another one" add blue a '"bridge":"br0","vlan":100,"isGateway":true,"portIsolation":true,'"$(ipam 10.1.0.0/24)"
  fails "they do not reach each other" reaches red "$(address blue)"
  for name in red blue; do works "$name reaches the gateway" reaches $name 10.1.0.1; works "CHECK of $name" check $name; done
}

trunk() {
  pod red blue
  works "a pod with VLANs 200 and 300 to 310" add red a '"bridge":"br0","vlanTrunk":[{"id":200},{"minID":300,"maxID":310}]'
  is "the port is in them, and in VLAN 1 without a tag" "$(vlans "$(port red)")" "1 PVID Egress Untagged;200;300-310"
  works "CHECK" check red
  works "a pod in VLAN 200" add blue b '"bridge":"br0","vlan":200,'"$(ipam 10.1.0.0/24 10.1.0.10)"
  if ip -n red link add link eth0 name eth0.200 type vlan id 200 2>/dev/null; then
    ip -n red link set eth0.200 up
    ip -n red address add 10.1.0.9/24 dev eth0.200
    works "they reach each other with the tag" reaches red "$(address blue)"
    ip -n red link add link eth0 name eth0.201 type vlan id 201
    ip -n red link set eth0.201 up
    ip -n red address flush dev eth0.200
    ip -n red address add 10.1.0.9/24 dev eth0.201
    fails "and not with another one" reaches red "$(address blue)"
  else
    echo "#       $scene: tags are not tried, this kernel has no 8021q"
  fi
}

native() {
  pod red
  works "vlan and vlanTrunk, with one VLAN in both" add red a '"bridge":"br0","vlan":7,"vlanTrunk":[{"minID":6,"maxID":8}]'
  is "packets of that one carry no tag" "$(vlans "$(port red)")" "6;7 PVID Egress Untagged;8"
  works "CHECK" check red
}

preserve() {
  pod red
  works "preserveDefaultVlan" add red a '"bridge":"br0","vlan":100,"preserveDefaultVlan":true'
  is "the port stays in VLAN 1" "$(vlans "$(port red)")" "1 Egress Untagged;100 PVID Egress Untagged"
  works "CHECK" check red
}

down() {
  pod red
  works "a trunk to an interface that is left down" add red a '"bridge":"br0","vlanTrunk":[{"minID":1,"maxID":4094}],"disableContainerInterface":true'
  is "the port is in all VLANs" "$(vlans "$(port red)")" "1 PVID Egress Untagged;2-4094"
  has "the pod's end is down" "$(ip -n red link show eth0)" "state DOWN"
  works "CHECK" check red
}

check_fails() {
  fails "CHECK notices: $1" check red
  has "and says so" "$(answer red)" "$2"
}

# The scene, not the verb.
scene_check() {
  pod red
  works "a pod" add red a '"bridge":"br0","vlan":100,"isGateway":true,'"$(ipam 10.1.0.0/24)"
  link=$(port red)
  works "CHECK" check red
  bridge vlan add dev "$link" vid 5
  check_fails "a VLAN more" "$link is in VLANs 5, 100 (native) instead of 100 (native)"
  bridge vlan del dev "$link" vid 5
  works "CHECK" check red
  bridge vlan del dev "$link" vid 100
  check_fails "its VLAN is gone" "$link is in VLANs none instead of 100 (native)"
  bridge vlan add dev "$link" vid 100 pvid untagged
  works "CHECK" check red
  bridge vlan add dev "$(peer br0.100)" vid 1 pvid untagged
  check_fails "the gateway is in another VLAN" "instead of 100 (native)"
  bridge vlan del dev "$(peer br0.100)" vid 1
  bridge vlan add dev "$(peer br0.100)" vid 100 pvid untagged
  works "CHECK" check red
  ip link set br0 type bridge vlan_filtering 0
  check_fails "the bridge does not filter" "bridge br0 does not filter by VLANs"
  ip link set br0 type bridge vlan_filtering 1
  ip link set br0.100 down
  check_fails "the gateway is down" "br0.100, the gateway of VLAN 100, is down"
  ip link delete br0.100
  check_fails "the gateway is gone" "br0.100, the gateway of VLAN 100, does not exist"
  pod blue
  works "the next ADD brings it back" add blue a '"bridge":"br0","vlan":100,"isGateway":true,'"$(ipam 10.1.0.0/24)"
  works "CHECK" check red
  works "the first pod reaches it" reaches red 10.1.0.1
}

refused() {
  pod red
  ip link add br0 type bridge
  ip link set br0 up
  fails "a bridge that does not filter" add red a '"bridge":"br0","vlan":100,"isGateway":true,'"$(ipam 10.1.0.0/24)"
  has "is refused with code 110" "$(answer red)" '"code": 110'
  has "in these words" "$(answer red)" 'already exists and does not filter by VLANs'
  is "nothing is left on the node" "$(ip -o link show type veth)$(leases)" ""
  is "nothing is left in the pod" "$(ip -n red -o link show | wc -l | tr -d ' ')" "1"
  ip link set br0 type bridge vlan_filtering 1
  works "with filtering switched on as the hint says it works" add red a '"bridge":"br0","vlan":100,"isGateway":true,'"$(ipam 10.1.0.0/24)"
  works "and reaches the gateway" reaches red 10.1.0.1
}

at_once() {
  many="p1 p2 p3 p4 p5 p6 p7 p8"
  pod $many
  for name in $many; do add $name a '"bridge":"br0","vlan":100,"isDefaultGateway":true,'"$(ipam 10.1.0.0/24)" & done
  wait
  is "eight pods at once have one gateway, and a port each" "$(ip -o link show type veth | wc -l | tr -d ' ')" "10"
  for name in $many; do works "$name reaches it" reaches $name 10.1.0.1; works "CHECK of $name" check $name; done
}

healed() {
  pod red blue
  works "a pod" add red a '"bridge":"br0","vlan":100,"isGateway":true,'"$(ipam 10.1.0.0/24)"
  ip link delete br0
  works "a pod after somebody deleted the bridge" add blue a '"bridge":"br0","vlan":100,"isGateway":true,'"$(ipam 10.1.0.0/24)"
  works "reaches the gateway" reaches blue 10.1.0.1
  works "CHECK" check blue
}

# mend COMMAND: what the executable finds and mends by itself
mend() { "$pontoon" "$@" --conf-dir $work/none --bin-dir $work/none; }

mended() {
  pod red blue
  works "a pod" add red a '"bridge":"br0","vlan":100,"isGateway":true,'"$(ipam 10.1.0.0/24)"
  works "one with a trunk" add blue b '"bridge":"br0","vlan":7,"vlanTrunk":[{"minID":300,"maxID":310}]'
  link=$(port red) trunk=$(port blue)
  for by in "doctor --repair" restore; do
    bridge vlan del dev "$link" vid 100
    bridge vlan add dev "$link" vid 5 pvid untagged
    bridge vlan del dev "$trunk" vid 305
    bridge vlan add dev "$trunk" vid 20
    fails "with another VLAN CHECK fails" check red
    fails "and without one of a trunk" check blue
    case $by in
      restore) works "restore ends well" "$pontoon" restore ;;
      *) has "the doctor says so" "$(mend doctor --repair 2>&1)" "port $link is in its VLANs again" ;;
    esac
    is "$by: the port is in its VLAN alone" "$(vlans "$link")" "100 PVID Egress Untagged"
    is "$by: the trunk is whole, and no more" "$(vlans "$trunk")" "7 PVID Egress Untagged;300-310"
    works "$by: CHECK" check red
    works "$by: CHECK of the trunk" check blue
    works "$by: the pod reaches the gateway" reaches red 10.1.0.1
  done
}

masquerade() {
  filter=/proc/sys/net/bridge/bridge-nf-call-iptables
  if [ -e $filter ]; then echo 0 > $filter; fi
  pod red neighbour
  ip link add name uplink type veth peer name wire netns neighbour
  ip address add 192.168.50.1/24 dev uplink
  ip link set uplink up
  ip -n neighbour address add 192.168.50.2/24 dev wire
  ip -n neighbour link set wire up
  if ! add red a '"bridge":"br0","vlan":100,"isDefaultGateway":true,"ipMasq":true,'"$(ipam 10.1.0.0/24)"; then
    has "without nftables it is not tried" "$(answer red)" '"code": 130'
    return
  fi
  works "a neighbour that knows no way back answers" reaches red 192.168.50.2
  works "CHECK" check red
  pod blue
  fails "a pod of another network with the same address in the same VLAN is refused" add blue b '"bridge":"br0","vlan":100,"isGateway":true,"ipMasq":true,'"$(ipam 10.1.0.0/24)"
  has "by the name of the first" "$(answer blue)" "on bridge br0.100 it belongs to"
  works "one in another VLAN is not" add blue c '"bridge":"br0","vlan":200,"ipMasq":true,'"$(ipam 10.1.0.0/24)"
  works "DEL of it" del blue
  works "DEL" del red
  [ -e $filter ] || return
  echo 1 > $filter
  add red a '"bridge":"br0","vlan":100,"isDefaultGateway":true,"ipMasq":true,'"$(ipam 10.1.0.0/24)" 2>$work/notice
  has "where the packet filter sees bridges, ADD says that there is no way out" "$(cat $work/notice)" "pods of VLAN 100 of bridge br0 reach nobody beyond the node"
  fails "and there is none" reaches red 192.168.50.2
  works "DEL then" del red
}

# reference_add POD NETWORK KEYS: the same with the reference plugin
reference_add() {
  program=$REFERENCE/bridge plugins=$REFERENCE
  add "$1" "$2" "$3"
  ended=$?
  unset program plugins
  return $ended
}

reference() {
  [ -n "${REFERENCE-}" ] || { echo "#       $scene: not played, REFERENCE is not set"; return; }
  at=0
  for keys in '"vlan":100' '"vlanTrunk":[{"id":200},{"minID":300,"maxID":310}]' '"vlan":7,"vlanTrunk":[{"id":8}]' '"vlan":100,"preserveDefaultVlan":true' '"vlanTrunk":[{"id":1}]'; do
    at=$((at + 1))
    pod "r$at" "o$at"
    works "the reference with $keys" reference_add "r$at" "r$at" "\"bridge\":\"rbr$at\",$keys"
    works "ours with it" add "o$at" "o$at" "\"bridge\":\"obr$at\",$keys"
    is "the ports are in the same VLANs" "$(vlans "$(port "o$at")")" "$(vlans "$(port "r$at")")"
  done
  pod red blue green
  works "the reference makes a gateway" reference_add red a '"bridge":"br0","vlan":100,"isGateway":true,'"$(ipam 10.1.0.0/24)"
  works "ours uses it" add blue a '"bridge":"br0","vlan":100,"isGateway":true,'"$(ipam 10.1.0.0/24)"
  works "and reaches it" reaches blue 10.1.0.1
  works "and the reference's pod" reaches blue "$(address red)"
  works "ours makes a gateway" add green b '"bridge":"br0","vlan":200,"isGateway":true,'"$(ipam 10.2.0.0/24)"
  pod white
  works "the reference uses it" reference_add white b '"bridge":"br0","vlan":200,"isGateway":true,'"$(ipam 10.2.0.0/24)"
  works "and reaches it" reaches white 10.2.0.1
  works "DEL of the reference's pod with ours" del red
  is "its port is gone" "$(ip -n red -o link show | wc -l | tr -d ' ')" "1"
}

case $scene in
  check) scene_check ;;
  *) $scene ;;
esac
exit $bad
