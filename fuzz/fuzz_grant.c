/* What a broker asks the service for, and what the service answers: read by both sides from any
 * text. What was read is within its limits, and asks the same again when it is written down. */
#include <assert.h>
#include <string.h>

#include "integrations/splunk-app/native/broker/broker_rules.h"
#include "service/identity/identity_grant.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_ask(struct arena *arena, struct str text)
{
    struct identity_grant_ask ask;
    struct identity_grant_ask again;
    enum token_scope scope;
    struct fault fault;
    struct buf out;
    if (identity_grant_ask_read(arena, text, &ask, &fault) != FAULT_NONE) {
        assert(fault.text[0]);
        return;
    }
    assert(ask.subject.len > 0 && ask.subject.len <= IDENTITY_SUBJECT_MAX);
    assert(ask.ttl_s >= 1 && ask.ttl_s <= IDENTITY_GRANT_TTL_MAX_S);
    /* The app knows the same scopes. */
    assert(token_scope_of_name(str_of(identity_scope_name(ask.scope)), &scope));
    buf_init(&out, 1 << 20);
    broker_request_add(&out, ask.subject, scope, ask.search_head);
    assert(identity_grant_ask_read(arena, buf_str(&out), &again, &fault) == FAULT_NONE);
    assert(str_equal(again.subject, ask.subject) && again.scope == ask.scope);
    assert(str_equal(again.search_head, ask.search_head) && again.ttl_s == BROKER_TTL_S);
    buf_done(&out);
}

static void check_grant(struct arena *arena, struct str text)
{
    static const struct settings settings = {.instance = {"default", 7}, .tenant = {"acme", 4}};
    struct broker_grant grant;
    struct fault fault;
    const struct json *top = NULL;
    if (json_read(arena, text, &top, &fault) != FAULT_NONE)
        top = NULL;
    for (int status = 201; status <= 601; status += 100)
        if (broker_grant_read(&settings, status, top, 0, &grant, &fault) == FAULT_NONE)
            assert(status == 201 && grant.token.len > 0 && grant.until_us > 0 &&
                   grant.until_us <= BROKER_TTL_S * INT64_C(1000000));
        else
            assert(fault.text[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct str text = {(const char *)data, size};
    arena_init(&arena, 16 << 20);
    check_ask(&arena, text);
    check_grant(&arena, text);
    arena_done(&arena);
    return 0;
}
