#include "service/prices/prices_money.h"

#include "service/usage/usage_query.h"

enum { PLACES = 6, PLACES_SHOWN = 2, DIGITS_MAX = 19 };

bool prices_decimal_read(struct str text, int places, int64_t max, int64_t *out)
{
    struct str whole;
    struct str fraction;
    __int128 number = 0;
    bool has_point = str_cut(text, '.', &whole, &fraction);
    bool is_good = whole.len > 0 && whole.len <= DIGITS_MAX &&
                   (whole.len == 1 || whole.ptr[0] != '0') &&
                   (!has_point || (fraction.len > 0 && fraction.len <= (size_t)places));
    for (size_t i = 0; i < text.len && is_good; i++) {
        bool is_point = has_point && i == whole.len;
        is_good = is_point || (text.ptr[i] >= '0' && text.ptr[i] <= '9');
        if (!is_point)
            number = number * 10 + (text.ptr[i] - '0');
    }
    if (!is_good)
        return false;
    for (size_t i = fraction.len; i < (size_t)places; i++)
        number *= 10;
    if (number > max)
        return false;
    *out = (int64_t)number;
    return true;
}

bool prices_money_read(struct str text, int64_t max_micros, int64_t *out_micros)
{
    return prices_decimal_read(text, PLACES, max_micros, out_micros);
}

void prices_money_add(struct buf *out, __int128 micros)
{
    __int128 size = micros < 0 ? -micros : micros;
    int fraction = (int)(size % PRICES_MICROS);
    char digits[PLACES];
    size_t len = PLACES;
    for (size_t i = PLACES; i > 0; i--, fraction /= 10)
        digits[i - 1] = (char)('0' + fraction % 10);
    while (len > PLACES_SHOWN && digits[len - 1] == '0')
        len--;
    if (micros < 0)
        buf_add_byte(out, '-');
    usage_add_whole(out, size / PRICES_MICROS);
    buf_add_byte(out, '.');
    buf_add(out, (struct str){digits, len});
}

void prices_money_put(struct json_out *out, const char *name, __int128 micros)
{
    struct buf text;
    buf_init(&text, 64);
    prices_money_add(&text, micros);
    json_put_text(out, name, buf_str(&text));
    buf_done(&text);
}
