#include "libs/core/fault.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#ifdef __clang_analyzer__ /* the header's words for other files */
#undef fault_set
#undef fault_field
#undef fault_errno
#undef fault_prefix
#endif

static void PRINTF_LIKE(4, 0) set_text(struct fault *fault, enum fault_code code, const char *field,
                                       const char *format, va_list args)
{
    fault->code = code;
    snprintf(fault->field, sizeof fault->field, "%s", field);
    vsnprintf(fault->text, sizeof fault->text, format, args);
}

enum fault_code fault_set(struct fault *fault, enum fault_code code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set_text(fault, code, "", format, args);
    va_end(args);
    return code;
}

enum fault_code fault_field(struct fault *fault, enum fault_code code, const char *field,
                            const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set_text(fault, code, field, format, args);
    va_end(args);
    return code;
}

enum fault_code fault_errno(struct fault *fault, int error, const char *format, ...)
{
    enum fault_code code = error == ENOMEM ? FAULT_NO_MEMORY : FAULT_IO;
    va_list args;
    va_start(args, format);
    set_text(fault, code, "", format, args);
    va_end(args);

    size_t len = strlen(fault->text);
    /* Safe among threads in glibc (2.32 and later) and in musl; their strerror_r differ in type. */
    snprintf(fault->text + len, sizeof fault->text - len, ": %s", strerror(error));
    return code;
}

enum fault_code fault_prefix(struct fault *fault, const char *format, ...)
{
    char before[FAULT_TEXT_MAX];
    char after[FAULT_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(before, sizeof before, format, args);
    va_end(args);
    snprintf(after, sizeof after, "%s", fault->text);

    size_t len = strlen(before);
    memcpy(fault->text, before, len);
    snprintf(fault->text + len, sizeof fault->text - len, "%s", after);
    return fault->code;
}
