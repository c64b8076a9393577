package sandbox

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// cloudWatchLogs answers CloudWatch Logs. Image builds write, and so may whoever calls.
type cloudWatchLogs struct {
	store *logStore
	db    *database
}

func (l *cloudWatchLogs) answers() map[string]answer {
	return map[string]answer{
		"CreateLogGroup":        l.createGroup,
		"DeleteLogGroup":        l.deleteGroup,
		"PutRetentionPolicy":    l.retain,
		"DeleteRetentionPolicy": l.retain,
		"TagLogGroup":           l.tagGroup,
		"UntagLogGroup":         l.untagGroup,
		"ListTagsLogGroup":      l.listGroupTags,
		"TagResource":           l.tagGroup,
		"UntagResource":         l.untagGroup,
		"ListTagsForResource":   l.listGroupTags,
		"CreateLogStream":       l.createStream,
		"DeleteLogStream":       l.deleteStream,
		"PutLogEvents":          l.putEvents,

		"DescribeLogGroups":  l.describeGroups,
		"DescribeLogStreams": l.describeStreams,
		"GetLogEvents":       l.getEvents,
		"FilterLogEvents":    l.filterEvents,
		"StartLiveTail": func(*call) (object, error) {
			return nil, fail("InvalidOperationException", "The sandbox has no live tail: use GetLogEvents or FilterLogEvents.")
		},
	}
}

const (
	maxEvents     = 10_000
	maxEventBytes = 1 << 20
	// eventOverhead is what CloudWatch counts for an event besides its message.
	eventOverhead = 26
)

// groupOf is the group a call names, by its name or by its ARN.
func groupOf(in object) string {
	id := cmp.Or(text(in, "logGroupName"), text(in, "logGroupIdentifier"), text(in, "resourceArn"))
	if _, name, ok := strings.Cut(id, ":log-group:"); ok {
		id = strings.TrimSuffix(name, ":*")
	}
	return id
}

func (l *cloudWatchLogs) streams(c *call) ([]*logStream, error) {
	streams := l.store.group(c.region, groupOf(c.in))
	if len(streams) == 0 && l.db.logGroups.get(c.region+"/"+groupOf(c.in)) == nil {
		return nil, noLogGroup()
	}
	return streams, nil
}

func noLogGroup() error {
	return fail("ResourceNotFoundException", "The specified log group does not exist.")
}

func (c *call) groupARN(group string) string {
	partition, _, _ := strings.Cut(strings.TrimPrefix(arnPrefix(c.region, c.account), "arn:"), ":")
	return "arn:" + partition + ":logs:" + c.region + ":" + c.account + ":log-group:" + group
}

func (l *cloudWatchLogs) describeStreams(c *call) (object, error) {
	l.store.mu.Lock()
	defer l.store.mu.Unlock()
	streams, err := l.streams(c)
	if err != nil {
		return nil, err
	}
	prefix := text(c.in, "logStreamNamePrefix")
	byTime := text(c.in, "orderBy") == "LastEventTime"
	if byTime && prefix != "" {
		return nil, fail("InvalidParameterException", "Cannot order by LastEventTime with a logStreamNamePrefix.")
	}
	streams = slices.DeleteFunc(streams, func(s *logStream) bool { return !strings.HasPrefix(s.Stream, prefix) })
	if byTime {
		slices.SortStableFunc(streams, func(a, b *logStream) int { return cmp.Compare(a.lastTime(), b.lastTime()) })
	}
	if flag(false, c.in, "descending") {
		slices.Reverse(streams)
	}
	out := make([]any, len(streams))
	for i, s := range streams {
		o := object{
			"logStreamName": s.Stream,
			"creationTime":  s.Created,
			"arn":           c.groupARN(s.Group) + ":log-stream:" + s.Stream,
			"storedBytes":   0, // CloudWatch itself has reported 0 for streams since 2019
		}
		if len(s.entries) > 0 {
			o["firstEventTimestamp"] = s.entries[0].time
			o["lastEventTimestamp"] = s.lastTime()
			o["lastIngestionTime"] = s.lastTime()
		}
		out[i] = o
	}
	return window(c, "logStreams", "nextToken", out, 50)
}

func (s *logStream) lastTime() int64 {
	if len(s.entries) == 0 {
		return 0
	}
	return s.entries[len(s.entries)-1].time
}

// between returns the range of events with start <= time < end; an end of 0 is none.
func (s *logStream) between(start, end int64) (lo, hi int) {
	lo = sort.Search(len(s.entries), func(i int) bool { return s.entries[i].time >= start })
	hi = len(s.entries)
	if end > 0 {
		hi = sort.Search(len(s.entries), func(i int) bool { return s.entries[i].time >= end })
	}
	return lo, max(lo, hi)
}

// getEvents reads one stream. A forward token leads on from where the answer ended, for ever: at
// the end it returns itself until there is more. A backward token leads to what came before.
func (l *cloudWatchLogs) getEvents(c *call) (object, error) {
	l.store.mu.Lock()
	defer l.store.mu.Unlock()
	if _, err := l.streams(c); err != nil {
		return nil, err
	}
	s := l.store.streams[streamKey{c.region, groupOf(c.in), text(c.in, "logStreamName")}]
	if s == nil {
		return nil, fail("ResourceNotFoundException", "The specified log stream does not exist.")
	}
	lo, hi := s.between(number(0, c.in, "startTime"), number(0, c.in, "endTime"))
	limit := int(number(maxEvents, c.in, "limit"))
	var from, to int
	switch tok := text(c.in, "nextToken"); {
	case tok != "":
		forward, at, err := parseLogToken(tok)
		if err != nil {
			return nil, err
		}
		if forward {
			from, to = s.ahead(min(max(at, lo), hi), hi, limit)
		} else {
			to = max(min(at, hi), lo)
			from = max(to-limit, lo)
		}
	case flag(false, c.in, "startFromHead"):
		from, to = s.ahead(lo, hi, limit)
	default:
		from, to = max(hi-limit, lo), hi
	}
	events, err := s.read(from, to)
	if err != nil {
		return nil, fail("ServiceUnavailableException", "The log stream cannot be read: %s.", err)
	}
	out := make([]any, len(events))
	for i, e := range events {
		out[i] = object{"timestamp": e.Time, "message": e.Message, "ingestionTime": e.ingested()}
	}
	return object{"events": out, "nextForwardToken": logToken("f", to), "nextBackwardToken": logToken("b", from)}, nil
}

// ahead is how far one answer reaches from an event: up to a megabyte and the limit.
func (s *logStream) ahead(from, hi, limit int) (int, int) {
	to, bytes := from, 0
	for to < hi && to-from < limit {
		bytes += int(s.entries[to].length) + eventOverhead
		if bytes > maxEventBytes && to > from {
			break
		}
		to++
	}
	return from, to
}

func logToken(direction string, at int) string { return fmt.Sprintf("%s/%056d/s", direction, at) }

func parseLogToken(tok string) (forward bool, at int, err error) {
	direction, rest, _ := strings.Cut(tok, "/")
	n, perr := strconv.Atoi(strings.TrimSuffix(rest, "/s"))
	if perr != nil || n < 0 || (direction != "f" && direction != "b") {
		return false, 0, fail("InvalidParameterException", "The specified nextToken is invalid.")
	}
	return direction == "f", n, nil
}

// filterEvents reads all streams of a group in order of time.
func (l *cloudWatchLogs) filterEvents(c *call) (object, error) {
	l.store.mu.Lock()
	defer l.store.mu.Unlock()
	streams, err := l.streams(c)
	if err != nil {
		return nil, err
	}
	match, err := filterPattern(text(c.in, "filterPattern"))
	if err != nil {
		return nil, err
	}
	names, prefix := texts(c.in, "logStreamNames"), text(c.in, "logStreamNamePrefix")
	if len(names) > 0 && prefix != "" {
		return nil, fail("InvalidParameterException", "logStreamNamePrefix and logStreamNames cannot be used together.")
	}
	events := []any{}
	for _, s := range streams {
		if (len(names) > 0 && !slices.Contains(names, s.Stream)) || !strings.HasPrefix(s.Stream, prefix) {
			continue
		}
		lo, hi := s.between(number(0, c.in, "startTime"), number(0, c.in, "endTime"))
		read, rerr := s.read(lo, hi)
		if rerr != nil {
			return nil, fail("ServiceUnavailableException", "The log stream cannot be read: %s.", rerr)
		}
		for i, e := range read {
			if match(e.Message) {
				events = append(events, object{
					"logStreamName": s.Stream, "timestamp": e.Time, "message": e.Message, "ingestionTime": e.ingested(),
					"eventId": fmt.Sprintf("%s%08d", s.Stream, lo+i),
				})
			}
		}
	}
	slices.SortStableFunc(events, func(a, b any) int {
		return cmp.Compare(number(0, a, "timestamp"), number(0, b, "timestamp"))
	})
	out, err := window(c, "events", "nextToken", events, maxEvents)
	if err == nil {
		out["searchedLogStreams"] = []any{}
	}
	return out, err
}

// filterPattern understands unstructured patterns: words and quoted phrases that must all occur,
// ?word of which one must, -word that must not.
func filterPattern(p string) (func(string) bool, error) {
	if strings.HasPrefix(strings.TrimSpace(p), "{") || strings.HasPrefix(strings.TrimSpace(p), "[") {
		return nil, fail("InvalidParameterException", "The sandbox does not do this: filter patterns for JSON and for columns.")
	}
	var all, some, none []string
	for _, w := range patternWords(p) {
		switch {
		case strings.HasPrefix(w, "?"):
			some = append(some, unquote(w[1:]))
		case strings.HasPrefix(w, "-"):
			none = append(none, unquote(w[1:]))
		default:
			all = append(all, unquote(w))
		}
	}
	return func(s string) bool {
		in := func(w string) bool { return strings.Contains(s, w) }
		return !slices.ContainsFunc(all, func(w string) bool { return !in(w) }) &&
			!slices.ContainsFunc(none, in) && (len(some) == 0 || slices.ContainsFunc(some, in))
	}, nil
}

func unquote(w string) string { return strings.Trim(w, `"`) }

// patternWords splits at spaces outside quotation marks.
func patternWords(p string) []string {
	quoted := false
	return strings.FieldsFunc(p, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return r == ' ' && !quoted
	})
}

// window pages by a token that holds an offset and a limit named "limit".
func window(c *call, member, tokenMember string, entries []any, size int) (object, error) {
	from := 0
	if tok := text(c.in, tokenMember); tok != "" {
		n, err := strconv.Atoi(tok)
		if err != nil || n < 0 {
			return nil, fail("InvalidParameterException", "The specified nextToken is invalid.")
		}
		from = min(n, len(entries))
	}
	to := min(from+int(number(int64(size), c.in, "limit")), len(entries))
	out := object{member: entries[from:to]}
	if to < len(entries) {
		out[tokenMember] = strconv.Itoa(to)
	}
	return out, nil
}
