package sandbox

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

const stsNamespace = "https://sts.amazonaws.com/doc/2011-06-15/"

// The members of STS's answers, as XML.
type (
	identity struct {
		Arn, UserId, Account string
	}
	assumed struct {
		SubjectFromWebIdentityToken string `xml:",omitempty"`
		Audience                    string `xml:",omitempty"`
		Provider                    string `xml:",omitempty"`
		AssumedRoleUser             assumedRole
		Credentials                 temporary
	}
	assumedRole struct{ Arn, AssumedRoleId string }
	temporary   struct {
		AccessKeyId, SecretAccessKey, SessionToken, Expiration string
	}
)

var (
	roleARN = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^arn:aws[a-z-]*:iam::(\d{12}):role/(?:[\x21-\x7E]+/)?([\w+=,.@-]{1,64})$`)
	})
	sessionName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[\w+=,.@-]{2,64}$`) })
)

// serveQuery answers STS. AssumeRoleWithWebIdentity alone needs no signature.
func (s *Server) serveQuery(w http.ResponseWriter, r *http.Request, c *call, isSigned bool, authErr error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := r.ParseForm(); err != nil {
		writeQueryError(w, c, &failure{Code: "MalformedQueryString", Message: "The query cannot be read.", Status: http.StatusBadRequest})
		return
	}
	c.name = r.Form.Get("Action")
	err := s.fault("sts:" + c.name)
	if c.name != "AssumeRoleWithWebIdentity" {
		err = cmp.Or(err, authErr)
		if err == nil && !isSigned {
			err = &failure{Code: "MissingAuthenticationToken", Message: "Request is missing Authentication Token", Status: http.StatusForbidden}
		}
	}
	var result any
	if err == nil {
		result, err = s.sts(c, r.Form)
	}
	if err != nil {
		writeQueryError(w, c, err)
		return
	}
	writeXML(w, http.StatusOK, xmlAnswer{
		XMLName:  xml.Name{Space: stsNamespace, Local: c.name + "Response"},
		Result:   xmlResult{XMLName: xml.Name{Local: c.name + "Result"}, Value: result},
		Metadata: &xmlMetadata{c.id},
	})
}

func (s *Server) sts(c *call, form url.Values) (any, error) {
	switch c.name {
	case "GetCallerIdentity":
		return identity{Arn: c.caller, UserId: c.user, Account: c.account}, nil
	case "AssumeRole":
		return s.assume(c, form, assumed{})
	case "AssumeRoleWithWebIdentity":
		claims, err := webIdentity(form.Get("WebIdentityToken"), c.now)
		if err != nil {
			return nil, err
		}
		return s.assume(c, form, assumed{SubjectFromWebIdentityToken: claims.Sub, Audience: claims.audience(), Provider: claims.Iss})
	}
	if model, err := awsmodel.Get("sts"); err == nil {
		if _, ok := model.Operation(c.name); ok {
			return nil, fail("UnsupportedOperation", "The sandbox does not do this: %s.", c.name)
		}
	}
	return nil, fail("InvalidAction", "Could not find operation %s for version %s", c.name, form.Get("Version"))
}

// assume gives out credentials of a role. Whether the role exists and trusts the caller only AWS knows.
func (s *Server) assume(c *call, form url.Values, out assumed) (any, error) {
	role := roleARN().FindStringSubmatch(form.Get("RoleArn"))
	if role == nil {
		return nil, fail("ValidationError", "%s is invalid", form.Get("RoleArn"))
	}
	session := form.Get("RoleSessionName")
	if !sessionName().MatchString(session) {
		return nil, fail("ValidationError", "1 validation error detected: Value at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*")
	}
	seconds, err := strconv.Atoi(cmp.Or(form.Get("DurationSeconds"), "3600"))
	if err != nil || seconds < 900 || seconds > 43200 {
		return nil, fail("ValidationError", "The requested DurationSeconds must be between 900 and 43200.")
	}
	id := strings.ToUpper(strings.ReplaceAll(uuid.NewString(), "-", ""))
	k := &accessKey{
		ARN:     "arn:" + awsmodel.PartitionOf(c.region) + ":sts::" + role[1] + ":assumed-role/" + role[2] + "/" + session,
		Account: role[1],
		UserID:  "AROA" + id[:17] + ":" + session,
		Expires: c.now.Add(time.Duration(seconds) * time.Second),
	}
	key := "ASIA" + id[:16]
	s.db.Lock()
	defer s.db.Unlock()
	s.db.keys.put(key, k)
	if err := s.db.commit(); err != nil {
		return nil, err
	}
	out.AssumedRoleUser = assumedRole{k.ARN, k.UserID}
	out.Credentials = temporary{key, uuid.NewString(), uuid.NewString(), k.Expires.UTC().Format(time.RFC3339)}
	return out, nil
}

// claims are what STS reads of a web identity token.
type claims struct {
	Iss, Sub string
	Aud      any // a string or several
	Exp      json.Number
}

func (c claims) audience() string {
	switch a := c.Aud.(type) {
	case string:
		return a
	case []any:
		if len(a) > 0 {
			s, _ := a[0].(string)
			return s
		}
	}
	return ""
}

// webIdentity reads a token's claims. The signature is not verified: that takes the issuer's keys.
func webIdentity(token string, now time.Time) (claims, error) {
	var c claims
	bad := fail("InvalidIdentityToken", "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
	parts := strings.Split(token, ".")
	if len(parts) != 3 || parts[2] == "" {
		return c, bad
	}
	var header object
	if decodePart(parts[0], &header) != nil || text(header, "alg") == "" || decodePart(parts[1], &c) != nil {
		return c, bad
	}
	if c.Iss == "" || c.Sub == "" || c.audience() == "" {
		return c, fail("InvalidIdentityToken", "Missing a required claim: iss, sub and aud are needed.")
	}
	exp, err := c.Exp.Float64()
	if err != nil {
		return c, fail("InvalidIdentityToken", "Missing a required claim: exp")
	}
	if !now.Before(time.Unix(int64(exp), 0)) {
		return c, fail("ExpiredTokenException", "Token expired: current date/time must be before the expiration date/time")
	}
	return c, nil
}

func decodePart(s string, v any) error {
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, v)
}
