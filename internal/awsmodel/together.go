package awsmodel

import "strings"

// A Build is the inputs that together make an image. AWS refuses some combinations of inputs that
// it accepts one by one. A nil map stands for an input that is not known.
type Build struct {
	Region       string         // where the image is built; "" where that is not known
	Image        map[string]any // of CreateImage, CreateImagePipeline or UpdateImagePipeline
	Recipe       map[string]any // of CreateImageRecipe
	Distribution map[string]any // of CreateDistributionConfiguration or its update
}

// CheckDistribution returns what the rest of the build makes impossible in its distribution, sorted by
// path; the paths are the distribution configuration's.
func (b Build) CheckDistribution() []Finding {
	found := b.publicWatermarks()
	found = append(found, b.parametersWithoutRole()...)
	return sortFindings(append(found, b.copiesWithoutSource()...))
}

// publicWatermarks: an AMI with watermarks cannot be made public (EC2 User Guide, AMI watermarks).
func (b Build) publicWatermarks() []Finding {
	if !filled(b.Recipe["amiWatermarks"]) {
		return nil
	}
	return b.judge("distributions[].amiDistributionConfiguration.launchPermission.userGroups[]", func(s *subject) {
		if text(s.value) == "all" {
			s.refuseAs(codeCombination, "", "An AMI with watermarks cannot be public",
				"Leave the recipe's amiWatermarks out, or share the AMI with accounts instead of all.")
		}
	})
}

// parametersWithoutRole: Image Builder's own role may write only below /imagebuilder/ (User Guide,
// AMI distribution, SSM output parameters).
func (b Build) parametersWithoutRole() []Finding {
	if b.Image == nil || present(b.Image["executionRole"]) {
		return nil
	}
	return b.judge("distributions[].ssmParameterConfigurations[].parameterName", func(s *subject) {
		if !strings.HasPrefix(text(s.value), "/imagebuilder/") {
			s.refuseAs(codeCombination, "", "A parameter outside /imagebuilder/ needs an executionRole",
				"Give the image an executionRole that may call ssm:PutParameter, or begin the parameter's name with /imagebuilder/.")
		}
	})
}

// copiesWithoutSource: distribution to other accounts starts from an AMI distributed in the region
// it is built in (User Guide, cross-account AMI distribution).
func (b Build) copiesWithoutSource() []Finding {
	crossAccount := false
	for _, e := range entries(b.Distribution["distributions"]) {
		d := object(e)
		ami := d["amiDistributionConfiguration"]
		if present(ami) && (isUnknown(d["region"]) || text(d["region"]) == b.Region) {
			return nil
		}
		crossAccount = crossAccount || filled(object(ami)["targetAccountIds"])
	}
	if b.Region == "" || !crossAccount {
		return nil
	}
	return b.judge("distributions", func(s *subject) {
		s.refuse("", "Distribution to other accounts needs an amiDistributionConfiguration in the region of the build, "+printable(b.Region),
			"Add a distribution for that region with an amiDistributionConfiguration.")
	})
}

func (b Build) judge(path string, judge func(*subject)) []Finding {
	var found []Finding
	walk(path, subject{value: b.Distribution, root: b.Distribution}, func(s *subject) {
		judge(s)
		found = append(found, s.found...)
	})
	return found
}
