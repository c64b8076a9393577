package aws

import (
	"context"
	"strings"
)

// sources are the places that the SDK finds credentials in, by the beginning of its own names of them.
var sources = []struct{ name, said string }{ //nolint:gochecknoglobals // a table, never written
	{"EnvConfigCredentials", "environment variables"},
	{"SharedConfigCredentials", "a profile of the shared configuration files"},
	{"WebIdentityCredentials", "a web identity token file"},
	{"AssumeRoleProvider", "a role of a profile"},
	{"SSOProvider", "single sign-on of a profile"},
	{"LoginProvider", "a sign-in of a profile"},
	{"ProcessProvider", "a program that a profile names"},
	{"CredentialsEndpointProvider", "the container's credentials endpoint"},
	{"EC2RoleProvider", "the instance's role"},
	{"StaticCredentials", "credentials given outright"},
	{webIdentitySource, "a web identity token, requested again for each refresh"},
	{chainedSource, "a chain of roles"},
}

// Source says in a noun phrase where the credentials come from.
func (c *Clients) Source(ctx context.Context) (string, error) {
	got, err := c.cfg.Credentials.Retrieve(ctx)
	if err != nil {
		_, err = c.authorised(ctx, "sts:GetCallerIdentity", c.cfg.Region)
		return "", err
	}
	for _, s := range sources {
		if strings.HasPrefix(got.Source, s.name) {
			return s.said, nil
		}
	}
	return got.Source, nil
}
