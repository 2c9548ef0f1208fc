/* SQLSTATEs (PostgreSQL documentation, appendix A) as faults with a cure. */
#include "libs/store/store_postgresql.h"

#include <string.h>

bool postgresql_is_lost(const struct postgresql_store *store)
{
    return PQstatus(store->connection) != CONNECTION_OK;
}

struct known {
    const char *state; /* the whole SQLSTATE, or its first two for a class */
    enum fault_code code;
    const char *sentence; /* NULL: the server's own */
};

/* Whole states stand before their class. */
static const struct known all_known[] = {
    {"23", FAULT_CONFLICT, NULL},
    {"22021", FAULT_INPUT, "a text holds a zero byte or is not UTF-8; send it without"},
    {"22P05", FAULT_INPUT, "a text holds a zero byte or is not UTF-8; send it without"},
    {"25006", FAULT_IO,
     "the server is read-only (a standby?); name the primary server in the address"},
    {"25P02", FAULT_IO, "an earlier failure has ended the transaction"},
    {"25P03", FAULT_UNAVAILABLE, "the transaction was left idle for too long; try again"},
    {"40", FAULT_UNAVAILABLE, "another transaction was in the way; try again"},
    {"53100", FAULT_IO, "the disk is full at the database server; free some space and try again"},
    {"53200", FAULT_UNAVAILABLE, "the database server has no memory left; try again"},
    {"53300", FAULT_UNAVAILABLE,
     "the database server has no connections left; raise its max_connections, or --threads of "
     "the services down"},
    {"53", FAULT_UNAVAILABLE, NULL},
    {"54", FAULT_LIMIT, NULL},
    {"55P03", FAULT_UNAVAILABLE, "another writer holds it; try again"},
    {"57014", FAULT_UNAVAILABLE, "the database server has ended the statement; try again"},
    {"57P", FAULT_UNAVAILABLE, "the database server is stopping or starting; try again"},
    {"58", FAULT_IO, NULL},
    {"28", FAULT_INPUT, NULL},
    {"3D000", FAULT_INPUT,
     "there is no such database; create it (createdb) for the service's user"},
    {"42501", FAULT_IO,
     "the service's user may not do this there; make it the owner of the database"},
    {"08", FAULT_UNAVAILABLE, "the connection to the database server was lost; try again"},
};

static const struct known *find(const char *state)
{
    for (size_t i = 0; i < sizeof all_known / sizeof all_known[0]; i++)
        if (strncmp(state, all_known[i].state, strlen(all_known[i].state)) == 0)
            return &all_known[i];
    return NULL;
}

static const char *text_of(const PGresult *result, int field)
{
    const char *text = result ? PQresultErrorField(result, field) : NULL;
    return text ? text : "";
}

/* libpq has no states of its own, only sentences: want of memory is the one that says so. */
static bool is_out_of_memory(const struct postgresql_store *store)
{
    return strstr(PQerrorMessage(store->connection), "out of memory") != NULL;
}

/* What libpq could not do, it could not do with this connection: a server that has fallen is not
 * always noticed as such. It is opened anew by the next use. */
static void drop(struct postgresql_store *store)
{
    PQfinish(store->connection);
    store->connection = NULL;
    store->streaming = NULL;
}

enum fault_code postgresql_fault(struct postgresql_store *store, const PGresult *result,
                                 const char *doing, struct fault *fault)
{
    const char *name = store->base.name;
    const char *state = text_of(result, PG_DIAG_SQLSTATE);
    const char *message = text_of(result, PG_DIAG_MESSAGE_PRIMARY);
    const struct known *known = find(state);
    if (known)
        return fault_set(fault, known->code, "cannot %s the store %s: %s", doing, name,
                         known->sentence ? known->sentence : message);
    if (state[0] == '\0' && !is_out_of_memory(store))
        drop(store);
    if (postgresql_is_lost(store))
        return fault_set(fault, FAULT_UNAVAILABLE,
                         "cannot %s the store %s: the connection to the database server was lost; "
                         "try again",
                         doing, name);
    if (state[0] == '\0') /* libpq itself */
        return fault_set(fault, FAULT_NO_MEMORY, "cannot %s the store %s: no memory left", doing,
                         name);
    /* The literals are tested, so a text that does not fit means a schema that was changed. */
    return fault_set(fault, FAULT_CORRUPT, "cannot %s the store %s: %s (%s)", doing, name, message,
                     state);
}
