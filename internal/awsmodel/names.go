package awsmodel

import (
	"strings"
	"unicode"
)

// Snake spells a member's name in snake case: "s3BucketName" is "s3_bucket_name", "IamRoleArn"
// "iam_role_arn", "sourceImageARN" "source_image_arn".
func Snake(member string) string {
	var b strings.Builder
	rs := []rune(member)
	for i, r := range rs {
		if unicode.IsUpper(r) && i > 0 && rs[i-1] != '_' {
			afterLower := !unicode.IsUpper(rs[i-1])
			// The last capital of a run starts the next word: "ARNList" is "arn_list". A plural
			// ending belongs to the run: "targetARNs" is "target_arns".
			startsWord := i+1 < len(rs) && unicode.IsLower(rs[i+1]) && (rs[i+1] != 's' || i+2 < len(rs) && unicode.IsLower(rs[i+2]))
			if afterLower || startsWord {
				b.WriteByte('_')
			}
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// Singular makes the last word of a snake-case name singular, as the blocks of a list are called:
// "block_device_mappings" is "block_device_mapping", "policies" "policy", "addresses" "address".
// A word that is no plural is returned as it is.
func Singular(snake string) string {
	switch {
	case strings.HasSuffix(snake, "ies") && len(snake) > 4:
		return strings.TrimSuffix(snake, "ies") + "y"
	case strings.HasSuffix(snake, "sses"), strings.HasSuffix(snake, "ches"), strings.HasSuffix(snake, "shes"), strings.HasSuffix(snake, "xes"):
		return strings.TrimSuffix(snake, "es")
	case strings.HasSuffix(snake, "ss"), strings.HasSuffix(snake, "us"), strings.HasSuffix(snake, "is"):
		return snake
	case strings.HasSuffix(snake, "s") && len(snake) > 1:
		return strings.TrimSuffix(snake, "s")
	}
	return snake
}

// NormalizeName gives the part of an Image Builder ARN that stands for a name: lower case, with
// hyphens for spaces and underscores. Names are unique per account and region in this form, so
// "my recipe" and "My_Recipe" are the same (Image Builder User Guide, "ARN normalisation").
func NormalizeName(name string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '_' {
			return '-'
		}
		return unicode.ToLower(r)
	}, name)
}
