package component

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// An encoding is how a file's text is written. A bare utf-16 or utf-32 means little endian (user guide).
type encoding struct {
	width int // bytes of a unit: 1, 2, 4
	order binary.ByteOrder
}

func encodingNames() []string {
	return []string{"utf-8", "utf-16", "utf-16-LE", "utf-16-BE", "utf-32", "utf-32-LE", "utf-32-BE"}
}

// encodingNamed accepts the guide's spellings, with or without the first hyphen, in any case; "" is UTF-8.
func encodingNamed(name string) (encoding, bool) {
	s := strings.Replace(strings.ToLower(name), "utf-", "utf", 1)
	switch s {
	case "", "utf8":
		return encoding{1, binary.LittleEndian}, true
	case "utf16", "utf16-le":
		return encoding{2, binary.LittleEndian}, true
	case "utf16-be":
		return encoding{2, binary.BigEndian}, true
	case "utf32", "utf32-le":
		return encoding{4, binary.LittleEndian}, true
	case "utf32-be":
		return encoding{4, binary.BigEndian}, true
	}
	return encoding{}, false
}

func (e encoding) encode(text string) []byte {
	switch e.width {
	case 2:
		units := utf16.Encode([]rune(text))
		out := make([]byte, 2*len(units))
		for i, u := range units {
			e.order.PutUint16(out[2*i:], u)
		}
		return out
	case 4:
		runes := []rune(text)
		out := make([]byte, 4*len(runes))
		for i, r := range runes {
			e.order.PutUint32(out[4*i:], uint32(r))
		}
		return out
	default:
		return []byte(text)
	}
}

func (e encoding) decode(raw []byte) (string, error) {
	if len(raw)%e.width != 0 {
		return "", fmt.Errorf("%d bytes are no whole number of %d-byte characters", len(raw), e.width)
	}
	switch e.width {
	case 2:
		units := make([]uint16, len(raw)/2)
		for i := range units {
			units[i] = e.order.Uint16(raw[2*i:])
		}
		return strings.TrimPrefix(string(utf16.Decode(units)), "\ufeff"), nil
	case 4:
		var b strings.Builder
		for i := 0; i < len(raw); i += 4 {
			b.WriteRune(rune(e.order.Uint32(raw[i:]))) //nolint:gosec // WriteRune turns what is no character into U+FFFD
		}
		return strings.TrimPrefix(b.String(), "\ufeff"), nil
	default:
		if !utf8.Valid(raw) {
			return "", errors.New("the file is not UTF-8 text")
		}
		return string(bytes.TrimPrefix(raw, []byte("\ufeff"))), nil
	}
}
