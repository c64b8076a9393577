package githubtest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ActionsLogin is who a job's token acts as.
const ActionsLogin = "github-actions[bot]"

// Tokens every server knows.
const (
	TokenWrite = "ghs_write"
	TokenRead  = "ghs_read"
)

// Account is who a token acts as, and what it may.
type Account struct {
	Login string
	// Permissions are "read" or "write" by the names of a workflow's permissions.
	Permissions map[string]string
}

// account is an account and what its token used up.
type account struct {
	Account
	id   int64
	hour time.Time
	used int
	// points and made are what the last minute took of the secondary limits.
	points, made []time.Time
}

func writeAll() map[string]string {
	return map[string]string{"contents": "write", "pull-requests": "write", "checks": "write", "actions": "write", "statuses": "write"}
}

func readAll() map[string]string {
	return map[string]string{"contents": "read", "pull-requests": "read", "checks": "read", "actions": "read", "statuses": "read"}
}

// AddToken makes a token known.
func (s *Server) AddToken(token string, a Account) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens[token] = &account{Account: a, id: s.id()}
}

func (a *account) bot() bool { return strings.HasSuffix(a.Login, "[bot]") }

// user is the account in REST.
func (s *Server) user(login string) object {
	kind := "User"
	if strings.HasSuffix(login, "[bot]") {
		kind = "Bot"
	}
	return s.model.filled("simple-user", object{"login": login, "id": loginID(login), "type": kind, "node_id": "U_" + login})
}

func loginID(login string) int64 {
	var n int64 = 17
	for _, r := range login {
		n = n*31%1_000_003 + int64(r)
	}
	return n
}

func (s *Server) authenticate(c *call) (reply, bool) {
	scheme, token, _ := strings.Cut(c.Header.Get("Authorization"), " ")
	s.mu.Lock()
	defer s.mu.Unlock()
	who, ok := s.tokens[token]
	if !ok || !strings.EqualFold(scheme, "bearer") && !strings.EqualFold(scheme, "token") {
		return failure(http.StatusUnauthorized, "Bad credentials"), false
	}
	c.who = who
	return s.limit(c)
}

const (
	createPoints   = 80
	minutePoints   = 900
	writePoints    = 5
	secondaryPause = 60
)

// limit counts a request against the primary limit of the hour and, if asked for, the secondary ones. s.mu is held.
func (s *Server) limit(c *call) (reply, bool) {
	now := s.o.Now()
	a := c.who
	if now.Sub(a.hour) >= time.Hour {
		a.hour, a.used = now, 0
	}
	if a.used >= s.o.RequestsPerHour {
		return failure(http.StatusForbidden, "API rate limit exceeded for installation."), false
	}
	a.used++
	if !s.o.SecondaryLimits {
		return reply{}, true
	}
	points := 1
	if c.Method != http.MethodGet {
		points = writePoints
	}
	a.points, a.made = recent(a.points, now), recent(a.made, now)
	for range points {
		a.points = append(a.points, now)
	}
	if c.Method == http.MethodPost {
		a.made = append(a.made, now)
	}
	if len(a.points) > minutePoints || len(a.made) > createPoints {
		rep := failure(http.StatusForbidden, "You have exceeded a secondary rate limit.")
		rep.header = http.Header{"Retry-After": {strconv.Itoa(secondaryPause)}}
		rep.body.(object)["documentation_url"] = "https://docs.github.com/free-pro-team@latest/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits"
		return rep, false
	}
	return reply{}, true
}

func recent(at []time.Time, now time.Time) []time.Time {
	for len(at) > 0 && now.Sub(at[0]) >= time.Minute {
		at = at[1:]
	}
	return at
}

// rate writes the headers of the primary limit.
func (s *Server) rate(c *call, h http.Header) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.who == nil {
		return
	}
	h.Set("X-Ratelimit-Limit", strconv.Itoa(s.o.RequestsPerHour))
	h.Set("X-Ratelimit-Remaining", strconv.Itoa(s.o.RequestsPerHour-c.who.used))
	h.Set("X-Ratelimit-Reset", strconv.FormatInt(c.who.hour.Add(time.Hour).Unix(), 10))
	h.Set("X-Ratelimit-Used", strconv.Itoa(c.who.used))
}

// permitted says whether the account has the permission the operation needs.
func (s *Server) permitted(c *call, b behaviour) (reply, bool) {
	if b.permission == "" {
		return reply{}, true
	}
	name, level, _ := strings.Cut(b.permission, ": ")
	has := c.who.Permissions[name]
	// Pull requests are issues: their comments may be written with either permission.
	if name == "pull-requests" && c.who.Permissions["issues"] == "write" {
		has = "write"
	}
	if has == "write" || has == level {
		return reply{}, true
	}
	rep := failure(http.StatusForbidden, "Resource not accessible by integration")
	rep.header = http.Header{"X-Accepted-Github-Permissions": {fmt.Sprintf("%s=%s", strings.ReplaceAll(name, "-", "_"), level)}}
	return rep, false
}
