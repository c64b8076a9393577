package awsmodel

import "slices"

// Untold are the patterns of a service that Go's regular expressions cannot tell, by shape.
func Untold(s *Service) []string {
	var names []string
	for name, sh := range s.shapes {
		if sh.pattern != nil && sh.pattern.compile().re == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Load parses a model anew, as the first Get does.
func Load(service string) (*Service, error) { return load(service) }
