package sandbox

// inUse is whether something needs r, so that AWS would not delete it.
func (ib *imageBuilder) inUse(r *resource) bool {
	if r.ref.kind == "image" && !terminal(r) {
		return true
	}
	for _, family := range ib.db.families {
		switch family[0].ref.kind {
		case "image-recipe", "container-recipe", "image-pipeline":
			for _, user := range family {
				for _, arn := range references(user) {
					if ib.needs(arn, r) {
						return true
					}
				}
			}
		}
	}
	return false
}

// references are the ARNs that a recipe or pipeline names.
func references(r *resource) []string {
	var out []string
	switch r.ref.kind {
	case "image-recipe", "container-recipe":
		out = append(out, text(r.Body, "parentImage"))
		for _, c := range list(r.Body, "components") {
			out = append(out, text(c, "componentArn"))
		}
	case "image-pipeline":
		for _, member := range []string{"imageRecipeArn", "containerRecipeArn", "infrastructureConfigurationArn", "distributionConfigurationArn"} {
			out = append(out, text(r.Body, member))
		}
		for _, w := range list(r.Body, "workflows") {
			out = append(out, text(w, "workflowArn"))
		}
	}
	return out
}

// needs is whether a reference would break without r: it names r or r's version, or r is the last
// thing that its wildcard matches.
func (ib *imageBuilder) needs(arn string, r *resource) bool {
	if arn == r.ARN {
		return true
	}
	f, ok := parseRef(arn)
	if !ok || f.build != 0 || f.family() != r.ref.family() {
		return false
	}
	p, ok := parsePattern(f.version)
	if !ok || !p.matches(r.Version) {
		return false
	}
	for _, o := range ib.db.families[f.family()] {
		if o != r && p.matches(o.Version) && o.usable() {
			return p.exact() && r.ref.kind != "image"
		}
	}
	return true
}
