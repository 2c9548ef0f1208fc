#include "service/main/main_routes.h"

#include "service/budgets/budgets.h"
#include "service/budgets/budgets_admin.h"
#include "service/anomalies/anomalies.h"
#include "service/handoffs/handoffs.h"
#include "service/identity/identity.h"
#include "service/notify/notify.h"
#include "service/prices/prices.h"
#include "service/service.h"
#include "service/ui/ui_web.h"
#include "service/usage/usage.h"

enum fault_code main_admit(void *context, struct web_request *request, struct fault *fault)
{
    struct service *service = context;
    return identity_admit(service->identity, request, fault);
}

const struct web_route *const main_tables[] = {
    handoffs_routes,
    handoffs_read_routes,
    handoffs_record_routes,
    identity_routes,
    main_audit_routes,
    main_status_routes,
    main_metrics_routes,
    main_whoami_routes,
    ui_routes,
    handoffs_open_routes,
    usage_routes,
    usage_dlq_routes,
    budgets_decision_routes,
    budgets_admin_routes,
    budgets_override_routes,
    budgets_history_routes,
    usage_provenance_routes,
    prices_routes,
    prices_costs_routes,
    notify_recipient_routes,
    notify_delivery_routes,
    anomalies_routes,
};

const size_t main_table_count = sizeof main_tables / sizeof main_tables[0];
