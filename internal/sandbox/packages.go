package sandbox

// listImagePackages cannot be answered: on AWS the list comes of SSM Inventory on the build
// instance, and an empty one would be a statement about the image.
func (ib *imageBuilder) listImagePackages(c *call) (object, error) {
	if _, err := ib.image(c); err != nil {
		return nil, err
	}
	return nil, unsupported(c.op, "collecting the packages of an image.")
}
