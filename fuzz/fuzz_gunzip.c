/* gzip in the app, and the outbox's files that are made with it: no crash, a refusal leaves what
 * was there, any text comes back through gzip, and a parcel that unpacks packs to the same lines.
 */
#include "libs/http/gzip.h"

#include <assert.h>

#include "integrations/splunk-app/native/delivery/parcel.h"

enum { LIMIT = 4 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_back(struct str text)
{
    struct buf packed;
    struct buf back;
    struct fault fault;
    buf_init(&packed, LIMIT);
    buf_init(&back, LIMIT);
    enum fault_code code = gzip_add(&packed, text, &fault);
    assert(code == FAULT_NONE);
    code = gunzip_add(&back, buf_str(&packed), &fault);
    assert(code == FAULT_NONE && str_equal(buf_str(&back), text));
    /* Two members one after the other are both texts. */
    code = gzip_add(&packed, STR("end"), &fault);
    assert(code == FAULT_NONE);
    code = gunzip_add(&back, buf_str(&packed), &fault);
    assert(code == FAULT_NONE && back.len == 2 * text.len + 3);
    buf_done(&packed);
    buf_done(&back);
}

static void check_any(struct str packed)
{
    struct buf out;
    struct fault fault = {0};
    buf_init(&out, LIMIT);
    buf_add(&out, STR("kept"));
    if (gunzip_add(&out, packed, &fault) != FAULT_NONE) {
        assert(fault.text[0] != '\0' && str_equal(buf_str(&out), STR("kept")));
    }
    buf_done(&out);
}

static void check_parcel(struct str packed)
{
    struct parcel parcel;
    struct parcel again;
    struct buf whole;
    struct fault fault = {0};
    parcel_init(&parcel);
    parcel_init(&again);
    parcel.lines.limit = LIMIT; /* a bomb costs the fuzzer time and finds nothing new */
    buf_init(&whole, LIMIT);
    if (parcel_unpack(&parcel, packed, &fault) == FAULT_NONE) {
        enum fault_code code = parcel_add(&parcel, &whole, &fault);
        assert(code == FAULT_NONE);
        code = parcel_unpack(&again, buf_str(&whole), &fault);
        assert(code == FAULT_NONE && str_equal(buf_str(&parcel.head), buf_str(&again.head)));
        assert(str_equal(buf_str(&parcel.lines), buf_str(&again.lines)));
        assert(str_equal(buf_str(&parcel.commit), buf_str(&again.commit)));
    } else {
        assert(fault.text[0] != '\0');
    }
    buf_done(&whole);
    parcel_done(&parcel);
    parcel_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct buf packed;
    struct fault fault;
    check_back(text);
    check_any(text);
    check_parcel(text);
    /* The same with the lines behind a sound gzip header, where mutations seldom come. */
    buf_init(&packed, LIMIT);
    enum fault_code code = gzip_add(&packed, text, &fault);
    assert(code == FAULT_NONE);
    check_parcel(buf_str(&packed));
    buf_done(&packed);
    return 0;
}
