#include "service/budgets/budgets_refusals.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

#include "libs/core/log.h"
#include "libs/core/os.h"

enum {
    WAITING_MAX = 16384, /* refusals in memory */
    AT_ONCE = 1024,      /* rows of one transaction */
    TOLD_MAX = 1024,     /* budgets whose last record is remembered */
    AUDIT_EVERY_S = 60,
    CALLER_MAX = 160,
    SUBJECT_MAX = 256,
};

struct waiting {
    struct waiting *next;
    char tenant[68];
    char decision[BUDGETS_DECISION_ID_SIZE];
    int64_t at_us;
    const struct usage_meter *meter;
    int64_t quantity;
    struct budgets_view view;
    char caller[CALLER_MAX + 1];
    char subject[SUBJECT_MAX + 1];
};

/* When the audit log last heard of a budget's verdict, and how many came since. */
struct told {
    char tenant[68];
    char budget[BUDGETS_ID_MAX + 1];
    enum budgets_verdict verdict;
    bool shadow;
    int64_t at_us; /* monotonic; 0: never */
    int64_t count; /* not told yet */
    char name[BUDGETS_NAME_MAX * 4 + 1];
    char subject[SUBJECT_MAX + 1]; /* of the last one */
};

struct budgets_refusals {
    struct store_pool *pool;
    struct audit *audit;
    pthread_mutex_t lock;    /* of what waits */
    pthread_mutex_t writing; /* one thread writes at a time; guards `told` */
    struct waiting *first;
    struct waiting **last;
    int count;
    struct told told[TOLD_MAX];
    int told_count;
    int again; /* the first so many were tried before: maybe kept, all of them or none */
    bool ending;
};

enum fault_code budgets_refusals_new(struct store_pool *pool, struct audit *audit,
                                     struct budgets_refusals **out, struct fault *fault)
{
    struct budgets_refusals *refusals = os_alloc(sizeof *refusals);
    if (!refusals)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for refusals");
    refusals->pool = pool;
    refusals->audit = audit;
    refusals->last = &refusals->first;
    int rc = pthread_mutex_init(&refusals->lock, NULL);
    rc |= pthread_mutex_init(&refusals->writing, NULL);
    assert(rc == 0);
    *out = refusals;
    return FAULT_NONE;
}

static void free_list(struct waiting *taken)
{
    while (taken) {
        struct waiting *next = taken->next;
        os_free(taken);
        taken = next;
    }
}

void budgets_refusals_free(struct budgets_refusals *taken)
{
    if (!taken)
        return;
    free_list(taken->first);
    pthread_mutex_destroy(&taken->lock);
    pthread_mutex_destroy(&taken->writing);
    os_free(taken);
}

/* --- gathering ------------------------------------------------------------------------------ */

/* Cut at the end if too long, between characters. */
static void copy_text(struct str text, char *out, size_t room)
{
    size_t len = text.len < room ? text.len : room - 1;
    while (len < text.len && len > 0 && ((unsigned char)text.ptr[len] & 0xc0) == 0x80)
        len--;
    if (len > 0)
        memcpy(out, text.ptr, len);
    out[len] = '\0';
}

enum fault_code budgets_refusals_add(struct budgets_refusals *refusals,
                                     const struct budgets_ask *ask,
                                     const struct budgets_decision *decision,
                                     const struct budgets_view *view, struct fault *fault)
{
    struct waiting *waiting = os_alloc(sizeof *waiting);
    if (!waiting)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left to keep a refusal");
    copy_text(ask->tenant, waiting->tenant, sizeof waiting->tenant);
    budgets_decision_id(decision, waiting->decision);
    waiting->at_us = decision->at_us;
    waiting->meter = ask->meter;
    waiting->quantity = ask->quantity;
    waiting->view = *view;
    copy_text(ask->caller, waiting->caller, sizeof waiting->caller);
    copy_text(ask->subject, waiting->subject, sizeof waiting->subject);
    pthread_mutex_lock(&refusals->lock);
    *refusals->last = waiting;
    refusals->last = &waiting->next;
    bool is_full = ++refusals->count >= WAITING_MAX;
    pthread_mutex_unlock(&refusals->lock);
    return is_full ? budgets_refusals_flush(refusals, fault) : FAULT_NONE;
}

/* --- writing -------------------------------------------------------------------------------- */

static const struct store_column columns[] = {
    {"tenant", STORE_TEXT},        {"id", STORE_TEXT},          {"at_us", STORE_WHOLE},
    {"budget", STORE_TEXT},        {"budget_name", STORE_TEXT}, {"meter", STORE_TEXT},
    {"quantity", STORE_WHOLE},     {"used", STORE_WHOLE},       {"reserved", STORE_WHOLE},
    {"limit_amount", STORE_WHOLE}, {"is_cost", STORE_WHOLE},    {"verdict", STORE_TEXT},
    {"shadow", STORE_WHOLE},       {"caller", STORE_TEXT},      {"subject", STORE_TEXT},
};

enum { COLUMNS = sizeof columns / sizeof columns[0] };

static const struct store_copy copy = {"budgets_decisions", columns, COLUMNS};

static void put_row(const struct waiting *waiting, struct store_cell *cells)
{
    const struct store_cell row[COLUMNS] = {
        {.bytes = str_of(waiting->tenant)},
        {.bytes = str_of(waiting->decision)},
        {.whole = waiting->at_us},
        {.bytes = str_of(waiting->view.id)},
        {.bytes = str_of(waiting->view.name)},
        {.bytes = str_of(waiting->meter->name)},
        {.whole = waiting->quantity},
        {.whole = waiting->view.used},
        {.whole = waiting->view.reserved},
        {.whole = waiting->view.limit},
        {.whole = waiting->view.basis == BUDGETS_COST},
        {.bytes = str_of(budgets_verdict_name(waiting->view.would))},
        {.whole = waiting->view.shadow},
        {.bytes = str_of(waiting->caller)},
        {.bytes = str_of(waiting->subject)},
    };
    memcpy(cells, row, sizeof row);
}

struct writing {
    struct budgets_refusals *refusals;
    const struct waiting *first;
    int count;
    struct store_cell *cells;
    bool due[TOLD_MAX];
};

static enum fault_code append_record(struct budgets_refusals *refusals, struct store *store,
                                     const struct told *told, struct fault *fault)
{
    const struct audit_count count = {"decisions", told->count};
    struct buf reason;
    struct buf checkpoint;
    int64_t index;
    buf_init(&reason, 512);
    buf_init(&checkpoint, (size_t)64 * 1024);
    buf_addf(&reason, "%s by budget %s", budgets_verdict_name(told->verdict), told->budget);
    const struct audit_record record = {
        .action = told->shadow ? "budget.would_refuse" : "budget.refused",
        .result = told->shadow ? "success" : "failure",
        .tenant = str_of(told->tenant),
        .subject = str_of(told->subject),
        .reason = buf_str(&reason),
        .counts = &count,
        .count_count = 1,
    };
    enum fault_code code =
        audit_append(refusals->audit, store, &record, &index, &checkpoint, fault);
    /* A conflict in the log is none of the rows, which wait then. */
    if (code == FAULT_CONFLICT)
        code = fault->code = FAULT_IO;
    buf_done(&checkpoint);
    buf_done(&reason);
    return code;
}

static enum fault_code write_in(struct store *store, void *context, struct fault *fault)
{
    struct writing *writing = context;
    struct budgets_refusals *refusals = writing->refusals;
    int row = 0;
    for (const struct waiting *waiting = writing->first; waiting; waiting = waiting->next)
        put_row(waiting, writing->cells + (size_t)COLUMNS * (size_t)row++);
    assert(row == writing->count);
    enum fault_code code = FAULT_NONE;
    if (row > 0)
        code = store_copy(store, &copy, writing->cells, (size_t)row, fault);
    for (int i = 0; i < refusals->told_count && code == FAULT_NONE; i++)
        if (writing->due[i])
            code = append_record(refusals, store, &refusals->told[i], fault);
    return code;
}

static struct told *find_told(struct budgets_refusals *refusals, const struct waiting *waiting)
{
    struct told *oldest = NULL;
    for (int i = 0; i < refusals->told_count; i++) {
        struct told *told = &refusals->told[i];
        if (told->verdict == waiting->view.would && told->shadow == waiting->view.shadow &&
            strcmp(told->budget, waiting->view.id) == 0 &&
            strcmp(told->tenant, waiting->tenant) == 0)
            return told;
        if (told->count == 0 && (!oldest || told->at_us < oldest->at_us))
            oldest = told;
    }
    if (refusals->told_count < TOLD_MAX)
        oldest = &refusals->told[refusals->told_count++];
    if (!oldest)
        return NULL; /* all wait for their minute: this one is in the table alone */
    *oldest = (struct told){.verdict = waiting->view.would, .shadow = waiting->view.shadow};
    memcpy(oldest->tenant, waiting->tenant, sizeof oldest->tenant);
    memcpy(oldest->budget, waiting->view.id, sizeof oldest->budget);
    return oldest;
}

static void count_told(struct budgets_refusals *refusals, const struct waiting *first)
{
    for (const struct waiting *waiting = first; waiting; waiting = waiting->next) {
        struct told *told = find_told(refusals, waiting);
        if (!told)
            continue;
        told->count++;
        memcpy(told->subject, waiting->subject, sizeof told->subject);
        memcpy(told->name, waiting->view.name, sizeof told->name);
    }
}

/* What waits, at most AT_ONCE, oldest first. What was tried before is tried by itself: a row that
 * was kept refuses all that come with it. */
static struct waiting *take_some(struct budgets_refusals *refusals, int *out_count)
{
    int most = refusals->again > 0 ? refusals->again : AT_ONCE;
    pthread_mutex_lock(&refusals->lock);
    struct waiting *first = refusals->first;
    struct waiting **link = &refusals->first;
    int count = 0;
    for (; *link && count < most; count++)
        link = &(*link)->next;
    refusals->first = *link;
    *link = NULL;
    if (!refusals->first)
        refusals->last = &refusals->first;
    refusals->count -= count;
    pthread_mutex_unlock(&refusals->lock);
    *out_count = count;
    return count > 0 ? first : NULL;
}

static void put_back(struct budgets_refusals *refusals, struct waiting *first, int count)
{
    if (!first)
        return;
    struct waiting *end = first;
    while (end->next)
        end = end->next;
    pthread_mutex_lock(&refusals->lock);
    end->next = refusals->first;
    if (!refusals->first)
        refusals->last = &end->next;
    refusals->first = first;
    refusals->count += count;
    pthread_mutex_unlock(&refusals->lock);
    refusals->again = count;
}

static bool find_due(struct writing *writing)
{
    bool any = false;
    int64_t now_us = os_monotonic_us();
    for (int i = 0; i < writing->refusals->told_count; i++) {
        const struct told *told = &writing->refusals->told[i];
        writing->due[i] =
            told->count > 0 && (writing->refusals->ending || told->at_us == 0 ||
                                now_us - told->at_us >= AUDIT_EVERY_S * INT64_C(1000000));
        any = any || writing->due[i];
    }
    return any;
}

/* With `writing` held. */
static enum fault_code write_some(struct budgets_refusals *refusals, int *out_count,
                                  struct fault *fault)
{
    struct writing writing = {.refusals = refusals};
    struct waiting *first = take_some(refusals, &writing.count);
    writing.first = first;
    *out_count = writing.count;
    enum fault_code code = FAULT_NONE;
    writing.cells = writing.count > 0
                        ? os_alloc((size_t)writing.count * COLUMNS * sizeof *writing.cells)
                        : NULL;
    if (writing.count > 0 && !writing.cells) {
        put_back(refusals, first, writing.count);
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left to write refusals");
    }
    count_told(refusals, first);
    if (find_due(&writing) || writing.count > 0)
        code = store_pool_write(refusals->pool, write_in, &writing, fault);
    os_free(writing.cells);
    if (code != FAULT_NONE && code != FAULT_CONFLICT) {
        for (struct waiting *waiting = first; waiting; waiting = waiting->next) {
            struct told *told = find_told(refusals, waiting);
            if (told && told->count > 0)
                told->count--;
        }
        put_back(refusals, first, writing.count);
        return code;
    }
    /* A conflict: an earlier try, whose outcome was not known, has kept them and their record. */
    refusals->again = 0;
    for (int i = 0; i < refusals->told_count; i++)
        if (writing.due[i]) {
            refusals->told[i].count = 0;
            refusals->told[i].at_us = os_monotonic_us();
        }
    free_list(first);
    return FAULT_NONE;
}

/* As much as there may be; who adds faster than is written holds up nobody's house. */
static enum fault_code write_all(struct budgets_refusals *refusals, struct fault *fault)
{
    int count = 1;
    enum fault_code code = FAULT_NONE;
    for (int i = 0; i <= WAITING_MAX / AT_ONCE && count > 0 && code == FAULT_NONE; i++)
        code = write_some(refusals, &count, fault);
    return code;
}

enum fault_code budgets_refusals_flush(struct budgets_refusals *refusals, struct fault *fault)
{
    pthread_mutex_lock(&refusals->writing);
    enum fault_code code = write_all(refusals, fault);
    pthread_mutex_unlock(&refusals->writing);
    return code;
}

enum fault_code budgets_refusals_end(struct budgets_refusals *refusals, struct fault *fault)
{
    pthread_mutex_lock(&refusals->writing);
    refusals->ending = true;
    enum fault_code code = write_all(refusals, fault);
    pthread_mutex_unlock(&refusals->writing);
    return code;
}

/* --- reading -------------------------------------------------------------------------------- */

static enum fault_code read_refusal(struct store_row *row, void *out, struct fault *fault)
{
    struct statement *query = row->query;
    (void)fault;
    *(struct budgets_refusal *)out = (struct budgets_refusal){
        .id = store_row_text(row, 0),
        .budget = store_row_text(row, 1),
        .budget_name = store_row_text(row, 2),
        .meter = store_row_text(row, 3),
        .verdict = store_row_text(row, 4),
        .caller = store_row_text(row, 5),
        .subject = store_row_text(row, 6),
        .at_us = store_whole(query, 7),
        .quantity = store_whole(query, 8),
        .used = store_whole(query, 9),
        .reserved = store_whole(query, 10),
        .limit = store_whole(query, 11),
        .is_cost = store_whole(query, 12) != 0,
        .shadow = store_whole(query, 13) != 0,
    };
    return FAULT_NONE;
}

enum fault_code budgets_refusals_list(struct store *store, struct str tenant,
                                      const struct budgets_refusal_filter *filter,
                                      struct arena *arena, struct store_list *out,
                                      struct fault *fault)
{
    static const char sql[] =
        "SELECT id, budget, budget_name, meter, verdict, caller, subject, at_us, quantity, used,"
        " reserved, limit_amount, is_cost, shadow FROM budgets_decisions"
        " WHERE tenant = $1 AND ($2 = '' OR id < $2) AND ($3 = '' OR budget = $3)"
        " AND ($4 = '' OR verdict = $4) ORDER BY id DESC, budget LIMIT $5";
    struct statement *query;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    store_bind_text(query, 2, filter->before);
    store_bind_text(query, 3, filter->budget);
    store_bind_text(query, 4, filter->verdict);
    store_bind_whole(query, 5, filter->limit);
    return store_list(query, arena, sizeof(struct budgets_refusal), read_refusal, out, fault);
}

enum fault_code budgets_allowed_add(struct store *store, struct str tenant, int64_t day_us,
                                    int64_t count, struct fault *fault)
{
    static const char sql[] =
        "INSERT INTO budgets_allowed (tenant, day_us, decisions) VALUES ($1, $2, $3)"
        " ON CONFLICT (tenant, day_us)"
        " DO UPDATE SET decisions = budgets_allowed.decisions + excluded.decisions";
    struct statement *upsert;
    enum fault_code code = store_prepare(store, sql, &upsert, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(upsert, 1, tenant);
    store_bind_whole(upsert, 2, day_us);
    store_bind_whole(upsert, 3, count);
    return store_run(upsert, fault);
}

enum fault_code budgets_allowed_read(struct store *store, struct str tenant, int64_t day_us,
                                     int64_t *out, struct fault *fault)
{
    static const char sql[] = "SELECT CAST(COALESCE(SUM(decisions), 0) AS BIGINT)"
                              " FROM budgets_allowed WHERE tenant = $1 AND day_us = $2";
    struct statement *select;
    enum fault_code code = store_prepare(store, sql, &select, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(select, 1, tenant);
    store_bind_whole(select, 2, day_us);
    return store_read_whole(select, out, fault);
}
