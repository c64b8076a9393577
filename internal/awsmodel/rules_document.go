package awsmodel

// documentRules hold for components and workflows, whose content is a document.
var documentRules = []rule{
	{[]string{"CreateComponent", "CreateWorkflow", "ImportComponent"}, "", exactlyOne("data", "uri"), "API Reference, CreateComponent and CreateWorkflow: exactly one of data and uri"},
	{[]string{"CreateComponent", "CreateWorkflow", "ImportComponent", "ImportDiskImage"}, "uri", s3URI, "API Reference, CreateComponent: uri is an S3 object"},
	{[]string{"CreateComponent", "CreateWorkflow", "CreateContainerRecipe", "ImportComponent"}, "kmsKeyId", kmsARN, "API Reference, CreateComponent: kmsKeyId is the ARN of a key or alias"},
}
