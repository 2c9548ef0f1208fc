/* Checkpoints: a note holds only when it is, to the byte, the one that was signed for this head.
 * The input is a note, or (after a NUL) changes to a good one: pairs of place and byte. */
#include "libs/tlog/note.h"

#include <assert.h>
#include <string.h>

#include "libs/core/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sign_key *key;
static struct sign_public public_key;
static struct buf good;
static struct note_head head = {.log = {"acme", 4}, .size = 300};

static void make_good(void)
{
    static const uint8_t seed[SIGN_SEED_SIZE] = {7};
    struct fault fault;
    enum fault_code code = sign_key_of_seed(seed, &key, &fault);
    assert(code == FAULT_NONE);
    public_key = sign_key_public(key);
    memset(head.root.bytes, 0xa5, sizeof head.root.bytes);
    buf_init(&good, 4096);
    code = note_sign(key, &head, &good, &fault);
    assert(code == FAULT_NONE && note_holds(&public_key, &head, buf_str(&good)));
}

static void check(struct str note)
{
    bool holds = note_holds(&public_key, &head, note);
    assert(holds == str_equal(note, buf_str(&good)));
    struct note_head other = head;
    other.size++;
    assert(!note_holds(&public_key, &other, note));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char room[512];
    if (!key)
        make_good();
    if (size == 0 || data[0] != 0) {
        check((struct str){(const char *)data, size});
        return 0;
    }
    assert(good.len < sizeof room);
    memcpy(room, good.ptr, good.len);
    size_t len = good.len;
    for (size_t i = 1; i + 1 < size; i += 2) {
        if (data[i] == 0xff)
            len = data[i + 1] < len ? len - data[i + 1] : 0;
        else
            room[data[i]] = (char)data[i + 1];
    }
    check((struct str){room, len});
    return 0;
}
