package sandbox

import (
	"encoding/json"
	"errors"

	"github.com/google/uuid"
)

// GuestPassword is the password of the machines inside of AppStream's image builders, where the options give no other.
const GuestPassword = guestPassword

// KeepParameter stores a secret as a parameter that its owner would have put there. One that is there stays; added says
// whether there was none.
func (s *Server) KeepParameter(region, name, value string) (added bool, err error) {
	c := s.owner(region)
	c.in = object{"Name": name, "Value": value, "Type": "SecureString"}
	_, err = s.transact(c, (&parameterStore{s.db}).put)
	return addedTo(err, "ParameterAlreadyExists")
}

// KeepSecret stores a secret in Secrets Manager: a text, or with members a JSON object of them.
func (s *Server) KeepSecret(region, name, value string, members map[string]string) (added bool, err error) {
	if len(members) > 0 {
		raw, marshal := json.Marshal(members)
		if marshal != nil {
			return false, marshal
		}
		value = string(raw)
	}
	c := s.owner(region)
	c.in = object{"Name": name, "SecretString": value}
	_, err = s.transact(c, (&secretStore{s.db}).create)
	return addedTo(err, "ResourceExistsException")
}

// owner is a call of the account's own.
func (s *Server) owner(region string) *call {
	return &call{region: region, account: s.opts.Account, id: uuid.NewString(), now: s.opts.Now()}
}

func addedTo(err error, there string) (bool, error) {
	if f, ok := errors.AsType[*failure](err); ok && f.Code == there {
		return false, nil
	}
	return err == nil, err
}
