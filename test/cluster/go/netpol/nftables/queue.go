// Package expr is one file of that in github.com/google/nftables: the expression "queue", for kernels without
// it (CONFIG_NFT_QUEUE). The message asks for the target NFQUEUE of iptables instead, which does the same.
package expr

import (
	"encoding/binary"

	"github.com/google/nftables/binaryutil"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

type QueueFlag uint16

const QueueFlagBypass QueueFlag = unix.NFT_QUEUE_FLAG_BYPASS

type Queue struct {
	Num   uint16
	Total uint16
	Flag  QueueFlag
}

func (e *Queue) marshal(fam byte) ([]byte, error) {
	data, err := e.marshalData(fam)
	if err != nil {
		return nil, err
	}
	return netlink.MarshalAttributes([]netlink.Attribute{
		{Type: unix.NFTA_EXPR_NAME, Data: []byte("target\x00")},
		{Type: unix.NLA_F_NESTED | unix.NFTA_EXPR_DATA, Data: data},
	})
}

// The information is a struct xt_NFQ_info_v3, whose flags have the values of nftables.
func (e *Queue) marshalData(byte) ([]byte, error) {
	info := make([]byte, 0, 8)
	for _, field := range []uint16{e.Num, max(e.Total, 1), uint16(e.Flag), 0} {
		info = binary.NativeEndian.AppendUint16(info, field)
	}
	return netlink.MarshalAttributes([]netlink.Attribute{
		{Type: unix.NFTA_TARGET_NAME, Data: []byte("NFQUEUE\x00")},
		{Type: unix.NFTA_TARGET_REV, Data: binaryutil.BigEndian.PutUint32(3)},
		{Type: unix.NFTA_TARGET_INFO, Data: info},
	})
}

// Rules are written here and never read.
func (e *Queue) unmarshal(byte, []byte) error { return nil }
