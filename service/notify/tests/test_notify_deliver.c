/* The deliverer against a courier that the test plays. */
#include "service/notify/tests/notify_house.h"

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libs/core/log.h"
#include "libs/core/os.h"
#include "service/audit/audit.h"
#include "service/notify/notify_courier.h"
#include "service/notify/notify_deliver.h"
#include "service/notify/notify_secret.h"

enum { WAIT_MS = 15000 };

static struct {
    struct house *house;
    struct audit *audit;
    struct service_counters counters;
    struct notify_deliverer *deliverer;
    atomic_bool ending;
    int ends[2]; /* the deliverer's, the courier's */
    pthread_t thread;
    bool is_running;
    enum fault_code code;
    struct fault fault;
} place;

static int place_open(void **state)
{
    struct fault fault;
    struct store *store;
    memset(&place, 0, sizeof place);
    log_level_set(LOG_ERROR);
    house_open(state);
    place.house = *state;
    good(store_pool_take(place.house->pool, &store, &fault), &fault);
    good(audit_open(place.house->folder, store, &place.audit, &fault), &fault);
    store_pool_give(place.house->pool, store);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, place.ends), 0);
    good(notify_deliverer_new(place.ends[0], STR("ig@corp.example"), place.audit, &place.counters,
                              &place.deliverer, &fault),
         &fault);
    house_do(place.house, "INSERT INTO jobs_leases (name, holder, fence, beat, began_us, error)"
                          " VALUES ('notify.deliver', 'me', 1, 0, 0, '')");
    return 0;
}

static void *run(void *unused)
{
    struct jobs_turn turn = {.pool = place.house->pool,
                             .name = "notify.deliver",
                             .fence = 1,
                             .now_us = os_now_us(),
                             .ending = &place.ending};
    (void)unused;
    place.code = notify_deliver(&turn, place.deliverer, &place.fault);
    return NULL;
}

static void start(void)
{
    assert_int_equal(pthread_create(&place.thread, NULL, run, NULL), 0);
    place.is_running = true;
}

static void end(void)
{
    atomic_store(&place.ending, true);
    if (place.is_running)
        pthread_join(place.thread, NULL);
    place.is_running = false;
}

static int place_close(void **state)
{
    end();
    notify_deliverer_free(place.deliverer);
    audit_close(place.audit);
    close(place.ends[0]);
    close(place.ends[1]);
    return house_close(state);
}

/* --- what is there to deliver --------------------------------------------------------------- */

struct wanted {
    int number;
    int failures;
    const char *kind;
    bool is_sealed;
};

static enum fault_code add_in(struct store *store, void *context, struct fault *fault)
{
    static const char sql[] =
        "INSERT INTO notify_recipients (tenant, id, kind, target, name, state, disabled_why,"
        " secret, old_secret, old_until_us, failures, created_us, created_by)"
        " VALUES ('acme', $1, $2, $3, 'x', 'active', '', $4, '', 0, $5, 1, 'root')";
    const struct wanted *wanted = context;
    struct notify_vault vault;
    struct statement *insert;
    struct buf sealed;
    char id[16];
    char to[64];
    snprintf(id, sizeof id, "rcp_%d", wanted->number);
    snprintf(to, sizeof to, "https://r%d.example/", wanted->number);
    buf_init(&sealed, 1024);
    enum fault_code code = notify_vault_open(place.audit, &vault, fault);
    if (code == FAULT_NONE && wanted->is_sealed)
        code = notify_secret_seal(&vault, STR("acme"), str_of(id),
                                  STR("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), &sealed, fault);
    else if (code == FAULT_NONE)
        buf_add(&sealed, STR("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
    if (code == FAULT_NONE)
        code = store_prepare(store, sql, &insert, fault);
    if (code == FAULT_NONE) {
        store_bind_text(insert, 1, str_of(id));
        store_bind_text(insert, 2, str_of(wanted->kind));
        store_bind_text(insert, 3, str_of(to));
        store_bind_text(insert, 4, buf_str(&sealed));
        store_bind_whole(insert, 5, wanted->failures);
        code = store_run(insert, fault);
    }
    const struct str ids[] = {str_of(id)};
    const struct notify_message message = {.tenant = STR("acme"),
                                           .kind = STR("notify.test"),
                                           .key = str_of(id),
                                           .recipients = ids,
                                           .recipient_count = 1,
                                           .subject = STR("s"),
                                           .text = STR("t"),
                                           .json = STR("{}"),
                                           .now_us = 1000 + wanted->number};
    if (code == FAULT_NONE)
        code = notify_enqueue(store, &message, fault);
    buf_done(&sealed);
    return code;
}

static void add(int number, int failures, bool is_sealed)
{
    struct wanted wanted = {number, failures, "webhook", is_sealed};
    struct fault fault;
    good(store_pool_write(place.house->pool, add_in, &wanted, &fault), &fault);
}

/* --- the courier ---------------------------------------------------------------------------- */

/* The next request within the time; false: none came. */
static bool take(int within_ms, char *frame, struct http_outbound_request *out)
{
    struct timeval patience = {within_ms / 1000, within_ms % 1000 * 1000};
    setsockopt(place.ends[1], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ssize_t got = recv(place.ends[1], frame, NOTIFY_FRAME_MAX, 0);
    if (got <= 0)
        return false;
    assert_true(notify_frame_read_request((struct str){frame, (size_t)got}, out));
    return true;
}

/* As the courier's own: ticket, mark, good, status, retry, error. */
static void answer(uint64_t ticket, bool is_good, int status, const char *error)
{
    struct {
        uint64_t ticket;
        uint32_t mark;
        uint32_t is_good;
        int32_t status;
        int32_t retry_after_s;
        char error[HTTP_OUTBOUND_ERROR_MAX];
    } said = {.ticket = ticket, .mark = 0x31434749, .is_good = is_good, .status = status};
    snprintf(said.error, sizeof said.error, "%s", error);
    assert_int_equal(send(place.ends[1], &said, sizeof said, MSG_NOSIGNAL), sizeof said);
}

static void wait_until(const char *sql, int64_t wanted)
{
    for (int waited = 0; house_ask(place.house, sql) != wanted; waited += 20) {
        if (waited > WAIT_MS)
            fail_msg("waited for %s", sql);
        usleep(20000);
    }
}

/* --- tests ---------------------------------------------------------------------------------- */

static void notify_deliver__keeps_places_for_those_who_answer(void **state)
{
    static char frames[64][NOTIFY_FRAME_MAX];
    struct http_outbound_request requests[64];
    int failing = 0;
    int healthy = 0;
    int count = 0;
    (void)state;
    for (int i = 0; i < 40; i++)
        add(i, 3, true);
    for (int i = 40; i < 45; i++) /* enqueued after all of them */
        add(i, 0, true);
    start();
    while (count < 64 && take(1500, frames[count], &requests[count])) {
        int number = atoi(requests[count].to.ptr + strlen("https://r"));
        number < 40 ? failing++ : healthy++;
        if (count < 5)
            assert_true(number >= 40); /* and first */
        count++;
    }
    assert_int_equal(healthy, 5);
    assert_int_equal(failing, NOTIFY_FAILING_AT_ONCE);
    /* One that ends makes room for the next. */
    answer(requests[10].ticket, false, 500, "it answered 500");
    assert_true(take(5000, frames[0], &requests[0]));
    assert_false(take(800, frames[1], &requests[1]));
    end();
    assert_int_equal(place.code, FAULT_NONE);
}

static void notify_deliver__keeps_what_became_of_each(void **state)
{
    static char frame[NOTIFY_FRAME_MAX];
    struct http_outbound_request request;
    (void)state;
    for (int i = 0; i < 3; i++)
        add(i, 0, true);
    start();
    for (int i = 0; i < 3; i++) {
        assert_true(take(5000, frame, &request));
        assert_true(str_find(request.headers, STR("webhook-signature: v1,")) < request.headers.len);
        if (str_starts(request.to, STR("https://r0")))
            answer(request.ticket, true, 204, "");
        else if (str_starts(request.to, STR("https://r1")))
            answer(request.ticket, false, 410, "it answered 410");
        else
            answer(request.ticket, false, 0, "it did not answer within 15 s");
        answer(999999, true, 200, ""); /* of nobody */
    }
    wait_until("SELECT count(*) FROM notify_deliveries WHERE attempts = 1", 3);
    assert_int_equal(house_ask(place.house, "SELECT count(*) FROM notify_deliveries WHERE"
                                            " recipient = 'rcp_0' AND state = 'delivered'"),
                     1);
    assert_int_equal(house_ask(place.house, "SELECT count(*) FROM notify_recipients WHERE"
                                            " id = 'rcp_1' AND state = 'disabled'"),
                     1);
    assert_int_equal(house_ask(place.house, "SELECT count(*) FROM notify_deliveries WHERE"
                                            " recipient = 'rcp_2' AND state = 'waiting' AND"
                                            " error = 'it did not answer within 15 s'"),
                     1);
    end();
    assert_int_equal(atomic_load(&place.counters.notices_delivered), 1);
    assert_int_equal(atomic_load(&place.counters.notices_failed), 2);
    assert_int_equal(atomic_load(&place.counters.notices_dead), 1);
}

static void notify_deliver__lets_a_broken_secret_hold_up_nobody(void **state)
{
    static char frame[NOTIFY_FRAME_MAX];
    struct http_outbound_request request;
    (void)state;
    add(0, 0, false); /* not sealed by this service */
    add(1, 0, true);
    start();
    assert_true(take(5000, frame, &request));
    assert_true(str_starts(request.to, STR("https://r1")));
    wait_until("SELECT count(*) FROM notify_deliveries WHERE recipient = 'rcp_0' AND"
               " attempts = 1 AND error LIKE '%sealed under another signing key%'",
               1);
    end();
    assert_int_equal(place.code, FAULT_NONE);
}

static void notify_deliver__ends_when_the_courier_talks_nonsense_or_is_gone(void **state)
{
    (void)state;
    start();
    assert_int_equal(send(place.ends[1], "nonsense", 8, MSG_NOSIGNAL), 8);
    pthread_join(place.thread, NULL);
    assert_int_equal(place.code, FAULT_CORRUPT);
    start();
    shutdown(place.ends[1], SHUT_RDWR);
    pthread_join(place.thread, NULL);
    place.is_running = false;
    assert_int_equal(place.code, FAULT_UNAVAILABLE);
}

static void notify_deliver__stops_when_its_lease_went_to_another(void **state)
{
    static char frame[NOTIFY_FRAME_MAX];
    struct http_outbound_request request;
    (void)state;
    add(0, 0, true);
    start();
    assert_true(take(5000, frame, &request));
    house_do(place.house, "UPDATE jobs_leases SET fence = 2 WHERE name = 'notify.deliver'");
    answer(request.ticket, true, 200, "");
    pthread_join(place.thread, NULL);
    place.is_running = false;
    assert_int_equal(place.code, FAULT_CONFLICT);
    /* Its word counts no more: the new holder sends it again, under the same id. */
    assert_int_equal(
        house_ask(place.house, "SELECT count(*) FROM notify_deliveries WHERE state = 'waiting'"),
        1);
    assert_int_equal(atomic_load(&place.counters.notices_delivered), 0);
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, place_open, place_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_PLACE(notify_deliver__keeps_places_for_those_who_answer),
        IN_PLACE(notify_deliver__keeps_what_became_of_each),
        IN_PLACE(notify_deliver__lets_a_broken_secret_hold_up_nobody),
        IN_PLACE(notify_deliver__ends_when_the_courier_talks_nonsense_or_is_gone),
        IN_PLACE(notify_deliver__stops_when_its_lease_went_to_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
