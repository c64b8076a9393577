package kind

import "github.com/org/imagebuild-action/planner"

// AMI is the kind of the machine images that images consist of. No block writes one: they are made by
// building images, and deleted with them, which AWS leaves to others.
func AMI() *planner.Kind {
	return &planner.Kind{Name: "ami", Naming: planner.StableName, Read: "ec2:DescribeImages", Delete: "ec2:DeregisterImage"}
}
