/* intelgraphd serve: what starts, in which order, and how it ends. */
#include "service/main/main_run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "libs/core/log.h"
#include "libs/core/os.h"
#include "libs/store/store_pool.h"
#include "service/budgets/budgets.h"
#include "service/identity/identity.h"
#include "service/main/main_cage.h"
#include "service/main/main_courier.h"
#include "service/main/main_data.h"
#include "service/main/main_jobs.h"
#include "service/main/main_routes.h"
#include "service/web/web_listen.h"

enum {
    CONNECTIONS = 2048,
    CONNECTIONS_PER_IP = 128, /* a proxy is one address */
    SPARE_FILES = 512,
    REQUEST_TIMEOUT_S = 10,
    STOP_WAIT_MS = 10000,
    LOOK_EVERY_MS = 100,
    SPARE_STORES = 7, /* one that writes, and those of the jobs */
    STORES_MAX = 64,
    URL_MAX = 1026,
};

/* http(s)://host[:port][/path], made to end in a slash. */
static enum fault_code read_public_url(struct str given, char out[URL_MAX], struct fault *fault)
{
    out[0] = '\0';
    if (given.len == 0)
        return FAULT_NONE;
    bool plain = str_starts(given, STR("http://"));
    struct str rest = str_skip(given, plain ? 7 : 8);
    bool good = (plain || str_starts(given, STR("https://"))) && rest.len > 0 && rest.ptr[0] != '/';
    for (size_t i = 0; i < given.len && good; i++)
        good = given.ptr[i] > ' ' && given.ptr[i] < 0x7f && !strchr("\"'<>\\?#@", given.ptr[i]);
    if (!good)
        return fault_field(fault, FAULT_INPUT, "public-url",
                           "--public-url is \"%.*s\"; write it as https://intelgraph.example/",
                           STR_ARG(given));
    snprintf(out, URL_MAX, "%.*s%s", STR_ARG(given), str_ends(given, STR("/")) ? "" : "/");
    return FAULT_NONE;
}

/* Blocked in every thread from here on: one place waits for them. */
static void block_signals(sigset_t *out)
{
    sigemptyset(out);
    sigaddset(out, SIGTERM);
    sigaddset(out, SIGINT);
    pthread_sigmask(SIG_BLOCK, out, NULL);
}

/* Until a signal comes, or the disk has failed to flush: the system forgets what it could not
 * write, so that only a new start sees what is really on disk. */
static void wait_for_end(const sigset_t *signals)
{
    const struct timespec look = {.tv_nsec = LOOK_EVERY_MS * 1000000L};
    int received;
    do
        received = sigtimedwait(signals, NULL, &look);
    while (received < 0 && !store_has_failed_flush());
    if (received >= 0)
        log_event(LOG_INFO, "service.stopping", LOG_TEXT("signal", str_of(strsignal(received))));
    pthread_sigmask(SIG_UNBLOCK, signals, NULL); /* a second one ends it at once */
}

static void warn_clear_text(struct str listen)
{
    if (!web_listen_is_loopback(listen))
        log_event(LOG_WARN, "service.clear_text", LOG_TEXT("listen", listen),
                  LOG_TEXT("advice", STR("tokens cross the network readable; listen on loopback "
                                         "and let a proxy with TLS stand before it")));
}

/* What is in force, for the line that says the service is ready. */
static char cage[MAIN_CAGE_TEXT_MAX];

static void log_ready(const struct main_options *options, const struct main_data *data, int port)
{
    struct str host = options->listen;
    while (host.len > 0 && host.ptr[host.len - 1] != ':')
        host.len--;
    char listen[128];
    snprintf(listen, sizeof listen, "%.*s%d", STR_ARG(host), port);
    log_event(LOG_INFO, "service.ready", LOG_TEXT("listen", str_of(listen)),
              LOG_TEXT("data", str_of(data->folder)), LOG_TEXT("version", STR(IG_VERSION)),
              LOG_TEXT("cage", str_of(cage)), LOG_NUMBER("process", getpid()));
}

/* As many files as connections need, as far as the system lets. With fewer, it is the library that
 * stops accepting for a while. */
static void raise_file_limit(void)
{
    struct rlimit limit;
    const rlim_t wanted = CONNECTIONS + SPARE_FILES;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static enum fault_code enter_cage(void *context, struct fault *fault)
{
    const struct service *service = context;
    char folder[MAIN_PATH_MAX];
    if (!str_to_c(service->data, folder, sizeof folder))
        return fault_field(fault, FAULT_INPUT, "data", "the data folder's name is too long");
    return main_cage_enter(folder, store_pool_port(service->pool), cage, fault);
}

static enum fault_code serve(const struct main_options *options, struct main_data *data,
                             const struct main_courier *courier, struct fault *fault)
{
    const struct web_settings settings = {
        .listen = options->listen,
        .threads = (int)options->threads,
        .connections = CONNECTIONS,
        .connections_per_ip = CONNECTIONS_PER_IP,
        .header_timeout_s = REQUEST_TIMEOUT_S,
        .admit = main_admit,
        .listening = enter_cage,
    };
    struct web_server *server;
    struct main_jobs *jobs = NULL;
    sigset_t signals;
    block_signals(&signals);
    raise_file_limit();
    enum fault_code code =
        web_server_start(&settings, main_tables, main_table_count, &data->service, &server, fault);
    if (code != FAULT_NONE)
        return code;
    atomic_store(&data->service.server, server);
    code = budgets_start(data->service.budgets, fault);
    if (code == FAULT_NONE)
        code = main_jobs_start(&data->service, options, courier, &jobs, fault);
    if (code == FAULT_NONE) {
        warn_clear_text(options->listen);
        log_ready(options, data, web_server_port(server));
        wait_for_end(&signals);
    }
    web_server_stop(server, STOP_WAIT_MS);
    main_jobs_stop(jobs);
    return code;
}

/* A connection for each thread that answers and for what works by itself. */
static int connections_for(const struct main_options *options)
{
    int wanted = (int)options->threads + SPARE_STORES;
    return wanted < STORES_MAX ? wanted : STORES_MAX;
}

enum fault_code main_run_serve(const struct main_options *options, struct fault *fault)
{
    enum log_level level;
    char public_url[URL_MAX];
    struct main_data data;
    struct main_courier courier;
    int lock = -1;
    if (!log_level_parse(options->log_level, &level))
        return fault_field(fault, FAULT_INPUT, "log-level",
                           "there is no log level \"%.*s\"; choose debug, info, warn or error",
                           STR_ARG(options->log_level));
    log_level_set(level);
    enum fault_code code = read_public_url(options->public_url, public_url, fault);
    if (code != FAULT_NONE)
        return code;
    /* Before anything is open: the process that goes out shall hold nothing of ours. */
    code = main_courier_start(options, &courier, fault);
    if (code != FAULT_NONE)
        return code;
    code =
        main_data_open(&data, options->data, options->store, true, connections_for(options), fault);
    if (code != FAULT_NONE)
        return code;
    data.service.sends_webhooks = courier.fd >= 0;
    data.service.sends_mail = courier.sends_mail;
    data.service.public_url = str_of(public_url);
    identity_public_url_set(data.service.identity, data.service.public_url);
    code = main_data_lock(&data, &lock, fault);
    if (code == FAULT_NONE)
        code = budgets_new(data.service.pool, data.service.audit, &data.service.budgets, fault);
    data.service.events_kept = budgets_events_kept;
    if (code == FAULT_NONE)
        code = serve(options, &data, &courier, fault);
    budgets_free(data.service.budgets);
    data.service.budgets = NULL;
    main_data_close(&data);
    if (lock >= 0)
        os_close(lock);
    if (code == FAULT_NONE && store_has_failed_flush())
        code = fault_set(fault, FAULT_IO,
                         "the disk has failed to flush the store in %s; nothing acknowledged is "
                         "lost; check the disk, then start the service again",
                         data.folder);
    if (code == FAULT_NONE)
        log_event(LOG_INFO, "service.stopped", LOG_NUMBER("process", getpid()));
    return code;
}
