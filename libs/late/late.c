#include "libs/late/late.h"

#include <dlfcn.h>
#include <stddef.h>

void *late_find(struct late_library *library, const char *name)
{
    if (!library->handle)
        library->handle = dlopen(library->file, RTLD_NOW | RTLD_LOCAL);
    return library->handle ? dlsym(library->handle, name) : NULL;
}
