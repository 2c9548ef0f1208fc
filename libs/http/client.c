#include "libs/http/client.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "libs/core/os.h"

struct http_client {
    CURL *curl;
    struct curl_slist *headers; /* of every request: the token is in here */
    char base_url[HTTP_URL_MAX];
    char error[CURL_ERROR_SIZE];
};

/* --- secrets ------------------------------------------------------------------------------- */

enum fault_code http_secret_set(struct http_secret *secret, struct str text, struct fault *fault)
{
    text = str_trim(text);
    if (text.len == 0)
        return fault_set(fault, FAULT_INPUT, "the credential is empty");
    if (text.len >= HTTP_SECRET_MAX)
        return fault_set(fault, FAULT_LIMIT, "the credential is longer than %d bytes",
                         HTTP_SECRET_MAX - 1);
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] <= ' ' || text.ptr[i] == 0x7f)
            return fault_set(fault, FAULT_INPUT,
                             "the credential holds a blank, a line end or a control character; it "
                             "must be one token on one line");
    memcpy(secret->text, text.ptr, text.len);
    secret->text[text.len] = '\0';
    secret->len = text.len;
    return FAULT_NONE;
}

void http_secret_done(struct http_secret *secret)
{
    explicit_bzero(secret, sizeof *secret);
}

/* --- base URL ------------------------------------------------------------------------------ */

/* The host within "host[:port]", brackets of an IPv6 address taken off. */
static struct str host_of(struct str authority)
{
    struct str head;
    struct str tail;
    if (str_starts(authority, STR("["))) {
        str_cut(str_skip(authority, 1), ']', &head, &tail);
        return head;
    }
    str_cut(authority, ':', &head, &tail);
    return head;
}

static bool is_this_machine(struct str host)
{
    if (str_equal_nocase(host, STR("localhost")) || str_equal(host, STR("::1")))
        return true;
    if (!str_starts(host, STR("127.")))
        return false;
    /* Only a dotted address: "127.example.net" is a name like any other. */
    for (size_t i = 0; i < host.len; i++)
        if (host.ptr[i] != '.' && (host.ptr[i] < '0' || host.ptr[i] > '9'))
            return false;
    return true;
}

enum fault_code http_check_url(struct str url, struct fault *fault)
{
    struct str authority;
    struct str path;
    bool https = str_starts(url, STR("https://"));
    if (!https && !str_starts(url, STR("http://")))
        return fault_set(fault, FAULT_INPUT, "\"%.*s\" is not an https:// address",
                         STR_ARG(str_take(url, 100)));
    if (url.len >= HTTP_URL_MAX - 512)
        return fault_set(fault, FAULT_LIMIT, "the address is longer than %d bytes",
                         HTTP_URL_MAX - 512);
    for (size_t i = 0; i < url.len; i++)
        if (url.ptr[i] <= ' ' || url.ptr[i] >= 0x7f || strchr("\"<>\\^`{|}", url.ptr[i]))
            return fault_set(fault, FAULT_INPUT,
                             "the address holds a character that must be percent-encoded");
    str_cut(str_skip(url, https ? 8 : 7), '/', &authority, &path);
    if (host_of(authority).len == 0 || str_find_byte(authority, '@') < authority.len)
        return fault_set(fault, FAULT_INPUT,
                         "the address must be https://host[:port]/ without a user name");
    if (!str_ends(url, STR("/")) || str_find_byte(path, '?') < path.len ||
        str_find_byte(path, '#') < path.len)
        return fault_set(fault, FAULT_INPUT,
                         "the address must end in a slash and have no query: %.*s/",
                         STR_ARG(str_take(url, 100)));
    if (!https && !is_this_machine(host_of(authority)))
        return fault_set(fault, FAULT_INPUT,
                         "http:// is allowed to this machine only (127.0.0.1, ::1, localhost), a "
                         "token would cross the network in the clear: use https://%.*s/",
                         STR_ARG(str_take(authority, 100)));
    return FAULT_NONE;
}

/* --- client -------------------------------------------------------------------------------- */

static bool add_header(struct http_client *client, const char *line)
{
    struct curl_slist *longer = curl_slist_append(client->headers, line);
    if (longer)
        client->headers = longer;
    return longer != NULL;
}

static bool add_bearer(struct http_client *client, const struct http_secret *bearer)
{
    char line[HTTP_SECRET_MAX + 32];
    snprintf(line, sizeof line, "Authorization: Bearer %s", bearer->text);
    bool ok = add_header(client, line);
    explicit_bzero(line, sizeof line);
    return ok;
}

/* Where the systems that Splunk runs on keep their certificate authorities; a build that is to run
 * on all of them cannot rely on one compiled in. */
static const char *find_system_authorities(void)
{
    static const char *const places[] = {
        "/etc/ssl/certs/ca-certificates.crt",                /* Debian, Ubuntu */
        "/etc/pki/tls/certs/ca-bundle.crt",                  /* RHEL, Amazon Linux */
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* RHEL */
        "/etc/ssl/ca-bundle.pem",                            /* SUSE */
    };
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        int fd = os_open(places[i], 0, 0);
        if (fd >= 0) {
            os_close(fd);
            return places[i];
        }
    }
    return NULL;
}

static enum fault_code set_authorities(struct http_client *client, struct str ca_file,
                                       struct fault *fault)
{
    char path[1024];
    const char *file = find_system_authorities();
    if (ca_file.len > 0) {
        if (!str_to_c(ca_file, path, sizeof path))
            return fault_field(fault, FAULT_INPUT, "ca_file", "ca_file is not a file name");
        int fd = os_open(path, 0, 0);
        if (fd < 0)
            return fault_field(fault, FAULT_INPUT, "ca_file", "ca_file = %s cannot be read", path);
        os_close(fd);
        file = path;
    }
    /* Without a CApath libcurl parses one store once and keeps it for all connections. */
    curl_easy_setopt(client->curl, CURLOPT_CAPATH, NULL);
    if (file && curl_easy_setopt(client->curl, CURLOPT_CAINFO, file) != CURLE_OK)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for the HTTP client");
    return FAULT_NONE;
}

static enum fault_code set_options(struct http_client *client, const struct http_settings *settings,
                                   struct fault *fault)
{
    char agent[256];
    CURL *curl = client->curl;
    if (!str_to_c(settings->user_agent, agent, sizeof agent) ||
        !str_to_c(settings->base_url, client->base_url, sizeof client->base_url))
        return fault_set(fault, FAULT_INPUT, "the address or the user agent is too long");
    bool ok = curl_easy_setopt(curl, CURLOPT_USERAGENT, agent) == CURLE_OK &&
              add_header(client, "Expect:") &&
              (!settings->bearer || add_bearer(client, settings->bearer));
    if (!ok)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for the HTTP client");
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->error);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, client->headers);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)settings->connect_timeout_ms);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)settings->timeout_ms);
    /* Plain HTTP is for this machine only: a proxy from the environment would carry the token off
     * it. */
    if (str_starts(settings->base_url, STR("http://")))
        curl_easy_setopt(curl, CURLOPT_PROXY, "");
    return set_authorities(client, settings->ca_file, fault);
}

enum fault_code http_client_new(const struct http_settings *settings, struct http_client **out,
                                struct fault *fault)
{
    enum fault_code code = http_check_url(settings->base_url, fault);
    if (code != FAULT_NONE)
        return code;
    struct http_client *client = os_alloc(sizeof *client);
    if (!client || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
        !(client->curl = curl_easy_init())) {
        http_client_free(client);
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for the HTTP client");
    }
    code = set_options(client, settings, fault);
    if (code != FAULT_NONE) {
        http_client_free(client);
        return code;
    }
    *out = client;
    return FAULT_NONE;
}

void http_client_free(struct http_client *taken)
{
    if (!taken)
        return;
    if (taken->curl)
        curl_easy_cleanup(taken->curl);
    for (struct curl_slist *at = taken->headers; at; at = at->next)
        explicit_bzero(at->data, strlen(at->data));
    curl_slist_free_all(taken->headers);
    os_free(taken);
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
    return size * count;
}

static enum fault_code tell_failure(const struct http_client *client, CURLcode rc,
                                    const struct http_reply *reply, struct fault *fault)
{
    const char *why = client->error[0] ? client->error : curl_easy_strerror(rc);
    if (reply->body.code == FAULT_LIMIT)
        return fault_set(fault, FAULT_UNAVAILABLE, "%s answered with more than %d bytes",
                         client->base_url, HTTP_REPLY_MAX);
    if (rc == CURLE_OUT_OF_MEMORY)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for a request");
    if (rc == CURLE_PEER_FAILED_VERIFICATION || rc == CURLE_SSL_CACERT_BADFILE)
        return fault_set(fault, FAULT_DENIED,
                         "the certificate of %s cannot be trusted: %s; set ca_file to the "
                         "authority that signed it",
                         client->base_url, why);
    return fault_set(fault, FAULT_UNAVAILABLE, "%s cannot be reached: %s", client->base_url, why);
}

static CURLcode perform(struct http_client *client, const struct http_request *request,
                        struct curl_slist *headers, const char *url, struct http_reply *reply)
{
    CURL *curl = client->curl;
    long status = 0;
    bool has_body = request->content_type != NULL;
    client->error[0] = '\0';
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
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, client->headers);
    return rc;
}

enum fault_code http_send(struct http_client *client, const struct http_request *request,
                          struct http_reply *out, struct fault *fault)
{
    char url[HTTP_URL_MAX];
    char type[128];
    struct http_reply reply = {0};
    struct curl_slist type_header = {.data = type};
    struct curl_slist encoding_header = {.data = (char[]){"Content-Encoding: gzip"}};
    int len = snprintf(url, sizeof url, "%s%.*s", client->base_url, STR_ARG(request->path));
    if (len < 0 || (size_t)len >= sizeof url)
        return fault_set(fault, FAULT_LIMIT, "the address is longer than %d bytes", HTTP_URL_MAX);

    /* This request's own headers stand before the common ones, without copying those. */
    struct curl_slist *headers = client->headers;
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
    CURLcode rc = perform(client, request, headers, url, &reply);
    if (rc != CURLE_OK) {
        enum fault_code code = tell_failure(client, rc, &reply, fault);
        buf_done(&reply.body);
        return code;
    }
    *out = reply;
    return FAULT_NONE;
}
