#include "integrations/splunk-app/native/broker/broker_cache.h"
#include "integrations/splunk-app/native/broker/broker_rules.h"
#include "integrations/splunk-app/native/peers/splunkd.h"
#include "integrations/splunk-app/native/peers/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECOND_US INT64_C(1000000)

/* --- the cache ----------------------------------------------------------------------------- */

static struct broker_cache cache;

static struct broker_grant grant_of(const char *token, int64_t until_us)
{
    struct fault fault;
    struct broker_grant grant = {.until_us = until_us};
    assert_int_equal(http_secret_set(&grant.token, str_of(token), &fault), FAULT_NONE);
    return grant;
}

static struct sha256 key_of(const char *user)
{
    const struct settings settings = {
        .instance = STR("default"), .url = STR("https://ig.example/"), .tenant = STR("acme")};
    return broker_cache_key(str_of(user), &settings, TOKEN_HANDOFF);
}

static void broker_cache__gives_nothing_that_ends_within_a_minute(void **state)
{
    (void)state;
    struct sha256 key = key_of("mara");
    struct broker_grant grant = grant_of("igs_a", 300 * SECOND_US);
    broker_cache_put(&cache, &key, &grant);
    const struct broker_grant *found = broker_cache_find(&cache, &key, 240 * SECOND_US);
    assert_non_null(found);
    assert_string_equal(found->token.text, "igs_a");
    assert_null(broker_cache_find(&cache, &key, 240 * SECOND_US + 1));
    /* It is gone, and wiped. */
    assert_null(broker_cache_find(&cache, &key, 0));
    for (size_t i = 0; i < sizeof cache; i++)
        assert_int_equal(((const char *)&cache)[i], 0);
}

static void broker_cache__tells_each_part_of_its_key_apart(void **state)
{
    (void)state;
    const struct settings plain = {
        .instance = STR("default"), .url = STR("https://ig.example/"), .tenant = STR("acme")};
    struct settings other_instance = plain;
    struct settings other_url = plain;
    struct settings other_tenant = plain;
    struct settings shifted = plain;
    other_instance.instance = STR("lab");
    other_url.url = STR("https://ig2.example/");
    other_tenant.tenant = STR("acme2");
    shifted.instance = STR("efault");
    const struct sha256 keys[] = {
        broker_cache_key(STR("mara"), &plain, TOKEN_HANDOFF),
        broker_cache_key(STR("mara"), &plain, TOKEN_READ),
        broker_cache_key(STR("Mara"), &plain, TOKEN_HANDOFF),
        broker_cache_key(STR("mara"), &other_instance, TOKEN_HANDOFF),
        broker_cache_key(STR("mara"), &other_url, TOKEN_HANDOFF),
        broker_cache_key(STR("mara"), &other_tenant, TOKEN_HANDOFF),
        broker_cache_key(STR("marad"), &shifted, TOKEN_HANDOFF),
    };
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(&keys[i], &keys[j], sizeof keys[i]);
    struct sha256 again = broker_cache_key(STR("mara"), &plain, TOKEN_HANDOFF);
    assert_memory_equal(&again, &keys[0], sizeof again);
}

static void broker_cache__gives_up_what_ends_first_when_it_is_full(void **state)
{
    (void)state;
    char user[32];
    broker_cache_wipe(&cache);
    for (int i = 0; i <= BROKER_CACHE_ROOM; i++) {
        snprintf(user, sizeof user, "user%d", i);
        struct sha256 key = key_of(user);
        /* The one in the middle ends first. */
        struct broker_grant grant = grant_of(user, (i == 100 ? 200 : 300 + i) * SECOND_US);
        broker_cache_put(&cache, &key, &grant);
    }
    for (int i = 0; i <= BROKER_CACHE_ROOM; i++) {
        snprintf(user, sizeof user, "user%d", i);
        struct sha256 key = key_of(user);
        const struct broker_grant *found = broker_cache_find(&cache, &key, 0);
        if (i == 100)
            assert_null(found);
        else
            assert_string_equal(found->token.text, user);
    }
    broker_cache_wipe(&cache);
}

/* --- the rules ----------------------------------------------------------------------------- */

static const struct settings lab = {
    .instance = {"lab", 3}, .url = {"https://ig.example/", 19}, .tenant = {"acme", 4}};

static enum fault_code read_grant(int status, const char *body, struct broker_grant *out,
                                  struct fault *fault)
{
    struct arena arena;
    const struct json *top = NULL;
    struct fault ignored;
    arena_init(&arena, 1 << 20);
    if (json_read(&arena, str_of(body), &top, &ignored) != FAULT_NONE)
        top = NULL;
    enum fault_code code = broker_grant_read(&lab, status, top, 7 * SECOND_US, out, fault);
    arena_done(&arena);
    return code;
}

#define GRANT(tenant, seconds)                                                                     \
    "{\"token\":\"igs_1_2\",\"tenant\":\"" tenant "\",\"expires_at\":\"2026-01-01T00:00:00Z\","    \
    "\"expires_in_s\":" seconds "}"

static void broker_grant_read__counts_the_time_from_before_it_was_asked(void **state)
{
    (void)state;
    struct broker_grant grant;
    struct fault fault;
    assert_int_equal(read_grant(201, GRANT("acme", "300"), &grant, &fault), FAULT_NONE);
    assert_int_equal(grant.until_us, 307 * SECOND_US);
    assert_string_equal(grant.token.text, "igs_1_2");
    assert_string_equal(grant.expires_at, "2026-01-01T00:00:00Z");
}

static void broker_grant_read__tells_each_refusal_with_its_cure(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *body;
        enum fault_code code;
        const char *says;
    } cases[] = {
        {401, "{\"detail\":\"was revoked\"}", FAULT_UNSIGNED,
         "stored for the instance lab (was revoked); store another"},
        {403, "{\"detail\":\"role viewer\"}", FAULT_UNSIGNED, "--role broker"},
        {404, "<html>", FAULT_UNAVAILABLE, "does not issue tokens"},
        {405, "", FAULT_UNAVAILABLE, "does not issue tokens"},
        {400, "{\"detail\":\"subject must be\"}", FAULT_UNAVAILABLE, "400: subject must be"},
        {503, "{\"detail\":\"too many\"}", FAULT_UNAVAILABLE, "503: too many"},
        {500, "", FAULT_UNAVAILABLE, "IntelGraph answered 500"},
        {200, GRANT("acme", "300"), FAULT_UNAVAILABLE, "IntelGraph answered 200"},
        {201, "<html>", FAULT_UNAVAILABLE, "is not IntelGraph"},
        {201, "{\"token\":\"igs\"}", FAULT_UNAVAILABLE, "its answer holds no token"},
        {201, GRANT("acme", "0"), FAULT_UNAVAILABLE, "its answer holds no token"},
        {201, GRANT("acme", "301"), FAULT_UNAVAILABLE, "its answer holds no token"},
        {201, GRANT("acme", "\"300\""), FAULT_UNAVAILABLE, "its answer holds no token"},
        {201, GRANT("other", "300"), FAULT_UNSIGNED, "of the tenant other, intelgraph.conf says"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct broker_grant grant = {.until_us = -1};
        struct fault fault;
        assert_int_equal(read_grant(cases[i].status, cases[i].body, &grant, &fault), cases[i].code);
        if (!strstr(fault.text, cases[i].says))
            fail_msg("%s: %s", cases[i].says, fault.text);
        assert_int_equal(grant.until_us, -1);
        assert_null(strstr(fault.text, "igs_"));
    }
}

static void broker_check_caller__wants_the_same_user_and_the_scopes_capability(void **state)
{
    (void)state;
    struct arena arena;
    struct fault fault;
    const struct json *capabilities;
    arena_init(&arena, 1 << 20);
    assert_int_equal(
        json_read(&arena, STR("[\"search\",\"intelgraph_handoff\",7]"), &capabilities, &fault),
        FAULT_NONE);
    const struct splunkd_context context = {STR("mara"), capabilities};
    struct persist_call call = {.user = STR("mara")};
    assert_int_equal(broker_check_caller(&call, &context, TOKEN_HANDOFF, &fault), FAULT_NONE);
    assert_int_equal(broker_check_caller(&call, &context, TOKEN_READ, &fault), FAULT_DENIED);
    assert_non_null(strstr(fault.text, "intelgraph_read is needed"));
    assert_int_equal(broker_check_caller(&call, &context, TOKEN_AUDIT, &fault), FAULT_DENIED);
    assert_non_null(strstr(fault.text, "a role such as intelgraph_admin"));
    call.user = STR("Mara");
    assert_int_equal(broker_check_caller(&call, &context, TOKEN_HANDOFF, &fault), FAULT_DENIED);
    call.user = STR("");
    assert_int_equal(broker_check_caller(&call, &context, TOKEN_HANDOFF, &fault), FAULT_DENIED);
    arena_done(&arena);
}

/* --- splunkd ------------------------------------------------------------------------------- */

static void splunkd_add_part__encodes_whatever_is_not_plain(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 256);
    splunkd_add_part(&out, STR("a-Z_0.~ /?&=%+:\"\xc3\xbc\0"));
    assert_true(str_equal(buf_str(&out), STR("a-Z_0.~%20%2F%3F%26%3D%25%2B%3A%22%C3%BC%00")));
    buf_clear(&out);
    splunkd_add_field(&out, "a", STR("x&b=y"));
    splunkd_add_field(&out, "b", STR(""));
    assert_true(str_equal(buf_str(&out), STR("a=x%26b%3Dy&b=")));
    buf_done(&out);
}

static int answer_status;
static const char *answer_text;
static char asked[4][512];
static size_t asked_count;

static enum fault_code fake_open(const struct http_settings *settings, void **out,
                                 struct fault *fault)
{
    (void)fault;
    assert_string_equal(settings->scheme, "Splunk");
    assert_true(str_equal(settings->peer_name, STR("SplunkServerDefaultCert")) ==
                http_is_this_machine(settings->base_url));
    *out = asked;
    return FAULT_NONE;
}

static enum fault_code fake_send(void *carrier, const struct http_request *request,
                                 struct http_reply *out, struct fault *fault)
{
    (void)carrier;
    if (asked_count < 4)
        snprintf(asked[asked_count++], sizeof asked[0], "%s %.*s %.*s", request->method,
                 STR_ARG(request->path), STR_ARG(request->body));
    if (answer_status == 0)
        return fault_set(fault, FAULT_UNAVAILABLE, "nobody there");
    *out = (struct http_reply){.status = answer_status};
    buf_init(&out->body, 4096);
    buf_add_c(&out->body, answer_text);
    return FAULT_NONE;
}

static void fake_close(void *taken)
{
    (void)taken;
}

static enum fault_code obtain(int status, const char *text, struct http_secret *out,
                              struct fault *fault)
{
    static const struct http_transport fake = {
        .open = fake_open, .send = fake_send, .close = fake_close};
    static struct places places;
    struct settings settings = lab;
    settings.credential = STR("passwords");
    settings.splunkd_ca_file = STR("/none.pem");
    settings.splunkd_certificate_name = STR("SplunkServerDefaultCert");
    const struct token_session session = {.splunkd_uri = STR("https://127.0.0.1:8089"),
                                          .session_key = STR("key"),
                                          .user = STR("mara")};
    snprintf(places.log, sizeof places.log, "%s/none", ROOM_DIR);
    answer_status = status;
    answer_text = text;
    asked_count = 0;
    const struct http_transport *before = http_transport_set(&fake);
    enum fault_code code =
        token_obtain(&places, &settings, &session, TOKEN_READ, status == 200, out, fault);
    http_transport_set(before);
    return code;
}

static void token_obtain__asks_the_broker_for_its_instance_and_scope(void **state)
{
    (void)state;
    struct http_secret token;
    struct fault fault;
    assert_int_equal(obtain(200, "{\"token\":\"igs_1_2\"}", &token, &fault), FAULT_NONE);
    assert_string_equal(token.text, "igs_1_2");
    assert_int_equal(asked_count, 1);
    assert_string_equal(asked[0], "POST servicesNS/nobody/intelgraph/intelgraph/token?output_mode="
                                  "json instance=lab&scope=read&renew=true");
}

static void token_obtain__never_blames_what_is_to_be_sent(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *text;
        enum fault_code code;
        const char *says;
    } cases[] = {
        {0, "", FAULT_UNAVAILABLE, "no token for IntelGraph: splunkd: nobody there"},
        {400, "{\"error\":\"scope must be\"}", FAULT_UNAVAILABLE, "scope must be"},
        {401, "{\"messages\":[{\"type\":\"WARN\",\"text\":\"x\"}]}", FAULT_UNSIGNED,
         "does not know this session"},
        {403, "{\"error\":\"mara may not\"}", FAULT_DENIED, "mara may not"},
        {404, "{\"error\":\"no instance\"}", FAULT_UNSIGNED, "no instance"},
        {404, "{\"messages\":[{\"type\":\"ERROR\",\"text\":\"Not Found\"}]}", FAULT_UNSIGNED,
         "splunkd does not know it: Not Found"},
        {409, "{\"error\":\"nothing is stored\"}", FAULT_UNSIGNED, "nothing is stored"},
        {500, "<html>", FAULT_UNAVAILABLE, "splunkd at https://127.0.0.1:8089/ answered 500"},
        {503, "{\"error\":\"service down\"}", FAULT_UNAVAILABLE, "service down"},
        {201, "<html>", FAULT_UNAVAILABLE, "cannot be read"},
        {201, "{}", FAULT_UNAVAILABLE, "the app's broker gave no token"},
        {201, "{\"token\":\"a b\"}", FAULT_UNAVAILABLE, "the app's broker gave no token"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct http_secret token;
        struct fault fault;
        enum fault_code code = obtain(cases[i].status, cases[i].text, &token, &fault);
        if (code != cases[i].code || fault.code != code || !strstr(fault.text, cases[i].says))
            fail_msg("%d %s: %d %s", cases[i].status, cases[i].text, (int)code, fault.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broker_cache__gives_nothing_that_ends_within_a_minute),
        cmocka_unit_test(broker_cache__tells_each_part_of_its_key_apart),
        cmocka_unit_test(broker_cache__gives_up_what_ends_first_when_it_is_full),
        cmocka_unit_test(broker_grant_read__counts_the_time_from_before_it_was_asked),
        cmocka_unit_test(broker_grant_read__tells_each_refusal_with_its_cure),
        cmocka_unit_test(broker_check_caller__wants_the_same_user_and_the_scopes_capability),
        cmocka_unit_test(splunkd_add_part__encodes_whatever_is_not_plain),
        cmocka_unit_test(token_obtain__asks_the_broker_for_its_instance_and_scope),
        cmocka_unit_test(token_obtain__never_blames_what_is_to_be_sent),
    };
    return cmocka_run_group_tests_name("broker", tests, NULL, NULL);
}
