/* One request and its reply on a connection of the HTTP library: from the request line to the last
 * byte sent. The library's threads read, write and run what is quick; what may wait is run by a
 * worker, while the connection is suspended. One thread at a time has an exchange. */
#ifndef IG_WEB_WEB_EXCHANGE_H
#define IG_WEB_WEB_EXCHANGE_H

#include <microhttpd.h>
#include <stdatomic.h>

#include "service/web/web.h"
#include "service/web/web_guard.h"
#include "service/web/web_sli.h"
#include "service/web/web_workers.h"

/* What all exchanges of a server share. */
struct web_shared {
    const struct web_route *const *tables;
    size_t table_count;
    void *service;
    web_admission *admit; /* NULL: everybody */
    int64_t request_timeout_us;
    struct web_guard *guard;
    struct web_workers *workers;
    atomic_bool stopping;           /* replies say Connection: close */
    atomic_int under_way;           /* exchanges whose reply is not out yet */
    atomic_uint_fast64_t body_held; /* bytes of bodies in memory, all requests together */
    atomic_uint_fast64_t requests;
    atomic_uint_fast64_t by_class[6];
    atomic_uint_fast64_t bytes_in;
    atomic_uint_fast64_t bytes_out;
    struct web_sli sli;
};

struct web_exchange;

/* When the request line is in. NULL without memory: the connection is then closed. */
struct web_exchange *web_exchange_new(struct web_shared *shared, const char *target,
                                      struct MHD_Connection *connection);

/* As the library's access handler: once after the headers, then for each piece of the body, then
 * once without data at its end; and once more each time it goes on after a worker. */
enum MHD_Result web_exchange_step(struct web_exchange *exchange, const char *method,
                                  const char *version, const char *data, size_t *data_len);

/* For the workers: what an exchange has left to them. */
void web_exchange_work(struct web_work *work);

/* Counts, writes the access line and frees. Takes NULL. */
void web_exchange_end(struct web_exchange *taken, enum MHD_RequestTerminationCode how);

#endif
