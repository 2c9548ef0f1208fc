/* What the app reads of a budget's refusal, and of a hold that it keeps: the sentence made of it is
 * text, whole, without control characters, whatever came. */
#include <assert.h>
#include <string.h>

#include "integrations/splunk-app/native/delivery/held.h"
#include "integrations/splunk-app/native/record/refusal.h"

enum { NOW_US = 1000000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text, size_t room)
{
    size_t len = strnlen(text, room);
    assert(len < room && str_is_utf8((struct str){text, len}));
    for (size_t i = 0; i < len; i++)
        assert((unsigned char)text[i] >= 0x20);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int statuses[] = {200, 402, 429};
    struct str text = {(const char *)data, size};
    struct held held = {.until_us = -7};
    struct fault fault = {0};
    for (size_t i = 0; i < 3; i++) {
        struct refusal refusal;
        struct http_reply reply = {.status = statuses[i]};
        buf_init(&reply.body, 1 << 20);
        buf_add(&reply.body, text);
        refusal_read(&reply, &refusal);
        buf_done(&reply.body);
        assert((refusal.verdict == REFUSAL_THROTTLED) == (statuses[i] == 429));
        assert(refusal.verdict != REFUSAL_BLOCKED || statuses[i] == 402);
        assert(refusal.retry_after_s >= 0 && refusal.retry_after_s <= REFUSAL_RETRY_MAX_S);
        (void)refusal_tell(&refusal, &fault);
        check_text(fault.text, sizeof fault.text);
        check_text(refusal.decision, sizeof refusal.decision);
    }
    if (held_read(text, NOW_US, &held))
        assert(held.until_us > NOW_US && memchr(held.why, '\0', sizeof held.why));
    else
        assert(held.until_us == -7);
    return 0;
}
