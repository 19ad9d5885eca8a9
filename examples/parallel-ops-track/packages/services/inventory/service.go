// Package inventory knows the platform's nodes and probes them.
package inventory

import (
	"errors"
	"fmt"
	"net/netip"
)

// ErrProbeRefused says that an address is outside of what may be probed.
var ErrProbeRefused = errors.New("probe refused")

// refused are ranges that no probe may reach, whatever a node says its address is: the probe runs inside the
// platform, and an address under a tenant's control must not turn it against the platform itself.
var refused = []netip.Prefix{
	netip.MustParsePrefix("127.0.0.0/8"),
	netip.MustParsePrefix("169.254.0.0/16"),
	netip.MustParsePrefix("::1/128"),
	netip.MustParsePrefix("fe80::/10"),
}

// ProbeTarget is an address that was judged. The probe dials this value and never resolves the name again, so
// that a second answer of the name server cannot lead elsewhere.
type ProbeTarget struct {
	address netip.AddrPort
}

// Judge accepts an address within the node ranges and outside of the refused ones.
func Judge(address netip.AddrPort, nodes []netip.Prefix) (ProbeTarget, error) {
	host := address.Addr().Unmap()
	for _, prefix := range refused {
		if prefix.Contains(host) {
			return ProbeTarget{}, fmt.Errorf("%w: %s is in %s", ErrProbeRefused, host, prefix)
		}
	}
	for _, prefix := range nodes {
		if prefix.Contains(host) {
			return ProbeTarget{address: netip.AddrPortFrom(host, address.Port())}, nil
		}
	}
	return ProbeTarget{}, fmt.Errorf("%w: %s is in no node range", ErrProbeRefused, host)
}

// String shows the address to be dialled.
func (target ProbeTarget) String() string {
	return target.address.String()
}
