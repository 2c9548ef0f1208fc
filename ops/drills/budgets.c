/* ./dev drill budgets: 64 clients at two processes on one store, one budget, round after round.
 *
 *     budgets ROUNDS FOLDER            the drill: TAP, then a line of figures
 *     budgets FOLDER ROUND WHICH       one of its processes
 *
 * What the clients were let do is counted in memory that all processes share: up after a
 * reservation was given, down before one is released or settled with less. So it is never more than
 * what is really used and reserved at any moment, and being over the limit once is an overshoot. A
 * part of the reservations is settled in the other process; every fifth round one process is killed
 * in the middle. In the end the store must say the same as the clients, and what is left must be
 * had. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libs/core/os.h"
#include "libs/store/tests/place.h"
#include "service/budgets/budgets.h"
#include "service/budgets/budgets_slices.h"
#include "service/budgets/budgets_store.h"
#include "service/budgets/budgets_used.h"
#include "service/migrations/migrations.h"
#include "service/prices/prices.h"

enum {
    CLIENTS = 32, /* of each process */
    PROCESSES = 2,
    GIVE_UP = 3,     /* refusals in a row after which a client has had enough */
    RESERVE_MAX = 5, /* tokens at once */
    MAILS = 64,      /* reservations on their way to the other process */
    STORES = 12,     /* connections of a process */
    KILL_EVERY = 5,
    EARLY_MS = 40, /* a kill comes within that */
};

enum mail_state { MAIL_EMPTY, MAIL_WRITING, MAIL_READY };

struct mail {
    _Atomic int state;
    struct budgets_reservation reservation;
    int64_t quantity;
};

/* What all processes see. */
struct shared {
    _Atomic int ready;
    _Atomic bool go;
    _Atomic int64_t granted; /* used or reserved, as the clients know */
    _Atomic int64_t most;    /* it ever was */
    _Atomic int64_t decisions;
    int64_t limit;
    char place[PLACE_MAX]; /* of the store */
    struct mail mails[PROCESSES][MAILS];
};

static struct shared *shared;
static struct budgets *engine;
static char tenant[32];
static int self;

static void must(enum fault_code code, const struct fault *fault)
{
    if (code == FAULT_NONE)
        return;
    fprintf(stderr, "drill: %s\n", fault->text);
    exit(1);
}

static void map_shared(const char *folder, bool make)
{
    char path[256];
    snprintf(path, sizeof path, "%s/shared", folder);
    int fd = open(path, O_RDWR | (make ? O_CREAT | O_TRUNC : 0), 0600);
    if (fd < 0 || (make && ftruncate(fd, sizeof *shared) != 0)) {
        perror(path);
        exit(1);
    }
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (shared == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
}

static struct store_pool *open_pool(void)
{
    struct store_pool *pool;
    struct fault fault;
    must(store_pool_new(shared->place, STORES, service_migrations, service_migration_count, &pool,
                        &fault),
         &fault);
    return pool;
}

static const struct usage_meter *meter(void)
{
    return usage_meter_find(STR("inference.tokens"));
}

/* --- a process ------------------------------------------------------------------------------ */

static void grant(int64_t quantity)
{
    int64_t now = atomic_fetch_add(&shared->granted, quantity) + quantity;
    int64_t most = atomic_load(&shared->most);
    while (now > most && !atomic_compare_exchange_weak(&shared->most, &most, now))
        ;
}

static void settle(const struct budgets_reservation *reservation, int64_t quantity, int64_t used)
{
    struct fault fault;
    enum budgets_end end;
    atomic_fetch_sub(&shared->granted, quantity - used);
    enum fault_code code;
    do /* a busy store says: send the same again */
        code = budgets_settle(engine, str_of(tenant), reservation, used, &end, &fault);
    while (code == FAULT_UNAVAILABLE);
    must(code, &fault);
}

static bool post(const struct budgets_reservation *reservation, int64_t quantity)
{
    for (int i = 0; i < MAILS; i++) {
        struct mail *mail = &shared->mails[!self][i];
        int empty = MAIL_EMPTY;
        if (!atomic_compare_exchange_strong(&mail->state, &empty, MAIL_WRITING))
            continue;
        mail->reservation = *reservation;
        mail->quantity = quantity;
        atomic_store(&mail->state, MAIL_READY);
        return true;
    }
    return false;
}

static void take_mail(unsigned *seed)
{
    for (int i = 0; i < MAILS; i++) {
        struct mail *mail = &shared->mails[self][i];
        int ready = MAIL_READY;
        if (!atomic_compare_exchange_strong(&mail->state, &ready, MAIL_WRITING))
            continue;
        struct budgets_reservation reservation = mail->reservation;
        int64_t quantity = mail->quantity;
        reservation.meter = meter(); /* another program's address */
        atomic_store(&mail->state, MAIL_EMPTY);
        settle(&reservation, quantity, rand_r(seed) % (quantity + 1));
        return;
    }
}

static void end_somehow(const struct budgets_reservation *reservation, int64_t quantity,
                        unsigned *seed)
{
    struct fault fault;
    enum budgets_end end;
    switch (rand_r(seed) % 5) {
    case 0: /* nobody ever ends it */
        return;
    case 1:
        atomic_fetch_sub(&shared->granted, quantity);
        while (budgets_release(engine, str_of(tenant), reservation, &end, &fault) ==
               FAULT_UNAVAILABLE)
            ;
        return;
    case 2:
        if (post(reservation, quantity))
            return;
        settle(reservation, quantity, quantity);
        return;
    default:
        settle(reservation, quantity, rand_r(seed) % (quantity + 1));
    }
}

static void *client(void *context)
{
    unsigned seed = (unsigned)(uintptr_t)context;
    int refused = 0;
    while (!atomic_load(&shared->go))
        sched_yield();
    while (refused < GIVE_UP) {
        struct fault fault;
        struct budgets_decision decision = {0};
        const struct budgets_ask ask = {
            .tenant = str_of(tenant),
            .meter = meter(),
            .quantity = 1 + rand_r(&seed) % RESERVE_MAX,
            .reserve = true,
            .ttl_s = 60,
        };
        enum fault_code code = budgets_decide(engine, &ask, &decision, &fault);
        atomic_fetch_add(&shared->decisions, 1);
        if (code == FAULT_UNAVAILABLE)
            continue; /* many want the last of it; nothing was allowed */
        must(code, &fault);
        refused = decision.verdict == BUDGETS_ALLOWED ? 0 : refused + 1;
        if (decision.verdict == BUDGETS_ALLOWED) {
            grant(ask.quantity);
            end_somehow(&decision.reservation, ask.quantity, &seed);
        }
        take_mail(&seed);
    }
    return NULL;
}

static int run_process(const char *folder, int round, int which)
{
    struct fault fault;
    struct audit *audit;
    struct store *store;
    pthread_t threads[CLIENTS];
    self = which;
    map_shared(folder, false);
    snprintf(tenant, sizeof tenant, "round-%d", round);
    struct store_pool *pool = open_pool();
    must(store_pool_take(pool, &store, &fault), &fault);
    must(audit_open(folder, store, &audit, &fault), &fault);
    store_pool_give(pool, store);
    must(budgets_new(pool, audit, &engine, &fault), &fault);
    must(budgets_start(engine, &fault), &fault);
    for (int i = 0; i < CLIENTS; i++)
        if (pthread_create(&threads[i], NULL, client,
                           (void *)(uintptr_t)(unsigned)(round * 1000 + which * 100 + i + 1)) != 0)
            exit(1);
    atomic_fetch_add(&shared->ready, 1);
    for (int i = 0; i < CLIENTS; i++)
        pthread_join(threads[i], NULL);
    budgets_free(engine);
    audit_close(audit);
    store_pool_free(pool);
    return 0;
}

/* --- the drill ------------------------------------------------------------------------------ */

static pid_t start(const char *program, const char *folder, int round, int which)
{
    char text[2][16];
    snprintf(text[0], sizeof text[0], "%d", round);
    snprintf(text[1], sizeof text[1], "%d", which);
    pid_t child = fork();
    if (child == 0) {
        execl(program, program, folder, text[0], text[1], (char *)NULL);
        _exit(127);
    }
    return child;
}

struct made {
    struct budgets_row row;
    const char *tenant;
};

static enum fault_code make_in(struct store *store, void *context, struct fault *fault)
{
    struct made *made = context;
    enum fault_code code = budgets_store_insert(store, str_of(made->tenant), &made->row, fault);
    return code == FAULT_NONE ? prices_generation_raise(store, str_of(made->tenant), fault) : code;
}

static void make_budget(struct store_pool *pool, int64_t limit)
{
    struct fault fault;
    struct made made = {
        .tenant = tenant,
        .row = {.id = STR("bdg_0000000000000000000001"),
                .version = 1,
                .definition = {.name = STR("Tokens"),
                               .meters = {meter()},
                               .meter_count = 1,
                               .limit = limit,
                               .period = ZONE_MONTH,
                               .mode = BUDGETS_BLOCK,
                               .default_estimate = 1,
                               .contact = STR("finance@corp.example")},
                .created_by = STR("drill"),
                .updated_by = STR("drill")},
    };
    must(store_pool_write(pool, make_in, &made, &fault), &fault);
}

/* What the store says: used by the events, and held by anybody. */
static void read_store(struct store_pool *pool, int64_t *out_used, int64_t *out_held)
{
    static const char used[] = "SELECT CAST(COALESCE(SUM(low), 0) AS BIGINT) FROM usage_days"
                               " WHERE tenant = $1";
    static const char held[] = "SELECT CAST(COALESCE(SUM(held), 0) AS BIGINT) FROM budgets_slices"
                               " WHERE tenant = $1";
    struct fault fault;
    struct store *store;
    struct statement *select;
    must(store_pool_take(pool, &store, &fault), &fault);
    must(store_prepare(store, used, &select, &fault), &fault);
    store_bind_text(select, 1, str_of(tenant));
    must(store_read_whole(select, out_used, &fault), &fault);
    must(store_prepare(store, held, &select, &fault), &fault);
    store_bind_text(select, 1, str_of(tenant));
    must(store_read_whole(select, out_held, &fault), &fault);
    store_pool_give(pool, store);
}

/* A process ends by itself with 0, or by the kill that was sent to it; anything else is told. */
static bool ended_well(int round, int which, int status, bool killed)
{
    if (status == 0 || (killed && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL))
        return true;
    if (WIFSIGNALED(status))
        printf("# round %d: process %d ended by signal %d\n", round, which, WTERMSIG(status));
    else
        printf("# round %d: process %d ended with %d\n", round, which, WEXITSTATUS(status));
    fflush(stdout);
    return false;
}

static bool wait_all(const pid_t *children, int round, bool killed)
{
    bool good = true;
    for (int i = 0; i < PROCESSES; i++) {
        int status = 0;
        while (waitpid(children[i], &status, 0) < 0 && errno == EINTR)
            ;
        good = ended_well(round, i, status, killed && i == 1) && good;
    }
    return good;
}

struct totals {
    int64_t decisions;
    int64_t overshoot; /* the most over a limit, of all rounds */
    int64_t unlike;    /* rounds in which the store has less than the clients were let do */
    int64_t failed;
    int64_t killed;
};

static void run_round(const char *program, const char *folder, struct store_pool *pool, int round,
                      struct totals *totals)
{
    pid_t children[PROCESSES];
    unsigned seed = (unsigned)round;
    int64_t used;
    int64_t held;
    bool kill_one = round % KILL_EVERY == 0;
    memset(shared->mails, 0, sizeof shared->mails);
    atomic_store(&shared->ready, 0);
    atomic_store(&shared->go, false);
    atomic_store(&shared->granted, 0);
    atomic_store(&shared->most, 0);
    atomic_store(&shared->decisions, 0);
    shared->limit = 20 + rand_r(&seed) % 1000;
    snprintf(tenant, sizeof tenant, "round-%d", round);
    make_budget(pool, shared->limit);
    for (int i = 0; i < PROCESSES; i++)
        children[i] = start(program, folder, round, i);
    for (int i = 0; i < 20000 && atomic_load(&shared->ready) < PROCESSES; i++)
        usleep(1000);
    atomic_store(&shared->go, true);
    if (kill_one) {
        usleep((unsigned)rand_r(&seed) % (EARLY_MS * 1000));
        kill(children[1], SIGKILL);
    }
    totals->failed += !wait_all(children, round, kill_one);
    totals->killed += kill_one;
    totals->decisions += atomic_load(&shared->decisions);
    read_store(pool, &used, &held);
    int64_t most = atomic_load(&shared->most);
    int64_t over = (most > used ? most : used) - shared->limit;
    if (over > totals->overshoot)
        totals->overshoot = over;
    if (over > 0)
        printf("# round %d: limit %" PRId64 ", clients had %" PRId64 " at most, used %" PRId64 "\n",
               round, shared->limit, most, used);
    /* What is used and held covers what the clients have, to the token but for what the last
     * process settled of one that was gone: that is held and used until the dead one is buried. A
     * killed process may have settled what it had not counted yet. */
    int64_t granted = atomic_load(&shared->granted);
    if (!kill_one && used + held < granted) {
        totals->unlike++;
        printf("# round %d: limit %" PRId64 ", clients %" PRId64 ", used %" PRId64 ", held %" PRId64
               "\n",
               round, shared->limit, granted, used, held);
    }
}

static int run_drill(const char *program, int rounds, const char *folder)
{
    struct totals totals = {0};
    char path[256];
    map_shared(folder, true);
    snprintf(path, sizeof path, "%s/drill.db", folder);
    place_make(path, shared->place);
    struct store_pool *pool = open_pool();
    struct fault fault;
    struct audit *audit;
    struct store *store;
    must(store_pool_take(pool, &store, &fault), &fault);
    must(audit_open(folder, store, &audit, &fault), &fault); /* one key for all */
    store_pool_give(pool, store);
    audit_close(audit);
    for (int round = 1; round <= rounds; round++)
        run_round(program, folder, pool, round, &totals);
    store_pool_free(pool);
    printf("%sok 1 - budgets: %d clients at %d processes never overshoot\n",
           totals.overshoot > 0 ? "not " : "", CLIENTS * PROCESSES, PROCESSES);
    printf("%sok 2 - budgets: what the store has covers what the clients were let do\n",
           totals.unlike > 0 ? "not " : "");
    printf("%sok 3 - budgets: no process failed\n", totals.failed > 0 ? "not " : "");
    printf("1..3\n# budgets: %d rounds, %" PRId64 " with a kill, %" PRId64
           " decisions, overshoot %" PRId64 "\n",
           rounds, totals.killed, totals.decisions, totals.overshoot > 0 ? totals.overshoot : 0);
    return totals.overshoot > 0 || totals.unlike > 0 || totals.failed > 0;
}

int main(int argc, char **argv)
{
    if (argc == 4)
        return run_process(argv[1], atoi(argv[2]), atoi(argv[3]));
    if (argc == 3 && atoi(argv[1]) > 0)
        return run_drill(argv[0], atoi(argv[1]), argv[2]);
    fprintf(stderr, "usage: budgets ROUNDS FOLDER\n");
    return 2;
}
