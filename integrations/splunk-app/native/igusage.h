/* igusage: what was used, as rows by meter, period and dimensions, as the service counted it. */
#ifndef IG_NATIVE_IGUSAGE_H
#define IG_NATIVE_IGUSAGE_H

#include "integrations/splunk-app/native/generating.h"
#include "integrations/splunk-app/native/settings.h"
#include "integrations/splunk-app/native/usage_report.h"
#include "libs/http/client.h"

enum { IGUSAGE_BY_MAX = 6, IGUSAGE_METERS_MAX = 64, IGUSAGE_COLUMNS_MAX = 32 };

struct igusage {
    struct arena arena; /* lives as long as the command */
    struct arena page;  /* of the report at hand */
    const struct scp_getinfo *info;
    struct places places;
    struct settings settings;
    struct {
        struct str meter;
        struct str window;
        struct str by;
        struct str instance;
    } args;
    size_t by_count;
    const char *by[IGUSAGE_BY_MAX]; /* their order is the columns' */
    const char *columns[IGUSAGE_COLUMNS_MAX];
    int64_t from_us; /* of the search's range */
    int64_t until_us;

    struct http_client *client; /* NULL until the first rows are asked for */
    struct http_secret token;
    size_t meter_count;
    struct usage_report_meter meters[IGUSAGE_METERS_MAX];
    size_t meter_at;
    int64_t next_us;  /* what of the meter at hand is asked for next */
    int64_t slice_us; /* how much of it */
    struct usage_report now;
    const struct json *row; /* of `now`, the one that comes next */
    uint64_t row_number;
};

void igusage_init(struct igusage *usage);
void igusage_done(struct igusage *usage);
struct generating_source igusage_source(struct igusage *usage);

#endif
