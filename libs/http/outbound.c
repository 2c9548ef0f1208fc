#include "libs/http/outbound.h"

#include <assert.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "libs/core/file.h"
#include "libs/core/os.h"
#include "libs/http/transport_curl.h"

enum {
    AUTHORITIES_MAX = 4 << 20,
    CONNECT_TIMEOUT_MS = 10000,
    ANSWER_MAX = 64 << 10, /* bytes of an answer that are read, and thrown away */
    TEXT_MAX = 256,
};

/* One request under way. */
struct transfer {
    struct http_outbound *outbound;
    struct transfer *next;
    uint64_t ticket;
    enum http_outbound_kind kind;
    CURL *curl;
    struct curl_slist *list; /* headers, or whom the mail is for */
    char *body;
    size_t body_len;
    size_t sent;
    size_t received;
    int retry_after_s;
    bool is_clear; /* http */
    const char *refusal;
    char error[CURL_ERROR_SIZE];
};

struct http_outbound {
    struct http_outbound_settings settings;
    char allow[1024];
    char smtp[TEXT_MAX];
    char from[TEXT_MAX + 2]; /* within < > */
    char agent[TEXT_MAX];
    struct buf authorities;
    CURLM *multi;
    struct transfer *transfers;
    int count;
};

/* --- settings ------------------------------------------------------------------------------- */

static enum fault_code read_authorities(struct http_outbound *outbound, struct fault *fault)
{
    char path[1024];
    struct str given = outbound->settings.ca_file;
    const char *file = transport_system_authorities();
    if (given.len > 0)
        file = str_to_c(given, path, sizeof path) ? path : NULL;
    if (!file)
        return fault_field(fault, FAULT_INPUT, "outbound-ca",
                           "there is no file of certificate authorities where this system keeps "
                           "them; name one with --outbound-ca");
    enum fault_code code = file_read(file, &outbound->authorities, fault);
    if (code != FAULT_NONE)
        fault_prefix(fault, "the certificate authorities for outgoing connections: ");
    return code;
}

enum fault_code http_outbound_new(const struct http_outbound_settings *settings,
                                  struct http_outbound **out, struct fault *fault)
{
    enum fault_code code = http_outbound_check(settings, fault);
    if (code == FAULT_NONE)
        code = transport_init(fault);
    if (code != FAULT_NONE)
        return code;
    struct http_outbound *outbound = os_alloc(sizeof *outbound);
    if (!outbound)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for outgoing requests");
    outbound->settings = *settings;
    buf_init(&outbound->authorities, AUTHORITIES_MAX);
    outbound->multi = curl_multi_init();
    bool fits = str_to_c(settings->allow, outbound->allow, sizeof outbound->allow) &&
                str_to_c(settings->smtp, outbound->smtp, sizeof outbound->smtp) &&
                str_to_c(settings->user_agent, outbound->agent, sizeof outbound->agent) &&
                settings->smtp_from.len < TEXT_MAX;
    snprintf(outbound->from, sizeof outbound->from, "<%.*s>", STR_ARG(settings->smtp_from));
    outbound->settings.allow = str_of(outbound->allow);
    if (!outbound->multi)
        code = fault_set(fault, FAULT_NO_MEMORY, "no memory left for outgoing requests");
    else if (!fits)
        code = fault_set(fault, FAULT_INPUT, "an option for outgoing requests is too long");
    else
        code = read_authorities(outbound, fault);
    if (code != FAULT_NONE) {
        http_outbound_free(outbound);
        return code;
    }
    *out = outbound;
    return FAULT_NONE;
}

static void free_transfer(struct transfer *taken)
{
    if (taken->curl)
        curl_easy_cleanup(taken->curl);
    curl_slist_free_all(taken->list);
    os_free(taken->body);
    os_free(taken);
}

void http_outbound_free(struct http_outbound *taken)
{
    if (!taken)
        return;
    while (taken->transfers) {
        struct transfer *first = taken->transfers;
        taken->transfers = first->next;
        if (taken->multi)
            curl_multi_remove_handle(taken->multi, first->curl);
        free_transfer(first);
    }
    if (taken->multi)
        curl_multi_cleanup(taken->multi);
    buf_done(&taken->authorities);
    os_free(taken);
}

/* --- what libcurl asks while it works ------------------------------------------------------- */

static int port_of(const struct sockaddr *address)
{
    struct sockaddr_in four;
    struct sockaddr_in6 six;
    memcpy(&four, address, sizeof four);
    if (address->sa_family == AF_INET)
        return ntohs(four.sin_port);
    memcpy(&six, address, sizeof six);
    return ntohs(six.sin6_port);
}

static bool has_port(const struct http_outbound_settings *settings, int port)
{
    for (int i = 0; i < settings->port_count; i++)
        if (settings->ports[i] == port)
            return true;
    return false;
}

/* NULL: it may be connected to. */
static const char *refuse(const struct transfer *transfer, const struct sockaddr *address)
{
    const struct http_outbound_settings *settings = &transfer->outbound->settings;
    if (address->sa_family != AF_INET && address->sa_family != AF_INET6)
        return "it is at no address of the internet";
    if (!has_port(settings, port_of(address)))
        return "its port is not among --outbound-ports";
    if (transfer->kind == HTTP_OUTBOUND_MAIL)
        return NULL; /* the operator's own choice */
    switch (http_outbound_judge(address, settings->allow)) {
    case HTTP_OUTBOUND_NEVER:
        return "it is at an address that is never called: link-local, metadata or multicast";
    case HTTP_OUTBOUND_CLOSED:
        return "it is at a private address, and its network is not among --outbound-allow";
    case HTTP_OUTBOUND_OPEN:
        return transfer->is_clear ? "http:// is for networks of --outbound-allow; use https://"
                                  : NULL;
    case HTTP_OUTBOUND_ALLOWED:
        return NULL;
    }
    return "it cannot be judged";
}

static curl_socket_t on_open(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer *transfer = context;
    const char *refusal = purpose == CURLSOCKTYPE_IPCXN && address->socktype == SOCK_STREAM
                              ? refuse(transfer, &address->addr)
                              : "it is no stream";
    if (refusal) {
        transfer->refusal = refusal;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
}

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    (void)data;
    transfer->received += size * count;
    return transfer->received <= ANSWER_MAX ? size * count : 0;
}

static size_t on_header(char *data, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    struct str name;
    struct str value;
    uint64_t seconds;
    str_cut((struct str){data, size * count}, ':', &name, &value);
    if (str_equal_nocase(str_trim(name), STR("Retry-After")) &&
        str_to_u64(str_trim(value), 86400, &seconds))
        transfer->retry_after_s = (int)seconds;
    return size * count;
}

static size_t on_read(char *out, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    size_t left = transfer->body_len - transfer->sent;
    size_t len = left < size * count ? left : size * count;
    memcpy(out, transfer->body + transfer->sent, len);
    transfer->sent += len;
    return len;
}

/* --- beginning ------------------------------------------------------------------------------ */

static bool add_line(struct transfer *transfer, struct str line)
{
    char text[1024];
    struct curl_slist *longer =
        str_to_c(line, text, sizeof text) ? curl_slist_append(transfer->list, text) : NULL;
    if (longer)
        transfer->list = longer;
    return longer != NULL;
}

static bool set_webhook(struct transfer *transfer, const struct http_outbound_request *request)
{
    CURL *curl = transfer->curl;
    struct str left = request->headers;
    char url[HTTP_URL_MAX];
    bool good = str_to_c(request->to, url, sizeof url) && add_line(transfer, STR("Expect:"));
    transfer->is_clear = str_starts(request->to, STR("http://"));
    while (left.len > 0 && good) {
        struct str line;
        struct str rest;
        str_cut(left, '\n', &line, &rest);
        left = rest;
        good = add_line(transfer, line);
    }
    if (!good || curl_easy_setopt(curl, CURLOPT_URL, url) != CURLE_OK)
        return false;
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, transfer->list);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, transfer->body);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)transfer->body_len);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, transfer);
    return true;
}

static bool set_credential(CURL *curl, const struct http_secret *pair)
{
    struct str user;
    struct str password;
    char name[HTTP_SECRET_MAX];
    char word[HTTP_SECRET_MAX];
    str_cut((struct str){pair->text, pair->len}, ':', &user, &password);
    bool ok = str_to_c(user, name, sizeof name) && str_to_c(password, word, sizeof word) &&
              curl_easy_setopt(curl, CURLOPT_USERNAME, name) == CURLE_OK &&
              curl_easy_setopt(curl, CURLOPT_PASSWORD, word) == CURLE_OK;
    explicit_bzero(name, sizeof name);
    explicit_bzero(word, sizeof word);
    return ok;
}

static bool names_this_machine(struct str smtp)
{
    char url[TEXT_MAX];
    struct str rest = str_skip(smtp, str_find(smtp, STR("://")) + 3);
    snprintf(url, sizeof url, "http://%.*s/", STR_ARG(rest));
    return http_is_this_machine(str_of(url));
}

/* To this machine a mail may go in the clear, without a credential; elsewhere TLS is a must. */
static bool set_mail(struct transfer *transfer, const struct http_outbound_request *request)
{
    CURL *curl = transfer->curl;
    const struct http_outbound *outbound = transfer->outbound;
    const struct http_secret *credential = outbound->settings.smtp_credential;
    char to[TEXT_MAX + 2];
    snprintf(to, sizeof to, "<%.*s>", STR_ARG(request->to));
    bool may_be_clear = names_this_machine(outbound->settings.smtp) && !credential;
    if (request->to.len >= TEXT_MAX || !add_line(transfer, str_of(to)) ||
        curl_easy_setopt(curl, CURLOPT_URL, outbound->smtp) != CURLE_OK ||
        (credential && !set_credential(curl, credential)))
        return false;
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(curl, CURLOPT_USE_SSL, (long)(may_be_clear ? CURLUSESSL_TRY : CURLUSESSL_ALL));
    curl_easy_setopt(curl, CURLOPT_MAIL_FROM, outbound->from);
    curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, transfer->list);
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(curl, CURLOPT_READDATA, transfer);
    return true;
}

static bool set_common(struct transfer *transfer)
{
    CURL *curl = transfer->curl;
    struct http_outbound *outbound = transfer->outbound;
    struct curl_blob blob = {outbound->authorities.ptr, outbound->authorities.len,
                             CURL_BLOB_NOCOPY};
    curl_easy_setopt(curl, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, transfer->error);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)outbound->settings.timeout_ms);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, transfer);
    /* A connection kept for the next request would pass by on_open, and by a name's new address. */
    curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(curl, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    return curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NOPROXY, "") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_USERAGENT, outbound->agent) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &blob) == CURLE_OK;
}

enum fault_code http_outbound_add(struct http_outbound *outbound,
                                  const struct http_outbound_request *request, struct fault *fault)
{
    if (outbound->count == HTTP_OUTBOUND_MAX)
        return fault_set(fault, FAULT_LIMIT, "%d outgoing requests are under way",
                         HTTP_OUTBOUND_MAX);
    bool is_mail = request->kind == HTTP_OUTBOUND_MAIL;
    if (is_mail && outbound->settings.smtp.len == 0)
        return fault_field(fault, FAULT_UNAVAILABLE, "smtp",
                           "no mail server is set; start the service with --smtp");
    struct transfer *transfer = os_alloc(sizeof *transfer);
    if (!transfer)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for outgoing requests");
    transfer->outbound = outbound;
    transfer->ticket = request->ticket;
    transfer->kind = request->kind;
    transfer->curl = curl_easy_init();
    transfer->body = os_alloc(request->body.len + 1);
    bool good = transfer->curl && transfer->body;
    if (good && request->body.len > 0)
        memcpy(transfer->body, request->body.ptr, request->body.len);
    transfer->body_len = request->body.len;
    good = good && set_common(transfer) &&
           (is_mail ? set_mail(transfer, request) : set_webhook(transfer, request)) &&
           curl_multi_add_handle(outbound->multi, transfer->curl) == CURLM_OK;
    if (!good) {
        free_transfer(transfer);
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for outgoing requests");
    }
    transfer->next = outbound->transfers;
    outbound->transfers = transfer;
    outbound->count++;
    return FAULT_NONE;
}

/* --- going on, and the end ------------------------------------------------------------------ */

void http_outbound_wait(struct http_outbound *outbound, int fd, int timeout_ms)
{
    struct curl_waitfd extra = {.fd = fd, .events = CURL_WAIT_POLLIN};
    int running = 0;
    (void)curl_multi_perform(outbound->multi, &running);
    if (running < outbound->count)
        return; /* one has ended */
    (void)curl_multi_poll(outbound->multi, fd >= 0 ? &extra : NULL, fd >= 0 ? 1 : 0, timeout_ms,
                          NULL);
    (void)curl_multi_perform(outbound->multi, &running);
}

static void say_why(const struct transfer *transfer, CURLcode result, long status,
                    char out[HTTP_OUTBOUND_ERROR_MAX])
{
    const char *why = transfer->error[0] ? transfer->error : curl_easy_strerror(result);
    if (transfer->refusal)
        snprintf(out, HTTP_OUTBOUND_ERROR_MAX, "not called: %s", transfer->refusal);
    else if (result == CURLE_WRITE_ERROR && transfer->received > ANSWER_MAX)
        snprintf(out, HTTP_OUTBOUND_ERROR_MAX, "it answered with more than %d bytes", ANSWER_MAX);
    else if (result == CURLE_OPERATION_TIMEDOUT)
        snprintf(out, HTTP_OUTBOUND_ERROR_MAX, "it did not answer within %d s",
                 transfer->outbound->settings.timeout_ms / 1000);
    else if (result != CURLE_OK && transfer->kind == HTTP_OUTBOUND_MAIL && status >= 400)
        snprintf(out, HTTP_OUTBOUND_ERROR_MAX, "the mail server answered %ld: %.180s", status, why);
    else if (result != CURLE_OK)
        snprintf(out, HTTP_OUTBOUND_ERROR_MAX, "%.250s", why);
    else if (status / 100 == 3)
        snprintf(out, HTTP_OUTBOUND_ERROR_MAX, "it answered %ld; redirects are not followed",
                 status);
    else
        snprintf(out, HTTP_OUTBOUND_ERROR_MAX, "it answered %ld", status);
    /* The text may be another one's: keep it on one line of plain characters. */
    for (char *at = out; *at; at++)
        if ((unsigned char)*at < ' ' || (unsigned char)*at > '~')
            *at = '?';
}

static void unlink_transfer(struct http_outbound *outbound, struct transfer *transfer)
{
    struct transfer **at = &outbound->transfers;
    while (*at != transfer)
        at = &(*at)->next;
    *at = transfer->next;
    outbound->count--;
}

bool http_outbound_take(struct http_outbound *outbound, struct http_outbound_answer *out)
{
    int left = 0;
    const CURLMsg *message;
    do
        message = curl_multi_info_read(outbound->multi, &left);
    while (message && message->msg != CURLMSG_DONE);
    if (!message)
        return false;
    CURLcode result = message->data.result;
    CURL *curl = message->easy_handle;
    void *owner = NULL;
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_PRIVATE, &owner);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    struct transfer *transfer = owner;
    *out = (struct http_outbound_answer){
        .ticket = transfer->ticket,
        .status = status >= 100 && status <= 999 ? (int)status : 0,
        .retry_after_s = transfer->retry_after_s,
        .is_good = result == CURLE_OK && status / 100 == 2,
        .error = "",
    };
    /* An answer that stops short after its status was a good one: what it says does not matter. */
    if (transfer->kind == HTTP_OUTBOUND_WEBHOOK && status / 100 == 2 &&
        (result == CURLE_WRITE_ERROR || result == CURLE_PARTIAL_FILE))
        out->is_good = true;
    if (!out->is_good)
        say_why(transfer, result, status, out->error);
    curl_multi_remove_handle(outbound->multi, curl);
    unlink_transfer(outbound, transfer);
    free_transfer(transfer);
    return true;
}
