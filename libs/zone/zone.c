#include "libs/zone/zone.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>
#include <unicode/ucal.h>

#include "libs/core/os.h"

enum { HOUR_MS = 3600 * 1000, ICU_FIRST_MONTH = UCAL_JANUARY };

struct zone {
    UCalendar *calendar;
    char name[ZONE_NAME_MAX];
    int anchor_day;
    struct zone_period last[ZONE_UNITS]; /* what was asked for last: events come in clusters */
};

/* Zones that were given back: ICU takes some fifty microseconds to open one, more than most of what
 * is done with it. */
enum { IDLE_MAX = 16 };
static pthread_mutex_t idle_lock = PTHREAD_MUTEX_INITIALIZER;
static struct zone *idle[IDLE_MAX];
static size_t idle_count;

static struct zone *take_idle(struct str name, int anchor_day)
{
    struct zone *found = NULL;
    pthread_mutex_lock(&idle_lock);
    for (size_t i = 0; i < idle_count && !found; i++)
        if (idle[i]->anchor_day == anchor_day && str_equal(name, str_of(idle[i]->name))) {
            found = idle[i];
            idle[i] = idle[--idle_count];
        }
    pthread_mutex_unlock(&idle_lock);
    return found;
}

static bool keep_idle(struct zone *zone)
{
    pthread_mutex_lock(&idle_lock);
    bool has_room = idle_count < IDLE_MAX;
    if (has_room)
        idle[idle_count++] = zone;
    pthread_mutex_unlock(&idle_lock);
    return has_room;
}

/* --- opening -------------------------------------------------------------------------------- */

/* ICU takes any name and makes GMT of those it does not know: so it is asked first. */
static bool is_known(const UChar *name, int32_t len)
{
    UChar canonical[ZONE_NAME_MAX];
    UBool is_system = false;
    UErrorCode error = U_ZERO_ERROR;
    ucal_getCanonicalTimeZoneID(name, len, canonical, ZONE_NAME_MAX, &is_system, &error);
    return U_SUCCESS(error) && is_system;
}

static enum fault_code unknown(struct str name, struct fault *fault)
{
    return fault_field(fault, FAULT_INPUT, "zone",
                       "zone holds \"%.*s\", which is no zone of the IANA database; write it as "
                       "Europe/Berlin or UTC",
                       STR_ARG(str_take(name, ZONE_NAME_MAX)));
}

enum fault_code zone_open(struct str name, int anchor_day, struct zone **out, struct fault *fault)
{
    UChar wide[ZONE_NAME_MAX];
    UErrorCode error = U_ZERO_ERROR;
    if (anchor_day < 1 || anchor_day > 31)
        return fault_field(fault, FAULT_INPUT, "anchor_day", "anchor_day is %d; it must be 1 to 31",
                           anchor_day);
    if (name.len == 0 || name.len >= ZONE_NAME_MAX)
        return unknown(name, fault);
    for (size_t i = 0; i < name.len; i++) {
        bool is_plain = name.ptr[i] > ' ' && name.ptr[i] < 0x7f; /* all of the database's are */
        if (!is_plain)
            return unknown(name, fault);
        wide[i] = (UChar)name.ptr[i];
    }
    struct zone *zone = take_idle(name, anchor_day);
    if (zone) {
        *out = zone;
        return FAULT_NONE;
    }
    if (!is_known(wide, (int32_t)name.len))
        return unknown(name, fault);
    zone = os_alloc(sizeof *zone);
    if (!zone)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for a time zone");
    zone->anchor_day = anchor_day;
    memcpy(zone->name, name.ptr, name.len);
    zone->calendar = ucal_open(wide, (int32_t)name.len, "en_US", UCAL_GREGORIAN, &error);
    if (U_FAILURE(error)) {
        os_free(zone);
        return fault_set(fault, FAULT_NO_MEMORY, "the time zone %.*s cannot be loaded: %s",
                         STR_ARG(name), u_errorName(error));
    }
    *out = zone;
    return FAULT_NONE;
}

void zone_free(struct zone *taken)
{
    if (!taken || keep_idle(taken))
        return;
    ucal_close(taken->calendar);
    os_free(taken);
}

/* --- the calendar --------------------------------------------------------------------------- */

/* Within 1970 .. 9999 and with a calendar that was opened, ICU has nothing to refuse. */
static int field(struct zone *zone, UCalendarDateFields which)
{
    UErrorCode error = U_ZERO_ERROR;
    int32_t value = ucal_get(zone->calendar, which, &error);
    assert(U_SUCCESS(error));
    return value;
}

static void set_ms(struct zone *zone, int64_t ms)
{
    UErrorCode error = U_ZERO_ERROR;
    ucal_setMillis(zone->calendar, (UDate)ms, &error);
    assert(U_SUCCESS(error));
}

static int64_t get_ms(struct zone *zone)
{
    UErrorCode error = U_ZERO_ERROR;
    UDate ms = ucal_getMillis(zone->calendar, &error);
    assert(U_SUCCESS(error));
    return (int64_t)ms;
}

static int64_t ms_of(int64_t us)
{
    return us >= 0 ? us / 1000 : -((-us + 999) / 1000);
}

struct zone_date zone_date_at(struct zone *zone, int64_t at_us)
{
    set_ms(zone, ms_of(at_us));
    return (struct zone_date){field(zone, UCAL_YEAR), field(zone, UCAL_MONTH) - ICU_FIRST_MONTH + 1,
                              field(zone, UCAL_DATE)};
}

void zone_add_local(struct zone *zone, int64_t at_us, struct buf *out)
{
    set_ms(zone, ms_of(at_us));
    int offset_s = (field(zone, UCAL_ZONE_OFFSET) + field(zone, UCAL_DST_OFFSET)) / 1000;
    struct zone_date date = zone_date_at(zone, at_us);
    buf_addf(out, "%04d-%02d-%02dT%02d:%02d:%02d", date.year, date.month, date.day,
             field(zone, UCAL_HOUR_OF_DAY), field(zone, UCAL_MINUTE), field(zone, UCAL_SECOND));
    int minutes = (offset_s < 0 ? -offset_s : offset_s) / 60;
    if (offset_s == 0)
        buf_add_byte(out, 'Z');
    else
        buf_addf(out, "%c%02d:%02d", offset_s < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

int zone_weekday_at(struct zone *zone, int64_t at_us)
{
    set_ms(zone, ms_of(at_us));
    int day = field(zone, UCAL_DAY_OF_WEEK); /* 1 is Sunday */
    return day == UCAL_SUNDAY ? 7 : day - 1;
}

/* The first moment of the date. Midnight may be left out (the day then begins at 01:00) or come
 * twice (the first one counts); a date may be left out as a whole, then it is the next one's. */
static int64_t start_of(struct zone *zone, struct zone_date date)
{
    UErrorCode error = U_ZERO_ERROR;
    ucal_setAttribute(zone->calendar, UCAL_REPEATED_WALL_TIME, UCAL_WALLTIME_FIRST);
    ucal_setAttribute(zone->calendar, UCAL_SKIPPED_WALL_TIME, UCAL_WALLTIME_NEXT_VALID);
    ucal_clear(zone->calendar);
    ucal_setDateTime(zone->calendar, date.year, date.month - 1 + ICU_FIRST_MONTH, date.day, 0, 0, 0,
                     &error);
    assert(U_SUCCESS(error));
    return get_ms(zone);
}

static int days_in(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && is_leap ? 29 : days[month - 1];
}

static struct zone_date add_days(struct zone_date date, int days)
{
    date.day += days;
    if (date.day > days_in(date.year, date.month)) {
        date.day = 1;
        date.month++;
    }
    if (date.month > 12) {
        date.month = 1;
        date.year++;
    }
    return date;
}

/* The first day of the billing period that begins in the month `months` away from `date`'s. */
static struct zone_date anchor(struct zone_date date, int months, int anchor_day)
{
    int month = date.year * 12 + date.month - 1 + months;
    struct zone_date first = {month / 12, month % 12 + 1, anchor_day};
    int most = days_in(first.year, first.month);
    first.day = first.day > most ? most : first.day;
    return first;
}

/* --- periods -------------------------------------------------------------------------------- */

/* In step with standard time: half past where that is half an hour off. */
static struct zone_period hour_at(struct zone *zone, int64_t ms)
{
    set_ms(zone, ms);
    int64_t offset = field(zone, UCAL_ZONE_OFFSET) % HOUR_MS;
    int64_t from = ms - ((ms + offset) % HOUR_MS + HOUR_MS) % HOUR_MS;
    return (struct zone_period){from, from + HOUR_MS};
}

static struct zone_period day_at(struct zone *zone, int64_t ms)
{
    struct zone_date date = zone_date_at(zone, ms * 1000);
    int64_t from = start_of(zone, date);
    struct zone_date next = add_days(date, 1);
    int64_t to = start_of(zone, next);
    while (to <= from) { /* a date that was left out begins where this one does */
        next = add_days(next, 1);
        to = start_of(zone, next);
    }
    return (struct zone_period){from, to};
}

static struct zone_period months_at(struct zone *zone, int64_t ms, int anchor_day)
{
    struct zone_date date = zone_date_at(zone, ms * 1000);
    int64_t from = start_of(zone, anchor(date, 0, anchor_day));
    int months = from > ms ? -1 : 0;
    if (months != 0)
        from = start_of(zone, anchor(date, months, anchor_day));
    return (struct zone_period){from, start_of(zone, anchor(date, months + 1, anchor_day))};
}

struct zone_period zone_period_at(struct zone *zone, enum zone_unit unit, int64_t at_us)
{
    struct zone_period *last = &zone->last[unit];
    struct zone_period found = {0};
    int64_t ms = ms_of(at_us);
    if (at_us >= last->from_us && at_us < last->to_us)
        return *last;
    switch (unit) {
    case ZONE_HOUR:
        found = hour_at(zone, ms);
        break;
    case ZONE_DAY:
        found = day_at(zone, ms);
        break;
    case ZONE_MONTH:
        found = months_at(zone, ms, 1);
        break;
    case ZONE_BILLING:
        found = months_at(zone, ms, zone->anchor_day);
        break;
    case ZONE_UNITS:
        assert(!"a unit");
    }
    *last = (struct zone_period){found.from_us * 1000, found.to_us * 1000};
    assert(at_us >= last->from_us && at_us < last->to_us);
    return *last;
}
