/* Files of kept heads, which come from elsewhere: no crash; what is refused is told with its line;
 * what is taken is taken twice as well. */
#include <assert.h>
#include <string.h>

#include "libs/core/buf.h"
#include "service/audit/audit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_taken(struct str text)
{
    struct audit_heads *heads = NULL;
    struct fault fault = {.text = ""};
    enum fault_code code = audit_heads_read(text, &heads, &fault);
    assert((code == FAULT_NONE) == (heads != NULL));
    assert(code == FAULT_NONE || strncmp(fault.text, "line ", 5) == 0 ||
           strncmp(fault.text, "there is no checkpoint", 22) == 0);
    audit_heads_free(heads);
    return code == FAULT_NONE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct buf twice;
    if (!is_taken(text))
        return 0;
    buf_init(&twice, 2 * size + 1);
    buf_add(&twice, text);
    buf_add_byte(&twice, '\n');
    buf_add(&twice, text);
    assert(is_taken(buf_str(&twice)));
    buf_done(&twice);
    return 0;
}
