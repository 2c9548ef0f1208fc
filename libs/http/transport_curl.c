/* HTTP by libcurl, whose memory comes from libs/core/os.h. */
#include "libs/http/transport_curl.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "libs/core/os.h"

/* --- memory -------------------------------------------------------------------------------- */

static void *memory_malloc(size_t size)
{
    return os_resize(NULL, size ? size : 1);
}

static void *memory_realloc(void *ptr, size_t size)
{
    return os_resize(ptr, size ? size : 1);
}

static void *memory_calloc(size_t count, size_t size)
{
    if (size > 0 && count > SIZE_MAX / size)
        return NULL;
    size_t total = count * size;
    return os_alloc(total > 0 ? total : 1);
}

static char *memory_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = os_resize(NULL, size);
    return copy ? memcpy(copy, text, size) : NULL;
}

/* Once a process; where it fails for want of memory it is tried again. */
enum fault_code transport_init(struct fault *fault)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static bool done;
    CURLcode rc = CURLE_OK;
    pthread_mutex_lock(&lock);
    if (!done)
        rc = curl_global_init_mem(CURL_GLOBAL_DEFAULT, memory_malloc, os_free, memory_realloc,
                                  memory_strdup, memory_calloc);
    done = rc == CURLE_OK;
    pthread_mutex_unlock(&lock);
    if (rc == CURLE_NOT_BUILT_IN) /* libs/late: there is no libcurl */
        return fault_set(fault, FAULT_UNAVAILABLE,
                         "libcurl.so.4 cannot be loaded; install it (Debian: libcurl4, Red Hat: "
                         "libcurl)");
    if (rc != CURLE_OK)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for the HTTP client");
    return FAULT_NONE;
}

/* --- one carrier --------------------------------------------------------------------------- */

static bool add_header(struct transport_carrier *carrier, const char *text)
{
    struct curl_slist *longer = curl_slist_append(carrier->headers, text);
    if (longer)
        carrier->headers = longer;
    return longer != NULL;
}

static bool add_bearer(struct transport_carrier *carrier, const struct http_settings *settings)
{
    char text[HTTP_SECRET_MAX + 64];
    snprintf(text, sizeof text, "Authorization: %.16s %s",
             settings->scheme ? settings->scheme : "Bearer", settings->bearer->text);
    bool ok = add_header(carrier, text);
    explicit_bzero(text, sizeof text);
    return ok;
}

/* The requests go to https://<peer_name>:<port>/, which libcurl is told to find at the real
 * address: so it is that name, and no other, that the certificate must have. */
static enum fault_code set_peer_name(struct transport_carrier *carrier, struct str peer_name,
                                     struct fault *fault)
{
    char text[HTTP_URL_MAX];
    struct str host;
    struct str path;
    struct str url = str_of(carrier->base_url);
    if (peer_name.len == 0 || !str_starts(url, STR("https://")))
        return FAULT_NONE;
    str_cut(str_skip(url, strlen("https://")), '/', &host, &path);
    size_t colon = host.len;
    while (colon > 0 && host.ptr[colon - 1] != ':' && host.ptr[colon - 1] != ']')
        colon--;
    bool has_port = colon > 0 && host.ptr[colon - 1] == ':';
    struct str port = has_port ? str_skip(host, colon) : STR("443");
    struct str name = has_port ? str_take(host, colon - 1) : host;
    snprintf(text, sizeof text, "%.*s:%.*s:%.*s:%.*s", STR_ARG(peer_name), STR_ARG(port),
             STR_ARG(name), STR_ARG(port));
    carrier->connect = curl_slist_append(NULL, text);
    snprintf(text, sizeof text, "https://%.*s:%.*s/%.*s", STR_ARG(peer_name), STR_ARG(port),
             STR_ARG(path));
    if (!carrier->connect ||
        curl_easy_setopt(carrier->curl, CURLOPT_CONNECT_TO, carrier->connect) != CURLE_OK)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for the HTTP client");
    memcpy(carrier->asked_url, text, sizeof text);
    return FAULT_NONE;
}

static enum fault_code set_options(struct transport_carrier *carrier,
                                   const struct http_settings *settings, struct fault *fault)
{
    char agent[256];
    CURL *curl = carrier->curl;
    if (!str_to_c(settings->user_agent, agent, sizeof agent) ||
        !str_to_c(settings->base_url, carrier->base_url, sizeof carrier->base_url))
        return fault_set(fault, FAULT_INPUT, "the address or the user agent is too long");
    memcpy(carrier->asked_url, carrier->base_url, sizeof carrier->asked_url);
    bool ok = curl_easy_setopt(curl, CURLOPT_USERAGENT, agent) == CURLE_OK &&
              add_header(carrier, "Expect:") &&
              (!settings->bearer || add_bearer(carrier, settings));
    if (!ok)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for the HTTP client");
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, carrier->error);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, carrier->headers);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)settings->connect_timeout_ms);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)settings->timeout_ms);
    enum fault_code code = transport_proxy_set(carrier, settings, fault);
    if (code == FAULT_NONE)
        code = transport_tls_set(carrier, settings, fault);
    return code == FAULT_NONE ? set_peer_name(carrier, settings->peer_name, fault) : code;
}

static void carrier_close(void *taken)
{
    struct transport_carrier *carrier = taken;
    if (!carrier)
        return;
    if (carrier->curl)
        curl_easy_cleanup(carrier->curl);
    for (struct curl_slist *at = carrier->headers; at; at = at->next)
        explicit_bzero(at->data, strlen(at->data));
    curl_slist_free_all(carrier->headers);
    curl_slist_free_all(carrier->connect);
    os_free(carrier);
}

static enum fault_code carrier_open(const struct http_settings *settings, void **out,
                                    struct fault *fault)
{
    enum fault_code code = transport_init(fault);
    if (code != FAULT_NONE)
        return code;
    struct transport_carrier *carrier = os_alloc(sizeof *carrier);
    if (!carrier || !(carrier->curl = curl_easy_init())) {
        carrier_close(carrier);
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for the HTTP client");
    }
    code = set_options(carrier, settings, fault);
    if (code != FAULT_NONE) {
        carrier_close(carrier);
        return code;
    }
    *out = carrier;
    return FAULT_NONE;
}

/* --- requests ------------------------------------------------------------------------------ */

static size_t on_body(char *data, size_t size, size_t count, void *reply)
{
    struct buf *body = &((struct http_reply *)reply)->body;
    buf_add(body, (struct str){data, size * count});
    return body->code == FAULT_NONE ? size * count : 0;
}

static size_t on_header(char *data, size_t size, size_t count, void *reply)
{
    struct str name;
    struct str value;
    uint64_t seconds;
    str_cut((struct str){data, size * count}, ':', &name, &value);
    if (str_equal_nocase(str_trim(name), STR("Retry-After")) &&
        str_to_u64(str_trim(value), 86400, &seconds))
        ((struct http_reply *)reply)->retry_after_s = (int)seconds;
    if (str_equal_nocase(str_trim(name), STR("Date")) &&
        !str_to_c(str_trim(value), ((struct http_reply *)reply)->date,
                  sizeof((struct http_reply *)reply)->date))
        ((struct http_reply *)reply)->date[0] = '\0';
    return size * count;
}

static CURLcode perform(struct transport_carrier *carrier, const struct http_request *request,
                        struct curl_slist *headers, const char *url, struct http_reply *reply)
{
    CURL *curl = carrier->curl;
    long status = 0;
    bool has_body = request->content_type != NULL;
    carrier->error[0] = '\0';
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, reply);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, reply);
    if (has_body) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body.len ? request->body.ptr : "");
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
    } else {
        curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
    }
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    CURLcode rc = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    reply->status = (int)status;
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, carrier->headers);
    return rc;
}

static enum fault_code carrier_send(void *opened, const struct http_request *request,
                                    struct http_reply *out, struct fault *fault)
{
    struct transport_carrier *carrier = opened;
    char url[HTTP_URL_MAX];
    char type[128];
    struct http_reply reply = {0};
    struct curl_slist type_header = {.data = type};
    struct curl_slist encoding_header = {.data = (char[]){"Content-Encoding: gzip"}};
    int len = snprintf(url, sizeof url, "%s%.*s", carrier->asked_url, STR_ARG(request->path));
    if (len < 0 || (size_t)len >= sizeof url)
        return fault_set(fault, FAULT_LIMIT, "the address is longer than %d bytes", HTTP_URL_MAX);

    /* This request's own headers stand before the common ones, without copying those. */
    struct curl_slist *headers = carrier->headers;
    if (request->content_type) {
        snprintf(type, sizeof type, "Content-Type: %s", request->content_type);
        type_header.next = headers;
        headers = &type_header;
    }
    if (request->gzipped) {
        encoding_header.next = headers;
        headers = &encoding_header;
    }
    buf_init(&reply.body, HTTP_REPLY_MAX);
    CURLcode rc = perform(carrier, request, headers, url, &reply);
    if (rc != CURLE_OK) {
        enum fault_code code = transport_fault_set(carrier, rc, &reply, fault);
        buf_done(&reply.body);
        return code;
    }
    carrier->has_replied = true;
    *out = reply;
    return FAULT_NONE;
}

static void carrier_limit(void *opened, int connect_timeout_ms, int timeout_ms)
{
    struct transport_carrier *carrier = opened;
    curl_easy_setopt(carrier->curl, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_timeout_ms);
    curl_easy_setopt(carrier->curl, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
}

const struct http_transport http_transport_curl = {carrier_open, carrier_send, carrier_close,
                                                   transport_probe, carrier_limit};
