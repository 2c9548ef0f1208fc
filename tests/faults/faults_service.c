/* The service under refusals: what was acknowledged is there after a new start, what was not is
 * there whole or not at all, and asking again brings it. */
#include "service/handoffs/tests/house.h"

#include "libs/core/os.h"
#include "libs/core/log.h"
#include "libs/store/store_internal.h"
#include "service/main/main_data.h"
#include "tests/faults/sweep.h"

enum { CONNECTIONS = 2 };

static char base[64];  /* a folder with a token and one hand-off */
static char stage[64]; /* the folder of the case that runs */
static struct main_data data;
static struct buf bearer;
static struct buf broker; /* the Authorization of a token that issues tokens */
static const struct buf *as = &bearer;
static struct fault told;
static bool is_told;

/* A failure is told in one sentence. */
static void note(enum fault_code code, const struct fault *fault)
{
    if (code == FAULT_NONE || is_told)
        return;
    is_told = true;
    told = *fault;
    if (fault->code != code || fault->text[0] == '\0' || strchr(fault->text, '\n'))
        fail_msg("%s: told as \"%s\"", sweep_where(), fault->text);
}

static enum fault_code open_stage(void)
{
    struct fault fault = {.code = FAULT_NONE};
    enum fault_code code = main_data_open(&data, str_of(stage), STR(""), true, CONNECTIONS, &fault);
    note(code, &fault);
    if (code != FAULT_NONE)
        return code;
    data.service.public_url = STR("https://ig.example/");
    house.pool = data.service.pool;
    house.audit = data.service.audit;
    house.identity = data.service.identity;
    return code;
}

/* As the process that is started after this one. */
static void open_anew(void)
{
    main_data_close(&data);
    os_fail_disarm();
    store_flush_failed = false;
    is_told = false;
    if (open_stage() != FAULT_NONE)
        fail_msg("%s: does not start again: %s", sweep_where(), told.text);
}

static void set_stage(bool empty)
{
    sweep_folder_clear(stage);
    store_flush_failed = false;
    is_told = false;
    if (!empty)
        sweep_folder_copy(base, stage);
}

static void check_log(void)
{
    struct store *store;
    struct buf verdict;
    struct fault fault;
    buf_init(&verdict, 1 << 20);
    MUST(store_pool_take(house.pool, &store, &house_fault));
    enum fault_code code = audit_verify(house.audit, store, NULL, &verdict, &fault);
    store_pool_give(house.pool, store);
    buf_done(&verdict);
    if (code != FAULT_NONE)
        fail_msg("%s: %s", sweep_where(), fault.text);
}

/* --- a start on an empty folder -------------------------------------------------------------- */

static bool start_case(enum os_fail_kind kind, enum os_fail_mode mode, long at)
{
    set_stage(true);
    os_fail_arm(kind, mode, at);
    enum fault_code code = open_stage();
    if (code == FAULT_NONE)
        main_data_close(&data);
    bool reached = os_fail_disarm();
    if (code != FAULT_NONE && !reached)
        fail_msg("%s: %s", sweep_where(), told.text);
    open_anew();
    check_log();
    main_data_close(&data);
    return reached;
}

/* --- a token --------------------------------------------------------------------------------- */

static bool token_case(enum os_fail_kind kind, enum os_fail_mode mode, long at)
{
    struct buf token;
    struct fault fault;
    set_stage(false);
    MUST(open_stage());
    int64_t before = house_whole("SELECT count(*) FROM identity_tokens");
    int recorded = house_recorded("acme", "\"token.created\"");
    buf_init(&token, 256);
    os_fail_arm(kind, mode, at);
    enum fault_code code = identity_token_create(data.service.identity, STR("acme"), ROLE_VIEWER,
                                                 STR("kim"), 0, &token, &fault);
    note(code, &fault);
    main_data_close(&data);
    bool reached = os_fail_disarm();
    if (code != FAULT_NONE && (!reached || token.len > 0))
        fail_msg("%s: %s", sweep_where(), told.text);
    buf_done(&token);
    open_anew();
    int64_t more = house_whole("SELECT count(*) FROM identity_tokens") - before;
    int records = house_recorded("acme", "\"token.created\"") - recorded;
    if (records != more || more > 1 || (code == FAULT_NONE && more != 1))
        fail_msg("%s: %d tokens, %d records", sweep_where(), (int)more, records);
    check_log();
    main_data_close(&data);
    return reached;
}

/* --- hand-offs ------------------------------------------------------------------------------- */

static struct parcel whole;
static struct parcel parted;
static struct str parted_head;
static struct str parted_commit;

static const struct web_route *issuing_route(void)
{
    const struct web_route *route = identity_routes;
    while (strcmp(route->method, "POST") != 0 || strcmp(route->pattern, "/v1/tokens") != 0)
        route++;
    return route;
}

/* One request through its route; the status, 0 for a failure. */
static int request(const char *method, const char *path, struct str body)
{
    struct arena arena;
    struct web_reply reply = {0};
    struct fault fault = {.code = FAULT_NONE};
    arena_init(&arena, 64 << 20);
    buf_init(&reply.body, HOUSE_BODY_MAX);
    struct web_request asked = {
        .method = str_of(method),
        .path = str_of(path),
        .client = STR("192.0.2.7"),
        .body = body,
        .arena = &arena,
    };
    add_header(&asked, "Authorization", buf_str(as));
    const struct web_route *route = as == &broker ? issuing_route() : house_route(&asked);
    enum fault_code code = route->handler(&data.service, &asked, &reply, &fault);
    if (code == FAULT_NONE)
        code = buf_check(&reply.body, "the reply", &fault);
    note(code, &fault);
    assert_true(asked.gated);
    /* What the system refuses is never told as the sender's fault. */
    if (code == FAULT_INPUT || code == FAULT_LIMIT || code == FAULT_NOT_FOUND ||
        code == FAULT_DENIED || code == FAULT_UNSIGNED || code == FAULT_CONFLICT)
        fail_msg("%s: %s", sweep_where(), fault.text);
    if (code == FAULT_NONE && reply.status >= 400)
        fail_msg("%s: status %d", sweep_where(), reply.status);
    int status = reply.status ? reply.status : 200;
    buf_done(&reply.body);
    arena_done(&arena);
    return code == FAULT_NONE ? status : 0;
}

/* Whether a receipt was given. */
static bool hand_off_whole(void)
{
    int status = request("POST", "/v1/handoffs", buf_str(&whole.body));
    return status == 201 || status == 200;
}

static bool hand_off_parted(void)
{
    char path[128];
    int status = request("POST", "/v1/handoffs", parted_head);
    if (status != 202)
        return status == 200;
    struct str first;
    struct str rest = buf_str(&parted.content);
    str_cut(rest, '\n', &first, &rest);
    first.len++;
    struct str parts[] = {first, rest};
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "/v1/handoffs/%s/parts/%d", parted.id, i + 1);
        if (request("PUT", path, parts[i]) != 204)
            return false;
    }
    snprintf(path, sizeof path, "/v1/handoffs/%s/commit", parted.id);
    status = request("POST", path, parted_commit);
    return status == 201 || status == 200;
}

/* How many hand-offs beyond the base there are, each with its record and all of its entities. */
static int64_t count_whole(const char *id)
{
    char sql[256];
    int64_t entities = house_whole("SELECT count(*) FROM graph_entities");
    snprintf(sql, sizeof sql, "\"%s\"", id);
    int64_t rows = house_whole("SELECT count(*) FROM handoffs") - 1;
    int records = house_recorded("acme", "\"handoff.committed\"") - 1;
    if (records != rows || entities != 3 + 3 * rows)
        fail_msg("%s: %d rows, %d entities, %d records", sweep_where(), (int)rows, (int)entities,
                 records);
    return rows;
}

static bool handoff_case(bool (*hand_off)(void), const char *id, enum os_fail_kind kind,
                         enum os_fail_mode mode, long at)
{
    set_stage(false);
    MUST(open_stage());
    os_fail_arm(kind, mode, at);
    bool given = hand_off();
    /* A failed flush is not believed, nor one that comes after it. */
    bool is_failed_flush = kind == OS_FAIL_FLUSH && os_fail_has_refused();
    if (is_failed_flush != store_has_failed_flush() || (is_failed_flush && (given || hand_off())))
        fail_msg("%s: a receipt after a failed flush", sweep_where());
    main_data_close(&data);
    bool reached = os_fail_disarm();
    if (!given && !reached)
        fail_msg("%s: %s", sweep_where(), told.text);
    open_anew();
    int64_t rows = count_whole(id);
    if (rows > 1 || (given && rows != 1))
        fail_msg("%s: receipt %d, rows %d", sweep_where(), given, (int)rows);
    if (!hand_off() || count_whole(id) != 1)
        fail_msg("%s: asked again: %s", sweep_where(), told.text);
    check_log();
    main_data_close(&data);
    return reached;
}

static bool whole_case(enum os_fail_kind kind, enum os_fail_mode mode, long at)
{
    return handoff_case(hand_off_whole, whole.id, kind, mode, at);
}

static bool parted_case(enum os_fail_kind kind, enum os_fail_mode mode, long at)
{
    return handoff_case(hand_off_parted, parted.id, kind, mode, at);
}

/* --- a token for minutes --------------------------------------------------------------------- */

static bool issue_case(enum os_fail_kind kind, enum os_fail_mode mode, long at)
{
    set_stage(false);
    MUST(open_stage());
    os_fail_arm(kind, mode, at);
    as = &broker;
    bool given = request("POST", "/v1/tokens",
                         STR("{\"subject\":\"mara\",\"scope\":\"handoff\",\"search_head\":"
                             "\"sh1\",\"ttl_s\":300}")) == 201;
    as = &bearer;
    bool is_failed_flush = kind == OS_FAIL_FLUSH && os_fail_has_refused();
    main_data_close(&data);
    bool reached = os_fail_disarm();
    if ((!given && !reached) || (given && is_failed_flush))
        fail_msg("%s: %s", sweep_where(), told.text);
    open_anew();
    int64_t tokens = house_whole("SELECT count(*) FROM identity_grants");
    int records = house_recorded("acme", "\"token.issued\"");
    if (tokens != records || tokens > 1 || (given && tokens != 1))
        fail_msg("%s: given %d, %d tokens, %d records", sweep_where(), given, (int)tokens, records);
    check_log();
    main_data_close(&data);
    return reached;
}

/* --- the scene ------------------------------------------------------------------------------- */

/* Three entities of its own, so that a part of them would be seen. */
static void fill(struct parcel *parcel, const char *sid, int net, int parts)
{
    parcel_open(parcel, "acme", sid);
    parcel->manifest.parts = parts;
    for (int host = 1; host <= 3; host++) {
        char address[32];
        snprintf(address, sizeof address, "10.%d.0.%d", net, host);
        parcel_entity(parcel, "ip", address);
    }
    parcel_relation(parcel, "connects-to", 0, 1);
    parcel_relation(parcel, "connects-to", 0, 2);
    parcel_seal(parcel);
    parcel_pack(parcel);
}

static void make_base(void)
{
    struct parcel first;
    sweep_folder(base, sizeof base);
    sweep_folder(stage, sizeof stage);
    MUST(open_stage());
    house.service = data.service;
    buf_init(&bearer, 256);
    house_token("acme", ROLE_ANALYST, &bearer);
    buf_init(&broker, 256);
    house_token("acme", ROLE_BROKER, &broker);
    fill(&first, "1.0", 1, 1);
    parcel_deliver(&first, buf_str(&bearer));
    parcel_done(&first);
    main_data_close(&data);
    sweep_folder_copy(stage, base);
    fill(&whole, "1.1", 2, 1);
    fill(&parted, "1.2", 3, 2);
    struct str body = buf_str(&parted.body);
    size_t head = str_find_byte(body, '\n') + 1;
    parted_head = str_take(body, head);
    parted_commit = str_skip(body, head + parted.content.len);
}

int main(void)
{
    log_level_set(LOG_ERROR);
    os_fail_install();
    make_base();
    sweep_add("start__keeps_nothing_by_halves", start_case, OS_FAIL_KINDS);
    sweep_add("token__is_recorded_or_absent", token_case, OS_FAIL_OPEN);
    sweep_add("token_for_minutes__is_recorded_or_absent", issue_case, OS_FAIL_OPEN);
    sweep_add("handoff__is_whole_or_absent", whole_case, OS_FAIL_OPEN);
    sweep_add("parted_handoff__is_whole_or_absent", parted_case, OS_FAIL_OPEN);
    int failed = sweep_run("faults_service");
    parcel_done(&whole);
    parcel_done(&parted);
    buf_done(&bearer);
    buf_done(&broker);
    sweep_folder_clear(base);
    sweep_folder_clear(stage);
    rmdir(base);
    rmdir(stage);
    return failed;
}
