package component

import (
	"context"
	"errors"
	"strings"
)

// Networks are what [RootSpec.Network] may be.
func Networks() []string { return []string{NetworkAuto, NetworkPrivate, NetworkHost, NetworkNone} }

// connect finds out which network the root can have by making the root, and says so in the reason.
func (r *Root) connect(ctx context.Context) error {
	auto := r.spec.Network == NetworkAuto
	if auto {
		r.spec.Network = NetworkPrivate
	}
	err := r.probe(ctx)
	if err == nil {
		if r.spec.Network == NetworkPrivate {
			r.mirrors = r.privateMirrors(ctx)
			r.reason += "; its network reaches public addresses, and neither this machine nor private networks" + except(r.mirrors)
		}
		return nil
	}
	if !auto || ctx.Err() != nil {
		return err
	}
	r.spec.Network = NetworkHost
	closed := canCloseAbstractSockets()
	if closed {
		r.spec.Network = networkScoped
	}
	if shared := r.probe(ctx); shared != nil {
		return errors.Join(err, shared) // the network isn't why
	}
	r.reason += "; its network is this machine's, with the services on its loopback and the metadata service" + map[bool]string{
		true: ", though not its abstract sockets", false: " and its abstract sockets",
	}[closed] + ", since it can't have its own: " + err.Error()
	return nil
}

func except(mirrors []string) string {
	if len(mirrors) == 0 {
		return ""
	}
	return " but for the package sources and proxies of this machine: " + strings.Join(mirrors, ", ")
}
