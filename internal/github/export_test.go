package github

// What the tests of this package look at from inside.
var (
	ParsePayload = parsePayload
	ParseComment = parseComment
)

// Parts returns what each writer said.
func (t *commentText) Parts() map[string]string {
	out := map[string]string{}
	for name, p := range t.parts {
		out[name] = p.text
	}
	return out
}

// Again renders the comment as it is.
func (t *commentText) Again() (string, error) { return t.render("", nil) }

// Told is what the environment takes of a payload.
func (p *Payload) Told(event string) (int, string) { return p.number(event), p.head(event).SHA }
