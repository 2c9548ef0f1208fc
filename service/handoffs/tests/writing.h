/* What the tests of hand-offs that are written share: an analyst, and a store without any. */
#ifndef IG_HANDOFFS_TESTS_WRITING_H
#define IG_HANDOFFS_TESTS_WRITING_H

#include "service/handoffs/tests/house.h"

static struct buf analyst; /* "Bearer ..." of tenant acme */

static UNUSED int set_up(void **state)
{
    int failed = house_open(state);
    buf_init(&analyst, 256);
    if (!failed)
        house_token("acme", ROLE_ANALYST, &analyst);
    return failed;
}

static UNUSED int tear_down(void **state)
{
    buf_done(&analyst);
    return house_close(state);
}

static UNUSED void assert_text(struct str got, const char *want)
{
    if (!str_equal(got, str_of(want)))
        fail_msg("got \"%.*s\", want \"%s\"", STR_ARG(got), want);
}

/* Nothing of any hand-off is in the store. */
static UNUSED void assert_nothing_committed(void)
{
    assert_int_equal(house_whole("SELECT count(*) FROM handoffs"), 0);
    assert_int_equal(house_whole("SELECT count(*) FROM graph_entities"), 0);
    assert_int_equal(house_whole("SELECT count(*) FROM graph_relations"), 0);
    assert_int_equal(house_whole("SELECT count(*) FROM graph_handoff_entities"), 0);
    assert_int_equal(house_whole("SELECT count(*) FROM graph_handoff_relations"), 0);
    assert_int_equal(house_recorded("acme", "handoff.committed"), 0);
}

#endif
