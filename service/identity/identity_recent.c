#include "service/identity/identity_recent.h"

#include <string.h>

void identity_recent_init(struct identity_recent *recent)
{
    pthread_mutex_init(&recent->lock, NULL);
}

void identity_recent_done(struct identity_recent *recent)
{
    pthread_mutex_destroy(&recent->lock);
}

static struct identity_recent_slot *slot_of(struct identity_recent *recent,
                                            const struct sha256 *key)
{
    size_t at = (size_t)key->bytes[0] | (size_t)key->bytes[1] << 8;
    return &recent->slots[at % IDENTITY_RECENT_ROOM];
}

int64_t identity_recent_begin(struct identity_recent *recent)
{
    pthread_mutex_lock(&recent->lock);
    int64_t begun = recent->forgotten;
    pthread_mutex_unlock(&recent->lock);
    return begun;
}

void identity_recent_keep(struct identity_recent *recent, int64_t begun, struct str text,
                          const struct identity_token *token, int64_t asked_us)
{
    if (token->parent.len > 0)
        return;
    struct identity_recent_slot made = {
        .key = sha256_of(text), .until_us = asked_us + IDENTITY_RECENT_US, .token = *token};
    if (!str_to_c(token->id, made.texts[0], IDENTITY_RECENT_TEXT) ||
        !str_to_c(token->tenant, made.texts[1], IDENTITY_RECENT_TEXT) ||
        !str_to_c(token->name, made.texts[2], IDENTITY_RECENT_TEXT) ||
        !str_to_c(token->role, made.texts[3], IDENTITY_RECENT_TEXT))
        return;
    pthread_mutex_lock(&recent->lock);
    if (recent->forgotten == begun)
        *slot_of(recent, &made.key) = made;
    pthread_mutex_unlock(&recent->lock);
}

static bool copy_texts(const struct identity_recent_slot *slot, struct arena *arena,
                       struct identity_token *out)
{
    *out = slot->token;
    out->parent = STR("");
    out->search_head = STR("");
    struct str *const texts[] = {&out->id, &out->tenant, &out->name, &out->role};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        *texts[i] = arena_copy(arena, str_of(slot->texts[i]));
        if (!texts[i]->ptr)
            return false;
    }
    return true;
}

bool identity_recent_find(struct identity_recent *recent, struct str text, int64_t now_us,
                          struct arena *arena, struct identity_token *out)
{
    const struct sha256 key = sha256_of(text);
    pthread_mutex_lock(&recent->lock);
    const struct identity_recent_slot *slot = slot_of(recent, &key);
    bool found = now_us < slot->until_us &&
                 crypto_equal(key.bytes, slot->key.bytes, sizeof key.bytes) &&
                 copy_texts(slot, arena, out);
    pthread_mutex_unlock(&recent->lock);
    return found;
}

void identity_recent_forget(struct identity_recent *recent)
{
    pthread_mutex_lock(&recent->lock);
    recent->forgotten++;
    for (size_t i = 0; i < IDENTITY_RECENT_ROOM; i++)
        recent->slots[i].until_us = 0;
    pthread_mutex_unlock(&recent->lock);
}
