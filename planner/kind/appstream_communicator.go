package kind

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

// A setting is one argument of a communicator.
type setting struct {
	name   string
	typ    cty.Type
	doc    string
	secret bool // a credential, which a plan does not show
	wait   bool // a duration, handed on in seconds
}

// communicatorSettings are the arguments of each communicator, by its name.
func communicatorSettings() map[string][]setting {
	text := func(name, doc string) setting { return setting{name: name, typ: cty.String, doc: doc} }
	flag := func(name, doc string) setting { return setting{name: name, typ: cty.Bool, doc: doc} }
	secret := func(name, doc string) setting {
		return setting{name: name, typ: cty.String, doc: doc + ` A sensitive variable, "ssm:/path" or "secretsmanager:NAME#key".`, secret: true}
	}
	wait := func(name, doc string) setting { return setting{name: name, typ: cty.String, doc: doc, wait: true} }
	patience := []setting{
		wait("connect_timeout", "How long connecting is tried, since group policy lags behind the start of the machine. Defaults to 15m."),
		flag("restart_if_unreachable", "Whether the machine is stopped and started once when it cannot be reached: start-up scripts of group policy run at boot alone."),
	}
	return map[string][]setting{
		"winrm": append([]setting{
			text("username", `The user: "CORP\\builder", ".\\builder".`),
			secret("password", "The user's password."),
			text("authentication", "ntlm, basic, kerberos or certificate. Defaults to ntlm."),
			flag("http", "HTTP on port 5985 instead of HTTPS on 5986; NTLM seals the messages then."),
			{name: "port", typ: cty.Number, doc: "Another port than 5986, or 5985 with http."},
			text("host", "The name in the machine's certificate, and for Kerberos, where it is not the address."),
			text("certificate_thumbprint", "The SHA-1 or SHA-256 thumbprint of the machine's certificate."),
			flag("trust_on_first_use", "Takes the certificate that the machine shows first, for the rest of the run."),
			text("ca_certificate", "The certificate that signed the machine's, in PEM."),
			text("kerberos_config", "The content of krb5.conf."),
			secret("certificate", "The client's certificate in PEM, for authentication certificate."),
			secret("private_key", "Its key in PEM."),
		}, patience...),
		"s3": append([]setting{
			text("bucket", "The bucket through which the machine gets its work."),
			text("prefix", "What the keys begin with."),
			secret("key", "The secret that both sides sign with."),
			wait("heartbeat_timeout", "How long the machine may be silent before it is given up. Defaults to 5m."),
		}, patience...),
		"ssh": append([]setting{
			text("username", "The user."),
			secret("private_key", "The user's key in PEM."),
			secret("passphrase", "What the key is encrypted with."),
			secret("password", "The user's password, instead of a key."),
			{name: "port", typ: cty.Number, doc: "Another port than 22."},
			text("host_key", "The machine's public key, as in known_hosts."),
			flag("trust_on_first_use", "Takes the key that the machine shows first, for the rest of the run."),
		}, patience...),
	}
}

// communicatorBlocks are the blocks in which communicators are set up.
func communicatorBlocks() []dsl.NestedType {
	docs := map[string]string{
		"winrm": "WinRM, for a machine that this program has a network path to.",
		"s3":    "Work through a bucket, which the machine asks for by itself: no port is open and no password is needed.",
		"ssh":   "SSH, for images of Linux.",
	}
	var out []dsl.NestedType
	for _, name := range sortedKeys(docs) {
		s := &dsl.Schema{}
		for _, a := range communicatorSettings()[name] {
			s.Attrs = append(s.Attrs, dsl.Attr{Name: a.name, Type: a.typ, Doc: a.doc})
		}
		out = append(out, dsl.NestedType{Type: name, Max: 1, Schema: s, Doc: docs[name]})
	}
	return out
}

func communicatorAttr() dsl.Attr {
	return dsl.Attr{Name: "communicator", Type: cty.String, Doc: "How the machine is reached: winrm, s3 or ssh, with a block of that name for its settings. Defaults to the block's."}
}

// communicator reads how the machine is reached.
func (l *Lowered) communicator(s *planner.Scope, b *dsl.Block) planner.Communicator {
	known := sortedKeys(communicatorSettings())
	v, named := b.Body.Attr("communicator")
	typ, _ := v.V.(string)
	at := b.Body.At("communicator")
	if !named {
		for _, name := range known {
			if n := first(b.Body, name); n != nil {
				typ, at = name, n.Range
			}
		}
	}
	switch {
	case typ == "ssm":
		l.fail(at, "Unsupported communicator", planner.SSMRefused)
	case typ == "":
		l.fail(at, "Communicator missing", "There is work to do in the machine, and nothing says how to reach it. Write communicator = \"winrm\" where this program has a network path to it, or \"s3\" where it has none.")
	case !slices.Contains(known, typ):
		l.fail(at, "Unknown communicator", "There is no communicator \""+typ+"\"."+choices(typ, known))
	}
	out := planner.Communicator{Type: typ, Settings: planner.Object{}, Secrets: map[string]string{}, Range: at, At: map[string]hcl.Range{}}
	for _, name := range known {
		n := first(b.Body, name)
		if n == nil {
			continue
		}
		if name != typ && !slices.Contains(known, typ) {
			continue // which is meant has to be said first
		}
		if name != typ {
			l.fail(n.Range, "Settings of another communicator", "The communicator is \""+typ+"\". Remove this block, or write communicator = \""+name+"\".")
			continue
		}
		l.settings(s, &out, n)
	}
	return out
}

func (l *Lowered) settings(s *planner.Scope, c *planner.Communicator, n *dsl.Nested) {
	for _, a := range communicatorSettings()[c.Type] {
		v, ok := n.Body.Attr(a.name)
		switch {
		case !ok:
		case a.secret:
			if text, fine := l.secretOf(s, v, strings.ReplaceAll(a.name, "_", " ")); fine {
				c.Secrets[a.name], c.At[a.name] = text, v.Range
			}
		case a.wait:
			l.readArguments(n.Body, func(args *arguments) { c.Settings[a.name] = int64(args.seconds(a.name)) })
		default:
			c.Settings[a.name] = v.V
		}
	}
}
