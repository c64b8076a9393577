package rules

// documentRules hold for components and workflows, whose content is a document.
var documentRules = []Rule{
	{
		ID: "ib-document-source", Source: "API Reference, CreateComponent and CreateWorkflow: exactly one of data and uri",
		Says: "A document is given as data or as uri, not both.",
		on:   on([]string{"CreateComponent", "CreateWorkflow", "ImportComponent"}, ""), judge: exactlyOne("data", "uri"),
	},
	{
		ID: "ib-s3-object", Source: "API Reference, CreateComponent: uri is an S3 object",
		Says: "A document's uri names an S3 object.",
		on:   []site{{[]string{"CreateComponent", "CreateWorkflow", "ImportComponent", "ImportDiskImage"}, "uri"}, {containerRecipe, "dockerfileTemplateUri"}}, judge: s3URI,
	},
	{
		ID: "ib-kms-arn", Source: "API Reference, CreateComponent: kmsKeyId is the ARN of a key or alias",
		Says: "A kmsKeyId is the ARN of a KMS key or alias.",
		on:   on([]string{"CreateComponent", "CreateWorkflow", "CreateContainerRecipe", "ImportComponent"}, "kmsKeyId"), judge: kmsARN,
	},
}
