package component

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

const (
	// maxReported bounds each text in a StepResult's inputs and outputs.
	maxReported = 64 << 10
	// maxReportedInAll bounds them together; what is beyond is cut to nothing.
	maxReportedInAll = 2 << 20
)

// A cutter cuts what a result carries down to its limits. Its zero value has taken nothing yet.
type cutter struct{ taken int }

func (c *cutter) text(s string) string {
	s = s[:max(0, min(len(s), maxReported, maxReportedInAll-c.taken))]
	c.taken += len(s)
	return strings.ToValidUTF8(s, "\ufffd")
}

func (c *cutter) texts(m map[string]string) map[string]string {
	out := make(map[string]string, len(m))
	for k, v := range m {
		out[k] = c.text(v)
	}
	return out
}

// reported cuts outputs down to what a result carries.
func reported(outputs []map[string]string) []map[string]string {
	out, c := make([]map[string]string, len(outputs)), &cutter{}
	for i, o := range outputs {
		out[i] = c.texts(o)
	}
	return out
}

// reportedInputs cuts resolved inputs down to what a result carries.
func reportedInputs(inputs []Input) []Input {
	out, c := make([]Input, len(inputs)), &cutter{}
	for i, in := range inputs {
		out[i] = Input{}
		for k, v := range in {
			switch v := v.(type) {
			case string:
				out[i][k] = c.text(v)
			case []string:
				list := slices.Clone(v)
				for j := range list {
					list[j] = c.text(list[j])
				}
				out[i][k] = list
			case map[string]string:
				out[i][k] = c.texts(v)
			default:
				out[i][k] = v
			}
		}
	}
	return out
}

// asJSON writes inputs and outputs as AWSTOE's files hold them, with HTML's characters as they are.
func asJSON(v any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return "null"
	}
	return string(bytes.TrimSpace(b.Bytes()))
}
