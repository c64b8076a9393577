package awsmodel

// Unknown is a value that exists only later, such as the ARN of something not yet created.
// Every check of the model accepts it.
type Unknown struct {
	// Question is what AWS is asked for the value, in the words an input could have in its place:
	// "arn:…/x.x.x", "ssm:/path". "" where it is no such question.
	Question string
}

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
}
