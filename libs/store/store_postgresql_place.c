/* Addresses of a PostgreSQL server: postgresql://host:port/database?..., libpq's own form, and
 * "postgresql:" before libpq's list of settings, which is what we make of it. */
#include "libs/store/store_postgresql.h"

#include <stdio.h>
#include <string.h>

#include "libs/core/buf.h"
#include "libs/core/os.h"

enum { RESOLVED_MAX = 64 * 1024 };

static const char resolved_start[] = "postgresql:";

bool store_place_is_server(const char *place)
{
    struct str given = str_of(place);
    return str_starts(given, STR("postgresql:")) || str_starts(given, STR("postgres:"));
}

const char *postgresql_conninfo(const char *place)
{
    struct str given = str_of(place);
    if (str_starts(given, STR("postgresql://")) || str_starts(given, STR("postgres://")))
        return place;
    size_t skipped = sizeof resolved_start - 1;
    return str_starts(given, str_of(resolved_start)) ? place + skipped : NULL;
}

static const char *setting(const PQconninfoOption *options, const char *name)
{
    for (; options && options->keyword; options++)
        if (strcmp(options->keyword, name) == 0 && options->val && options->val[0] != '\0')
            return options->val;
    return NULL;
}

/* libpq's own message would show the address, and a password that stands in it. */
static enum fault_code read_place(const char *place, PQconninfoOption **out, struct fault *fault)
{
    char *message = NULL;
    const char *conninfo = postgresql_conninfo(place);
    *out = conninfo ? PQconninfoParse(conninfo, &message) : NULL;
    PQfreemem(message);
    if (*out)
        return FAULT_NONE;
    return fault_field(fault, FAULT_INPUT, "store",
                       "the address of the store is not understood; write it as "
                       "postgresql://user@host:5432/database?sslmode=verify-full, or "
                       "postgresql:///database?host=/run/postgresql");
}

enum fault_code store_place_check(const char *place, bool *out_secret, struct fault *fault)
{
    PQconninfoOption *options = NULL;
    bool is_secret = false;
    if (store_place_is_server(place)) {
        enum fault_code code = read_place(place, &options, fault);
        if (code != FAULT_NONE)
            return code;
        is_secret = setting(options, "password") || setting(options, "sslpassword");
        PQconninfoFree(options);
    }
    *out_secret = is_secret;
    return FAULT_NONE;
}

void postgresql_name(const char *place, char out[STORE_NAME_MAX])
{
    PQconninfoOption *options = NULL;
    struct fault ignored;
    snprintf(out, STORE_NAME_MAX, "postgresql");
    if (read_place(place, &options, &ignored) != FAULT_NONE)
        return;
    const char *host = setting(options, "host");
    const char *port = setting(options, "port");
    const char *database = setting(options, "dbname");
    bool is_socket = host && host[0] == '/';
    if (!host || is_socket)
        port = NULL;
    snprintf(out, STORE_NAME_MAX, "postgresql://%s%s%s/%s%s%s", host && !is_socket ? host : "",
             port ? ":" : "", port ? port : "", database ? database : "", is_socket ? "?host=" : "",
             is_socket ? host : "");
    PQconninfoFree(options);
}

static void add_setting(struct buf *out, const char *name, const char *value)
{
    buf_addf(out, "%s='", name);
    for (; *value; value++) {
        if (*value == '\'' || *value == '\\')
            buf_add_byte(out, '\\');
        buf_add_byte(out, *value);
    }
    buf_add(out, STR("' "));
}

/* Files of passwords and services have been read, and names been looked up: they are not needed
 * again, so that a service that has shut itself in can still connect. */
static bool is_settled(const char *name)
{
    static const char *const names[] = {"service",  "servicefile", "passfile",
                                        "password", "hostaddr",    "replication"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

char *postgresql_resolved(PGconn *connection)
{
    struct buf text;
    char *kept = NULL;
    PQconninfoOption *options = PQconninfo(connection);
    buf_init(&text, RESOLVED_MAX);
    buf_add_c(&text, resolved_start);
    for (const PQconninfoOption *each = options; each && each->keyword; each++)
        if (each->val && each->val[0] != '\0' && !is_settled(each->keyword))
            add_setting(&text, each->keyword, each->val);
    const char *password = PQpass(connection);
    if (password && password[0] != '\0')
        add_setting(&text, "password", password);
    const char *host = setting(options, "host");
    const char *address = PQhostaddr(connection);
    if (host && host[0] != '/' && !strchr(host, ',') && address && address[0] != '\0')
        add_setting(&text, "hostaddr", address);
    buf_add_byte(&text, '\0');
    struct fault ignored;
    if (options && buf_check(&text, "the address", &ignored) == FAULT_NONE)
        kept = os_alloc(buf_str(&text).len);
    if (kept)
        memcpy(kept, buf_str(&text).ptr, buf_str(&text).len);
    PQconninfoFree(options);
    buf_done(&text);
    return kept;
}
