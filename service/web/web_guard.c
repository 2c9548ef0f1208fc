#include "service/web/web_guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "libs/core/os.h"

enum { LOOK_EVERY_MS = 100 };

struct web_guarded {
    struct web_guarded *before;
    struct web_guarded *after;
    int fd;
    _Atomic int64_t deadline_us;
    atomic_bool cut;
    char client[WEB_ADDRESS_MAX];
};

struct web_guard {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    bool ending;
    int per_address;
    struct web_guarded *first;
    atomic_uint_fast64_t refused;
    atomic_uint_fast64_t cuts;
};

static void address_text(const struct sockaddr *address, char out[WEB_ADDRESS_MAX])
{
    out[0] = '\0';
    if (address->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr, out,
                  WEB_ADDRESS_MAX);
    else if (address->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, out,
                  WEB_ADDRESS_MAX);
}

/* With the lock held, the socket cannot be closed and its number reused under our hands. */
static void cut_overdue(struct web_guard *guard, int64_t now_us)
{
    for (struct web_guarded *each = guard->first; each; each = each->after) {
        int64_t deadline_us = atomic_load(&each->deadline_us);
        if (deadline_us == 0 || deadline_us > now_us)
            continue;
        atomic_store(&each->deadline_us, 0);
        atomic_store(&each->cut, true);
        atomic_fetch_add(&guard->cuts, 1);
        shutdown(each->fd, SHUT_RDWR); /* the library sees the end and closes it */
    }
}

static void *watch(void *context)
{
    struct web_guard *guard = context;
    pthread_mutex_lock(&guard->lock);
    while (!guard->ending) {
        int64_t until_us = os_now_us() + INT64_C(1000) * LOOK_EVERY_MS;
        struct timespec until = {.tv_sec = until_us / 1000000,
                                 .tv_nsec = until_us % 1000000 * 1000};
        pthread_cond_timedwait(&guard->wake, &guard->lock, &until);
        cut_overdue(guard, os_monotonic_us());
    }
    pthread_mutex_unlock(&guard->lock);
    return NULL;
}

enum fault_code web_guard_new(int per_address, struct web_guard **out, struct fault *fault)
{
    struct web_guard *guard = os_alloc(sizeof *guard);
    if (!guard)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left to watch connections");
    guard->per_address = per_address;
    pthread_mutex_init(&guard->lock, NULL);
    pthread_cond_init(&guard->wake, NULL);
    int error = pthread_create(&guard->thread, NULL, watch, guard);
    if (error != 0) {
        os_free(guard);
        return fault_errno(fault, error, "cannot start the thread that watches connections");
    }
    *out = guard;
    return FAULT_NONE;
}

void web_guard_free(struct web_guard *taken)
{
    if (!taken)
        return;
    pthread_mutex_lock(&taken->lock);
    taken->ending = true;
    pthread_cond_signal(&taken->wake);
    pthread_mutex_unlock(&taken->lock);
    pthread_join(taken->thread, NULL);
    while (taken->first)
        web_guard_drop(taken, taken->first);
    pthread_cond_destroy(&taken->wake);
    pthread_mutex_destroy(&taken->lock);
    os_free(taken);
}

bool web_guard_admits(struct web_guard *guard, const struct sockaddr *address)
{
    char client[WEB_ADDRESS_MAX];
    address_text(address, client);
    int held = 0;
    pthread_mutex_lock(&guard->lock);
    for (const struct web_guarded *each = guard->first; each; each = each->after)
        held += strcmp(each->client, client) == 0;
    pthread_mutex_unlock(&guard->lock);
    if (held < guard->per_address)
        return true;
    atomic_fetch_add(&guard->refused, 1);
    return false;
}

struct web_guarded *web_guard_add(struct web_guard *guard, int fd, const struct sockaddr *address,
                                  int64_t deadline_us)
{
    struct web_guarded *guarded = os_alloc(sizeof *guarded);
    if (!guarded)
        return NULL;
    guarded->fd = fd;
    atomic_init(&guarded->deadline_us, deadline_us);
    address_text(address, guarded->client);
    pthread_mutex_lock(&guard->lock);
    guarded->after = guard->first;
    if (guard->first)
        guard->first->before = guarded;
    guard->first = guarded;
    pthread_mutex_unlock(&guard->lock);
    return guarded;
}

void web_guard_drop(struct web_guard *guard, struct web_guarded *taken)
{
    if (!taken)
        return;
    pthread_mutex_lock(&guard->lock);
    if (taken->before)
        taken->before->after = taken->after;
    else
        guard->first = taken->after;
    if (taken->after)
        taken->after->before = taken->before;
    pthread_mutex_unlock(&guard->lock);
    os_free(taken);
}

void web_guarded_deadline(struct web_guarded *guarded, int64_t deadline_us)
{
    atomic_store(&guarded->deadline_us, deadline_us);
}

struct str web_guarded_client(const struct web_guarded *guarded)
{
    return str_of(guarded->client);
}

bool web_guarded_cut(const struct web_guarded *guarded)
{
    return atomic_load(&guarded->cut);
}

uint64_t web_guard_refused(const struct web_guard *guard)
{
    return atomic_load(&guard->refused);
}

uint64_t web_guard_cuts(const struct web_guard *guard)
{
    return atomic_load(&guard->cuts);
}
