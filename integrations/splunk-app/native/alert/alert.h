/* The alert action send_to_intelgraph, as splunkd's sendmodalert starts it: `intelgraph alert
 * --execute` with the payload on standard input. The results file is processed whole; what comes of
 * it is a hand-off like any other: same mapping, same limits, same outbox, same record.
 *
 * It carries the name of the user as whom the search ran: a saved search runs as its owner.
 *
 * What it has to say goes to standard error, a line each, with the level in front; splunkd writes
 * it to its log (component=sendmodalert). */
#ifndef IG_NATIVE_ALERT_H
#define IG_NATIVE_ALERT_H

/* The exit status, which splunkd logs. Documented in README/alert_actions.conf.spec. */
enum alert_status {
    ALERT_DONE = 0,    /* handed off, now or before; nothing to hand off; a dry run */
    ALERT_FAILED = 1,  /* the system refused: memory, a folder that cannot be written */
    ALERT_PAYLOAD = 2, /* standard input does not hold a payload */
    ALERT_CONFIG = 3,  /* a parameter or a setting is wrong */
    ALERT_RESULTS = 4, /* the results file is missing or not what it should be */
    ALERT_SIGN_IN = 5, /* who asks is refused; kept in the outbox */
    ALERT_QUEUED = 6,  /* the service is not to be had; kept in the outbox */
    ALERT_REFUSED = 7, /* the service will not have it; kept among the refused ones */
    ALERT_LOST = 8,    /* neither sent nor kept */
    ALERT_BUDGET = 9,  /* a budget is in the way; kept in the outbox */
};

/* Reads the payload from `in_fd`, acts, writes to `err_fd`. */
enum alert_status alert_run(int in_fd, int err_fd);

#endif
