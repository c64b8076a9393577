package sandbox

import (
	"cmp"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

// A secret is one of Secrets Manager's. Only its newest version is kept.
type secret struct {
	Name, Region, ARN, Version string
	Text                       string `json:",omitempty"`
	Binary                     string `json:",omitempty"` // in base64
	Created                    time.Time
}

// secretStore answers Secrets Manager's calls on secrets. Nothing is encrypted, and nothing is rotated.
type secretStore struct {
	db *database
}

func (s *secretStore) answers() map[string]answer {
	return map[string]answer{"CreateSecret": s.create, "PutSecretValue": s.put, "GetSecretValue": s.get, "DescribeSecret": s.describe, "DeleteSecret": s.remove}
}

// serveSecrets answers Secrets Manager, of which no model is embedded.
func (s *Server) serveSecrets(w http.ResponseWriter, r *http.Request, c *call, authErr error) {
	const service = "secretsmanager"
	c.name = targetOperation(r)
	err := cmp.Or(authErr, s.fault(service+":"+c.name))
	if err == nil {
		c.in, err = readJSON(r)
	}
	act := (&secretStore{s.db}).answers()[c.name]
	var out object
	switch {
	case err != nil:
	case act == nil:
		err = fail("UnknownOperationException", "The sandbox does not do this: %s.", c.name)
	default:
		out, err = s.transact(c, act)
	}
	if err != nil {
		writeError(w, awsJSON, service, err)
		return
	}
	writeJSON(w, awsJSON, nil, out)
}

func (s *secretStore) create(c *call) (object, error) {
	name := text(c.in, "Name")
	if name == "" {
		return nil, fail("InvalidParameterException", "You must provide a name for the secret.")
	}
	if s.db.secrets.get(c.region+"/"+name) != nil {
		return nil, fail("ResourceExistsException", "The operation failed because the secret %s already exists.", name)
	}
	return s.keep(c, &secret{Name: name, Region: c.region, ARN: awsmodel.ARN{
		Partition: awsmodel.PartitionOf(c.region), Service: "secretsmanager", Region: c.region, Account: c.account,
		Resource: "secret:" + name + "-" + uuid.NewString()[:6],
	}.String()})
}

// keep writes a new version of a secret.
func (s *secretStore) keep(c *call, old *secret) (object, error) {
	n := *old
	n.Text, n.Binary = text(c.in, "SecretString"), text(c.in, "SecretBinary")
	if n.Text != "" && n.Binary != "" {
		return nil, fail("InvalidParameterException", "You can't specify both a binary secret value and a string secret value in the same secret.")
	}
	n.Version, n.Created = cmp.Or(text(c.in, "ClientRequestToken"), uuid.NewString()), c.now
	s.db.secrets.put(n.Region+"/"+n.Name, &n)
	return object{"ARN": n.ARN, "Name": n.Name, "VersionId": n.Version}, nil
}

// find returns a secret by its name, or by its ARN with or without the six characters at its end.
func (s *secretStore) find(c *call) (*secret, error) {
	id := text(c.in, "SecretId")
	for _, n := range s.db.secrets.rows {
		if n.Region == c.region && (n.Name == id || n.ARN == id || strings.HasPrefix(id, "arn:") && n.ARN[:len(n.ARN)-len("-123456")] == id) {
			return n, nil
		}
	}
	return nil, fail("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
}

func (s *secretStore) put(c *call) (object, error) {
	n, err := s.find(c)
	if err != nil {
		return nil, err
	}
	return s.keep(c, n)
}

func (s *secretStore) get(c *call) (object, error) {
	n, err := s.find(c)
	if err != nil {
		return nil, err
	}
	if v := text(c.in, "VersionId"); v != "" && v != n.Version {
		return nil, fail("ResourceNotFoundException", "Secrets Manager can't find the specified secret value for VersionId: %s", v)
	}
	if stage := text(c.in, "VersionStage"); stage != "" && stage != "AWSCURRENT" {
		return nil, fail("ResourceNotFoundException", "Secrets Manager can't find the specified secret value for staging label: %s", stage)
	}
	out := object{"ARN": n.ARN, "Name": n.Name, "VersionId": n.Version, "VersionStages": []any{"AWSCURRENT"}, "CreatedDate": epoch(isoTime(n.Created))}
	switch {
	case n.Text != "":
		out["SecretString"] = n.Text
	case n.Binary != "":
		out["SecretBinary"] = n.Binary
	default:
		return nil, fail("ResourceNotFoundException", "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT")
	}
	return out, nil
}

// describe tells of a secret without what it holds.
func (s *secretStore) describe(c *call) (object, error) {
	n, err := s.find(c)
	if err != nil {
		return nil, err
	}
	when := epoch(isoTime(n.Created))
	return object{
		"ARN": n.ARN, "Name": n.Name, "CreatedDate": when, "LastChangedDate": when, "RotationEnabled": false,
		"VersionIdsToStages": object{n.Version: []any{"AWSCURRENT"}},
	}, nil
}

// remove deletes at once: the days in which a secret could be restored are not simulated.
func (s *secretStore) remove(c *call) (object, error) {
	n, err := s.find(c)
	if err != nil {
		return nil, err
	}
	s.db.secrets.remove(n.Region + "/" + n.Name)
	return object{"ARN": n.ARN, "Name": n.Name, "DeletionDate": epoch(isoTime(c.now))}, nil
}
