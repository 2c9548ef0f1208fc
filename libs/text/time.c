#include "libs/text/time.h"

enum {
    FRACTION_MAX = 18, /* digits: what 64-bit writers produce at most, attoseconds */
    SECOND_US = 1000000,
    DAY_S = 86400,
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Takes the digits at the start of *text; false unless there are `least` to `most` of them. */
static bool take_digits(struct str *text, size_t least, size_t most, int64_t *out)
{
    size_t len = 0;
    int64_t value = 0;
    while (len < text->len && len < most && is_digit(text->ptr[len]))
        value = value * 10 + (text->ptr[len++] - '0');
    *text = str_skip(*text, len);
    *out = value;
    return len >= least;
}

static bool take_byte(struct str *text, char a, char b)
{
    if (text->len == 0 || (text->ptr[0] != a && text->ptr[0] != b))
        return false;
    *text = str_skip(*text, 1);
    return true;
}

/* Takes ".123456789", if it is there, as microseconds. */
static bool take_fraction(struct str *text, int64_t *out_us)
{
    *out_us = 0;
    if (!take_byte(text, '.', ','))
        return true;
    size_t len = 0;
    int64_t unit = SECOND_US;
    for (; len < text->len && is_digit(text->ptr[len]); len++) {
        unit /= 10; /* 0 from the seventh digit on */
        *out_us += (text->ptr[len] - '0') * unit;
    }
    *text = str_skip(*text, len);
    return len >= 1 && len <= FRACTION_MAX;
}

static bool is_leap_year(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int64_t days_of_month(int64_t year, int64_t month)
{
    static const int8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap_year(year));
}

/* Days since 1970-01-01 of a day in the proleptic Gregorian calendar. The year is made to begin in
 * March, so that the leap day is its last and months before it need no table. */
static int64_t days_of_date(int64_t year, int64_t month, int64_t day)
{
    int64_t years = month > 2 ? year : year - 1;
    int64_t months = (month + 9) % 12;
    return years * 365 + years / 4 - years / 100 + years / 400 + (months * 153 + 2) / 5 + day - 1 -
           719468; /* from 0000-03-01 to 1970-01-01 */
}

/* Takes "Z" or "+hh:mm", "+hhmm", "+hh" as seconds east. */
static bool take_offset(struct str *text, int64_t *out_s)
{
    int64_t hours;
    int64_t minutes = 0;
    *out_s = 0;
    if (take_byte(text, 'Z', 'z'))
        return true;
    if (text->len == 0)
        return false;
    int64_t sign = text->ptr[0] == '-' ? -1 : 1;
    if (!take_byte(text, '+', '-') || !take_digits(text, 2, 2, &hours))
        return false;
    bool colon = take_byte(text, ':', ':');
    if ((colon || text->len > 0) && !take_digits(text, 2, 2, &minutes))
        return false;
    *out_s = sign * (hours * 3600 + minutes * 60);
    return hours <= 23 && minutes <= 59;
}

static bool read_date(struct str text, int64_t *out_us)
{
    int64_t year, month, day, hour, minute, second, us, offset_s;
    if (!take_digits(&text, 4, 4, &year) || !take_byte(&text, '-', '-') ||
        !take_digits(&text, 2, 2, &month) || !take_byte(&text, '-', '-') ||
        !take_digits(&text, 2, 2, &day))
        return false;
    if (month < 1 || month > 12 || day < 1 || day > days_of_month(year, month))
        return false;
    if (!(take_byte(&text, 'T', 't') || take_byte(&text, ' ', ' ')) ||
        !take_digits(&text, 2, 2, &hour) || !take_byte(&text, ':', ':') ||
        !take_digits(&text, 2, 2, &minute) || !take_byte(&text, ':', ':') ||
        !take_digits(&text, 2, 2, &second) || !take_fraction(&text, &us) ||
        !take_offset(&text, &offset_s) || text.len > 0)
        return false;
    if (hour > 23 || minute > 59 || second > 60)
        return false;
    int64_t seconds =
        days_of_date(year, month, day) * DAY_S + hour * 3600 + minute * 60 + second - offset_s;
    if (second == 60) {
        if (seconds % DAY_S != 0) /* a leap second ends a day in UTC */
            return false;
        us = 0;
    }
    int64_t result = seconds * SECOND_US + us;
    if (result < 0 || result > TIME_MAX_US)
        return false;
    *out_us = result;
    return true;
}

static bool read_epoch(struct str text, int64_t *out_us)
{
    int64_t seconds;
    int64_t us;
    if (!take_digits(&text, 1, 12, &seconds) || !take_fraction(&text, &us) || text.len > 0)
        return false;
    if (seconds > TIME_MAX_US / SECOND_US)
        return false;
    *out_us = seconds * SECOND_US + us;
    return true;
}

bool time_read_us(struct str text, int64_t *out_us)
{
    bool is_date = text.len > 4 && text.ptr[4] == '-';
    return is_date ? read_date(text, out_us) : read_epoch(text, out_us);
}

void time_add_rfc3339(struct buf *out, int64_t us)
{
    if (us < 0 || us > TIME_MAX_US) {
        buf_add_i64(out, us);
        return;
    }
    int64_t seconds = us / SECOND_US;
    int64_t of_day = seconds % DAY_S;
    int64_t days = seconds / DAY_S + 719468; /* since 0000-03-01 */
    int64_t era = days / 146097;             /* of 400 years */
    int64_t of_era = days % 146097;
    int64_t years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (years * 365 + years / 4 - years / 100);
    int64_t months = (of_year * 5 + 2) / 153; /* since March */
    int64_t day = of_year - (months * 153 + 2) / 5 + 1;
    int64_t month = months < 10 ? months + 3 : months - 9;
    int64_t year = era * 400 + years + (month <= 2);
    buf_addf(out, "%04d-%02d-%02dT%02d:%02d:%02d", (int)year, (int)month, (int)day,
             (int)(of_day / 3600), (int)(of_day / 60 % 60), (int)(of_day % 60));
    if (us % SECOND_US != 0)
        buf_addf(out, ".%06d", (int)(us % SECOND_US));
    buf_add_byte(out, 'Z');
}
