package sandbox

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/internal/iampolicy"
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
		PackedPolicySize            int    `xml:",omitempty"`
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
		result, err = s.sts(r.Context(), c, r.Form)
	}
	if err != nil {
		writeQueryError(w, c, err)
		return
	}
	writeXML(w, http.StatusOK, queryAnswer(c, stsNamespace, result))
}

func (s *Server) sts(ctx context.Context, c *call, form url.Values) (any, error) {
	switch c.name {
	case "GetCallerIdentity":
		return identity{Arn: c.caller, UserId: c.user, Account: c.account}, nil
	case "AssumeRole":
		return s.assumeRole(c, form)
	case "AssumeRoleWithWebIdentity":
		return s.assumeWithToken(ctx, c, form)
	}
	if model, err := awsmodel.Get("sts"); err == nil {
		if _, ok := model.Operation(c.name); ok {
			return nil, fail("UnsupportedOperation", "The sandbox does not do this: %s.", c.name)
		}
	}
	return nil, fail("InvalidAction", "Could not find operation %s for version %s, or the sandbox does not do it.", c.name, form.Get("Version"))
}

// assumeRole gives somebody who has credentials those of another role.
func (s *Server) assumeRole(c *call, form url.Values) (any, error) {
	arn := form.Get("RoleArn")
	if !roleARN().MatchString(arn) {
		return nil, fail("ValidationError", "%s is invalid", arn)
	}
	by := byRole(c, form, awsmodel.PartitionOf(c.region))
	role, err := s.trusted(c, arn, by)
	if err == nil && len(sessionTags(form)) > 0 {
		by.Action = "sts:TagSession"
		if _, err = s.trusted(c, arn, by); err != nil {
			err = &failure{Code: "AccessDenied", Status: http.StatusForbidden, Message: fmt.Sprintf("User: %s is not authorized to perform: sts:TagSession on resource: %s", c.caller, arn)}
		}
	}
	if err != nil {
		return nil, err
	}
	if seconds, _ := strconv.Atoi(form.Get("DurationSeconds")); strings.Contains(c.caller, ":assumed-role/") && seconds > 3600 { // what is no number is refused below
		return nil, fail("ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
	}
	return s.assume(c, form, assumed{}, role.MaxSession)
}

// assumeWithToken gives a role's credentials for a web identity token.
func (s *Server) assumeWithToken(ctx context.Context, c *call, form url.Values) (any, error) {
	arn := form.Get("RoleArn")
	m := roleARN().FindStringSubmatch(arn)
	if m == nil {
		return nil, fail("ValidationError", "Request ARN is invalid")
	}
	proved, err := s.verified(ctx, form.Get("WebIdentityToken"), c.now)
	if err != nil {
		return nil, err
	}
	role, err := s.trusted(c, arn, proved.byWebIdentity(m[1], awsmodel.PartitionOf(c.region)))
	if err != nil {
		return nil, err
	}
	return s.assume(c, form, assumed{SubjectFromWebIdentityToken: proved.Sub, Audience: proved.audience(), Provider: proved.Iss}, role.MaxSession)
}

// assume gives out credentials of a role that trusts the caller.
func (s *Server) assume(c *call, form url.Values, out assumed, longest time.Duration) (any, error) {
	role := roleARN().FindStringSubmatch(form.Get("RoleArn"))
	session := form.Get("RoleSessionName")
	if !sessionName().MatchString(session) {
		return nil, fail("ValidationError", "1 validation error detected: Value at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*")
	}
	life, err := sessionLife(form.Get("DurationSeconds"), cmp.Or(longest, time.Hour))
	if err == nil {
		out.PackedPolicySize, err = packed(form)
	}
	if err != nil {
		return nil, err
	}
	id := strings.ToUpper(strings.ReplaceAll(uuid.NewString(), "-", ""))
	k := &accessKey{
		ARN:     "arn:" + awsmodel.PartitionOf(c.region) + ":sts::" + role[1] + ":assumed-role/" + role[2] + "/" + session,
		Account: role[1],
		UserID:  "AROA" + id[:17] + ":" + session,
		Expires: c.now.Add(life),
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

// sessionLife reads how long a session is to last.
func sessionLife(text string, longest time.Duration) (time.Duration, error) {
	seconds, err := strconv.Atoi(cmp.Or(text, "3600"))
	life := time.Duration(seconds) * time.Second
	switch {
	case err != nil || seconds < 900 || life > longestSession:
		return 0, fail("ValidationError", "The requested DurationSeconds must be between 900 and 43200.")
	case text != "" && life > longest:
		return 0, fail("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	return min(life, longest), nil
}

// packed is how much of the room for session policies and tags is used, in per cent. How AWS packs
// them it does not say; here every character counts, so that what fits here fits there.
func packed(form url.Values) (int, error) {
	policy := form.Get("Policy")
	if policy != "" {
		if _, err := iampolicy.Parse([]byte(policy)); err != nil {
			return 0, fail("MalformedPolicyDocument", "This policy contains invalid Json")
		}
	}
	if len(policy) > packedRoom {
		return 0, fail("ValidationError", "1 validation error detected: Value at 'policy' failed to satisfy constraint: Member must have length less than or equal to 2048")
	}
	n := len(policy)
	for i := 1; form.Has("PolicyArns.member." + strconv.Itoa(i) + ".arn"); i++ {
		n += len(form.Get("PolicyArns.member." + strconv.Itoa(i) + ".arn"))
	}
	for key, value := range sessionTags(form) {
		n += len(key) + len(value)
	}
	percent := (100*n + packedRoom - 1) / packedRoom
	if percent > 100 {
		return 0, fail("PackedPolicyTooLarge", "Packed policy consumes %d%% of allotted space, please use smaller policy.", percent)
	}
	return percent, nil
}

// packedRoom is the room for session policies and tags, in characters.
const packedRoom = 2048

// claims are what STS reads of a web identity token.
type claims struct {
	Iss, Sub string
	Aud      any // a string or several
	Exp      json.Number

	text map[string][]string // all claims that are text or lists of it
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

// webIdentity reads a token's claims and looks at its end. See verified for its signature.
func webIdentity(token string, now time.Time) (claims, error) {
	var c claims
	bad := fail("InvalidIdentityToken", "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
	parts := strings.Split(token, ".")
	if len(parts) != 3 || parts[2] == "" {
		return c, bad
	}
	var header object
	var all object
	if decodePart(parts[0], &header) != nil || text(header, "alg") == "" || decodePart(parts[1], &c) != nil || decodePart(parts[1], &all) != nil {
		return c, bad
	}
	c.text = textClaims(all)
	if c.Iss == "" || c.Sub == "" || c.audience() == "" {
		return c, fail("InvalidIdentityToken", "Missing a required claim: iss, sub and aud are needed.")
	}
	exp, err := c.Exp.Float64()
	if err != nil {
		return c, fail("InvalidIdentityToken", "Missing a required claim: exp")
	}
	if !now.Before(time.Unix(int64(exp), 0)) {
		return c, fail("ExpiredTokenException", "Token expired: current date/time %d must be before the expiration date/time %d", now.Unix(), int64(exp))
	}
	return c, nil
}

// textClaims are the claims that conditions can ask for.
func textClaims(all object) map[string][]string {
	out := map[string][]string{}
	for name, v := range all {
		values, ok := v.([]any)
		if !ok {
			values = []any{v}
		}
		for _, v := range values {
			if s, ok := v.(string); ok {
				out[name] = append(out[name], s)
			}
		}
	}
	return out
}

func decodePart(s string, v any) error {
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, v)
}
