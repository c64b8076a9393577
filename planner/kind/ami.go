package kind

import "github.com/org/imagebuild-action/planner"

// AMI is the kind of the machine images that images consist of. No block writes one: they are made by
// building images, and deleted with them, which AWS leaves to others.
func AMI() *planner.Kind {
	return &planner.Kind{Name: "ami", Naming: planner.StableName, Read: "ec2:DescribeImages", Delete: "ec2:DeregisterImage"}
}

// ImageBuilder is the kind of the machines that AppStream images are made on. A run deletes its own; one that
// was cut off may leave one behind, which costs money until somebody does.
func ImageBuilder() *planner.Kind {
	return &planner.Kind{
		Name: "appstream_image_builder", Naming: planner.StableName, Resource: "image-builder", NameMember: "Name",
		Read: "appstream:DescribeImageBuilders", Delete: "appstream:DeleteImageBuilder",
	}
}
