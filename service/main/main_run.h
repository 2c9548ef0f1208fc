/* One function a command; each does the whole of it and says on standard output what was asked for.
 */
#ifndef IG_MAIN_MAIN_RUN_H
#define IG_MAIN_MAIN_RUN_H

#include "service/main/main_options.h"

main_runner main_run_serve;
main_runner main_run_token_create;
main_runner main_run_token_list;
main_runner main_run_token_revoke;
main_runner main_run_audit_verify;
main_runner main_run_audit_export;
main_runner main_run_audit_key;
main_runner main_run_usage_rebuild;
main_runner main_run_usage_reconcile;
main_runner main_run_usage_zone;

#endif
