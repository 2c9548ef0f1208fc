/* igaudit: hand-offs on record as rows, each verified against the signed head of the log, and
 * against what this search head kept. */
#ifndef IG_NATIVE_IGAUDIT_H
#define IG_NATIVE_IGAUDIT_H

#include "integrations/splunk-app/native/audit/proof.h"
#include "integrations/splunk-app/native/frame/generating.h"
#include "integrations/splunk-app/native/record/kept.h"
#include "integrations/splunk-app/native/settings/settings.h"
#include "libs/http/client.h"

struct igaudit {
    struct arena arena; /* lives as long as the command */
    struct arena page;  /* of the page at hand */
    const struct scp_getinfo *info;
    struct places places;
    struct settings settings;
    struct {
        struct str analyst;
        struct str sid;
        struct str instance;
        int64_t limit;
    } args;

    struct http_client *client; /* NULL until the first rows are asked for */
    struct http_secret token;
    bool sees_all; /* the audit records of everybody, by the analyst's capability */
    struct kept_list kept;
    struct proof_log log;
    struct str checkpoint;      /* of the first page: what log.head borrows from */
    struct wire_audit_page now; /* the page at hand */
    size_t at;                  /* the record of it that comes next */
    size_t kept_at;             /* when all pages are through: what the service did not show */
    char next[WIRE_AUDIT_NEXT_MAX + 1];
    int64_t left; /* rows that limit= still allows */
    uint64_t rows;
    uint64_t doubted; /* rows that are not verified */
    bool through;     /* no further page */
    bool said;        /* the messages were given */
};

void igaudit_init(struct igaudit *audit);
void igaudit_done(struct igaudit *audit);
struct generating_source igaudit_source(struct igaudit *audit);

#endif
