/* OpenSSL's memory, through the one seam, so that tests can refuse the n-th allocation. */
#include "libs/crypto/crypto_memory.h"

#include <openssl/crypto.h>

#include "libs/core/os.h"

static bool is_ours;
static _Thread_local bool refused;

static void *noted(void *ptr)
{
    refused = refused || !ptr;
    return ptr;
}

static void *memory_malloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return size ? noted(os_resize(NULL, size)) : NULL;
}

static void *memory_realloc(void *ptr, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    if (size > 0)
        return noted(os_resize(ptr, size));
    os_free(ptr);
    return NULL;
}

static void memory_free(void *ptr, const char *file, int line)
{
    (void)file;
    (void)line;
    os_free(ptr);
}

/* OpenSSL takes it before its first allocation only, which may be libcurl's doing: hence before
 * main. */
static __attribute__((constructor)) void set_memory(void)
{
    is_ours = CRYPTO_set_mem_functions(memory_malloc, memory_realloc, memory_free) == 1;
}

bool crypto_memory_is_ours(void)
{
    return is_ours;
}

bool crypto_memory_was_refused(void)
{
    bool was = refused;
    refused = false;
    return was;
}
