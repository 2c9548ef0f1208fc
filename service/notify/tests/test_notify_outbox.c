/* The outbox: one message a key, a delivery for each recipient, nothing kept of what was refused.
 */
#include "service/notify/tests/notify_house.h"

#include "service/notify/notify.h"
#include "service/notify/notify_rules.h"

static const struct str both[] = {{"rcp_a", 5}, {"rcp_b", 5}};

static void add_recipients(struct house *house)
{
    house_do(house, "INSERT INTO notify_recipients VALUES ('acme', 'rcp_a', 'webhook',"
                    " 'https://a.example/', 'a', 'active', '', 'whsec_x', '', 0, 0, 1, 'root')");
    house_do(house, "INSERT INTO notify_recipients VALUES ('acme', 'rcp_b', 'email',"
                    " 'b@b.example', 'b', 'disabled', 'gone', '', '', 0, 0, 1, 'root')");
    house_do(house, "INSERT INTO notify_recipients VALUES ('other', 'rcp_c', 'email',"
                    " 'c@c.example', 'c', 'active', '', '', '', 0, 0, 1, 'root')");
}

static struct notify_message message_of(const char *key)
{
    return (struct notify_message){
        .tenant = STR("acme"),
        .kind = STR("budget.threshold.crossed"),
        .key = str_of(key),
        .recipients = both,
        .recipient_count = 2,
        .subject = STR("Budget \"Team A\" is at 80 %"),
        .text = STR("Used 80 of 100.\n"),
        .json = STR("{\"budget\":\"bdg_x\"}"),
        .now_us = 1000,
    };
}

static enum fault_code enqueue_in(struct store *store, void *message, struct fault *fault)
{
    return notify_enqueue(store, message, fault);
}

static enum fault_code enqueue(struct house *house, struct notify_message message,
                               struct fault *fault)
{
    return store_pool_write(house->pool, enqueue_in, &message, fault);
}

static void notify_outbox__keeps_a_message_and_a_delivery_for_each_recipient(void **state)
{
    struct house *house = *state;
    struct fault fault;
    add_recipients(house);
    good(enqueue(house, message_of("k1"), &fault), &fault);
    assert_int_equal(house_ask(house, "SELECT count(*) FROM notify_messages"), 1);
    assert_int_equal(house_ask(house, "SELECT count(*) FROM notify_deliveries WHERE"
                                      " recipient = 'rcp_a' AND state = 'waiting'"),
                     1);
    /* To a disabled one it is dead at once, and says why. */
    assert_int_equal(house_ask(house, "SELECT count(*) FROM notify_deliveries WHERE"
                                      " recipient = 'rcp_b' AND state = 'dead' AND"
                                      " error = 'the recipient is disabled'"),
                     1);
}

static void notify_outbox__takes_a_key_once(void **state)
{
    struct house *house = *state;
    struct fault fault;
    add_recipients(house);
    struct notify_message again = message_of("k1");
    good(enqueue(house, message_of("k1"), &fault), &fault);
    again.subject = STR("another text");
    good(enqueue(house, again, &fault), &fault);
    good(enqueue(house, message_of("k2"), &fault), &fault);
    assert_int_equal(house_ask(house, "SELECT count(*) FROM notify_messages"), 2);
    assert_int_equal(house_ask(house, "SELECT count(*) FROM notify_deliveries"), 4);
    assert_int_equal(house_ask(house, "SELECT count(*) FROM notify_messages WHERE"
                                      " subject = 'another text'"),
                     0);
}

static void notify_outbox__keeps_tenants_apart(void **state)
{
    struct house *house = *state;
    struct fault fault;
    const struct str theirs[] = {STR("rcp_c")};
    add_recipients(house);
    struct notify_message message = message_of("k1");
    message.recipients = theirs;
    message.recipient_count = 1;
    good(enqueue(house, message, &fault), &fault);
    assert_int_equal(house_ask(house, "SELECT count(*) FROM notify_deliveries"), 0);
    message.tenant = STR("other"); /* the same key is another one there */
    good(enqueue(house, message, &fault), &fault);
    assert_int_equal(house_ask(house, "SELECT count(*) FROM notify_deliveries"), 1);
    assert_int_equal(house_ask(house, "SELECT count(DISTINCT id) FROM notify_messages"), 2);
}

static enum fault_code enqueue_and_fail(struct store *store, void *message, struct fault *fault)
{
    enum fault_code code = notify_enqueue(store, message, fault);
    return code == FAULT_NONE ? fault_set(fault, FAULT_CONFLICT, "no after all") : code;
}

static void notify_outbox__says_nothing_that_did_not_come_true(void **state)
{
    struct house *house = *state;
    struct fault fault;
    struct notify_message message = message_of("k1");
    add_recipients(house);
    assert_int_equal(store_pool_write(house->pool, enqueue_and_fail, &message, &fault),
                     FAULT_CONFLICT);
    assert_int_equal(house_ask(house, "SELECT count(*) FROM notify_messages"), 0);
    assert_int_equal(house_ask(house, "SELECT count(*) FROM notify_deliveries"), 0);
}

static void notify_outbox__refuses_what_could_forge_a_header(void **state)
{
    struct house *house = *state;
    struct fault fault;
    struct notify_message message = message_of("k1");
    message.subject = STR("hello\r\nBcc: everybody@corp.example");
    assert_int_equal(enqueue(house, message, &fault), FAULT_INPUT);
    assert_string_equal(fault.field, "subject");
    message = message_of("k1");
    message.text = STR("a\rb");
    assert_int_equal(enqueue(house, message, &fault), FAULT_INPUT);
    message = message_of("k1\n");
    assert_int_equal(enqueue(house, message, &fault), FAULT_INPUT);
    message = message_of("k1");
    message.kind = STR("Budget Crossed");
    assert_int_equal(enqueue(house, message, &fault), FAULT_INPUT);
    message = message_of("k1");
    message.json = STR("[1]");
    assert_int_equal(enqueue(house, message, &fault), FAULT_INPUT);
    message.json = STR("{\"a\":}");
    assert_int_equal(enqueue(house, message, &fault), FAULT_INPUT);
    message = message_of("k1");
    message.recipient_count = NOTIFY_RECIPIENTS_MAX + 1;
    assert_int_equal(enqueue(house, message, &fault), FAULT_LIMIT);
    assert_int_equal(house_ask(house, "SELECT count(*) FROM notify_messages"), 0);
}

static void notify_outbox__checks_lists_of_recipients(void **state)
{
    struct house *house = *state;
    struct fault fault;
    struct store *store;
    const struct str theirs[] = {STR("rcp_a"), STR("rcp_c")};
    const struct str twice[] = {STR("rcp_a"), STR("rcp_a")};
    add_recipients(house);
    good(store_pool_take(house->pool, &store, &fault), &fault);
    good(notify_recipients_check(store, STR("acme"), both, 2, &fault), &fault);
    good(notify_recipients_check(store, STR("acme"), NULL, 0, &fault), &fault);
    assert_int_equal(notify_recipients_check(store, STR("acme"), theirs, 2, &fault), FAULT_INPUT);
    assert_non_null(strstr(fault.text, "rcp_c"));
    assert_int_equal(notify_recipients_check(store, STR("acme"), twice, 2, &fault), FAULT_INPUT);
    store_pool_give(house->pool, store);
}

static void notify_rules__know_an_address_from_what_is_none(void **state)
{
    static const char *const good_ones[] = {"a@b.example", "first.last+tag@corp.example",
                                            "x@localhost"};
    static const char *const bad_ones[] = {"",
                                           "a",
                                           "@b.example",
                                           "a@",
                                           "a b@c.example",
                                           "a@b@c",
                                           "<a@b.c>",
                                           "a@b.c\r\nRCPT TO:<x>",
                                           "a@b.c,d@e.f",
                                           "\"a b\"@c.example",
                                           "a@-b.c",
                                           ".a@b.c",
                                           "a..b@c.d",
                                           "a.@b.c",
                                           "a@b..c",
                                           "a@[1.2.3.4]",
                                           "\xc3\xa4@b.c"};
    struct fault fault;
    (void)state;
    for (size_t i = 0; i < sizeof good_ones / sizeof good_ones[0]; i++)
        good(notify_address_check(str_of(good_ones[i]), &fault), &fault);
    for (size_t i = 0; i < sizeof bad_ones / sizeof bad_ones[0]; i++)
        if (notify_address_check(str_of(bad_ones[i]), &fault) != FAULT_INPUT)
            fail_msg("\"%s\" passed", bad_ones[i]);
    assert_int_equal(notify_address_check(STR("a\0@b.c"), &fault), FAULT_INPUT);
}

static void notify_rules__know_a_url_from_what_is_none(void **state)
{
    static const char *const good_ones[] = {
        "https://hooks.example/", "https://hooks.example:8443/a/b?c=d",
        "http://127.0.0.1:9/x",   "https://[::1]:80/",
        "https://hooks.example",  "https://hooks.example?a=b"};
    static const char *const bad_ones[] = {"",
                                           "ftp://a/",
                                           "https://",
                                           "https:///x",
                                           "https://user:pw@a.example/",
                                           "https://a.example/#x",
                                           "https://a.example:0/",
                                           "https://a.example:65536/",
                                           "https://a.example:/",
                                           "https://a b/",
                                           "https://a.example/\n",
                                           "file:///etc/passwd",
                                           "HTTPS://a.example/",
                                           "https://[::1/",
                                           "https://[::1]x/",
                                           "https://\xc3\xa4.example/",
                                           "gopher://a.example/"};
    struct fault fault;
    (void)state;
    for (size_t i = 0; i < sizeof good_ones / sizeof good_ones[0]; i++)
        good(notify_url_check(str_of(good_ones[i]), &fault), &fault);
    for (size_t i = 0; i < sizeof bad_ones / sizeof bad_ones[0]; i++)
        if (notify_url_check(str_of(bad_ones[i]), &fault) != FAULT_INPUT)
            fail_msg("\"%s\" passed", bad_ones[i]);
}

static void notify_rules__make_ids_that_depend_on_tenant_and_key(void **state)
{
    char one[NOTIFY_MESSAGE_ID_MAX];
    char two[NOTIFY_MESSAGE_ID_MAX];
    (void)state;
    notify_message_id(STR("acme"), STR("k"), one);
    notify_message_id(STR("acme"), STR("k"), two);
    assert_string_equal(one, two);
    assert_int_equal(strlen(one), 26);
    notify_message_id(STR("acme"), STR("l"), two);
    assert_string_not_equal(one, two);
    notify_message_id(STR("acm"), STR("ek"), one);
    notify_message_id(STR("acme"), STR("k"), two);
    assert_string_not_equal(one, two);
}

#define IN_HOUSE(test) cmocka_unit_test_setup_teardown(test, house_open, house_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_HOUSE(notify_outbox__keeps_a_message_and_a_delivery_for_each_recipient),
        IN_HOUSE(notify_outbox__takes_a_key_once),
        IN_HOUSE(notify_outbox__keeps_tenants_apart),
        IN_HOUSE(notify_outbox__says_nothing_that_did_not_come_true),
        IN_HOUSE(notify_outbox__refuses_what_could_forge_a_header),
        IN_HOUSE(notify_outbox__checks_lists_of_recipients),
        cmocka_unit_test(notify_rules__know_an_address_from_what_is_none),
        cmocka_unit_test(notify_rules__know_a_url_from_what_is_none),
        cmocka_unit_test(notify_rules__make_ids_that_depend_on_tenant_and_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
