package main

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"facet/credentials/jose"
	"facet/credentials/openid4vp"
)

// renewBefore is how long before a certificate's end operators are told.
const renewBefore = 30 * 24 * time.Hour

const identityMend = "It is a PEM file, mode 0600, with the private key (PKCS #8) and its certificate chain, leaf first; with decentralized_identifier a line with the verification method stands in place of the chain."

// An identity is what a platform signs its requests with.
type identity struct {
	key   *jose.PrivateKey
	x5c   []string
	leaf  *x509.Certificate // nil for a DID
	kid   string            // the verification method of a DID
	stamp fileStamp
}

// ends is when the certificate does; a DID has no end.
func (id *identity) ends() time.Time {
	if id.leaf == nil {
		return time.Time{}
	}
	return id.leaf.NotAfter
}

// A fileStamp tells whether a file was replaced.
type fileStamp struct {
	mod  time.Time
	size int64
}

func stampOf(fi fs.FileInfo) fileStamp { return fileStamp{fi.ModTime(), fi.Size()} }

// readIdentity reads a key and what says whose it is: its chain, or for a DID the
// verification method, on a line of its own. A key others may read is refused.
func readIdentity(name string, prefix openid4vp.Prefix) (*identity, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := private(name); err != nil {
		return nil, err
	}
	var raw bytes.Buffer
	if _, err := raw.ReadFrom(f); err != nil {
		return nil, err
	}
	id := &identity{stamp: stampOf(fi)}
	if err := id.parse(raw.Bytes()); err != nil {
		return id, err
	}
	return id, id.complete(prefix)
}

// complete reports what the client identifier needs and the file has not.
func (id *identity) complete(prefix openid4vp.Prefix) error {
	switch {
	case id.key == nil:
		return errors.New("there is no private key (PKCS #8) in it")
	case prefix == openid4vp.PrefixDID && id.kid == "":
		return errors.New("no line of it names the verification method, such as did:web:news.example#key-1")
	case prefix == openid4vp.PrefixDID && id.leaf != nil, prefix != openid4vp.PrefixDID && id.kid != "":
		return errors.New("a verification method belongs to decentralized_identifier, a certificate to every other prefix")
	case prefix != openid4vp.PrefixDID && id.leaf == nil:
		return errors.New("there is no private key (PKCS #8) or no certificate in it")
	}
	return nil
}

// verificationMethod finds a line outside the PEM blocks that is a DID URL; such
// text may stand there (RFC 7468 §2).
func verificationMethod(raw []byte) string {
	for line := range strings.Lines(string(raw)) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "did:") && strings.Contains(line, "#") {
			return line
		}
	}
	return ""
}

func (id *identity) parse(raw []byte) (err error) {
	for block, rest := pem.Decode(raw); block != nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case "PRIVATE KEY":
			if id.key != nil {
				return errors.New("there are two private keys in it")
			}
			if id.key, err = jose.ParsePKCS8PrivateKey(block.Bytes); err != nil {
				return err
			}
		case "CERTIFICATE":
			if id.leaf == nil {
				if id.leaf, err = x509.ParseCertificate(block.Bytes); err != nil {
					return err
				}
			}
			id.x5c = append(id.x5c, base64.StdEncoding.EncodeToString(block.Bytes))
		default:
			return fmt.Errorf("there is a %s in it", block.Type)
		}
	}
	id.kid = verificationMethod(raw)
	if id.key == nil || id.leaf == nil {
		return nil
	}
	certified, err := jose.PublicKeyFromCrypto(id.leaf.PublicKey)
	if err != nil {
		return err
	}
	if !certified.Equal(id.key.Public()) {
		return errors.New("the first certificate is not for the private key")
	}
	return nil
}

// check says what is wrong with the certificate today, or soon will be.
func (id *identity) check(area string, now time.Time) []finding {
	const mend = "Renew it and replace the file; it is picked up by itself."
	if id.leaf == nil {
		return nil
	}
	end := id.leaf.NotAfter
	switch {
	case now.Before(id.leaf.NotBefore):
		return []finding{bad(area, "its certificate is not valid before "+day(id.leaf.NotBefore), "Is this machine's clock right?")}
	case now.After(end):
		return []finding{bad(area, "its certificate ended on "+day(end), mend)}
	case now.Add(renewBefore).After(end):
		return []finding{warn(area, fmt.Sprintf("its certificate ends on %s, in %d days", day(end), int(end.Sub(now).Hours()/24)), mend)}
	}
	return nil
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
