package kind

import (
	"cmp"
	"path"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

const stagedFileExample = `
imagebuild {
  staging {
    bucket = "imagebuild-staging"
  }
}
staged_file "motd" {
  name    = "motd"
  content = "made by imagebuild\n"
}
`

// stagedFileKind is a file in S3 under a key that holds its content's sha256, so that it is never
// changed and never sent twice.
func stagedFileKind() *planner.Kind {
	schema := &dsl.Schema{Attrs: []dsl.Attr{
		{Name: "source", Type: cty.String, Doc: "A file of the repository, relative to the configuration's directory, or a directory, whose content is packed into one tar.gz."},
		{Name: "content", Type: cty.String, Doc: "The content itself, instead of source."},
		{Name: "name", Type: cty.String, Doc: "The file's name at the end of the key; that of source, or of the block, when not given."},
		{Name: "bucket", Type: cty.String, Doc: "The bucket; imagebuild.staging.bucket when not given.", Member: "Bucket"},
		{Name: "prefix", Type: cty.String, Doc: "What the key begins with; imagebuild.staging.prefix when not given."},
		{Name: "content_type", Type: cty.String, Doc: "The media type S3 answers with.", Member: "ContentType"},
	}}
	return &planner.Kind{
		Name: "staged_file",
		Block: dsl.BlockType{
			Name: "staged_file", Labels: []string{"name"}, Schema: schema, Repeats: true,
			Exports: []string{"uri", "bucket", "key"},
			Doc:     "A file that is put into S3 under its content's sha256.",
		},
		Naming: planner.ContentKey,
		Create: "s3:PutObject", Read: "s3:HeadObject", List: "s3:ListObjectsV2", Delete: "s3:DeleteObject",
		Example: stagedFileExample,
		Lower:   lowerStagedFile,
	}
}

func lowerStagedFile(s *planner.Scope, b *dsl.Block) (*planner.Node, hcl.Diagnostics) {
	content, name, diags := contentOf(s, b)
	bucketValue, ok := b.Body.Attr("bucket")
	if !ok {
		bucketValue = s.Config.Settings.StagingBucket
	}
	bucket, known := bucketValue.V.(string)
	if !known {
		diags = append(diags, failure(b.Body.At("bucket"), "No staging bucket",
			"Where the file is to go must be known when the plan is made. Write bucket here, or imagebuild { staging { bucket = \"…\" } } for all files."))
		diags[len(diags)-1].Extra = noBucket
	}
	if content == nil || diags.HasErrors() {
		return nil, diags
	}
	key, ok := textAttr(b, "key")
	if !ok {
		sum, err := dsl.ContentDigest(content)
		if err != nil {
			return nil, append(diags, failure(b.Range, "File not readable", "The content cannot be read: %s.", reason(err)))
		}
		prefix, given := textAttr(b, "prefix")
		if !given {
			prefix = s.Config.Settings.StagingPrefix
		}
		key = prefix + sum + "/" + name
	}
	n := &planner.Node{
		Input:   planner.Object{"Bucket": bucket, "Key": key},
		Ranges:  map[string]hcl.Range{"Bucket": bucketValue.Range, "Key": b.Range},
		Content: content,
		Known:   map[string]any{"bucket": bucket, "key": key, "uri": "s3://" + bucket + "/" + key},
	}
	if typ, given := textAttr(b, "content_type"); given {
		n.Input["ContentType"], n.Ranges["ContentType"] = typ, b.Body.At("content_type")
	}
	return n, diags
}

// contentOf is what a block says the file holds, and the name it has at the end of its key.
func contentOf(s *planner.Scope, b *dsl.Block) (dsl.Content, string, hcl.Diagnostics) {
	name, _ := textAttr(b, "name")
	if b.Content != nil {
		return b.Content, keyName(cmp.Or(name, b.Addr.Name)), nil
	}
	text, inline := textAttr(b, "content")
	source, file := textAttr(b, "source")
	switch {
	case inline == file:
		return nil, "", hcl.Diagnostics{failure(b.Range, "Content not clear", "A staged file has either source, a file's name, or content, a text. Write one of them.")}
	case inline:
		return memory(text), keyName(cmp.Or(name, b.Addr.Name)), nil
	}
	at := b.Body.At("source")
	found, d := locate(s.Config.Host, written{s: source, at: at})
	if d != nil {
		return nil, "", hcl.Diagnostics{d}
	}
	if found.info.IsDir() {
		entries, d := collect(s.Config.Host.FS, found.path, "", at)
		if d != nil {
			return nil, "", hcl.Diagnostics{d}
		}
		return newArchive(s.Config.Host.FS, entries, false), keyName(cmp.Or(name, path.Base(found.path)+".tar.gz")), nil
	}
	if !found.info.Mode().IsRegular() {
		return nil, "", hcl.Diagnostics{failure(at, "File not readable", "%q is neither a file nor a directory.", source)}
	}
	return plainFile{s.Config.Host.FS, found.path}, keyName(cmp.Or(name, path.Base(found.path))), nil
}

// textAttr is an attribute that is a known string.
func textAttr(b *dsl.Block, name string) (string, bool) {
	v, ok := b.Body.Attr(name)
	s, isText := v.V.(string)
	return s, ok && isText
}
