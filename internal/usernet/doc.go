// Package usernet gives the processes of a network namespace a way outward that needs no rights on
// this machine: it reads the packets that their kernel sends to a TUN device, and carries connections
// on from sockets of this process, as far as a policy allows.
//
// TCP isn't implemented here. A connection's packets are rewritten so that the namespace's own kernel
// accepts them at a listener, and this process copies bytes between that and a socket of its own; UDP
// is carried datagram by datagram. There is no IPv6 and no ICMP: the namespace has no route for the one
// and no answer for the other.
//
// The package refuses to know what runs in the namespace and how that was made. Start with [Serve], and
// with [Policy] for what is refused.
package usernet
