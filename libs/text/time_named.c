/* Times with names of months: what HTTP and certificates hold. */
#include "libs/text/time.h"

#include <stdio.h>

/* The word before the next blank; blanks around it are passed over. */
static struct str take_word(struct str *text)
{
    struct str word;
    struct str rest;
    str_cut(str_trim(*text), ' ', &word, &rest);
    *text = rest;
    return word;
}

static bool read_month(struct str name, int *out)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (int i = 0; i < 12; i++)
        if (str_equal(name, (struct str){names + (size_t)i * 3, 3})) {
            *out = i + 1;
            return true;
        }
    return false;
}

/* The clock's text is checked by time_read_us. */
static bool read_parts(struct str day, struct str month, struct str year, struct str clock,
                       int64_t *out_us)
{
    char text[40];
    int number;
    uint64_t days;
    uint64_t years;
    if (!read_month(month, &number) || !str_to_u64(day, 31, &days) ||
        !str_to_u64(year, 9999, &years) || year.len != 4 || clock.len != 8)
        return false;
    snprintf(text, sizeof text, "%04d-%02d-%02dT%.8sZ", (int)years, number, (int)days, clock.ptr);
    return time_read_us(str_of(text), out_us);
}

bool time_read_http(struct str text, int64_t *out_us)
{
    struct str weekday = take_word(&text);
    struct str day = take_word(&text);
    struct str month = take_word(&text);
    struct str year = take_word(&text);
    struct str clock = take_word(&text);
    return weekday.len == 4 && weekday.ptr[3] == ',' && str_equal(str_trim(text), STR("GMT")) &&
           read_parts(day, month, year, clock, out_us);
}

bool time_read_certificate(struct str text, int64_t *out_us)
{
    struct str month = take_word(&text);
    struct str day = take_word(&text);
    struct str clock = take_word(&text);
    struct str year = take_word(&text);
    return str_equal(str_trim(text), STR("GMT")) && read_parts(day, month, year, clock, out_us);
}
