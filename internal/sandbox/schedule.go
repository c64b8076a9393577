package sandbox

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// nextRun is when a schedule expression is due after a time; the zero time for never. The model has checked the
// expression. created is where a rate counts from.
func nextRun(expression string, zone *time.Location, created, after time.Time) time.Time {
	kind, rest, _ := strings.Cut(expression, "(")
	fields := strings.Fields(strings.TrimSuffix(rest, ")"))
	switch {
	case kind == "rate" && len(fields) == 2:
		n, err := strconv.Atoi(fields[0])
		unit := map[byte]time.Duration{'m': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}[fields[1][0]]
		if err != nil || n < 1 || unit == 0 {
			return time.Time{}
		}
		every := time.Duration(n) * unit
		return created.Add((after.Sub(created)/every + 1) * every)
	case kind == "cron" && len(fields) == 6:
		return cron(fields).next(after.In(zone))
	}
	return time.Time{}
}

// A cron is the six fields of an expression: minutes, hours, day of month, month, day of week, year.
type cron []string

// lastYear is the last that a field can name.
const lastYear = 2199

func (c cron) next(after time.Time) time.Time {
	hours, minutes := values(c[1], 0, 23, nil), values(c[0], 0, 59, nil)
	months := values(c[3], 1, 12, strings.Fields("jan feb mar apr may jun jul aug sep oct nov dec"))
	years := values(c[5], 1970, lastYear, nil)
	day := time.Date(after.Year(), after.Month(), after.Day(), 0, 0, 0, 0, after.Location())
	for ; day.Year() <= lastYear; day = day.AddDate(0, 0, 1) {
		if !slices.Contains(years, day.Year()) || !slices.Contains(months, int(day.Month())) || !c.onDay(day) {
			continue
		}
		for _, h := range hours {
			for _, m := range minutes {
				if t := time.Date(day.Year(), day.Month(), day.Day(), h, m, 0, 0, after.Location()); t.After(after) {
					return t
				}
			}
		}
	}
	return time.Time{}
}

// onDay is whether one of the two fields of days, the one that is not "?", names a day.
func (c cron) onDay(day time.Time) bool {
	last := time.Date(day.Year(), day.Month()+1, 0, 0, 0, 0, 0, day.Location()).Day()
	field, names := c[2], ofMonth
	if field == "?" {
		field, names = c[4], ofWeek
	}
	return slices.ContainsFunc(strings.Split(strings.ToUpper(field), ","), func(item string) bool { return names(item, day, last) })
}

// ofWeek is whether an item of the days of the week names a day of a month that has so many.
func ofWeek(item string, day time.Time, last int) bool {
	name, nth, counted := strings.Cut(item, "#")
	final, isFinal := strings.CutSuffix(item, "L")
	switch {
	case counted:
		n, _ := strconv.Atoi(nth) // the model has checked it
		return (day.Day()-1)/7+1 == n && slices.Contains(weekdays(name), weekday(day))
	case item == "L":
		return weekday(day) == 7
	case isFinal:
		return day.Day()+7 > last && slices.Contains(weekdays(final), weekday(day))
	}
	return slices.Contains(weekdays(item), weekday(day))
}

// ofMonth is the same of an item of the days of the month.
func ofMonth(item string, day time.Time, last int) bool {
	near, isNear := strings.CutSuffix(item, "W")
	switch {
	case item == "L":
		return day.Day() == last
	case item == "LW":
		return day.Day() == workday(day, last, last)
	case isNear:
		n, _ := strconv.Atoi(near) // as above
		return day.Day() == workday(day, min(n, last), last)
	}
	return slices.Contains(values(item, 1, 31, nil), day.Day())
}

// weekday counts from Sunday, which is 1.
func weekday(day time.Time) int { return int(day.Weekday()) + 1 }

func weekdays(item string) []int {
	return values(item, 1, 7, strings.Fields("sun mon tue wed thu fri sat"))
}

// workday is the day from Monday to Friday nearest to the n-th of a month, within the month.
func workday(month time.Time, n, last int) int {
	switch time.Date(month.Year(), month.Month(), n, 0, 0, 0, 0, month.Location()).Weekday() {
	case time.Saturday:
		if n == 1 {
			return 3
		}
		return n - 1
	case time.Sunday:
		if n == last {
			return n - 2
		}
		return n + 1
	case time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday:
	}
	return n
}

// values are the numbers that a field stands for, in order: numbers or names with , - * and / between them.
func values(field string, least, most int, names []string) []int {
	number := func(s string) int {
		if i := slices.Index(names, strings.ToLower(s)); i >= 0 {
			return least + i
		}
		n, err := strconv.Atoi(s)
		if err != nil {
			return -1
		}
		return n
	}
	var out []int
	for item := range strings.SplitSeq(field, ",") {
		span, stepText, stepped := strings.Cut(item, "/")
		step := 1
		if stepped {
			step = max(number(stepText), 1)
		}
		from, to, ranged := strings.Cut(span, "-")
		lo, hi := number(from), number(to)
		switch {
		case span == "*" || span == "?":
			lo, hi = least, most
		case !ranged && stepped:
			hi = most
		case !ranged:
			hi = lo
		}
		for n := lo; n >= 0 && n <= min(hi, most); n += step {
			out = append(out, n)
		}
		for n := lo; ranged && hi < lo && n <= most+hi-least+1; n += step { // FRI-MON goes around
			out = append(out, (n-least)%(most-least+1)+least)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
