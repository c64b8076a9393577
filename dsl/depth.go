package dsl

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// The parsers and the evaluator recurse, and running out of stack ends a Go program without a
// chance to say why. What is written deeper than this is therefore refused before it is parsed.
const (
	maxNesting  = 200   // brackets within brackets
	maxOperands = 5_000 // operators in a row: a+b+c parses as a left-deep tree
	maxFileSize = 8 << 20
	// fewOperators is how many operator characters a text may hold without being looked at closely.
	fewOperators = 20_000
)

// tooLarge reports text that could not be parsed within bounded memory.
func tooLarge(name string, src []byte) hcl.Diagnostics {
	return tooLong(name, int64(len(src)))
}

// tooLong reports a file of that many bytes, before it is read where only its size is known.
func tooLong(name string, size int64) hcl.Diagnostics {
	if size <= maxFileSize {
		return nil
	}
	return hcl.Diagnostics{{
		Severity: hcl.DiagError,
		Summary:  "File too large",
		Detail:   fmt.Sprintf("%s holds %d bytes; a configuration file may hold at most %d. Read large content with file() instead.", name, size, maxFileSize),
		Subject:  &hcl.Range{Filename: name, Start: hcl.InitialPos, End: hcl.InitialPos},
	}}
}

// tooDeep reports text that could not be parsed within bounded stack and memory.
func tooDeep(name string, src []byte) hcl.Diagnostics {
	if diags := tooLarge(name, src); diags.HasErrors() {
		return diags
	}
	if shallow(src) {
		return nil
	}
	if strings.HasSuffix(name, ".json") {
		return tooDeepJSON(name, src)
	}
	tokens, diags := hclsyntax.LexConfig(src, name, hcl.InitialPos)
	if diags.HasErrors() {
		return diags
	}
	return tooDeepTokens(tokens)
}

// shallow answers for ordinary text in one pass over the bytes; lexing it costs as much as parsing.
// It may say no of what is shallow, and never yes of what is not: brackets are closed only where it
// is certain that they are no part of a string or a comment. From the first heredoc, template or
// escape on, opening brackets are counted alone.
func shallow(src []byte) bool {
	depth, operators := 0, 0
	certain, inString, inComment := true, false, false
	for i, c := range src {
		switch c {
		case '(', '[', '{':
			if depth++; depth > maxNesting {
				return false
			}
		case ')', ']', '}':
			if certain && !inString && !inComment {
				depth = max(depth-1, 0)
			}
		case '+', '-', '*', '/', '%', '!', '?', '&', '|', '<', '>', '=':
			operators++
		}
		switch next := following(src, i); {
		case !certain:
		case inComment:
			inComment = c != '\n'
		case inString:
			certain = c != '\\' && c != '$' && c != '%' && c != '\n'
			inString = c != '"'
		default:
			certain = (c != '<' || next != '<') && (c != '/' || next != '*')
			inString = c == '"'
			inComment = c == '#' || c == '/' && next == '/'
		}
	}
	return operators <= fewOperators
}

// following is the byte after i, 0 at the end.
func following(src []byte, i int) byte {
	if i+1 < len(src) {
		return src[i+1]
	}
	return 0
}

func tooDeepTokens(tokens hclsyntax.Tokens) hcl.Diagnostics {
	depth, run := 0, 0
	for _, t := range tokens {
		switch t.Type { //nolint:exhaustive // the other tokens neither nest nor chain
		case hclsyntax.TokenOParen, hclsyntax.TokenOBrace, hclsyntax.TokenTemplateInterp:
			depth++
		case hclsyntax.TokenTemplateControl, hclsyntax.TokenOBrack: // a[x][x] is a chain as well
			depth++
			run++
		case hclsyntax.TokenCParen, hclsyntax.TokenCBrack, hclsyntax.TokenCBrace, hclsyntax.TokenTemplateSeqEnd:
			depth = max(depth-1, 0)
		case hclsyntax.TokenPlus, hclsyntax.TokenMinus, hclsyntax.TokenStar, hclsyntax.TokenSlash, hclsyntax.TokenPercent,
			hclsyntax.TokenBang, hclsyntax.TokenQuestion, hclsyntax.TokenAnd, hclsyntax.TokenOr, hclsyntax.TokenEqualOp,
			hclsyntax.TokenNotEqual, hclsyntax.TokenLessThan, hclsyntax.TokenLessThanEq, hclsyntax.TokenGreaterThan, hclsyntax.TokenGreaterThanEq:
			run++
		case hclsyntax.TokenComma, hclsyntax.TokenEqual:
			run = 0
		}
		if depth > maxNesting || run > maxOperands {
			return hcl.Diagnostics{deepDiagnostic(t.Range)}
		}
	}
	return nil
}

// tooDeepJSON counts brackets outside of strings, and in strings that are templates also what
// nests there.
func tooDeepJSON(name string, src []byte) hcl.Diagnostics {
	depth, inner := 0, 0
	inString, inTemplate := false, false
	for i := 0; i < len(src); i++ {
		switch c := src[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString, inTemplate, inner = !inString, false, 0
		case inString && !inTemplate:
			inTemplate = (c == '$' || c == '%') && i+1 < len(src) && src[i+1] == '{'
		case strings.IndexByte("([{!?+-*/%&|<>=.", c) >= 0 && inTemplate:
			inner++
		case !inString && (c == '[' || c == '{'):
			depth++
		case !inString && (c == ']' || c == '}'):
			depth--
		}
		if depth > maxNesting || inner > maxOperands {
			at := pos(string(src), i)
			return hcl.Diagnostics{deepDiagnostic(hcl.Range{Filename: name, Start: at, End: at})}
		}
	}
	return nil
}

func deepDiagnostic(at hcl.Range) *hcl.Diagnostic {
	return &hcl.Diagnostic{
		Severity: hcl.DiagError,
		Summary:  "Expression too deep",
		Detail:   fmt.Sprintf("Expressions may nest at most %d brackets and chain at most %d operators. Split it over several locals.", maxNesting, maxOperands),
		Subject:  &at,
	}
}
