/* What the routes that report have in common. */
#ifndef IG_USAGE_REPORT_H
#define IG_USAGE_REPORT_H

#include "libs/core/buf.h"
#include "libs/zone/zone.h"
#include "service/web/web.h"

/* from= and to= of a report: the 31 days that end now unless they are given. FAULT_INPUT for what
 * is no time, or an end that is not after its beginning. */
enum fault_code usage_read_span(const struct web_request *request, int64_t now_us,
                                int64_t *out_from_us, int64_t *out_to_us,
                                struct fault *fault) MUST_USE;

/* format=: json, which is the usual, or csv. */
enum fault_code usage_read_format(const struct web_request *request, bool *out_csv,
                                  struct fault *fault) MUST_USE;

/* source=: of one source of events; "" for all. */
enum fault_code usage_read_source(const struct web_request *request, struct str *out,
                                  struct fault *fault) MUST_USE;

/* FAULT_INPUT when the address's query holds a member that is none of `names` (with blanks between
 * them), or one twice: with a misspelt one, other numbers would come than were asked for. */
enum fault_code usage_check_query(const struct web_request *request, const char *names,
                                  struct fault *fault) MUST_USE;

/* "from,to" of a row of CSV as the tenant's clocks show them: in a table the day must be seen. */
void usage_add_period(struct buf *out, struct zone *zone, struct zone_period period);

/* A cell of CSV: quoted; a value that a spreadsheet would take for a formula gets an apostrophe
 * before it. */
void usage_add_cell(struct buf *out, struct str text);

#endif
