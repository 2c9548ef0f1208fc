// Verifies an audit log (C2SP tlog-tiles) with code that is not ours: golang.org/x/mod/sumdb/note
// checks the signature, .../tlog the tree.
//
// Usage:
//
//	verify LOG VKEY-FILE [HEAD-FILE...]
//	verify --bundle VKEY-FILE BUNDLE-FILE [HEX]
//
// LOG is a folder, or http://.../v1/audit/log, read with the token in $INTELGRAPH_TOKEN. A bundle is a
// receipt for Sigstore's verifiers (bundle.go); HEX is what its subject's SHA-256 must be.
//
// It checks that the checkpoint is signed; that every record is in the tree, by an inclusion proof;
// that the records alone give the same root; that trees of earlier sizes are beginnings of it, by
// consistency proofs between all pairs of sizes (or 3000 chosen ones); and the same for every kept head.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const tileHeight = 8
const bundleSize = 1 << tileHeight
const pairsMost = 3000

// read fetches a file of the log, by the name that C2SP gives it below the log's place.
func read(place, name string) ([]byte, error) {
	if !strings.HasPrefix(place, "http://") {
		return os.ReadFile(filepath.Join(place, name))
	}
	request, err := http.NewRequest("GET", place+"/"+name, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+os.Getenv("INTELGRAPH_TOKEN"))
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer reply.Body.Close()
	if reply.StatusCode != 200 {
		return nil, fmt.Errorf("%s: %s", name, reply.Status)
	}
	return io.ReadAll(reply.Body)
}

// folder reads tiles from where the log is. tlog.TileHashReader checks them against the signed root
// (x/mod 0.7 leaves out some full tiles); every proof that is made from them is checked in any case.
type folder struct {
	path  string
	cache map[string][]byte
}

func (f *folder) Height() int { return tileHeight }

func (f *folder) SaveTiles([]tlog.Tile, [][]byte) {}

func (f *folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		// The path of x/mod names the height, that of C2SP does not: tile/8/0/000 is tile/0/000.
		name := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, ok := f.cache[name]
		if !ok {
			var err error
			if data, err = read(f.path, name); err != nil {
				return nil, err
			}
			f.cache[name] = data
		}
		all = append(all, data)
	}
	return all, nil
}

func openCheckpoint(path string, message []byte, verifier note.Verifier) (tlog.Tree, error) {
	var tree tlog.Tree
	opened, err := note.Open(message, note.VerifierList(verifier))
	if err != nil {
		return tree, fmt.Errorf("%s: %v", filepath.Base(path), err)
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() || lines[3] != "" {
		return tree, fmt.Errorf("%s: not a checkpoint of %s", filepath.Base(path), verifier.Name())
	}
	tree.N, err = strconv.ParseInt(lines[1], 10, 64)
	if err != nil || strconv.FormatInt(tree.N, 10) != lines[1] {
		return tree, fmt.Errorf("%s: size %q", filepath.Base(path), lines[1])
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return tree, fmt.Errorf("%s: root %q", filepath.Base(path), lines[2])
	}
	copy(tree.Hash[:], root)
	return tree, nil
}

// readRecords takes the records out of the bundles: each after its length, 2 bytes, big-endian.
func readRecords(path string, size int64) ([][]byte, error) {
	var records [][]byte
	for from := int64(0); from < size; from += bundleSize {
		width := size - from
		if width > bundleSize {
			width = bundleSize
		}
		tile := tlog.Tile{H: tileHeight, L: 0, N: from / bundleSize, W: int(width)}
		name := strings.Replace(tile.Path(), "tile/8/0/", "tile/entries/", 1)
		data, err := read(path, name)
		if err != nil {
			return nil, err
		}
		for i := int64(0); i < width; i++ {
			if len(data) < 2 || len(data)-2 < int(binary.BigEndian.Uint16(data)) {
				return nil, fmt.Errorf("%s: cut within record %d", name, from+i)
			}
			end := 2 + int(binary.BigEndian.Uint16(data))
			records = append(records, data[2:end])
			data = data[end:]
		}
		if len(data) != 0 {
			return nil, fmt.Errorf("%s: %d bytes too many", name, len(data))
		}
	}
	return records, nil
}

func checkInclusion(tree tlog.Tree, records [][]byte, hashes tlog.HashReader) error {
	for i, record := range records {
		proof, err := tlog.ProveRecord(tree.N, int64(i), hashes)
		if err != nil {
			return fmt.Errorf("record %d: %v", i, err)
		}
		err = tlog.CheckRecord(proof, tree.N, tree.Hash, int64(i), tlog.RecordHash(record))
		if err != nil {
			return fmt.Errorf("record %d is not in the signed tree: %v", i, err)
		}
	}
	return nil
}

// recompute builds the tree from the records alone and returns the root of each size.
func recompute(records [][]byte) ([]tlog.Hash, error) {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var list []tlog.Hash
		for _, index := range indexes {
			list = append(list, stored[index])
		}
		return list, nil
	})
	roots := []tlog.Hash{{}}
	for i, record := range records {
		hashes, err := tlog.StoredHashes(int64(i), record, reader)
		if err != nil {
			return nil, err
		}
		stored = append(stored, hashes...)
		root, err := tlog.TreeHash(int64(i)+1, reader)
		if err != nil {
			return nil, err
		}
		roots = append(roots, root)
	}
	return roots, nil
}

func checkPair(newer, older tlog.Tree, hashes tlog.HashReader) error {
	proof, err := tlog.ProveTree(newer.N, older.N, hashes)
	if err == nil {
		err = tlog.CheckTree(proof, newer.N, newer.Hash, older.N, older.Hash)
	}
	if err != nil {
		return fmt.Errorf("the tree of %d records is not the beginning of that of %d: %v",
			older.N, newer.N, err)
	}
	return nil
}

func checkConsistency(tree tlog.Tree, roots []tlog.Hash, hashes tlog.HashReader) (int, error) {
	var pairs [][2]int64
	for newer := int64(1); newer <= tree.N; newer++ {
		for older := int64(1); older <= newer; older++ {
			pairs = append(pairs, [2]int64{newer, older})
		}
	}
	if len(pairs) > pairsMost {
		chance := rand.New(rand.NewSource(1))
		chance.Shuffle(len(pairs), func(i, j int) { pairs[i], pairs[j] = pairs[j], pairs[i] })
		pairs = pairs[:pairsMost]
	}
	for _, pair := range pairs {
		newer := tlog.Tree{N: pair[0], Hash: roots[pair[0]]}
		older := tlog.Tree{N: pair[1], Hash: roots[pair[1]]}
		if err := checkPair(newer, older, hashes); err != nil {
			return 0, err
		}
	}
	return len(pairs), nil
}

func verify(path string, verifier note.Verifier, receipts []string) (string, error) {
	message, err := read(path, "checkpoint")
	if err != nil {
		return "", err
	}
	tree, err := openCheckpoint("checkpoint", message, verifier)
	if err != nil {
		return "", err
	}
	hashes := tlog.TileHashReader(tree, &folder{path, map[string][]byte{}})
	records, err := readRecords(path, tree.N)
	if err != nil {
		return "", err
	}
	if err := checkInclusion(tree, records, hashes); err != nil {
		return "", err
	}
	roots, err := recompute(records)
	if err != nil {
		return "", err
	}
	if roots[tree.N] != tree.Hash {
		return "", errors.New("the records do not give the signed root")
	}
	pairs, err := checkConsistency(tree, roots, hashes)
	if err != nil {
		return "", err
	}
	for _, name := range receipts {
		message, err := os.ReadFile(name)
		if err != nil {
			return "", err
		}
		receipt, err := openCheckpoint(name, message, verifier)
		if err != nil {
			return "", err
		}
		if receipt.N > tree.N {
			return "", fmt.Errorf("the log of %d records is shorter than a receipt's %d", tree.N, receipt.N)
		}
		if err := checkPair(tree, receipt, hashes); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d records, %d pairs of sizes, %d receipts", tree.N, pairs, len(receipts)), nil
}

func run(words []string) (string, error) {
	bundle := words[0] == "--bundle"
	if bundle {
		words = words[1:]
		words[0], words[1] = words[1], words[0]
	}
	vkey, err := os.ReadFile(words[1])
	if err != nil {
		return "", err
	}
	verifier, err := note.NewVerifier(strings.TrimSpace(string(vkey)))
	if err != nil {
		return "", err
	}
	if bundle {
		return verifyBundle(words[0], strings.TrimSpace(string(vkey)), verifier, words[2:])
	}
	return verify(words[0], verifier, words[2:])
}

func main() {
	if len(os.Args) < 3 || os.Args[1] == "--bundle" && len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: verify LOG VKEY-FILE [HEAD-FILE...]")
		fmt.Fprintln(os.Stderr, "       verify --bundle VKEY-FILE BUNDLE-FILE [HEX]")
		os.Exit(2)
	}
	told, err := run(os.Args[1:])
	if err != nil {
		fmt.Println("BAD:", err)
		os.Exit(1)
	}
	fmt.Println("good:", told)
}
