#include "service/handoffs/handoffs_call.h"

#include <assert.h>

#include "service/handoffs/handoffs_rules.h"

enum fault_code handoffs_call_read(struct handoffs_call *call, handoffs_step *step, void *context,
                                   struct fault *fault)
{
    assert(!call->store);
    enum fault_code code = store_pool_take(call->service->pool, &call->store, fault);
    if (code != FAULT_NONE)
        return code;
    code = step(call, context, fault);
    store_pool_give(call->service->pool, call->store);
    call->store = NULL;
    return code;
}

struct running {
    handoffs_work *work;
};

static enum fault_code run_whole(struct handoffs_call *call, void *context, struct fault *fault)
{
    const struct running *running = context;
    return running->work(call, fault);
}

enum fault_code handoffs_call_run(struct handoffs_call *call, handoffs_work *work,
                                  struct fault *fault)
{
    struct running running = {work};
    return handoffs_call_read(call, run_whole, &running, fault);
}

struct writing {
    struct handoffs_call *call;
    handoffs_step *step;
    void *context;
};

static enum fault_code write_in(struct store *store, void *context, struct fault *fault)
{
    const struct writing *writing = context;
    writing->call->store = store;
    enum fault_code code = writing->step(writing->call, writing->context, fault);
    writing->call->store = NULL;
    return code;
}

enum fault_code handoffs_call_write(struct handoffs_call *call, handoffs_step *step, void *context,
                                    struct fault *fault)
{
    struct writing writing = {call, step, context};
    assert(!call->store && "a connection is not held while waiting for the turn to write");
    return store_pool_write(call->service->pool, write_in, &writing, fault);
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
