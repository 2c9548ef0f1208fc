#include "integrations/splunk-app/native/broker/broker_cache.h"

#include <string.h>

static struct broker_slot *find_slot(struct broker_cache *cache, const struct sha256 *key)
{
    for (size_t i = 0; i < BROKER_CACHE_ROOM; i++) {
        struct broker_slot *slot = &cache->slots[i];
        if (slot->used && memcmp(&slot->key, key, sizeof *key) == 0)
            return slot;
    }
    return NULL;
}

struct sha256 broker_cache_key(struct str user, const struct settings *settings,
                               enum token_scope scope)
{
    const struct str parts[] = {user, settings->instance, settings->url, settings->tenant,
                                str_of(token_scope_name(scope))};
    struct sha256 whole = {0};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct {
            struct sha256 before;
            struct sha256 part;
        } both = {whole, sha256_of(parts[i])};
        whole = sha256_of((struct str){(const char *)&both, sizeof both});
    }
    return whole;
}

const struct broker_grant *broker_cache_find(struct broker_cache *cache, const struct sha256 *key,
                                             int64_t now_us)
{
    struct broker_slot *slot = find_slot(cache, key);
    if (!slot)
        return NULL;
    if (slot->grant.until_us - now_us >= (int64_t)BROKER_LEFT_LEAST_S * 1000000)
        return &slot->grant;
    explicit_bzero(slot, sizeof *slot);
    return NULL;
}

void broker_cache_put(struct broker_cache *cache, const struct sha256 *key,
                      const struct broker_grant *grant)
{
    struct broker_slot *slot = find_slot(cache, key);
    for (size_t i = 0; i < BROKER_CACHE_ROOM && !slot; i++)
        if (!cache->slots[i].used)
            slot = &cache->slots[i];
    if (!slot) {
        slot = &cache->slots[0];
        for (size_t i = 1; i < BROKER_CACHE_ROOM; i++)
            if (cache->slots[i].grant.until_us < slot->grant.until_us)
                slot = &cache->slots[i];
    }
    explicit_bzero(slot, sizeof *slot);
    *slot = (struct broker_slot){.used = true, .key = *key, .grant = *grant};
}

void broker_cache_drop(struct broker_cache *cache, const struct sha256 *key)
{
    struct broker_slot *slot = find_slot(cache, key);
    if (slot)
        explicit_bzero(slot, sizeof *slot);
}

void broker_cache_wipe(struct broker_cache *cache)
{
    explicit_bzero(cache, sizeof *cache);
}
