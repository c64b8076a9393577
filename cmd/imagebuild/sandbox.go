package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/org/imagebuild-action/internal/component"
	"github.com/org/imagebuild-action/internal/sandbox"
)

func (p *program) sandboxCommand() *cobra.Command {
	var listen, dir, root, network, region, faults string
	var issuers, roles, hosts []string
	c := &cobra.Command{
		Use: "sandbox", Short: "Run a local AWS sandbox", Args: cobra.NoArgs,
		Long: "sandbox serves EC2 Image Builder, AppStream, and as much of STS, S3, CloudWatch Logs, SSM parameters,\n" +
			"Secrets Manager and EC2 images as building an image touches, over HTTP. Any AWS client can use it:\n\n" +
			"  imagebuild sandbox --listen 127.0.0.1:4566\n" +
			"  AWS_ENDPOINT_URL=http://127.0.0.1:4566 AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=x AWS_DEFAULT_REGION=eu-west-1 \\\n" +
			"    aws imagebuilder list-components --owner Amazon\n\n" +
			"The endpoint is the first line of standard output. An access key of 12 digits is that account's.",
		RunE: func(c *cobra.Command, _ []string) (err error) {
			script, err := p.readFaults(faults)
			if err != nil {
				return err
			}
			if err = knownNetwork(network); err != nil {
				return err
			}
			chosen, err := p.chooseRoot(c.Context(), root)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, chosen.close()) }()
			o := sandbox.Options{Dir: dir, Root: chosen.Kind, Base: chosen.Base, BaseName: chosen.BaseName, Network: network, Region: region, Faults: script, Issuers: trustedIssuers(issuers), HostNames: hosts}
			if o.Roles, err = p.readRoles(roles); err != nil {
				return err
			}
			if root == component.RootAuto {
				stand := newSystems(p)
				defer func() { err = errors.Join(err, stand.close()) }()
				o.System = stand.find
			}
			server, err := p.openSandbox(c.Context(), o)
			if err != nil {
				return err
			}
			return p.serve(c.Context(), server, listen)
		},
	}
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:0", "the `address` to serve on; port 0 takes a free one")
	c.Flags().StringVar(&dir, "sandbox-dir", "", "keep the state in `dir` (default: a temporary one)")
	c.Flags().StringVar(&root, "root", "auto", "where components run: "+rootHelp)
	addNetwork(c, &network)
	c.Flags().StringVar(&region, "region", "us-east-1", "the `region` of requests that name none")
	c.Flags().StringVar(&faults, "faults", "", "let calls fail, and what they make go wrong, as the script in `file` says (JSON; see docs/appstream.md)")
	c.Flags().StringArrayVar(&hosts, "host-name", nil, "also answer requests that call the sandbox by this `name`; may be repeated")
	c.Flags().StringArrayVar(&issuers, "trust-issuer", nil, "let STS verify web identity tokens and take those of this issuer alone: `URL[,AUDIENCE...]`; may be repeated")
	c.Flags().StringArrayVar(&roles, "role", nil, "let only the role in `file` be assumed, by those whom its trust policy names; may be repeated")
	return c
}

// trustedIssuers reads URL[,AUDIENCE...]. Keys are fetched when the first token comes.
func trustedIssuers(flags []string) (out []sandbox.Issuer) {
	for _, f := range flags {
		parts := strings.Split(f, ",")
		out = append(out, sandbox.Issuer{URL: parts[0], Audiences: parts[1:]})
	}
	return out
}

// readRoles reads roles in the form that the AWS CLI creates them from.
func (p *program) readRoles(files []string) (out []sandbox.Role, err error) {
	for _, file := range files {
		if !filepath.IsAbs(file) {
			file = filepath.Join(p.cwd, file)
		}
		raw, err := readFile(file, largestSmall)
		if err != nil {
			return nil, mistake("", "reading a role: %w", err)
		}
		role, err := sandbox.ParseRole(raw)
		if err != nil {
			return nil, mistake(`a role is {"RoleName": "…", "AssumeRolePolicyDocument": {…}}; docs/credentials.md has one`, "%s: %w", file, err)
		}
		out = append(out, role)
	}
	return out, nil
}

// readFaults reads a script of faults; "" is none.
func (p *program) readFaults(name string) (faults []sandbox.Fault, err error) {
	if name == "" {
		return nil, nil
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(p.cwd, name)
	}
	raw, err := readFile(name, largestSmall)
	if err != nil {
		return nil, mistake("", "reading the faults: %w", err)
	}
	if faults, err = sandbox.ReadFaults(bytes.NewReader(raw)); err != nil {
		return nil, mistake("docs/appstream.md lists the members of a fault", "reading the faults in %s: %w", name, err)
	}
	return faults, nil
}

// openSandbox opens a server that runs components through this program.
func (p *program) openSandbox(ctx context.Context, o sandbox.Options) (*sandbox.Server, error) {
	o.Self, o.Now, o.Environ = p.self, p.now, p.environ()
	server, err := sandbox.Open(ctx, o)
	if err != nil {
		return nil, &exit{status: statusFailed, err: fmt.Errorf("opening the sandbox: %w", err)}
	}
	return server, nil
}

// serve runs the server until the context ends, which is how it is meant to end.
func (p *program) serve(ctx context.Context, server *sandbox.Server, listen string) error {
	url, err := server.Listen(listen)
	if err != nil {
		return &exit{
			status: statusFailed, err: fmt.Errorf("listening on %s: %w", listen, err),
			hint: "choose another address: --listen 127.0.0.1:0 takes a free port",
		}
	}
	fmt.Fprintln(p.stdout, url)
	fmt.Fprintln(p.stderr, server.Banner())
	<-ctx.Done()
	if err := server.Close(); err != nil {
		return &exit{status: statusFailed, err: fmt.Errorf("closing the sandbox: %w", err)}
	}
	return nil
}
