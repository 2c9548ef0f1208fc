#include "libs/http/resolve.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "libs/core/os.h"

/* One question, held by who asks and by the thread that waits for the resolver. getaddrinfo cannot
 * be broken off: who has waited long enough leaves, and the thread gives the memory back when the
 * resolver comes to an end, or the program ends before. */
struct question {
    pthread_mutex_t lock;
    pthread_cond_t done;
    resolve_lookup *lookup;
    int holders;
    bool answered;
    int result; /* of getaddrinfo */
    struct http_addresses addresses;
    char host[256];
};

static void let_go(struct question *taken)
{
    pthread_mutex_lock(&taken->lock);
    bool last = --taken->holders == 0;
    pthread_mutex_unlock(&taken->lock);
    if (!last)
        return;
    pthread_cond_destroy(&taken->done);
    pthread_mutex_destroy(&taken->lock);
    os_free(taken);
}

static void add_address(struct http_addresses *out, const struct addrinfo *info)
{
    char text[HTTP_ADDRESS_BYTES];
    if (out->count == HTTP_ADDRESSES_MAX || getnameinfo(info->ai_addr, info->ai_addrlen, text,
                                                        sizeof text, NULL, 0, NI_NUMERICHOST) != 0)
        return;
    for (size_t i = 0; i < out->count; i++)
        if (strcmp(out->list[i], text) == 0)
            return;
    memcpy(out->list[out->count++], text, sizeof text);
}

int resolve_by_system(const char *host, struct http_addresses *out)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    int result = getaddrinfo(host, NULL, &hints, &list);
    if (result != 0)
        return result;
    for (const struct addrinfo *at = list; at; at = at->ai_next)
        add_address(out, at);
    freeaddrinfo(list);
    return 0;
}

static void *ask(void *context)
{
    struct question *question = context;
    struct http_addresses addresses = {.count = 0};
    int result = question->lookup(question->host, &addresses);
    pthread_mutex_lock(&question->lock);
    question->result = result;
    question->addresses = addresses;
    question->answered = true;
    pthread_cond_signal(&question->done);
    pthread_mutex_unlock(&question->lock);
    let_go(question);
    return NULL;
}

static bool start(struct question *question)
{
    pthread_t thread;
    pthread_attr_t detached;
    assert(question);
    question->holders = 2;
    bool ok = pthread_attr_init(&detached) == 0;
    if (!ok)
        return false;
    ok = pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED) == 0 &&
         pthread_create(&thread, &detached, ask, question) == 0;
    pthread_attr_destroy(&detached);
    return ok;
}

/* False when there was no answer in time. */
static bool wait_for(struct question *question, int timeout_ms)
{
    int64_t until_us = os_monotonic_us() + (int64_t)timeout_ms * 1000;
    struct timespec until = {until_us / 1000000, until_us % 1000000 * 1000};
    int rc = 0;
    pthread_mutex_lock(&question->lock);
    while (!question->answered && rc == 0)
        rc = pthread_cond_timedwait(&question->done, &question->lock, &until);
    bool answered = question->answered;
    pthread_mutex_unlock(&question->lock);
    return answered;
}

static enum fault_code new_question(struct str host, resolve_lookup *lookup, struct question **out,
                                    struct fault *fault)
{
    pthread_condattr_t by_monotonic;
    struct question *question = os_alloc(sizeof *question);
    if (!question)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left to look up a name");
    question->lookup = lookup;
    if (!str_to_c(host, question->host, sizeof question->host) || host.len == 0) {
        os_free(question);
        return fault_set(fault, FAULT_NOT_FOUND, "a host's name has 1 to 255 characters");
    }
    pthread_mutex_init(&question->lock, NULL);
    pthread_condattr_init(&by_monotonic);
    pthread_condattr_setclock(&by_monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&question->done, &by_monotonic);
    pthread_condattr_destroy(&by_monotonic);
    *out = question;
    return FAULT_NONE;
}

static enum fault_code judge(const struct question *question, int timeout_ms, bool answered,
                             struct http_addresses *out, struct fault *fault)
{
    if (!answered)
        return fault_set(fault, FAULT_UNAVAILABLE,
                         "the resolver gave no answer about %s within %d ms", question->host,
                         timeout_ms);
    bool unknown = question->result == EAI_NONAME ||
#ifdef EAI_NODATA
                   question->result == EAI_NODATA ||
#endif
                   (question->result == 0 && question->addresses.count == 0);
    if (unknown)
        return fault_set(fault, FAULT_NOT_FOUND, "there is no host of the name %s", question->host);
    if (question->result != 0)
        return fault_set(fault, FAULT_UNAVAILABLE, "the resolver failed for %s: %s", question->host,
                         gai_strerror(question->result));
    *out = question->addresses;
    return FAULT_NONE;
}

enum fault_code resolve_with(resolve_lookup *lookup, struct str host, int timeout_ms,
                             struct http_addresses *out, struct fault *fault)
{
    struct question *question = NULL;
    enum fault_code code = new_question(host, lookup, &question, fault);
    if (code != FAULT_NONE)
        return code;
    if (!start(question)) {
        question->holders = 1; /* there is no thread */
        let_go(question);
        return fault_set(fault, FAULT_UNAVAILABLE, "no thread to look up a name with");
    }
    bool answered = wait_for(question, timeout_ms);
    pthread_mutex_lock(&question->lock);
    code = judge(question, timeout_ms, answered, out, fault);
    pthread_mutex_unlock(&question->lock);
    let_go(question);
    return code;
}

enum fault_code http_resolve(struct str host, int timeout_ms, struct http_addresses *out,
                             struct fault *fault)
{
    return resolve_with(resolve_by_system, host, timeout_ms, out, fault);
}
