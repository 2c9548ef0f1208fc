#include "libs/graph/mapping.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libs/core/buf.h"
#include "libs/core/file.h"
#include "libs/core/os.h"

#define HEADER "field,kind,role\n"

static struct graph_mapping *read_good(const char *text)
{
    struct graph_mapping *mapping = NULL;
    struct fault fault;
    if (graph_mapping_read(str_of(text), &mapping, &fault) != FAULT_NONE)
        fail_msg("%s", fault.text);
    return mapping;
}

static void check_refused(const char *text, enum fault_code code, const char *sentence)
{
    struct graph_mapping *mapping = NULL;
    struct fault fault = {0};
    assert_int_equal(graph_mapping_read(str_of(text), &mapping, &fault), code);
    assert_null(mapping);
    assert_string_equal(fault.text, sentence);
}

static void mapping__finds_a_field_by_its_exact_name_only(void **state)
{
    (void)state;
    struct graph_mapping *mapping =
        read_good(HEADER "src_ip,ip,src\n\"a \"\"b\"\"\",user,user\ndest,address,dest\n");
    assert_int_equal(graph_mapping_count(mapping), 3);
    const struct graph_field *field = graph_mapping_find(mapping, STR("src_ip"));
    assert_non_null(field);
    assert_ptr_equal(field, graph_mapping_at(mapping, 0));
    assert_int_equal(field->type, GRAPH_IP);
    assert_int_equal(field->role, GRAPH_ROLE_SRC);
    assert_int_equal(graph_mapping_find(mapping, STR("dest"))->type, GRAPH_TYPE_ADDRESS);
    assert_non_null(graph_mapping_find(mapping, STR("a \"b\"")));
    assert_null(graph_mapping_find(mapping, STR("SRC_IP")));
    assert_null(graph_mapping_find(mapping, STR("src")));
    assert_null(graph_mapping_find(mapping, STR("")));
    graph_mapping_free(mapping);
    graph_mapping_free(NULL);
}

static void mapping__takes_comments_blank_lines_crlf_and_columns_in_any_order(void **state)
{
    (void)state;
    struct graph_mapping *mapping = read_good("\xef\xbb\xbf# ours, \"edited\r\n\r\n"
                                              "role,owner,kind,field\r\n"
                                              "src,\"net, team\",ip, src_ip \r\n"
                                              "  # no longer\r\n"
                                              ",,user,who\r\n");
    assert_int_equal(graph_mapping_count(mapping), 2);
    assert_int_equal(graph_mapping_find(mapping, STR("src_ip"))->role, GRAPH_ROLE_SRC);
    assert_int_equal(graph_mapping_find(mapping, STR("who"))->role, GRAPH_ROLE_NONE);
    graph_mapping_free(mapping);
}

static void mapping__lets_a_later_line_replace_or_ignore_an_earlier_one(void **state)
{
    (void)state;
    struct graph_mapping *mapping = read_good(HEADER "a,ip,src\nb,ip,dest\nc,user,user\n"
                                                     "a,host,device\nb,ignore,\nd,ignore,none\n");
    assert_int_equal(graph_mapping_count(mapping), 2);
    assert_int_equal(graph_mapping_find(mapping, STR("a"))->type, GRAPH_HOST);
    assert_int_equal(graph_mapping_find(mapping, STR("a"))->role, GRAPH_ROLE_DEVICE);
    assert_null(graph_mapping_find(mapping, STR("b")));
    assert_null(graph_mapping_find(mapping, STR("d")));
    assert_ptr_equal(graph_mapping_find(mapping, STR("c")), graph_mapping_at(mapping, 1));
    graph_mapping_free(mapping);
    mapping = read_good(HEADER "a,ignore,\na,ip,src\n");
    assert_int_equal(graph_mapping_count(mapping), 1);
    graph_mapping_free(mapping);
}

static void mapping__refuses_a_wrong_line_naming_it_and_the_nearest_word(void **state)
{
    (void)state;
    check_refused(HEADER "a,ip,src\n\n# c\nb,ipp,src\n", FAULT_INPUT,
                  "line 5: kind \"ipp\" is not known; did you mean \"ip\"?");
    check_refused(HEADER "a,sha265,hash\n", FAULT_INPUT,
                  "line 2: kind \"sha265\" is not known; did you mean \"sha256\"?");
    check_refused(
        HEADER "a,masked,\n", FAULT_INPUT,
        "line 2: kind \"masked\" is not known; it must be one of ip, domain, url, email, user, "
        "host, process, file, md5, sha1, sha256, sha512, cve, registry-key, ja3, ja3s, "
        "certificate, mac, address, name, device, hash, command, principal, ignore");
    check_refused(HEADER "a,ignored,\n", FAULT_INPUT,
                  "line 2: kind \"ignored\" is not known; did you mean \"ignore\"?");
    check_refused(HEADER "\"a\nb\",ip,src\n", FAULT_INPUT,
                  "line 2: the field's name is not UTF-8 text of one line");
    check_refused(HEADER "a,ip,sorce\n", FAULT_INPUT,
                  "line 2: role \"sorce\" is not known; did you mean \"src\"?");
    check_refused(HEADER "a,ip,parent_process\n", FAULT_INPUT,
                  "line 2: role \"parent_process\" is not known; did you mean \"parent-process\"?");
    check_refused(HEADER "a,,src\n", FAULT_INPUT,
                  "line 2: kind \"\" is not known; it must be one of ip, domain, url, email, user, "
                  "host, process, file, md5, sha1, sha256, sha512, cve, registry-key, ja3, ja3s, "
                  "certificate, mac, address, name, device, hash, command, principal, ignore");
    check_refused(HEADER "a\n", FAULT_INPUT, "line 2: the column kind is missing");
    check_refused(HEADER ",ip,src\n", FAULT_INPUT, "line 2: the field has no name");
    check_refused(HEADER "\xff,ip,src\n", FAULT_INPUT,
                  "line 2: the field's name is not UTF-8 text of one line");
    check_refused(HEADER "\"a,ip,src\n", FAULT_INPUT, "line 2: a quoted cell is not closed");
    check_refused(HEADER "\"a\"b,ip,src\n", FAULT_INPUT,
                  "line 2: text follows the closing quote of a cell");
    check_refused(HEADER "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q\n", FAULT_LIMIT,
                  "line 2: more than 16 columns");
}

static void mapping__refuses_a_text_without_its_header(void **state)
{
    (void)state;
    check_refused("", FAULT_INPUT,
                  "the field mapping is empty; its first line must be field,kind,role");
    check_refused("# nothing\n\n", FAULT_INPUT,
                  "the field mapping is empty; its first line must be field,kind,role");
    check_refused("src_ip,ip,src\n", FAULT_INPUT,
                  "line 1: the header has no column \"field\"; it must name field, kind and role");
    check_refused("field,kind\n", FAULT_INPUT,
                  "line 1: the header has no column \"role\"; it must name field, kind and role");
}

static void mapping__holds_its_limits_of_fields_and_of_a_name(void **state)
{
    (void)state;
    struct buf text;
    struct fault fault;
    struct graph_mapping *mapping = NULL;
    buf_init(&text, 1 << 20);
    buf_add(&text, STR(HEADER));
    for (int i = 0; i < GRAPH_FIELDS_MAX; i++)
        buf_addf(&text, "f%d,ip,src\n", i);
    assert_int_equal(graph_mapping_read(buf_str(&text), &mapping, &fault), FAULT_NONE);
    assert_int_equal(graph_mapping_count(mapping), GRAPH_FIELDS_MAX);
    graph_mapping_free(mapping);
    buf_add(&text, STR("f0,ip,dest\nonemore,ip,src\n"));
    mapping = NULL;
    assert_int_equal(graph_mapping_read(buf_str(&text), &mapping, &fault), FAULT_LIMIT);
    assert_string_equal(fault.text, "line 1027: more than 1024 fields");

    char name[GRAPH_FIELD_NAME_MAX + 2];
    memset(name, 'n', sizeof name);
    name[GRAPH_FIELD_NAME_MAX] = '\0';
    buf_clear(&text);
    buf_addf(&text, HEADER "%s,ip,src\n", name);
    assert_int_equal(graph_mapping_read(buf_str(&text), &mapping, &fault), FAULT_NONE);
    graph_mapping_free(mapping);
    buf_clear(&text);
    buf_addf(&text, HEADER "%sn,ip,src\n", name);
    assert_int_equal(graph_mapping_read(buf_str(&text), &mapping, &fault), FAULT_LIMIT);
    assert_string_equal(fault.text, "line 2: the field's name is over the limit of 128 bytes");
    buf_done(&text);
}

static void mapping_default__is_the_shipped_lookup_and_uses_every_kind_and_role(void **state)
{
    (void)state;
    struct buf file;
    struct fault fault;
    struct graph_mapping *mapping = NULL;
    bool kinds[GRAPH_TYPE_COUNT] = {false};
    bool roles[GRAPH_ROLE_COUNT] = {false};
    buf_init(&file, 1 << 20);
    assert_int_equal(file_read(SOURCE_DIR "/integrations/splunk-app/lookups/intelgraph_fields.csv",
                               &file, &fault),
                     FAULT_NONE);
    assert_true(str_equal(buf_str(&file), graph_mapping_default()));
    assert_int_equal(graph_mapping_read(graph_mapping_default(), &mapping, &fault), FAULT_NONE);
    size_t lines = 0;
    for (size_t i = 0; i < file.len; i++)
        lines += file.ptr[i] == '\n';
    assert_int_equal(graph_mapping_count(mapping), lines - 1); /* no field stands twice */
    for (size_t i = 0; i < graph_mapping_count(mapping); i++) {
        kinds[graph_mapping_at(mapping, i)->type] = true;
        roles[graph_mapping_at(mapping, i)->role] = true;
    }
    /* of hosts by their names alone no field can be sure: they come through device and address */
    kinds[GRAPH_HOST] = true;
    kinds[GRAPH_DOMAIN] = true;
    assert_false(kinds[GRAPH_MASKED]); /* made by an admin's setting, never by a field */
    kinds[GRAPH_MASKED] = true;
    for (int i = 0; i < GRAPH_TYPE_COUNT; i++)
        if (!kinds[i])
            fail_msg("no field is of kind %s", graph_type_name(i));
    for (int i = 0; i < GRAPH_ROLE_COUNT; i++)
        if (!roles[i])
            fail_msg("no field has the role %s", graph_role_name((enum graph_role)i));
    graph_mapping_free(mapping);
    buf_done(&file);
}

static int allocations_left;
static int allocations_live;

static void *resize_until_refused(void *ptr, size_t size)
{
    if (size == 0) {
        allocations_live -= ptr != NULL;
        free(ptr);
        return NULL;
    }
    if (allocations_left-- <= 0)
        return NULL;
    allocations_live += ptr == NULL;
    return realloc(ptr, size);
}

static void mapping_read__leaves_nothing_behind_when_an_allocation_is_refused(void **state)
{
    (void)state;
    struct os_platform broken = os_posix;
    broken.resize = resize_until_refused;
    os_platform_set(&broken);
    enum fault_code code = FAULT_NO_MEMORY;
    int n = 0;
    for (; n < 100 && code != FAULT_NONE; n++) {
        struct graph_mapping *mapping = NULL;
        struct fault fault;
        allocations_left = n;
        code = graph_mapping_read(graph_mapping_default(), &mapping, &fault);
        assert_true(code == FAULT_NONE || code == FAULT_NO_MEMORY);
        assert_true((mapping != NULL) == (code == FAULT_NONE));
        graph_mapping_free(mapping);
        assert_int_equal(allocations_live, 0);
    }
    os_platform_set(&os_posix);
    assert_int_equal(code, FAULT_NONE);
    assert_true(n > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mapping__finds_a_field_by_its_exact_name_only),
        cmocka_unit_test(mapping__takes_comments_blank_lines_crlf_and_columns_in_any_order),
        cmocka_unit_test(mapping__lets_a_later_line_replace_or_ignore_an_earlier_one),
        cmocka_unit_test(mapping__refuses_a_wrong_line_naming_it_and_the_nearest_word),
        cmocka_unit_test(mapping__refuses_a_text_without_its_header),
        cmocka_unit_test(mapping__holds_its_limits_of_fields_and_of_a_name),
        cmocka_unit_test(mapping_default__is_the_shipped_lookup_and_uses_every_kind_and_role),
        cmocka_unit_test(mapping_read__leaves_nothing_behind_when_an_allocation_is_refused),
    };
    return cmocka_run_group_tests_name("mapping", tests, NULL, NULL);
}
