#include "service/handoffs/handoffs_call.h"

#include "service/handoffs/handoffs_rules.h"

static enum fault_code run(struct handoffs_call *call, handoffs_work *work, struct fault *fault)
{
    enum fault_code code = work(call, fault);
    store_pool_give(call->service->pool, call->store);
    call->store = NULL;
    return code;
}

enum fault_code handoffs_call_run(struct handoffs_call *call, handoffs_work *work,
                                  struct fault *fault)
{
    enum fault_code code = store_pool_take(call->service->pool, &call->store, fault);
    return code == FAULT_NONE ? run(call, work, fault) : code;
}

enum fault_code handoffs_call_run_writing(struct handoffs_call *call, handoffs_work *work,
                                          struct fault *fault)
{
    enum fault_code code = store_pool_take_writer(call->service->pool, &call->store, fault);
    return code == FAULT_NONE ? run(call, work, fault) : code;
}

bool handoffs_call_is_browser(const struct web_request *request)
{
    struct str accept = web_header(request, "Accept");
    return str_find(accept, STR("text/html")) < accept.len;
}

enum fault_code handoffs_call_link(struct handoffs_call *call, struct str id, struct fault *fault)
{
    struct buf link;
    struct str copy = {0};
    buf_init(&link, HANDOFFS_LINK_MAX);
    enum fault_code code = handoffs_add_link(&link, call->service->public_url,
                                             web_header(call->request, "Host"), id, fault);
    if (code == FAULT_NONE)
        copy = arena_copy(call->request->arena, buf_str(&link));
    buf_done(&link);
    if (code == FAULT_NONE && !copy.ptr)
        code = fault_set(fault, FAULT_NO_MEMORY, "no memory left for the link of a hand-off");
    if (code == FAULT_NONE)
        call->link = copy;
    return code;
}
