#include "service/main/main_options.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>

#include "service/main/main_run.h"

enum { WORDS_MAX = 2, DURATION_MOST_S = 3650 * 86400 };

enum option_type { OPTION_TEXT, OPTION_WHOLE, OPTION_DURATION };

struct option {
    const char *commands; /* each between commas */
    const char *name;
    const char *value;     /* what --help calls it */
    const char *otherwise; /* NULL: must be given; "": none */
    enum option_type type;
    int64_t least;
    int64_t most; /* of a number, or of a text's bytes */
    size_t offset;
    const char *help;
};

#define AT(member) offsetof(struct main_options, member)
#define ALL                                                                                        \
    ",serve,token create,token list,token revoke,audit verify,audit export,audit key,"             \
    "usage rebuild,usage reconcile,usage zone,"

static const struct option options[] = {
    {ALL, "data", "DIR", "", OPTION_TEXT, 1, 4000, AT(data),
     "data folder; default $XDG_STATE_HOME/intelgraphd, else ~/.local/state/intelgraphd"},
    {ALL, "store", "PLACE", "", OPTION_TEXT, 1, 4000, AT(store),
     "postgresql://USER@HOST:PORT/DATABASE, or file:PATH of a file that holds such an address; "
     "default intelgraph.db in the data folder"},
    {",serve,", "listen", "ADDR:PORT", "127.0.0.1:8460", OPTION_TEXT, 1, 64, AT(listen),
     "address to listen on; port 0 takes a free one"},
    {",serve,", "public-url", "URL", "", OPTION_TEXT, 1, 1024, AT(public_url),
     "address that browsers use, when a proxy stands before the service"},
    {",serve,", "threads", "N", "16", OPTION_WHOLE, 1, 62, AT(threads),
     "threads that answer requests"},
    {",serve,", "log-level", "LEVEL", "info", OPTION_TEXT, 1, 8, AT(log_level),
     "least level that is logged: debug, info, warn or error"},
    {",serve,", "refusals-expire", "TIME", "90d", OPTION_DURATION, 1, DURATION_MOST_S,
     AT(refusals_expire_s),
     "when what a budget refused is forgotten: a number with s, m, h, d or w; or never"},
    {",serve,", "dlq-expire", "TIME", "400d", OPTION_DURATION, 1, DURATION_MOST_S, AT(dlq_expire_s),
     "when replayed and discarded usage events are forgotten; open ones never are"},
    {",serve,", "outbound-ports", "PORTS", "", OPTION_TEXT, 1, 128, AT(outbound_ports),
     "TCP ports that webhooks and mail may go to, such as 443,465,587; default none"},
    {",serve,", "outbound-allow", "NETS", "", OPTION_TEXT, 1, 1000, AT(outbound_allow),
     "private networks that webhooks may go to, such as 10.1.0.0/16,127.0.0.1; default none"},
    {",serve,", "outbound-ca", "FILE", "", OPTION_TEXT, 1, 1000, AT(outbound_ca),
     "authorities that certify who is called, as PEM; default the system's"},
    {",serve,", "smtp", "URL", "", OPTION_TEXT, 1, 200, AT(smtp),
     "mail server: smtp://HOST:587 (TLS by STARTTLS) or smtps://HOST:465; default no mail"},
    {",serve,", "smtp-from", "ADDRESS", "", OPTION_TEXT, 3, 254, AT(smtp_from),
     "address that mails come from"},
    {",serve,", "smtp-credential", "FILE", "", OPTION_TEXT, 1, 1000, AT(smtp_credential),
     "file of mode 0600 with USER:PASSWORD for the mail server"},
    {",token create,audit export,audit key,usage rebuild,usage reconcile,usage zone,", "tenant",
     "T", NULL, OPTION_TEXT, 1, 64, AT(tenant), "the tenant"},
    {",token list,token revoke,", "tenant", "T", "", OPTION_TEXT, 1, 64, AT(tenant),
     "only of this tenant; default all"},
    {",token create,", "role", "R", NULL, OPTION_TEXT, 1, 16, AT(role),
     "what it may do: viewer, analyst, auditor, admin; broker: of a Splunk app; meter: of a "
     "program "
     "that reports usage"},
    {",token create,", "name", "N", NULL, OPTION_TEXT, 1, 64, AT(name), "who or what it is for"},
    {",token create,", "expires", "TIME", "90d", OPTION_DURATION, 1, DURATION_MOST_S, AT(expires_s),
     "how long it holds: a number with s, m, h, d or w; or never"},
    {",token revoke,", "id", "ID", NULL, OPTION_TEXT, 1, 64, AT(id),
     "the token's public id: what stands after igt_"},
    {",audit verify,", "heads", "FILE", "", OPTION_TEXT, 1, 4000, AT(heads),
     "heads kept elsewhere: intelgraph_audit.log of the Splunk side, or checkpoints"},
    {",audit export,audit key,", "log", "LOG", "records", OPTION_TEXT, 1, 16, AT(log),
     "which of the tenant's logs: records or receipts"},
    {",audit export,", "out", "DIR", NULL, OPTION_TEXT, 1, 4000, AT(out),
     "folder to write the log's files into"},
    {",usage zone,", "zone", "Z", NULL, OPTION_TEXT, 1, 64, AT(zone),
     "time zone in which its days begin: Europe/Berlin, UTC"},
    {",usage zone,", "anchor-day", "DAY", "1", OPTION_WHOLE, 1, 31, AT(anchor_day),
     "day of the month on which its billing periods begin"},
};

enum { OPTION_COUNT = sizeof options / sizeof options[0] };

const struct main_command main_commands[] = {
    {"serve", "answer requests until SIGTERM or SIGINT",
     "TLS is not spoken here: keep to loopback and let a proxy terminate it, or\n"
     "clients send their tokens in clear text. Tell the proxy's address with\n"
     "--public-url; with https there, browsers send their session over TLS only.\n",
     main_run_serve},
    {"token create", "make an API token and print it, once",
     "The token alone goes to standard output. The service may be running.\n",
     main_run_token_create},
    {"token list", "list tokens, without their secrets", "", main_run_token_list},
    {"token revoke", "end a token and its sessions, for good",
     "Takes effect with the next request, also in a running service.\n", main_run_token_revoke},
    {"audit verify", "recompute every audit log and name the first bad record",
     "One line a log goes to standard output. Exit 0 when all is well.\n"
     "A log that was cut, forked or written anew by the holder of its key looks whole\n"
     "from inside. Heads that were kept elsewhere tell: with --heads each must be\n"
     "signed by this key and lie on the log's way to its present head; else the line\n"
     "that shows the damage is named.\n",
     main_run_audit_verify},
    {"audit export", "write a tenant's audit log as static files (C2SP tlog-tiles)", "",
     main_run_audit_export},
    {"usage rebuild", "count a tenant's usage anew from its events",
     "Says how many hours and days were not what the events say, and mends them.\n"
     "Exit 1 when there were any.\n",
     main_run_usage_rebuild},
    {"usage reconcile", "compare a tenant's hand-offs with those its usage counts",
     "Three numbers: in the store, on record in the audit log, counted. Exit 1 when\n"
     "they differ.\n",
     main_run_usage_reconcile},
    {"usage zone", "set where a tenant's days and billing periods begin",
     "All of the tenant's usage is counted anew; its events stay as they are.\n",
     main_run_usage_zone},
    {"audit key", "print the key that verifies a tenant's audit log", "", main_run_audit_key},
    {0},
};

static bool takes(const struct option *option, const struct main_command *command)
{
    struct str list = str_of(option->commands);
    struct str name = str_of(command->name);
    for (size_t at = str_find(list, name); at < list.len;) {
        if (list.ptr[at - 1] == ',' && list.ptr[at + name.len] == ',')
            return true;
        size_t more = str_find(str_skip(list, at + 1), name);
        at = at + 1 + more;
    }
    return false;
}

bool main_duration_read(struct str text, int64_t *out_s)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
    if (str_equal(text, STR("never"))) {
        *out_s = 0;
        return true;
    }
    uint64_t number;
    if (text.len < 2 || !str_to_u64(str_take(text, text.len - 1), DURATION_MOST_S, &number) ||
        number == 0)
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (units[i].unit == text.ptr[text.len - 1] &&
            (int64_t)number <= DURATION_MOST_S / units[i].seconds) {
            *out_s = (int64_t)number * units[i].seconds;
            return true;
        }
    return false;
}

static enum fault_code set(const struct option *option, struct str text, struct main_options *out,
                           struct fault *fault)
{
    void *member = (char *)out + option->offset;
    switch (option->type) {
    case OPTION_TEXT:
        if (text.len < (uint64_t)option->least || text.len > (uint64_t)option->most)
            return fault_field(fault, FAULT_INPUT, option->name,
                               "--%s must have %lld to %lld bytes", option->name,
                               (long long)option->least, (long long)option->most);
        *(struct str *)member = text;
        return FAULT_NONE;
    case OPTION_WHOLE: {
        uint64_t number;
        if (!str_to_u64(text, (uint64_t)option->most, &number) || (int64_t)number < option->least)
            return fault_field(fault, FAULT_INPUT, option->name,
                               "--%s is \"%.*s\"; it must be a whole number from %lld to %lld",
                               option->name, STR_ARG(text), (long long)option->least,
                               (long long)option->most);
        *(int64_t *)member = (int64_t)number;
        return FAULT_NONE;
    }
    case OPTION_DURATION:
        if (!main_duration_read(text, member))
            return fault_field(
                fault, FAULT_INPUT, option->name,
                "--%s is \"%.*s\"; write it as 90d (s, m, h, d, w; at most 3650d), or "
                "never",
                option->name, STR_ARG(text));
        return FAULT_NONE;
    }
    return FAULT_NONE;
}

/* The nearest name, when it is near enough to be what was meant: half of it may be wrong. */
static void keep_nearest(struct str given, const char *name, size_t *distance, const char **nearest)
{
    size_t now = str_distance(given, str_of(name));
    if (now < *distance && now <= str_of(name).len / 2) {
        *distance = now;
        *nearest = name;
    }
}

static enum fault_code unknown_option(const struct main_command *command, struct str name,
                                      struct fault *fault)
{
    const char *nearest = NULL;
    size_t distance = SIZE_MAX;
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (takes(&options[i], command))
            keep_nearest(name, options[i].name, &distance, &nearest);
    if (!nearest)
        return fault_set(fault, FAULT_INPUT, "%s has no option --%.*s; see intelgraphd help %s",
                         command->name, STR_ARG(name), command->name);
    return fault_set(fault, FAULT_INPUT, "%s has no option --%.*s; did you mean --%s?",
                     command->name, STR_ARG(name), nearest);
}

static enum fault_code unknown_command(struct str given, struct fault *fault)
{
    const char *nearest = NULL;
    size_t distance = SIZE_MAX;
    for (const struct main_command *each = main_commands; each->name; each++) {
        struct str first;
        struct str second;
        if (str_cut(str_of(each->name), ' ', &first, &second) && str_equal(first, given))
            return fault_set(fault, FAULT_INPUT,
                             "%.*s needs a second word, such as \"%s\"; see intelgraphd --help",
                             STR_ARG(given), each->name);
        keep_nearest(given, each->name, &distance, &nearest);
    }
    if (!nearest)
        return fault_set(fault, FAULT_INPUT, "there is no command \"%.*s\"; see intelgraphd --help",
                         STR_ARG(given));
    return fault_set(fault, FAULT_INPUT, "there is no command \"%.*s\"; did you mean \"%s\"?",
                     STR_ARG(given), nearest);
}

/* A command is one or two words; returns how many it took, 0 for none. */
static int find_command(int count, char **words, const struct main_command **out)
{
    for (const struct main_command *each = main_commands; each->name; each++) {
        struct str first;
        struct str second = {0};
        bool two = str_cut(str_of(each->name), ' ', &first, &second);
        int taken = two ? 2 : 1;
        if (count >= taken && str_equal(first, str_of(words[0])) &&
            (!two || str_equal(second, str_of(words[1])))) {
            *out = each;
            return taken;
        }
    }
    return 0;
}

static enum fault_code read_option(const struct main_command *command, int count, char **words,
                                   int *at, bool *given, struct main_options *out,
                                   struct fault *fault)
{
    struct str word = str_of(words[*at]);
    if (!str_starts(word, STR("--")))
        return fault_set(fault, FAULT_INPUT, "%s takes no argument \"%.*s\"; options begin with --",
                         command->name, STR_ARG(word));
    struct str name;
    struct str value = {0};
    bool joined = str_cut(str_skip(word, 2), '=', &name, &value);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (!takes(&options[i], command) || !str_equal(name, str_of(options[i].name)))
            continue;
        if (given[i])
            return fault_set(fault, FAULT_INPUT, "--%s is given twice", options[i].name);
        if (!joined && *at + 1 >= count)
            return fault_set(fault, FAULT_INPUT, "--%s needs a value: --%s %s", options[i].name,
                             options[i].name, options[i].value);
        if (!joined)
            value = str_of(words[++*at]);
        given[i] = true;
        return set(&options[i], value, out, fault);
    }
    return unknown_option(command, name, fault);
}

static enum fault_code set_defaults(const struct main_command *command, const bool *given,
                                    struct main_options *out, struct fault *fault)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (given[i] || !takes(&options[i], command))
            continue;
        if (!options[i].otherwise)
            return fault_field(fault, FAULT_INPUT, options[i].name, "%s needs --%s %s",
                               command->name, options[i].name, options[i].value);
        if (options[i].otherwise[0] == '\0')
            continue;
        enum fault_code code = set(&options[i], str_of(options[i].otherwise), out, fault);
        if (code != FAULT_NONE)
            return code;
    }
    return FAULT_NONE;
}

static bool is_help(const char *word)
{
    struct str text = str_of(word);
    return str_equal(text, STR("--help")) || str_equal(text, STR("-h"));
}

enum fault_code main_options_read(int count, char **words, enum main_wish *out_wish,
                                  const struct main_command **out_command, struct main_options *out,
                                  struct fault *fault)
{
    struct main_options read = {0};
    const struct main_command *command = NULL;
    bool given[OPTION_COUNT] = {0};
    *out_command = NULL;
    if (count == 0)
        return fault_set(fault, FAULT_INPUT, "a command is needed; see intelgraphd --help");
    if (str_equal(str_of(words[0]), STR("--version"))) {
        *out_wish = MAIN_VERSION;
        return FAULT_NONE;
    }
    bool help = is_help(words[0]) || str_equal(str_of(words[0]), STR("help"));
    int at = help ? 1 : 0;
    int taken = find_command(count - at, words + at, &command);
    if (taken == 0 && at < count) {
        char both[128];
        int len = snprintf(both, sizeof both, "%s%s%s", words[at], at + 1 < count ? " " : "",
                           at + 1 < count ? words[at + 1] : "");
        bool two = len < (int)sizeof both && at + 1 < count && words[at + 1][0] != '-';
        return unknown_command(two ? str_of(both) : str_of(words[at]), fault);
    }
    assert(command || help); /* nothing but "help" leaves no command */
    for (at += taken; at < count && !help; at++) {
        help = is_help(words[at]);
        if (!help) {
            enum fault_code code = read_option(command, count, words, &at, given, &read, fault);
            if (code != FAULT_NONE)
                return code;
        }
    }
    enum fault_code code = help ? FAULT_NONE : set_defaults(command, given, &read, fault);
    if (code != FAULT_NONE)
        return code;
    *out_wish = help ? MAIN_HELP : MAIN_RUN;
    *out_command = command;
    *out = read;
    return FAULT_NONE;
}

void main_options_add_help(struct buf *out, const struct main_command *command)
{
    if (!command) {
        buf_add(out, STR("intelgraphd keeps the graph of an investigation and the record of who "
                         "gave what.\n\nusage: intelgraphd COMMAND [OPTION]...\n\n"));
        for (const struct main_command *each = main_commands; each->name; each++)
            buf_addf(out, "  %-14s %s\n", each->name, each->help);
        buf_add(out, STR("  help COMMAND   the options of a command\n"
                         "  --version      print the version\n"));
        return;
    }
    buf_addf(out, "intelgraphd %s: %s\n\n", command->name, command->help);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *option = &options[i];
        if (!takes(option, command))
            continue;
        char left[40];
        snprintf(left, sizeof left, "--%s %s", option->name, option->value);
        buf_addf(out, "  %-22s %s", left, option->help);
        if (!option->otherwise)
            buf_add(out, STR(" (needed)"));
        else if (option->otherwise[0])
            buf_addf(out, " (default %s)", option->otherwise);
        buf_add_byte(out, '\n');
    }
    if (command->more[0])
        buf_addf(out, "\n%s", command->more);
}
