#include "integrations/splunk-app/native/peers/instance.h"

#include <stdio.h>
#include <string.h>

#include "libs/core/file.h"

enum { TOKEN_FILE_MAX = 4096, PEM_FILE_MAX = 256 << 10 };

#define FILE_PREFIX "file:"

enum fault_code instance_path(const struct places *places, struct str value, char out[PATH_MAX],
                              struct fault *fault)
{
    char name[PATH_MAX];
    struct str variable = STR("$SPLUNK_HOME/");
    struct str path =
        str_starts(value, STR(FILE_PREFIX)) ? str_skip(value, strlen(FILE_PREFIX)) : value;
    bool in_home = str_starts(path, variable);
    if (!str_to_c(in_home ? str_skip(path, variable.len) : path, name, sizeof name))
        return fault_set(fault, FAULT_INPUT, "not a file name");
    if (name[0] == '/' && !in_home) {
        snprintf(out, PATH_MAX, "%s", name);
        return FAULT_NONE;
    }
    return places_join(out, PATH_MAX, in_home ? places->home : places->app, name, fault);
}

bool instance_has_own_token(const struct settings *settings)
{
    return str_starts(settings->credential, STR(FILE_PREFIX));
}

enum fault_code instance_read_token(const struct places *places, const struct settings *settings,
                                    struct http_secret *out, struct fault *fault)
{
    char path[PATH_MAX];
    struct buf text;
    buf_init(&text, TOKEN_FILE_MAX);
    enum fault_code code = instance_path(places, settings->credential, path, fault);
    if (code == FAULT_NONE)
        code = file_read(path, &text, fault);
    if (code == FAULT_NONE) {
        code = http_secret_set(out, buf_str(&text), fault);
        explicit_bzero(text.ptr, text.len);
    }
    buf_done(&text);
    if (code == FAULT_NONE)
        return FAULT_NONE;
    if (code != FAULT_NO_MEMORY)
        fault->code = FAULT_UNSIGNED;
    snprintf(fault->field, sizeof fault->field, "credential");
    return fault_prefix(fault, "the credential of IntelGraph: ");
}

/* --- clients ------------------------------------------------------------------------------- */

/* What lives while a client is made. */
struct files {
    struct buf cert;
    struct buf key;
    struct buf pair;
    struct http_secret proxy_credential;
};

static void files_done(struct files *files)
{
    if (files->key.ptr)
        explicit_bzero(files->key.ptr, files->key.len);
    if (files->pair.ptr)
        explicit_bzero(files->pair.ptr, files->pair.len);
    buf_done(&files->cert);
    buf_done(&files->key);
    buf_done(&files->pair);
    http_secret_done(&files->proxy_credential);
}

/* Reads the file of a setting; an empty one names none. */
static enum fault_code read_named(const struct places *places, const char *setting,
                                  struct str value, bool is_private, struct buf *out,
                                  struct fault *fault)
{
    char path[PATH_MAX];
    if (value.len == 0)
        return FAULT_NONE;
    enum fault_code code = instance_path(places, value, path, fault);
    if (code == FAULT_NONE)
        code = is_private ? file_read_private(path, out, fault) : file_read(path, out, fault);
    if (code == FAULT_NONE)
        return FAULT_NONE;
    snprintf(fault->field, sizeof fault->field, "%s", setting);
    return fault_prefix(fault, "%s: ", setting);
}

static enum fault_code read_proxy_credential(const struct places *places,
                                             const struct settings *settings, struct files *files,
                                             struct fault *fault)
{
    enum fault_code code = read_named(places, "proxy_credential", settings->proxy_credential, true,
                                      &files->pair, fault);
    if (code != FAULT_NONE || files->pair.len == 0)
        return code;
    code = http_secret_set_pair(&files->proxy_credential, buf_str(&files->pair), fault);
    if (code == FAULT_NONE)
        return FAULT_NONE;
    snprintf(fault->field, sizeof fault->field, "proxy_credential");
    return fault_prefix(fault, "proxy_credential: ");
}

static enum fault_code read_files(const struct places *places, const struct settings *settings,
                                  struct files *files, struct fault *fault)
{
    enum fault_code code = read_named(places, "client_cert_file", settings->client_cert_file, false,
                                      &files->cert, fault);
    if (code == FAULT_NONE)
        code = read_named(places, "client_key_file", settings->client_key_file, true, &files->key,
                          fault);
    if (code == FAULT_NONE && settings->proxy.len > 0)
        code = read_proxy_credential(places, settings, files, fault);
    return code;
}

static enum fault_code make_client(const struct places *places, const struct settings *settings,
                                   const struct http_secret *bearer, const struct files *files,
                                   struct http_client **out, struct fault *fault)
{
    char ca_file[PATH_MAX] = "";
    if (settings->ca_file.len > 0) {
        enum fault_code code = instance_path(places, settings->ca_file, ca_file, fault);
        if (code != FAULT_NONE)
            return fault_prefix(fault, "ca_file: ");
    }
    struct http_settings http = {
        .base_url = settings->url,
        .ca_file = str_of(ca_file),
        .ca_pem = settings->ca_pem,
        .client_cert_pem = buf_str(&files->cert),
        .client_key_pem = buf_str(&files->key),
        .proxy = settings->proxy,
        .proxy_credential = files->proxy_credential.len > 0 ? &files->proxy_credential : NULL,
        .no_proxy = settings->no_proxy,
        .user_agent = STR("intelgraph/" IG_VERSION),
        .bearer = bearer,
        .connect_timeout_ms = (int)settings->connect_timeout_ms,
        .timeout_ms = (int)settings->timeout_ms,
    };
    return http_client_new(&http, out, fault);
}

enum fault_code instance_client_new(const struct places *places, const struct settings *settings,
                                    const struct http_secret *bearer, struct http_client **out,
                                    struct fault *fault)
{
    struct files files = {0};
    buf_init(&files.cert, PEM_FILE_MAX);
    buf_init(&files.key, PEM_FILE_MAX);
    buf_init(&files.pair, TOKEN_FILE_MAX);
    enum fault_code code = read_files(places, settings, &files, fault);
    if (code == FAULT_NONE)
        code = make_client(places, settings, bearer, &files, out, fault);
    files_done(&files);
    if (code != FAULT_NONE && code != FAULT_NO_MEMORY && code != FAULT_UNAVAILABLE)
        code = fault->code = FAULT_UNSIGNED;
    return code;
}
