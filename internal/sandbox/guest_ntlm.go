package sandbox

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // NTLM is made of it
	"crypto/rand"
	"crypto/rc4" //nolint:gosec // as above
	"encoding/binary"
	"errors"
	"strings"
	"time"
	"unicode/utf16"

	"golang.org/x/crypto/md4" //nolint:staticcheck,gosec // as above
)

// Flags of NTLM's messages (MS-NLMP 2.2.2.5).
const (
	ntlmUnicode     = 0x1
	ntlmTarget      = 0x4
	ntlmSign        = 0x10
	ntlmSeal        = 0x20
	ntlmNTLM        = 0x200
	ntlmAlwaysSign  = 0x8000
	ntlmTargetHost  = 0x20000
	ntlmExtended    = 0x80000
	ntlmTargetInfo  = 0x800000
	ntlmVersion     = 0x2000000
	ntlm128         = 0x20000000
	ntlmKeyExchange = 0x40000000
	ntlm56          = 0x80000000
)

var (
	ntlmSignature = []byte("NTLMSSP\x00")
	errNTLM       = errors.New("the NTLM message cannot be read")
	errLogon      = errors.New("the user name or password is incorrect")
)

// An ntlmServer is the machine's half of one NTLM logon: NTLMv2 with 128-bit keys, and nothing weaker.
type ntlmServer struct {
	user, password string // who may log on, in any domain
	joined         bool   // the machine is in a domain, and with it all users of that
	host           string

	negotiate, challenge []byte
	nonce                [8]byte
}

// offer answers a client's first message with a challenge.
func (n *ntlmServer) offer(negotiate []byte, now time.Time) ([]byte, error) {
	if len(negotiate) < 16 || !bytes.HasPrefix(negotiate, ntlmSignature) || binary.LittleEndian.Uint32(negotiate[8:]) != 1 {
		return nil, errNTLM
	}
	wanted := binary.LittleEndian.Uint32(negotiate[12:])
	flags := uint32(ntlmUnicode|ntlmTarget|ntlmNTLM|ntlmTargetHost|ntlmExtended|ntlmTargetInfo|ntlmVersion) |
		wanted&(ntlmSign|ntlmSeal|ntlmAlwaysSign|ntlm128|ntlmKeyExchange|ntlm56)
	if _, err := rand.Read(n.nonce[:]); err != nil {
		return nil, err
	}
	name := utf16le(strings.ToUpper(n.host))
	var info []byte
	for _, id := range []uint16{2, 1, 4, 3} { // NetBIOS domain and computer, DNS domain and computer
		info = appendPair(info, id, name)
	}
	const epoch = 116444736000000000 // 1970 in units of 100 ns since 1601
	info = appendPair(info, 7, binary.LittleEndian.AppendUint64(nil, uint64(now.UnixNano()/100+epoch)))
	info = appendPair(info, 0, nil)
	const header = 56
	b := append(bytes.Clone(ntlmSignature), 2, 0, 0, 0)
	b = appendField(b, len(name), header)
	b = binary.LittleEndian.AppendUint32(b, flags)
	b = append(b, n.nonce[:]...)
	b = append(b, make([]byte, 8)...)
	b = appendField(b, len(info), header+len(name))
	b = append(b, 10, 0, 0x7c, 0x4f, 0, 0, 0, 15) // Windows Server 2022's own
	n.negotiate, n.challenge = bytes.Clone(negotiate), append(append(b, name...), info...)
	return n.challenge, nil
}

func appendField(b []byte, size, offset int) []byte {
	b = binary.LittleEndian.AppendUint16(b, uint16(size))      //nolint:gosec // names are short
	b = binary.LittleEndian.AppendUint16(b, uint16(size))      //nolint:gosec // as above
	return binary.LittleEndian.AppendUint32(b, uint32(offset)) //nolint:gosec // as above
}

func appendPair(b []byte, id uint16, value []byte) []byte {
	b = binary.LittleEndian.AppendUint16(b, id)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(value))) //nolint:gosec // as above
	return append(b, value...)
}

// field is what a message's field at an offset points to.
func field(msg []byte, at int) ([]byte, error) {
	if len(msg) < at+8 {
		return nil, errNTLM
	}
	size, offset := int64(binary.LittleEndian.Uint16(msg[at:])), int64(binary.LittleEndian.Uint32(msg[at+4:]))
	if offset+size > int64(len(msg)) {
		return nil, errNTLM
	}
	return msg[offset : offset+size], nil
}

// accept checks a client's last message (MS-NLMP 3.2.5.1.2, 3.3.2). The session seals and signs; nil where that was not agreed.
func (n *ntlmServer) accept(msg []byte) (*ntlmSession, error) {
	if n.challenge == nil || len(msg) < 64 || !bytes.HasPrefix(msg, ntlmSignature) || binary.LittleEndian.Uint32(msg[8:]) != 3 {
		return nil, errNTLM
	}
	var parts [4][]byte // the response, domain, user, encrypted session key
	for i, at := range []int{20, 28, 36, 52} {
		part, err := field(msg, at)
		if err != nil {
			return nil, err
		}
		parts[i] = part
	}
	response, domain, user, sealedKey := parts[0], parts[1], parts[2], parts[3]
	if len(response) < 16+28 || !n.knows(fromUTF16(domain), fromUTF16(user)) {
		return nil, errLogon
	}
	hash := md4.New() //nolint:gosec // as above
	hash.Write(utf16le(n.password))
	owf := hmacMD5(hash.Sum(nil), utf16le(strings.ToUpper(fromUTF16(user))), domain)
	proof, blob := response[:16], response[16:]
	if !hmac.Equal(proof, hmacMD5(owf, n.nonce[:], blob)) {
		return nil, errLogon
	}
	key := hmacMD5(owf, proof)
	flags := binary.LittleEndian.Uint32(msg[60:])
	if flags&ntlmKeyExchange != 0 {
		if len(sealedKey) != 16 {
			return nil, errNTLM
		}
		key = rc4Once(key, sealedKey)
	}
	if err := n.checkMIC(msg, blob, key); err != nil {
		return nil, err
	}
	if flags&(ntlmSign|ntlmSeal) == 0 || flags&ntlm128 == 0 || flags&ntlmExtended == 0 {
		return nil, nil //nolint:nilnil // a logon without sealing, as HTTPS needs none
	}
	return newNTLMSession(key, flags), nil
}

// checkMIC compares the code over all three messages, where the client says that there is one.
func (n *ntlmServer) checkMIC(msg, blob, key []byte) error {
	pairs := blob[28:]
	for len(pairs) >= 4 {
		id, size := binary.LittleEndian.Uint16(pairs), int(binary.LittleEndian.Uint16(pairs[2:]))
		if id == 0 || len(pairs) < 4+size {
			return nil
		}
		if value := pairs[4 : 4+size]; id == 6 && size == 4 && binary.LittleEndian.Uint32(value)&2 != 0 {
			if len(msg) < 88 {
				return errNTLM
			}
			plain := bytes.Clone(msg)
			clear(plain[72:88])
			if !hmac.Equal(msg[72:88], hmacMD5(key, n.negotiate, n.challenge, plain)) {
				return errors.New("the NTLM messages were changed on their way")
			}
			return nil
		}
		pairs = pairs[4+size:]
	}
	return nil
}

// An ntlmSession seals what the machine says and opens what the client says (MS-NLMP 3.4).
type ntlmSession struct {
	exchange        bool
	inKey, outKey   []byte
	in, out         *rc4.Cipher
	inCount, outCnt uint32
}

func newNTLMSession(key []byte, flags uint32) *ntlmSession {
	derive := func(direction, use string) []byte {
		sum := md5.Sum(append(bytes.Clone(key), "session key to "+direction+" "+use+" key magic constant\x00"...)) //nolint:gosec // as above
		return sum[:]
	}
	const to, from = "client-to-server", "server-to-client"
	return &ntlmSession{
		exchange: flags&ntlmKeyExchange != 0,
		inKey:    derive(to, "signing"), outKey: derive(from, "signing"),
		in: newRC4(derive(to, "sealing")), out: newRC4(derive(from, "sealing")),
	}
}

func (s *ntlmSession) seal(text []byte) (signature, sealed []byte) {
	sealed = make([]byte, len(text))
	s.out.XORKeyStream(sealed, text)
	signature = s.sign(s.out, s.outKey, s.outCnt, text)
	s.outCnt++
	return signature, sealed
}

func (s *ntlmSession) open(signature, sealed []byte) ([]byte, error) {
	text := make([]byte, len(sealed))
	s.in.XORKeyStream(text, sealed)
	if !hmac.Equal(signature, s.sign(s.in, s.inKey, s.inCount, text)) {
		return nil, errors.New("a sealed message has a wrong signature")
	}
	s.inCount++
	return text, nil
}

func (s *ntlmSession) sign(c *rc4.Cipher, key []byte, count uint32, text []byte) []byte {
	number := binary.LittleEndian.AppendUint32(nil, count)
	sum := hmacMD5(key, number, text)[:8]
	if s.exchange {
		c.XORKeyStream(sum, sum)
	}
	return append(append([]byte{1, 0, 0, 0}, sum...), number...)
}

func newRC4(key []byte) *rc4.Cipher {
	c, err := rc4.NewCipher(key) //nolint:gosec // as above
	if err != nil {
		panic("sandbox: " + err.Error()) // keys of 16 bytes are always taken
	}
	return c
}

func rc4Once(key, in []byte) []byte {
	out := make([]byte, len(in))
	newRC4(key).XORKeyStream(out, in)
	return out
}

func hmacMD5(key []byte, parts ...[]byte) []byte {
	h := hmac.New(md5.New, key)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

func utf16le(s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

func fromUTF16(b []byte) string {
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	return string(utf16.Decode(units))
}

// knows says whether a user may log on. In a machine that has joined a domain a group policy has made the domain's users
// administrators, as one has to in an account: any of them has the password.
func (n *ntlmServer) knows(domain, user string) bool {
	return strings.EqualFold(user, n.user) || n.joined && domain != "" && domain != "." && !strings.EqualFold(domain, n.host)
}
