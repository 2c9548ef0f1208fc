/* What goes out: signatures as the specification has them, mails that no text can break, frames. */
#include "service/notify/tests/notify_house.h"

#include "libs/core/os.h"
#include "service/notify/notify_courier.h"
#include "service/notify/notify_deliver.h"
#include "service/notify/notify_forget.h"
#include "service/notify/notify_mail.h"
#include "service/notify/notify_sign.h"
#include "service/notify/notify_store.h"

/* --- webhooks ------------------------------------------------------------------------------- */

static void notify_sign__gives_the_specifications_example(void **state)
{
    const struct notify_signing signing = {
        .id = STR("msg_p5jXN8AQM9LWM0D4loKWxJek"),
        .body = STR("{\"test\": 2432232314}"),
        .secret = STR("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        .at_us = INT64_C(1614265330) * 1000000 + 999999,
    };
    struct buf headers;
    struct fault fault;
    (void)state;
    buf_init(&headers, 4096);
    good(notify_add_headers(&headers, &signing, &fault), &fault);
    assert_true(
        str_equal(buf_str(&headers),
                  STR("content-type: application/json\nwebhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek\n"
                      "webhook-timestamp: 1614265330\n"
                      "webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=\n")));
    buf_done(&headers);
}

static void notify_sign__signs_with_both_secrets_and_refuses_none(void **state)
{
    struct notify_signing signing = {
        .id = STR("msg_1"),
        .body = STR("{}"),
        .secret = STR("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        .old_secret = STR("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        .at_us = 1,
    };
    struct buf headers;
    struct fault fault;
    (void)state;
    buf_init(&headers, 4096);
    good(notify_add_headers(&headers, &signing, &fault), &fault);
    struct str line = str_skip(buf_str(&headers), str_find(buf_str(&headers), STR("v1,")));
    assert_true(str_find(str_skip(line, 3), STR(" v1,")) < line.len - 3);
    static const char *const bad[] = {"", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_!"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        signing.secret = str_of(bad[i]);
        assert_int_equal(notify_add_headers(&headers, &signing, &fault), FAULT_CORRUPT);
    }
    buf_done(&headers);
}

static void notify_secret__is_new_each_time(void **state)
{
    char one[NOTIFY_SECRET_MAX];
    char two[NOTIFY_SECRET_MAX];
    struct fault fault;
    (void)state;
    good(notify_secret_make(one, &fault), &fault);
    good(notify_secret_make(two, &fault), &fault);
    assert_int_equal(strlen(one), 50);
    assert_string_not_equal(one, two);
}

/* --- mail ----------------------------------------------------------------------------------- */

static struct notify_message message_of(const char *subject, const char *text)
{
    return (struct notify_message){.tenant = STR("acme"),
                                   .kind = STR("anomaly.detected"),
                                   .subject = str_of(subject),
                                   .text = str_of(text),
                                   .json = STR("{}")};
}

static void add_mail(struct buf *out, const char *subject, const char *text)
{
    const struct notify_mail mail = {.id = STR("msg_1"),
                                     .from = STR("ig@corp.example"),
                                     .to = STR("a@b.example"),
                                     .at_us = INT64_C(1795435200) * 1000000};
    struct notify_message message = message_of(subject, text);
    buf_init(out, 65536);
    notify_add_mail(out, &mail, &message);
    assert_int_equal(out->code, FAULT_NONE);
}

static bool has(const struct buf *mail, const char *part)
{
    return str_find(buf_str(mail), str_of(part)) < mail->len;
}

static void notify_mail__has_a_header_and_a_body_that_no_text_can_break(void **state)
{
    struct buf mail;
    (void)state;
    add_mail(&mail, "80 % of Team A", ".\r\nQUIT\n\n.\n");
    assert_true(has(&mail, "Subject: 80 % of Team A\r\n"));
    assert_true(has(&mail, "Date: Mon, 23 Nov 2026 12:00:00 +0000\r\n"));
    assert_true(has(&mail, "Message-ID: <msg_1@corp.example>\r\n"));
    assert_false(has(&mail, "\r\n.\r\n"));
    assert_false(has(&mail, "QUIT"));
    /* Each line ends in CR LF and is short. */
    struct str rest = buf_str(&mail);
    while (rest.len > 0) {
        size_t end = str_find_byte(rest, '\n');
        assert_true(end < rest.len && end > 0 && rest.ptr[end - 1] == '\r' && end < 998);
        rest = str_skip(rest, end + 1);
    }
    buf_done(&mail);
}

static void notify_mail__encodes_what_is_not_plain(void **state)
{
    struct buf mail;
    (void)state;
    add_mail(&mail, "\xc3\xa4\xc3\xb6\xc3\xbc \xe2\x82\xac", "x");
    assert_true(has(&mail, "Subject: =?utf-8?B?w6TDtsO8IOKCrA==?=\r\n"));
    buf_done(&mail);
    /* Words of at most 75 characters, each of whole characters. */
    add_mail(&mail,
             "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"
             "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"
             "\xe2\x82\xac\xe2\x82\xac",
             "x");
    assert_true(has(&mail, "?=\r\n =?utf-8?B?"));
    buf_done(&mail);
    /* What looks encoded is encoded, so that it is read as it was written. */
    add_mail(&mail, "=?utf-8?Q?x?=", "x");
    assert_true(has(&mail, "Subject: =?utf-8?B?PT91dGYtOD9RP3g/PQ==?=\r\n"));
    buf_done(&mail);
}

/* --- attempts ------------------------------------------------------------------------------- */

static void notify_wait__grows_over_three_days_and_ends(void **state)
{
    int64_t least_s = 0;
    int64_t most_s = 0;
    (void)state;
    assert_int_equal(notify_wait_s(1, 0, 0), 5);
    assert_int_equal(notify_wait_s(2, 0, 0), 300);
    assert_int_equal(notify_wait_s(1, 0, 3600), 3600); /* as the receiver asked */
    assert_int_equal(notify_wait_s(9, 0, 10), 86400);
    assert_int_equal(notify_wait_s(NOTIFY_ATTEMPTS, 0, 0), -1);
    for (int64_t attempt = 1; attempt < NOTIFY_ATTEMPTS; attempt++) {
        least_s += notify_wait_s(attempt, 0, 0);
        most_s += notify_wait_s(attempt, 0xffff, 0);
    }
    assert_true(least_s > 3 * 86400 - 3600 && most_s < 4 * 86400);
    assert_true(most_s > least_s);
}

static void notify_frames__are_refused_when_they_are_none(void **state)
{
    char frame[512];
    struct http_outbound_request request;
    struct http_outbound_answer answer;
    (void)state;
    for (size_t len = 0; len < sizeof frame; len++) {
        memset(frame, 0xff, sizeof frame);
        assert_false(notify_frame_read_request((struct str){frame, len}, &request));
        assert_false(notify_frame_read_answer((struct str){frame, len}, &answer));
        memset(frame, 0, sizeof frame);
        assert_false(notify_frame_read_request((struct str){frame, len}, &request));
        assert_false(notify_frame_read_answer((struct str){frame, len}, &answer));
    }
}

/* --- what becomes of it --------------------------------------------------------------------- */

static enum fault_code outcome_in(struct store *store, void *context, struct fault *fault)
{
    return notify_outcome_put(store, context, fault);
}

static void put(struct house *house, struct notify_outcome outcome)
{
    struct fault fault;
    outcome.tenant = STR("acme");
    outcome.recipient = STR("rcp_a");
    outcome.error = outcome.is_good ? STR("") : STR("it answered 500");
    outcome.now_us = 2000;
    good(store_pool_write(house->pool, outcome_in, &outcome, &fault), &fault);
}

static const struct str one[] = {{"rcp_a", 5}};

static enum fault_code enqueue_in(struct store *store, void *key, struct fault *fault)
{
    struct notify_message message = message_of("s", "t");
    message.key = str_of(key);
    message.recipients = one;
    message.recipient_count = 1;
    message.now_us = 1000;
    return notify_enqueue(store, &message, fault);
}

static void enqueue(struct house *house, char *key)
{
    struct fault fault;
    good(store_pool_write(house->pool, enqueue_in, key, &fault), &fault);
}

static void add_recipient(struct house *house)
{
    house_do(house, "INSERT INTO notify_recipients VALUES ('acme', 'rcp_a', 'webhook',"
                    " 'https://a.example/', 'a', 'active', '', 'whsec_x', 'whsec_y', 5000, 0, 1,"
                    " 'root')");
}

static void notify_delivery__is_due_then_delivered_and_no_more(void **state)
{
    struct house *house = *state;
    struct fault fault;
    struct store *store;
    struct arena arena;
    struct store_list due;
    struct notify_item item;
    bool found = false;
    add_recipient(house);
    enqueue(house, (char[]){"k1"});
    enqueue(house, (char[]){"k2"});
    arena_init(&arena, 1 << 20);
    good(store_pool_take(house->pool, &store, &fault), &fault);
    good(notify_due_list(store, 999, 4, &arena, &due, &fault), &fault);
    assert_int_equal(due.count, 0); /* not before its time */
    good(notify_due_list(store, 1000, 4, &arena, &due, &fault), &fault);
    assert_int_equal(due.count, 1); /* a recipient once, however much waits */
    good(notify_due_next(store, due.rows, 1000, &arena, &found, &item, &fault), &fault);
    assert_true(found && item.id == 1 && str_equal(item.old_secret, STR("whsec_y")));
    good(notify_due_next(store, due.rows, 5000, &arena, &found, &item, &fault), &fault);
    assert_int_equal(item.old_secret.len, 0); /* its time is over */
    put(house, (struct notify_outcome){.id = 1, .is_good = true, .status = 200});
    put(house, (struct notify_outcome){.id = 2, .next_us = 9000, .status = 500});
    good(notify_due_list(store, 8999, 4, &arena, &due, &fault), &fault);
    assert_int_equal(due.count, 0);
    good(notify_due_list(store, 9000, 4, &arena, &due, &fault), &fault);
    assert_true(due.count == 1 && ((struct notify_due *)due.rows)->is_failing);
    /* A late word about what is over changes nothing. */
    put(house, (struct notify_outcome){.id = 1, .is_dead = true, .status = 500});
    assert_int_equal(house_ask(house, "SELECT count(*) FROM notify_deliveries WHERE id = 1 AND"
                                      " state = 'delivered' AND attempts = 1"),
                     1);
    store_pool_give(house->pool, store);
    arena_done(&arena);
}

static void notify_delivery__ends_all_when_the_recipient_is_gone(void **state)
{
    struct house *house = *state;
    add_recipient(house);
    enqueue(house, (char[]){"k1"});
    enqueue(house, (char[]){"k2"});
    put(house, (struct notify_outcome){.id = 1, .is_gone = true, .status = 410});
    assert_int_equal(
        house_ask(house, "SELECT count(*) FROM notify_deliveries WHERE state = 'dead'"), 2);
    assert_int_equal(
        house_ask(house, "SELECT count(*) FROM notify_recipients WHERE state = 'disabled'"), 1);
    enqueue(house, (char[]){"k3"});
    assert_int_equal(
        house_ask(house, "SELECT count(*) FROM notify_deliveries WHERE state = 'dead'"), 3);
}

static struct jobs_turn forgetting(struct house *house)
{
    static const atomic_bool ending = false;
    house_do(house, "INSERT INTO jobs_leases (name, holder, fence, beat, began_us, error)"
                    " VALUES ('notify.forget', 'me', 1, 0, 0, '')");
    return (struct jobs_turn){
        .pool = house->pool, .name = "notify.forget", .fence = 1, .ending = &ending};
}

static void notify_forget__of_more_than_a_transaction_s_worth_goes_on_until_all_is_gone(
    void **state)
{
    struct house *house = *state;
    struct fault fault;
    struct jobs_turn turn = forgetting(house);
    add_recipient(house);
    house_do(house, "INSERT INTO notify_deliveries (tenant, id, message_key, recipient, state,"
                    " attempts, next_us, status, error, created_us, ended_us)"
                    " WITH RECURSIVE up (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n <"
                    " 1300) SELECT CASE WHEN n <= 700 THEN 'acme' ELSE 'zulu' END, n, 'k', 'r',"
                    " 'delivered', 1, 0, 200, '', 0, 1 FROM up");
    turn.now_us = INT64_C(86400) * 1000000 * (NOTIFY_DELIVERY_DAYS + 1);
    good(notify_forget(&turn, NULL, &fault), &fault);
    /* The newest of each stays. */
    assert_int_equal(house_ask(house, "SELECT CAST(sum(id) AS BIGINT) FROM notify_deliveries"),
                     700 + 1300);
}

static void notify_forget__keeps_what_is_young_waits_or_is_the_newest(void **state)
{
    struct house *house = *state;
    struct fault fault;
    const int64_t day_us = INT64_C(86400) * 1000000;
    struct jobs_turn turn = forgetting(house);
    add_recipient(house);
    for (char key[] = "a"; key[0] <= 'd'; key[0]++)
        enqueue(house, key);
    put(house, (struct notify_outcome){.id = 1, .is_good = true});
    put(house, (struct notify_outcome){.id = 2, .is_dead = true});
    put(house, (struct notify_outcome){.id = 4, .is_good = true}); /* 3 waits */
    turn.now_us = 90 * day_us;
    good(notify_forget(&turn, NULL, &fault), &fault);
    assert_int_equal(house_ask(house, "SELECT count(*) FROM notify_deliveries"), 4);
    turn.now_us = 91 * day_us;
    good(notify_forget(&turn, NULL, &fault), &fault);
    assert_int_equal(house_ask(house, "SELECT count(*) FROM notify_deliveries"), 2);
    assert_int_equal(house_ask(house, "SELECT count(*) FROM notify_messages"), 4);
    enqueue(house, (char[]){"a"}); /* is known still */
    assert_int_equal(house_ask(house, "SELECT count(*) FROM notify_deliveries"), 2);
    turn.now_us = 401 * day_us;
    good(notify_forget(&turn, NULL, &fault), &fault);
    assert_int_equal(house_ask(house, "SELECT count(*) FROM notify_messages"), 2);
}

#define IN_HOUSE(test) cmocka_unit_test_setup_teardown(test, house_open, house_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(notify_sign__gives_the_specifications_example),
        cmocka_unit_test(notify_sign__signs_with_both_secrets_and_refuses_none),
        cmocka_unit_test(notify_secret__is_new_each_time),
        cmocka_unit_test(notify_mail__has_a_header_and_a_body_that_no_text_can_break),
        cmocka_unit_test(notify_mail__encodes_what_is_not_plain),
        cmocka_unit_test(notify_wait__grows_over_three_days_and_ends),
        cmocka_unit_test(notify_frames__are_refused_when_they_are_none),
        IN_HOUSE(notify_delivery__is_due_then_delivered_and_no_more),
        IN_HOUSE(notify_forget__of_more_than_a_transaction_s_worth_goes_on_until_all_is_gone),
        IN_HOUSE(notify_forget__keeps_what_is_young_waits_or_is_the_newest),
        IN_HOUSE(notify_delivery__ends_all_when_the_recipient_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
