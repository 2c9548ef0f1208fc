#include "libs/tlog/note.h"

#include <string.h>

#include "libs/crypto/merkle.h"
#include "libs/tlog/note_parts.h"

enum { KEY_HASH_SIZE = 4, ALGORITHM_ED25519 = 1 };

/* U+2014, by which a signature line is known. */
#define EM_DASH "\xe2\x80\x94"

#define NAME_START "intelgraphd/"

static void add_name(struct str log, struct buf *out)
{
    buf_add(out, STR(NAME_START));
    buf_add(out, log);
}

/* The algorithm's byte and the key, as both the vkey and the key hash take them. */
static void typed_key(const struct sign_public *key, char out[1 + SIGN_PUBLIC_SIZE])
{
    out[0] = ALGORITHM_ED25519;
    memcpy(out + 1, key->bytes, SIGN_PUBLIC_SIZE);
}

/* SHA-256(name, newline, algorithm, key). */
struct sha256 note_key_id(const struct sign_public *key, struct str log)
{
    char room[128];
    char typed[1 + SIGN_PUBLIC_SIZE];
    struct buf text = {.ptr = room, .room = sizeof room, .limit = sizeof room};
    add_name(log, &text);
    buf_add_byte(&text, '\n');
    typed_key(key, typed);
    buf_add(&text, (struct str){typed, sizeof typed});
    return sha256_of(buf_str(&text));
}

static void key_hash(const struct sign_public *key, struct str log, char out[KEY_HASH_SIZE])
{
    memcpy(out, note_key_id(key, log).bytes, KEY_HASH_SIZE);
}

void note_add_vkey(const struct sign_public *key, struct str log, struct buf *out)
{
    char hash[KEY_HASH_SIZE];
    char typed[1 + SIGN_PUBLIC_SIZE];
    key_hash(key, log, hash);
    typed_key(key, typed);
    add_name(log, out);
    buf_add_byte(out, '+');
    buf_add_hex(out, hash, sizeof hash);
    buf_add_byte(out, '+');
    base64_add(out, (struct str){typed, sizeof typed});
}

void note_parts_add_body(const struct note_head *head, struct buf *out)
{
    add_name(head->log, out);
    buf_add_byte(out, '\n');
    buf_add_i64(out, head->size);
    buf_add_byte(out, '\n');
    base64_add(out, (struct str){(const char *)head->root.bytes, SHA256_SIZE});
    buf_add_byte(out, '\n');
}

void note_parts_add_signature(const struct sign_public *key, struct str log,
                              const struct signature *signature, struct buf *out)
{
    char hash_and_signature[KEY_HASH_SIZE + SIGN_SIZE];
    key_hash(key, log, hash_and_signature);
    memcpy(hash_and_signature + KEY_HASH_SIZE, signature->bytes, SIGN_SIZE);
    buf_add(out, STR("\n" EM_DASH " "));
    add_name(log, out);
    buf_add_byte(out, ' ');
    base64_add(out, (struct str){hash_and_signature, sizeof hash_and_signature});
    buf_add_byte(out, '\n');
}

/* Takes the signature out of the note's last line; the line is compared with what we would write.
 */
static bool read_signature(struct str note, struct signature *out)
{
    struct str line = note;
    if (!str_ends(line, STR("\n")))
        return false;
    line.len--;
    size_t blank = line.len;
    while (blank > 0 && line.ptr[blank - 1] != ' ')
        blank--;
    char room[KEY_HASH_SIZE + SIGN_SIZE];
    struct buf bytes = {.ptr = room, .room = sizeof room, .limit = sizeof room};
    if (!base64_decode_add(&bytes, str_skip(line, blank)) || bytes.len != sizeof room)
        return false;
    memcpy(out->bytes, room + KEY_HASH_SIZE, SIGN_SIZE);
    return true;
}

bool note_holds(const struct sign_public *key, const struct note_head *head, struct str note)
{
    struct signature signature;
    if (!read_signature(note, &signature))
        return false;
    char room[NOTE_MAX];
    struct buf expected = {.ptr = room, .room = sizeof room, .limit = sizeof room};
    note_parts_add_body(head, &expected);
    struct str body = buf_str(&expected);
    note_parts_add_signature(key, head->log, &signature, &expected);
    return expected.code == FAULT_NONE && str_equal(buf_str(&expected), note) &&
           sign_verify(key, body, &signature);
}

bool note_read(struct str note, struct note_head *out)
{
    struct str origin;
    struct str size;
    struct str root;
    struct str rest;
    uint64_t number;
    char room[SHA256_SIZE];
    struct buf bytes = {.ptr = room, .room = sizeof room, .limit = sizeof room};
    if (!str_cut(note, '\n', &origin, &rest) || !str_starts(origin, STR(NAME_START)) ||
        !str_cut(rest, '\n', &size, &rest) || !str_cut(rest, '\n', &root, &rest))
        return false;
    if (!str_to_u64(size, MERKLE_SIZE_MAX, &number) || number == 0 ||
        !base64_decode_add(&bytes, root) || bytes.len != SHA256_SIZE)
        return false;
    out->log = str_skip(origin, sizeof NAME_START - 1);
    out->size = (int64_t)number;
    memcpy(out->root.bytes, room, SHA256_SIZE);
    return true;
}

bool note_read_vkey(struct str vkey, struct str *out_log, struct sign_public *out)
{
    struct str name;
    struct str hash;
    struct str coded;
    struct str rest;
    char room[1 + SIGN_PUBLIC_SIZE];
    char expected[NOTE_VKEY_MAX];
    struct sign_public key;
    struct buf bytes = {.ptr = room, .room = sizeof room, .limit = sizeof room};
    struct buf whole = {.ptr = expected, .room = sizeof expected, .limit = sizeof expected};
    if (!str_cut(vkey, '+', &name, &rest) || !str_cut(rest, '+', &hash, &coded) ||
        !str_starts(name, STR(NAME_START)) || !base64_decode_add(&bytes, coded) ||
        bytes.len != sizeof room || room[0] != ALGORITHM_ED25519)
        return false;
    struct str log = str_skip(name, sizeof NAME_START - 1);
    if (log.len == 0 || log.len >= NOTE_LOG_MAX)
        return false;
    memcpy(key.bytes, room + 1, SIGN_PUBLIC_SIZE);
    note_add_vkey(&key, log, &whole);
    if (whole.code != FAULT_NONE || !str_equal(buf_str(&whole), vkey))
        return false;
    *out_log = log;
    *out = key;
    return true;
}
