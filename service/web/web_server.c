/* The HTTP library (libmicrohttpd: epoll on few threads) started, counted and stopped. */
#include "service/web/web.h"

#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "libs/core/log.h"
#include "libs/core/os.h"
#include "service/web/web_exchange.h"
#include "service/web/web_guard.h"
#include "service/web/web_listen.h"

enum {
    CONNECTION_MEMORY =
        64 * 1024, /* the library's own for headers; ours are refused at half of it */
    DRAIN_LOOK_MS = 10,
    LOOPS = 2, /* threads of the library: they wait for nothing but the network */
};

struct web_server {
    struct MHD_Daemon *daemon;
    struct web_shared shared;
    int port;
};

static void __attribute__((format(printf, 2, 0)))
log_library(void *context, const char *format, va_list args)
{
    (void)context;
    char text[512];
    vsnprintf(text, sizeof text, format, args);
    /* Mostly about what clients did; debug, or anyone could fill the log. */
    log_event(LOG_DEBUG, "web.library", LOG_TEXT("text", str_trim(str_of(text))));
}

static void library_panic(void *context, const char *file, unsigned line, const char *reason)
{
    (void)context;
    log_event(LOG_ERROR, "web.library_panic", LOG_TEXT("file", str_of(file)),
              LOG_NUMBER("line", (int64_t)line), LOG_TEXT("reason", str_of(reason)));
    abort();
}

static enum MHD_Result admit(void *context, const struct sockaddr *address, socklen_t len)
{
    (void)len;
    struct web_server *server = context;
    return web_guard_admits(server->shared.guard, address) ? MHD_YES : MHD_NO;
}

static void connection_changed(void *context, struct MHD_Connection *connection,
                               void **socket_context, enum MHD_ConnectionNotificationCode code)
{
    struct web_server *server = context;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        web_guard_drop(server->shared.guard, *socket_context);
        *socket_context = NULL;
        return;
    }
    const union MHD_ConnectionInfo *fd =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    const union MHD_ConnectionInfo *address =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    /* Not watched means not served: without memory the request is closed at its first line. */
    if (fd && address)
        *socket_context = web_guard_add(server->shared.guard, fd->connect_fd, address->client_addr,
                                        os_monotonic_us() + server->shared.request_timeout_us);
}

static void *request_line(void *context, const char *target, struct MHD_Connection *connection)
{
    struct web_server *server = context;
    return web_exchange_new(&server->shared, target, connection);
}

static enum MHD_Result request_step(void *context, struct MHD_Connection *connection,
                                    const char *url, const char *method, const char *version,
                                    const char *data, size_t *data_len, void **exchange)
{
    (void)context;
    (void)connection;
    (void)url; /* cut and decoded by the library's rules; we read the raw target by ours */
    if (!*exchange)
        return MHD_NO;
    return web_exchange_step(*exchange, method, version, data, data_len);
}

static void request_end(void *context, struct MHD_Connection *connection, void **exchange,
                        enum MHD_RequestTerminationCode how)
{
    (void)context;
    (void)connection;
    web_exchange_end(*exchange, how);
    *exchange = NULL;
}

static size_t leave_escaped(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context;
    (void)connection;
    return str_of(text).len;
}

static struct MHD_Daemon *start_daemon(struct web_server *server, int fd,
                                       const struct web_settings *settings)
{
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)log_library, NULL}, /* first, to hear of the rest */
        {MHD_OPTION_LISTEN_SOCKET, fd, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, settings->connections, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, (intptr_t)settings->header_timeout_s * 2, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY, NULL},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)connection_changed, server},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)request_end, server},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)request_line, server},
        {MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)leave_escaped, NULL},
#if MHD_VERSION >= 0x00097701
        {MHD_OPTION_CLIENT_DISCIPLINE_LVL, 1, NULL}, /* else web_check.c looks for itself */
#else
        {MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL},
#endif
        {MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, NULL},
        {LOOPS > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, LOOPS, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    return MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC | MHD_USE_ERROR_LOG,
        0, admit, server, request_step, server, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
}

static enum fault_code check_settings(const struct web_settings *settings, struct fault *fault)
{
    if (settings->threads < 1 || settings->threads > 64)
        return fault_field(fault, FAULT_INPUT, "threads", "threads is %d; it must be 1 to 64",
                           settings->threads);
    assert(settings->connections >= settings->threads && settings->connections_per_ip >= 1 &&
           settings->header_timeout_s >= 1);
    return FAULT_NONE;
}

enum fault_code web_server_start(const struct web_settings *settings,
                                 const struct web_route *const *tables, size_t table_count,
                                 void *service, struct web_server **out, struct fault *fault)
{
    enum fault_code code = check_settings(settings, fault);
    if (code != FAULT_NONE)
        return code;
    struct web_server *server = os_alloc(sizeof *server);
    if (!server)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left to start the HTTP server");
    server->shared.tables = tables;
    server->shared.table_count = table_count;
    server->shared.service = service;
    server->shared.admit = settings->admit;
    server->shared.request_timeout_us = (int64_t)settings->header_timeout_s * 1000000;

    web_sli_init(&server->shared.sli);

    int fd = -1;
    code = web_listen_open(settings->listen, &fd, &server->port, fault);
    if (code == FAULT_NONE && settings->listening)
        code = settings->listening(service, fault);
    if (code == FAULT_NONE)
        code = web_guard_new(settings->connections_per_ip, &server->shared.guard, fault);
    if (code == FAULT_NONE)
        code =
            web_workers_new(settings->threads, web_exchange_work, &server->shared.workers, fault);
    if (code == FAULT_NONE) {
        MHD_set_panic_func(library_panic, NULL);
        server->daemon = start_daemon(server, fd, settings);
        if (!server->daemon)
            code = fault_errno(fault, errno, "cannot start the HTTP server's %d threads", LOOPS);
    }
    if (code != FAULT_NONE) {
        if (fd >= 0)
            close(fd);
        web_workers_free(server->shared.workers);
        web_guard_free(server->shared.guard);
        web_sli_done(&server->shared.sli);
        os_free(server);
        return code;
    }
    *out = server;
    return FAULT_NONE;
}

int web_server_port(const struct web_server *server)
{
    return server->port;
}

struct web_stats web_server_stats(const struct web_server *server)
{
    const struct web_shared *shared = &server->shared;
    struct web_stats stats = {
        .requests = atomic_load(&shared->requests),
        .bytes_in = atomic_load(&shared->bytes_in),
        .bytes_out = atomic_load(&shared->bytes_out),
        .refused_connections = web_guard_refused(shared->guard),
        .cut_connections = web_guard_cuts(shared->guard),
    };
    for (size_t i = 0; i < sizeof stats.by_class / sizeof stats.by_class[0]; i++)
        stats.by_class[i] = atomic_load(&shared->by_class[i]);
    return stats;
}

struct web_sli_counts web_server_sli(struct web_server *server, enum web_sli_kind kind,
                                     int64_t window_us)
{
    struct web_sli_counts counts;
    web_sli_read(&server->shared.sli, kind, window_us, os_monotonic_us(), &counts);
    return counts;
}

void web_server_stop(struct web_server *taken, int wait_ms)
{
    if (!taken)
        return;
    atomic_store(&taken->shared.stopping, true);
    int listening = MHD_quiesce_daemon(taken->daemon);
    int64_t until_us = os_monotonic_us() + (int64_t)wait_ms * 1000;
    while (atomic_load(&taken->shared.under_way) > 0 && os_monotonic_us() < until_us)
        nanosleep(&(struct timespec){.tv_nsec = DRAIN_LOOK_MS * 1000000L}, NULL);
    web_workers_free(taken->shared.workers); /* the library stops with no connection suspended */
    MHD_stop_daemon(taken->daemon);
    if (listening >= 0)
        close(listening);
    web_guard_free(taken->shared.guard);
    web_sli_done(&taken->shared.sli);
    os_free(taken);
}
