// A receipt as a Sigstore bundle, checked with x/mod and Go's own Ed25519: the envelope is signed, the
// entry is of this envelope, and the entry is in the log whose head is signed.
package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// What encoding/json takes out of base64 is []byte; 64-bit numbers are texts.
type bundle struct {
	VerificationMaterial struct {
		TlogEntries []struct {
			LogIndex       int64 `json:",string"`
			InclusionProof struct {
				LogIndex   int64 `json:",string"`
				RootHash   []byte
				TreeSize   int64 `json:",string"`
				Hashes     [][]byte
				Checkpoint struct{ Envelope string }
			}
			CanonicalizedBody []byte
		}
	}
	DsseEnvelope struct {
		Payload     []byte
		PayloadType string
		Signatures  []struct{ Sig []byte }
	}
}

type entry struct {
	Kind string
	Spec struct {
		PayloadHash struct{ Value string }
		Signatures  []struct{ Signature []byte }
	}
}

type statement struct {
	Subject []struct {
		Name   string
		Digest struct{ Sha256 string }
	}
}

func checkEnvelope(parsed bundle, vkey string) error {
	envelope := parsed.DsseEnvelope
	// name+hash+key, and the key's base64 may hold a plus sign itself.
	key, err := base64.StdEncoding.DecodeString(strings.SplitN(vkey, "+", 3)[2])
	if err != nil || len(key) != 1+ed25519.PublicKeySize || len(envelope.Signatures) != 1 {
		return errors.New("a key and one signature are needed")
	}
	signed := fmt.Sprintf("DSSEv1 %d %s %d %s", len(envelope.PayloadType), envelope.PayloadType,
		len(envelope.Payload), envelope.Payload)
	if !ed25519.Verify(key[1:], []byte(signed), envelope.Signatures[0].Sig) {
		return errors.New("the envelope is not signed by this key")
	}
	return nil
}

func checkEntry(parsed bundle, verifier note.Verifier) error {
	if len(parsed.VerificationMaterial.TlogEntries) != 1 {
		return errors.New("one entry is expected")
	}
	logged := parsed.VerificationMaterial.TlogEntries[0]
	proof := logged.InclusionProof
	tree, err := openCheckpoint("checkpoint", []byte(proof.Checkpoint.Envelope), verifier)
	if err != nil {
		return err
	}
	if logged.LogIndex != proof.LogIndex || proof.TreeSize != tree.N ||
		string(proof.RootHash) != string(tree.Hash[:]) {
		return errors.New("index, size and root are not those of proof and checkpoint")
	}
	var path tlog.RecordProof
	for _, each := range proof.Hashes {
		var hash tlog.Hash
		if copy(hash[:], each) != len(hash) || len(each) != len(hash) {
			return errors.New("a hash of another length")
		}
		path = append(path, hash)
	}
	leaf := tlog.RecordHash(logged.CanonicalizedBody)
	if proof.LogIndex < 0 || proof.LogIndex >= tree.N {
		return fmt.Errorf("index %d is beyond the log of %d", proof.LogIndex, tree.N)
	}
	if err := tlog.CheckRecord(path, tree.N, tree.Hash, proof.LogIndex, leaf); err != nil {
		return fmt.Errorf("the entry is not in the signed tree: %v", err)
	}
	var body entry
	if err := json.Unmarshal(logged.CanonicalizedBody, &body); err != nil {
		return err
	}
	digest := sha256.Sum256(parsed.DsseEnvelope.Payload)
	if body.Kind != "dsse" || body.Spec.PayloadHash.Value != hex.EncodeToString(digest[:]) ||
		len(body.Spec.Signatures) != 1 ||
		string(body.Spec.Signatures[0].Signature) != string(parsed.DsseEnvelope.Signatures[0].Sig) {
		return errors.New("the entry is of another envelope")
	}
	return nil
}

func verifyBundle(path, vkey string, verifier note.Verifier, digest []string) (string, error) {
	var parsed bundle
	var stated statement
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &parsed)
	}
	if err == nil {
		err = checkEnvelope(parsed, vkey)
	}
	if err == nil {
		err = checkEntry(parsed, verifier)
	}
	if err == nil {
		err = json.Unmarshal(parsed.DsseEnvelope.Payload, &stated)
	}
	if err == nil && len(stated.Subject) != 1 {
		err = errors.New("one subject is expected")
	}
	if err == nil && len(digest) > 0 && stated.Subject[0].Digest.Sha256 != digest[0] {
		err = errors.New("the statement is about other content than the one recorded")
	}
	if err != nil {
		return "", err
	}
	return "receipt of " + stated.Subject[0].Name, nil
}
