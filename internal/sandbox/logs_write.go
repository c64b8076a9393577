package sandbox

import (
	"cmp"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A logsGroup is one that was created by a call. That of a build exists by its streams alone.
type logsGroup struct {
	Name, Region string
	Created      int64             // milliseconds
	Retention    int64             `json:",omitempty"` // days; 0 is for ever. Nothing is deleted by itself here
	KeyID, Class string            `json:",omitempty"`
	Tags         map[string]string `json:",omitempty"`
}

// CloudWatch Logs' bounds of what is put at once.
const (
	maxPut      = 10_000
	maxPutBytes = 1 << 20
	oldestEvent = 14 * 24 * time.Hour
	newestEvent = 2 * time.Hour
	longestPut  = 24 * time.Hour
)

func logsInvalid(format string, args ...any) error {
	return fail("InvalidParameterException", format, args...)
}

// group finds the log group of a call. What a build made gets a row of its own when it is first changed. The caller
// holds the store's lock.
func (l *cloudWatchLogs) group(c *call) (*logsGroup, error) {
	name := groupOf(c.in)
	if g := l.db.logGroups.get(c.region + "/" + name); g != nil {
		next := *g
		next.Tags = maps.Clone(g.Tags)
		return &next, nil
	}
	streams := l.store.group(c.region, name)
	if len(streams) == 0 {
		return nil, noLogGroup()
	}
	g := &logsGroup{Name: name, Region: c.region, Created: streams[0].Created}
	for _, st := range streams {
		g.Created = min(g.Created, st.Created)
	}
	return g, nil
}

func (l *cloudWatchLogs) createGroup(c *call) (object, error) {
	l.store.mu.Lock()
	defer l.store.mu.Unlock()
	name := text(c.in, "logGroupName")
	if !regexp.MustCompile(`^[\w.\-/#]{1,512}$`).MatchString(name) || strings.HasPrefix(name, "aws/") {
		return nil, logsInvalid(`1 validation error detected: Value '%s' at 'logGroupName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+`, name)
	}
	if _, err := l.group(c); err == nil {
		return nil, fail("ResourceAlreadyExistsException", "The specified log group already exists")
	}
	g := &logsGroup{
		Name: name, Region: c.region, Created: c.now.UnixMilli(), KeyID: text(c.in, "kmsKeyId"), Class: text(c.in, "logGroupClass"), Tags: tagsOf(c.in["tags"]),
	}
	l.db.logGroups.put(c.region+"/"+name, g)
	return object{}, nil
}

func (l *cloudWatchLogs) deleteGroup(c *call) (object, error) {
	l.store.mu.Lock()
	defer l.store.mu.Unlock()
	g, err := l.group(c)
	if err != nil {
		return nil, err
	}
	for _, st := range l.store.group(c.region, g.Name) {
		err = errors.Join(err, l.store.remove(st))
	}
	if l.db.logGroups.get(c.region+"/"+g.Name) != nil {
		l.db.logGroups.remove(c.region + "/" + g.Name)
	}
	return object{}, err
}

// change lets edit change the log group of a call.
func (l *cloudWatchLogs) change(c *call, edit func(*logsGroup) error) (object, error) {
	l.store.mu.Lock()
	defer l.store.mu.Unlock()
	g, err := l.group(c)
	if err == nil {
		err = edit(g)
	}
	if err != nil {
		return nil, err
	}
	l.db.logGroups.put(c.region+"/"+g.Name, g)
	return object{}, nil
}

// retain answers Put- and DeleteRetentionPolicy.
func (l *cloudWatchLogs) retain(c *call) (object, error) {
	return l.change(c, func(g *logsGroup) error {
		g.Retention = number(0, c.in, "retentionInDays")
		if c.name == "DeleteRetentionPolicy" {
			g.Retention = 0
			return nil
		}
		if !slices.Contains([]int64{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}, g.Retention) {
			return logsInvalid("The retention period %d days is not one that CloudWatch Logs has.", g.Retention)
		}
		return nil
	})
}

func (l *cloudWatchLogs) tagGroup(c *call) (object, error) {
	return l.change(c, func(g *logsGroup) error {
		if g.Tags == nil {
			g.Tags = map[string]string{}
		}
		maps.Copy(g.Tags, tagsOf(c.in["tags"]))
		if len(g.Tags) > maxTags {
			return fail("TooManyTagsException", "A resource can have no more than %d tags.", maxTags)
		}
		return nil
	})
}

func (l *cloudWatchLogs) untagGroup(c *call) (object, error) {
	return l.change(c, func(g *logsGroup) error {
		for _, k := range append(texts(c.in, "tags"), texts(c.in, "tagKeys")...) {
			delete(g.Tags, k)
		}
		return nil
	})
}

func (l *cloudWatchLogs) listGroupTags(c *call) (object, error) {
	l.store.mu.Lock()
	defer l.store.mu.Unlock()
	g, err := l.group(c)
	if err != nil {
		return nil, err
	}
	tags := object{}
	for k, v := range g.Tags {
		tags[k] = v
	}
	return object{"tags": tags}, nil
}

func (l *cloudWatchLogs) describeGroups(c *call) (object, error) {
	prefix, pattern := text(c.in, "logGroupNamePrefix"), text(c.in, "logGroupNamePattern")
	if prefix != "" && pattern != "" {
		return nil, logsInvalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
	}
	if len(list(c.in, "accountIdentifiers")) > 0 || len(list(c.in, "logGroupIdentifiers")) > 0 {
		return nil, logsInvalid("The sandbox does not do this: log groups by accounts or identifiers.")
	}
	l.store.mu.Lock()
	defer l.store.mu.Unlock()
	names := map[string]bool{}
	for key := range l.store.streams {
		names[key.Group] = names[key.Group] || key.Region == c.region
	}
	for _, g := range l.db.logGroups.rows {
		names[g.Name] = names[g.Name] || g.Region == c.region
	}
	groups := []any{}
	for _, name := range sortedKeys(names) {
		if !names[name] || !strings.HasPrefix(name, prefix) || !strings.Contains(strings.ToLower(name), strings.ToLower(pattern)) {
			continue
		}
		sub := *c
		sub.in = object{"logGroupName": name}
		g, err := l.group(&sub)
		if err != nil {
			return nil, err
		}
		if class := text(c.in, "logGroupClass"); class == "" || class == g.class() {
			groups = append(groups, l.showGroup(c, g))
		}
	}
	return window(c, "logGroups", "nextToken", groups, 50)
}

func (g *logsGroup) class() string { return cmp.Or(g.Class, "STANDARD") }

func (l *cloudWatchLogs) showGroup(c *call, g *logsGroup) object {
	var stored int64
	for _, st := range l.store.group(g.Region, g.Name) {
		stored += st.size
	}
	shown := object{
		"logGroupName": g.Name, "creationTime": g.Created, "arn": c.groupARN(g.Name) + ":*", "logGroupArn": c.groupARN(g.Name),
		"metricFilterCount": 0, "storedBytes": stored, "logGroupClass": g.class(), "kmsKeyId": nonEmpty(g.KeyID),
	}
	if g.Retention > 0 {
		shown["retentionInDays"] = g.Retention
	}
	return with(shown, object{"kmsKeyId": nonEmpty(g.KeyID)})
}

// keyOf is the stream of a call, in a group that must be there.
func (l *cloudWatchLogs) keyOf(c *call) (streamKey, error) {
	if _, err := l.streams(c); err != nil {
		return streamKey{}, err
	}
	name := text(c.in, "logStreamName")
	if name == "" || len(name) > 512 || strings.ContainsAny(name, ":*") {
		return streamKey{}, logsInvalid("1 validation error detected: Value '%s' at 'logStreamName' failed to satisfy constraint: Member must satisfy regular expression pattern: [^:*]*", name)
	}
	return streamKey{c.region, groupOf(c.in), name}, nil
}

func (l *cloudWatchLogs) createStream(c *call) (object, error) {
	l.store.mu.Lock()
	defer l.store.mu.Unlock()
	key, err := l.keyOf(c)
	if err == nil && l.store.streams[key] != nil {
		err = fail("ResourceAlreadyExistsException", "The specified log stream already exists")
	}
	if err == nil {
		_, err = l.store.stream(key, c.now)
	}
	if err != nil {
		return nil, err
	}
	// The group stays when its last stream is deleted.
	g, err := l.group(c)
	if err == nil && l.db.logGroups.get(c.region+"/"+g.Name) == nil {
		l.db.logGroups.put(c.region+"/"+g.Name, g)
	}
	return object{}, err
}

func (l *cloudWatchLogs) deleteStream(c *call) (object, error) {
	l.store.mu.Lock()
	defer l.store.mu.Unlock()
	st, err := l.one(c)
	if err != nil {
		return nil, err
	}
	g, err := l.group(c)
	if err != nil {
		return nil, err
	}
	l.db.logGroups.put(c.region+"/"+g.Name, g)
	return object{}, l.store.remove(st)
}

// one finds the stream of a call.
func (l *cloudWatchLogs) one(c *call) (*logStream, error) {
	key, err := l.keyOf(c)
	if err != nil {
		return nil, err
	}
	if st := l.store.streams[key]; st != nil {
		return st, nil
	}
	return nil, fail("ResourceNotFoundException", "The specified log stream does not exist.")
}

// putEvents takes what is neither too old nor too new, and says how much of the rest there was.
func (l *cloudWatchLogs) putEvents(c *call) (object, error) {
	l.store.mu.Lock()
	defer l.store.mu.Unlock()
	st, err := l.one(c)
	if err != nil {
		return nil, err
	}
	given := list(c.in, "logEvents")
	if len(given) == 0 || len(given) > maxPut {
		return nil, logsInvalid("1 validation error detected: Value at 'logEvents' failed to satisfy constraint: Member must have length between 1 and 10000, inclusive.")
	}
	var events []logEvent
	bytes, rejected := 0, object{}
	first := number(0, given[0], "timestamp")
	for i, e := range given {
		t, message := number(-1, e, "timestamp"), text(e, "message")
		bytes += len(message) + eventOverhead
		age := c.now.Sub(time.UnixMilli(t))
		switch {
		case t < 0 || message == "":
			return nil, logsInvalid("1 validation error detected: Value at 'logEvents.%d.member.message' failed to satisfy constraint: Member must have length greater than or equal to 1", i+1)
		case i > 0 && t < number(0, given[i-1], "timestamp"):
			return nil, logsInvalid("Log events in a single PutLogEvents request must be in chronological order.")
		case t-first > longestPut.Milliseconds():
			return nil, logsInvalid("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
		case age > oldestEvent:
			rejected["tooOldLogEventEndIndex"] = i + 1
		case -age > newestEvent:
			if rejected["tooNewLogEventStartIndex"] == nil {
				rejected["tooNewLogEventStartIndex"] = i
			}
		default:
			events = append(events, logEvent{Time: t, Message: message, Ingested: c.now.UnixMilli()})
		}
	}
	if bytes > maxPutBytes {
		return nil, logsInvalid("Upload too large: %d bytes exceeds limit of %d", bytes, maxPutBytes)
	}
	if err := l.store.put(st.streamKey, events, c.now); err != nil {
		return nil, err
	}
	out := object{"nextSequenceToken": c.id}
	if len(rejected) > 0 {
		out["rejectedLogEventsInfo"] = rejected
	}
	return out, nil
}
