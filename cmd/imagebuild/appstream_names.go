package main

import (
	"slices"
	"strings"

	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/internal/report"
)

// named reads the images that a command line names, each by its name or its ARN. An ARN's region is the command's,
// unless --region says the same.
func (s *streaming) named(args []string) ([]string, error) {
	names := make([]string, 0, len(args))
	for _, a := range args {
		name, err := s.name(a)
		if err != nil {
			return nil, err
		}
		if slices.Contains(names, name) {
			return nil, mistake("name each image once", "the image %q is named twice", report.Neutral(name))
		}
		names = append(names, name)
	}
	return names, nil
}

// name is the name of an image that is written as its name or its ARN.
func (s *streaming) name(arg string) (string, error) {
	if !strings.HasPrefix(arg, "arn:") {
		if arg == "" {
			return "", mistake("imagebuild appstream list shows the images there are", "an image's name is empty")
		}
		return arg, nil
	}
	arn, err := awsmodel.ParseARN(arg)
	name, ok := strings.CutPrefix(arn.Resource, "image/")
	switch {
	case err != nil || !ok || name == "" || arn.Service != "appstream":
		return "", mistake("write its name, or arn:aws:appstream:REGION:ACCOUNT:image/NAME", "%q is not the ARN of an AppStream image", report.Neutral(arg))
	case arn.Account == "":
		return "", mistake("only an account's own images can be shared, copied, updated, exported and deleted", "the image %q is AWS's own", report.Neutral(name))
	case s.region != "" && s.region != arn.Region:
		return "", mistake("leave --region out, or name the image there", "%q is not in %s", report.Neutral(arg), report.Neutral(s.region))
	case s.account != "" && s.account != arn.Account:
		return "", mistake("name images of one account", "the images are in the accounts %s and %s", report.Neutral(s.account), report.Neutral(arn.Account))
	}
	s.region, s.account = arn.Region, arn.Account
	return name, nil
}

// foreign is the error for images that ARNs place in another account than the one that AWS is called as.
func (s *streaming) foreign(account string) error {
	if s.account == "" || s.account == account {
		return nil
	}
	return mistake("use credentials of that account: only an account's own images can be administered",
		"the image is in the account %s, and AWS is called as %s", s.account, account)
}
