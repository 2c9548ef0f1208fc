/* What the connection that writes keeps of usage, from one write transaction to the next, and what
 * is gathered in one and written at once before its commit: events of many requests that share a
 * transaction become a few statements. A companion of the connection (store.h). */
#ifndef IG_USAGE_LEDGER_H
#define IG_USAGE_LEDGER_H

#include "libs/store/store.h"
#include "service/usage/usage_keys.h"
#include "service/usage/usage_provenance.h"
#include "service/usage/usage_rollup.h"

struct usage_ledger;
struct usage_account; /* a tenant's part of it */

/* For the write transaction that is open; its number of a tenant is its own. */
enum fault_code usage_ledger_open(struct store *store, struct usage_ledger **out,
                                  struct fault *fault) MUST_USE;
enum fault_code usage_ledger_account(struct usage_ledger *ledger, struct str tenant,
                                     struct usage_account **out, struct fault *fault) MUST_USE;

/* Writes what is gathered in this transaction, if anything is, for who reads events and sums in it;
 * the index by key still follows behind. */
enum fault_code usage_ledger_settle(struct store *store, struct fault *fault) MUST_USE;

struct usage_rollup *usage_account_rollup(struct usage_account *account);

/* Over all events so far. A request that was taken sets it; it is written down with the rest. */
struct sha256 usage_account_chain(const struct usage_account *account);
enum fault_code usage_account_chain_set(struct usage_account *account, const struct sha256 *chain,
                                        int64_t last_seq, int64_t events, int64_t accepted_us,
                                        struct fault *fault) MUST_USE;

/* The id of the event's dimensions, new or known. */
enum fault_code usage_account_dimset(struct usage_account *account, const struct usage_event *event,
                                     int64_t *out_id, struct fault *fault) MUST_USE;

/* Whether it is there already. */
enum fault_code usage_account_match(struct usage_account *account, const struct usage_event *event,
                                    enum usage_match *out, struct fault *fault) MUST_USE;
enum fault_code usage_account_find(struct usage_account *account, const uint8_t key[USAGE_KEY_SIZE],
                                   bool *out_found, struct usage_kept *out,
                                   struct fault *fault) MUST_USE;

/* A new one. It is not counted by this. *out_seq: its place. */
enum fault_code usage_account_add(struct usage_account *account, struct usage_event *event,
                                  const struct usage_kept *kept, int64_t received_us,
                                  int64_t *out_seq, struct fault *fault) MUST_USE;

#endif
