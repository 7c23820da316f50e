# shellcheck shell=bash
# Cards that move into pods (attach: device), and come back when the pod's namespace dies: the kernel gives
# real hardware back to the machine's own namespace, under some name.

WIRE=52:54:00:00:00:01
CARD=52:54:00:00:00:02

# The name of a card on the node, by the MAC of its hardware.
card() { ip -j link | jq -r --arg mac "$1" '.[] | select((.permaddr // .address) == $mac) | .ifname'; }

# Waits for a condition.
until_true() {
  local tries
  for ((tries = 0; tries < 100; tries++)); do
    if "$@"; then return; fi
    sleep 0.05
  done
  echo "does not come true: $*"
  return 1
}

is_there() { [ -n "$(card "$1")" ]; }

# The card eth7 with settings of its own, and the other one behind it in the namespace lan.
plug_in() {
  local mac name
  for mac in "$WIRE" "$CARD"; do
    until_true is_there "$mac"
    name=$(card "$mac")
    ip link set "$name" down promisc off
    ip address flush dev "$name"
    ip link set "$name" address "$mac" mtu 1500 alias ""
  done
  echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad
  name=$(card "$CARD")
  [ "$name" = eth7 ] || ip link set "$name" name eth7
  ip link set eth7 mtu 1400 address 02:00:00:00:00:07 alias uplink
  ip address add 192.0.2.7/24 broadcast 192.0.2.255 dev eth7
  ip address add 2001:db8::7/64 dev eth7 nodad
  ip link set eth7 up
  ip netns add lan
  ip link set "$(card "$WIRE")" name wire netns lan
  ip -n lan address add 10.5.0.1/24 dev wire
  ip -n lan link set wire up
  until_true is_up
  until_true is_settled
  before=$(facts)
}

is_settled() { [ -z "$(ip address show dev eth7 tentative)" ]; }

is_up() { [ "$(cat /sys/class/net/eth7/operstate)" = up ]; }

# All that ip tells of the card; an index may be another one after a stay in a pod.
facts() {
  ip -j -d link show dev eth7 2> /dev/null | jq -c '.[] | del(.ifindex)'
  ip -j -d address show dev eth7 2> /dev/null | jq -c '.[].addr_info'
}

as_before() { [ "$(facts)" = "$before" ]; }

is_back() { until_true as_before || same eth7 "$(facts)" "$before"; }

# A network with the card; $1: how it is named.
lan() {
  network lan '{ attach: "device", mac: "02:aa:bb:cc:dd:ee", mtu: 1300, '"$1"',
    ipam: { type: "host-local", ranges: [[{ subnet: "10.5.0.0/24", rangeStart: "10.5.0.10" }]] } }'
}

pci_address() { basename "$(dirname "$(readlink -f /sys/class/net/eth7/device)")"; }

goes_and_comes() {
  lan "$1"
  attach lan red
  reaches red 10.5.0.1
  check red lan
  del red lan
  is_back
}

scene_with_cards by_name "a card that is named by name, MAC, PCI address, path or by the runtime goes into a pod and comes back as it was"
by_name() {
  local pci
  plug_in
  pci=$(pci_address)
  goes_and_comes 'device: "eth7"'
  ip netns delete red
  goes_and_comes 'hwaddr: "02:00:00:00:00:07"'
  ip netns delete red
  goes_and_comes 'pciBusID: "'"$pci"'"'
  ip netns delete red
  goes_and_comes 'kernelpath: "'"$(readlink -f /sys/class/net/eth7/device)"'"'
  ip netns delete red
  goes_and_comes 'runtimeConfig: { deviceID: "'"$pci"'" }'
}

# The pod's namespace dies with the card in it. What the card was called there, the kernel may not have free.
dies() {
  plug_in
  lan "${1-device: \"eth7\"}"
  attach lan red
  "${@:2}"
  ip netns delete red
}

# A GC with these pods as the valid ones.
collect() {
  jq '. + { "cni.dev/valid-attachments": [$ARGS.positional[] | { containerID: ., ifname: "eth0" }] }' --args "$@" < /run/scene/lan.json > /run/scene/gc.in
  CNI_COMMAND=GC pontoon < /run/scene/gc.in
}

scene_with_cards dead_del "DEL finds a card whose namespace has died, and puts it right"
dead_del() {
  dies
  del red lan
  is_back
  same "leases" "$(leases)" ""
  same "records" "$(find /var/lib/cni/pontoon -name '*.json')" ""
}

name_taken() { ip link add eth0 type dummy; }

scene_with_cards dead_other_name "so it does when the card is called devN by now"
dead_other_name() {
  dies 'device: "eth7"' name_taken
  until_true is_there "$CARD"
  case "$(card "$CARD")" in dev*) ;; *) echo "the card is $(card "$CARD")"; return 1 ;; esac
  del red lan
  ip link delete eth0
  is_back
}

forget_alias() { ip -n red link set eth0 alias mine address 02:ee:ee:ee:ee:ee; }

scene_with_cards dead_alias "so it does when the pod has changed alias and MAC: the hardware's own MAC and place stay"
dead_alias() {
  dies 'device: "eth7"' forget_alias
  del red lan
  is_back
}

foreign_alias() { ip -n red link set eth0 alias "pontoon-device eth9 lan nobody eth0" address 02:ee:ee:ee:ee:ee; }

scene_with_cards dead_foreign_alias "so it does when the alias of the card names another attachment, and GC leaves the card of a valid pod alone"
dead_foreign_alias() {
  dies 'device: "eth7"' foreign_alias
  until_true is_there "$CARD"
  collect red
  same "name" "$(card "$CARD")" eth0
  del red lan
  is_back
}

scene_with_cards moved_on "DEL tells of a card that is in neither pod nor node by its name, and succeeds when the card is back"
moved_on() {
  plug_in
  lan 'device: "eth7"'
  attach lan red
  ip netns add hole
  ip -n red link set eth0 netns hole
  refuses DEL red lan 'device "eth7" is not back on the node'
  ip netns delete hole
  until_true is_there "$CARD"
  del red lan
  is_back
}

scene_with_cards other_renamed "DEL of a dead pod succeeds when another pod has the card under a name of its own"
other_renamed() {
  dies
  until_true is_there "$CARD"
  attach lan blue
  ip -n blue link set eth0 down
  ip -n blue link set eth0 name odd0 address 02:ee:ee:ee:ee:ee alias mine
  del red lan
  del blue lan
  is_back
}

scene_with_cards dead_driven "DEL succeeds when a program drives the card of a dead pod by now"
dead_driven() {
  local pci
  plug_in
  pci=$(pci_address)
  lan 'device: "eth7"'
  attach lan red
  ip netns delete red
  until_true is_there "$CARD"
  modprobe uio_pci_generic
  drive "$pci" uio_pci_generic
  del red lan
  drive "$pci" virtio-pci
  until_true is_there "$CARD"
}

# The pod dies, and so does all memory of it; the name of the card is another one by now.
forgotten() {
  dies 'device: "eth7"' name_taken
  until_true is_there "$CARD"
  rm -r /var/lib/cni/pontoon/lan
}

# Without a record the card has its name and its own MAC again, and no alias.
is_restored() {
  local facts
  facts=$(ip -j -d link show dev eth7 | jq -c '.[] | [.address, .ifalias]')
  same "card" "$facts" "[\"$CARD\",null]"
}

scene_with_cards forgotten_restore "pontoon restore gives a card without a record its name and its own MAC again, and says so"
forgotten_restore() {
  forgotten
  has restore "$(pontoon restore)" "node: device eth7 is back"
  is_restored
  ip link delete eth0
}

scene_with_cards forgotten_del "DEL gives a card without a record its name and its own MAC again"
forgotten_del() {
  forgotten
  del red lan
  is_restored
  ip link delete eth0
}

scene_with_cards forgotten_gc "GC gives a card without a record its name and its own MAC again"
forgotten_gc() {
  forgotten
  collect
  is_restored
  ip link delete eth0
}

scene_with_cards forgotten_add "the next ADD gets a card without a record by the name that it had"
forgotten_add() {
  forgotten
  attach lan blue
  reaches blue 10.5.0.1
  del blue lan
  is_restored
  ip link delete eth0
}

scene_with_cards dead_gc "GC puts the card of a dead pod right"
dead_gc() {
  dies
  collect
  is_back
}

scene_with_cards dead_restore "pontoon restore puts the card of a dead pod right, and says so"
dead_restore() {
  dies
  until_true is_there "$CARD"
  has restore "$(pontoon restore)" "node: device eth7 is back as it was before its pod died"
  is_back
}

scene_with_cards dead_add "the next ADD takes the card of a dead pod, by name and by PCI address, and DEL of either pod leaves it right"
dead_add() {
  dies
  until_true is_there "$CARD"
  attach lan blue
  reaches blue 10.5.0.1
  del red lan
  reaches blue 10.5.0.1
  del blue lan
  is_back
  lan 'pciBusID: "'"$(pci_address)"'"'
  attach lan green
  ip netns delete green
  until_true is_there "$CARD"
  attach lan yellow
  del yellow lan
  is_back
}

scene_with_cards dead_again "a pod of the same name takes the card again when the first one died"
dead_again() {
  dies
  until_true is_there "$CARD"
  attach lan red
  reaches red 10.5.0.1
  del red lan
  is_back
}

scene_with_cards held "a card that another pod has is refused with that pod's name, by name and by PCI address"
held() {
  local pci
  plug_in
  pci=$(pci_address)
  lan 'device: "eth7"'
  attach lan red
  pod blue
  refuses ADD blue lan "container red (network lan, eth0) has it"
  lan 'pciBusID: "'"$pci"'"'
  refuses ADD blue lan "container red (network lan, eth0) has it"
  del red lan
  is_back
}

scene_with_cards unplugged "DEL succeeds when the card was unplugged"
unplugged() {
  local place
  plug_in
  place=$(readlink -f "/sys/bus/pci/devices/$(pci_address)")
  lan 'device: "eth7"'
  attach lan red
  echo 1 > "$place/remove"
  del red lan
  echo 1 > /sys/bus/pci/rescan
  until_true is_there "$CARD"
}

# Binds a PCI device to a driver.
drive() {
  echo "$2" > "/sys/bus/pci/devices/$1/driver_override"
  echo "$1" > "/sys/bus/pci/devices/$1/driver/unbind"
  echo "$1" > /sys/bus/pci/drivers_probe
}

scene_with_cards user_driver "a card that a program drives itself is refused by the name of its driver"
user_driver() {
  local pci
  plug_in
  pci=$(pci_address)
  modprobe uio_pci_generic
  drive "$pci" uio_pci_generic
  lan 'pciBusID: "'"$pci"'"'
  pod red
  refuses ADD red lan "it is bound to uio_pci_generic, by which a program (DPDK) drives it itself"
  drive "$pci" virtio-pci
  until_true is_there "$CARD"
}
