package awsmodel

// Unknown is a value that exists only later, such as the ARN of something not yet created.
// Every check accepts it.
type Unknown struct{}

// A Finding is one reason for which AWS would refuse an input.
type Finding struct {
	// Path leads to the value in AWS's own way: "distributions[0].region"; an entry of a map is
	// "tags.team"; "" is the input as a whole. A missing member's path is that of the member.
	Path string
	// Code is the error code AWS answers with: InvalidParameterValueException.
	Code string
	// Message is AWS's own text where it is known, and otherwise in its form.
	Message string
	// Advice is one sentence that says what to do.
	Advice string
	// Source is where a rule that is not the model's is documented or was observed; "" for the model's.
	Source string
	// Quota says that the limit is an adjustable quota, so that this account's may be higher.
	Quota bool
}

// Check returns everything that AWS is known to refuse in an input of the operation: the model's
// constraints and the rules it leaves out, sorted by path. A value that the model already refuses
// is not reported a second time by a rule.
func (op *Operation) Check(input map[string]any) []Finding {
	found := op.CheckShape(input)
	return sortFindings(append(found, op.checkRules(input, found)...))
}
