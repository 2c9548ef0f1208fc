#include "integrations/splunk-app/native/frame/command.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "libs/core/file.h"
#include "libs/core/os.h"
#include "libs/scp/frame.h"
#include "libs/text/json_write.h"

enum {
    STAGING_BYTES = 256 * 1024,     /* of one write to splunkd's pipe */
    PROCESS_ARENA_BYTES = 64 << 20, /* getinfo: a search text of 16 MiB, twice, and its JSON */
    CHUNK_ARENA_BYTES = SCP_BODY_MAX,
    REPLY_METADATA_BYTES = 4 << 20,
};

static const char *const level_names[] = {"INFO", "WARN", "ERROR"};

/* A sentence may hold words of others, but stays one line: splunkd writes it to its logs too. */
static void keep_to_one_line(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = ' ';
}

void command_say(struct command_messages *messages, enum command_level level, const char *format,
                 ...)
{
    struct command_message message = {.level = level};
    va_list args;
    va_start(args, format);
    vsnprintf(message.text, sizeof message.text, format, args);
    va_end(args);
    keep_to_one_line(message.text);
    for (size_t i = 0; i < messages->count; i++)
        if (strcmp(messages->list[i].text, message.text) == 0)
            return;
    if (messages->count < COMMAND_MESSAGES_MAX)
        messages->list[messages->count++] = message;
}

const char *command_plural(uint64_t number, const char *one, const char *many)
{
    return number == 1 ? one : many;
}

/* One conversation with splunkd. */
struct talk {
    const struct command *command;
    int out_fd;
    struct arena process; /* lives as long as the conversation */
    struct arena chunk;   /* reset after each reply */
    struct buf metadata;
    struct buf staging;
    struct scp_getinfo info;
    bool started;
    bool cut;  /* a reply was begun and could not be ended */
    bool gone; /* splunkd takes nothing any more */
};

static enum fault_code to_splunkd(void *context, struct str bytes, struct fault *fault)
{
    struct talk *talk = context;
    enum fault_code code = file_write_all(talk->out_fd, bytes, "to splunkd", fault);
    talk->gone = talk->gone || code != FAULT_NONE;
    return code;
}

static void add_messages(struct json_out *out, const struct command_messages *messages)
{
    if (messages->count == 0)
        return;
    json_open_at(out, "inspector", '{');
    json_open_at(out, "messages", '[');
    for (size_t i = 0; i < messages->count; i++) {
        json_open(out, '[');
        json_put_text(out, NULL, str_of(level_names[messages->list[i].level]));
        json_put_text(out, NULL, str_of(messages->list[i].text));
        json_close(out, ']');
    }
    json_close(out, ']');
    json_close(out, '}');
}

/* What is staged, then a body that is whole already. */
static enum fault_code send_body(struct talk *talk, struct str body, struct fault *fault)
{
    enum fault_code code = to_splunkd(talk, buf_str(&talk->staging), fault);
    return code == FAULT_NONE ? to_splunkd(talk, body, fault) : code;
}

/* Writes frame header, metadata and body. Until the first byte is out, a failure can still be told.
 */
static enum fault_code send_reply(struct talk *talk, const struct command_reply *reply,
                                  struct fault *fault)
{
    struct buf scratch;
    size_t body = 0;
    enum fault_code code = buf_check(&talk->metadata, "a reply's metadata", fault);
    if (code != FAULT_NONE)
        return code;
    if (reply && reply->rows) {
        buf_init(&scratch, STAGING_BYTES);
        body = rows_size(reply->rows, reply->cells, reply->context, &scratch);
        code = buf_check(&scratch, "a row's added cells", fault);
        buf_done(&scratch);
    }
    if (code != FAULT_NONE)
        return code;
    if (reply && !reply->rows)
        body = reply->body.len;
    buf_clear(&talk->staging);
    scp_header_add(&talk->staging, talk->metadata.len, body);
    if (talk->metadata.len < STAGING_BYTES / 2) {
        buf_add(&talk->staging, buf_str(&talk->metadata));
    } else {
        code = to_splunkd(talk, buf_str(&talk->staging), fault);
        buf_clear(&talk->staging);
        if (code == FAULT_NONE)
            code = to_splunkd(talk, buf_str(&talk->metadata), fault);
    }
    if (code == FAULT_NONE)
        code = buf_check(&talk->staging, "a reply", fault);
    if (code != FAULT_NONE)
        return code;
    if (body > 0 && !reply->rows)
        code = send_body(talk, reply->body, fault);
    else if (body > 0)
        code = rows_write(reply->rows, reply->cells, reply->context, &talk->staging, to_splunkd,
                          talk, fault);
    else
        code = to_splunkd(talk, buf_str(&talk->staging), fault);
    talk->cut = code != FAULT_NONE;
    return code;
}

static enum fault_code answer_getinfo(struct talk *talk, struct str metadata, struct fault *fault)
{
    if (talk->started)
        return fault_set(fault, FAULT_INPUT,
                         "splunkd sent getinfo a second time, where rows are expected");
    enum fault_code code = scp_getinfo_read(&talk->process, metadata, &talk->info, fault);
    if (code != FAULT_NONE)
        return code;
    buf_clear(&talk->metadata);
    buf_add_byte(&talk->metadata, '{');
    code = talk->command->start(talk->command->state, &talk->info, &talk->metadata, fault);
    if (code != FAULT_NONE)
        return code;
    buf_add_byte(&talk->metadata, '}');
    code = send_reply(talk, NULL, fault);
    talk->started = code == FAULT_NONE;
    return code;
}

static enum fault_code answer_execute(struct talk *talk, struct str body, bool finished,
                                      struct fault *fault)
{
    struct command_reply reply = {0};
    if (!talk->started)
        return fault_set(fault, FAULT_INPUT, "splunkd sent rows before getinfo");
    enum fault_code code =
        talk->command->execute(talk->command->state, body, finished, &talk->chunk, &reply, fault);
    if (code != FAULT_NONE)
        return code;
    buf_clear(&talk->metadata);
    struct json_out out = json_out_to(&talk->metadata);
    json_open(&out, '{');
    /* Who makes the rows knows their end; who passes them on repeats what splunkd said. */
    json_put_boolean(&out, "finished", talk->command->generating ? !reply.more : finished);
    add_messages(&out, &reply.messages);
    json_close(&out, '}');
    return send_reply(talk, &reply, fault);
}

static enum fault_code answer(struct talk *talk, const struct scp_request *request,
                              struct fault *fault)
{
    struct scp_metadata metadata;
    enum fault_code code = scp_metadata_read(&talk->chunk, request->metadata, &metadata, fault);
    if (code != FAULT_NONE)
        return code;
    if (metadata.action == SCP_GETINFO)
        return answer_getinfo(talk, request->metadata, fault);
    return answer_execute(talk, request->body, metadata.finished, fault);
}

/* {"error":...,"finished":true} is the one form of failure that splunkd shows the analyst as it is.
 */
static enum fault_code tell_fault(struct talk *talk, struct fault *fault)
{
    struct fault untold;
    buf_clear(&talk->metadata);
    keep_to_one_line(fault->text);
    struct json_out out = json_out_to(&talk->metadata);
    json_open(&out, '{');
    json_put_boolean(&out, "finished", true);
    json_put_text(&out, "error", str_of(fault->text));
    json_close(&out, '}');
    return send_reply(talk, NULL, &untold);
}

/* Answers request after request. After a fault each further request gets the same answer: splunkd
 * waits for one reply to each, and what failed must not seem to have worked. */
static int serve(struct talk *talk, struct scp_reader *reader)
{
    struct fault fault;
    bool failed = false;
    for (;;) {
        struct scp_request request;
        struct fault reading;
        bool end = false;
        if (scp_read(reader, &request, &end, &reading) != FAULT_NONE) {
            /* Where the next request would begin is not known: this is the end. */
            return tell_fault(talk, &reading) == FAULT_NONE ? 0 : 1;
        }
        if (end)
            return 0;
        failed = failed || answer(talk, &request, &fault) != FAULT_NONE;
        arena_reset(&talk->chunk);
        if (!failed)
            continue;
        /* The pipe to splunkd is closed (a cancelled search): nobody is there to be told. */
        if (talk->gone)
            return 0;
        if (talk->cut || tell_fault(talk, &fault) != FAULT_NONE)
            return 1;
    }
}

int command_run(const struct command *command, int in_fd, int out_fd)
{
    struct talk talk = {.command = command, .out_fd = out_fd};
    struct scp_reader reader;
    arena_init(&talk.process, PROCESS_ARENA_BYTES);
    arena_init(&talk.chunk, CHUNK_ARENA_BYTES);
    buf_init(&talk.metadata, REPLY_METADATA_BYTES);
    buf_init(&talk.staging, STAGING_BYTES);
    scp_reader_init(&reader, in_fd);
    /* Room for every reply beforehand: once a reply is begun, memory must not run out. */
    int status = buf_reserve(&talk.staging, STAGING_BYTES) ? serve(&talk, &reader) : 1;
    explicit_bzero(&talk.info, sizeof talk.info);
    scp_reader_done(&reader);
    buf_done(&talk.staging);
    buf_done(&talk.metadata);
    arena_done(&talk.chunk);
    arena_done(&talk.process);
    return status;
}
