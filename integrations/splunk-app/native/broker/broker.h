/* `intelgraph broker`: the persistent REST handler behind /intelgraph/token.
 *
 * An analyst's command asks it, through splunkd and with the analyst's own session, for a token. It
 * takes the user from splunkd alone, checks the capability with that user's session, reads the API
 * token from storage/passwords with the system's, and has the service issue a token for exactly
 * this user, tenant and scope. The stored token never leaves this process but for the service. */
#ifndef IG_NATIVE_BROKER_H
#define IG_NATIVE_BROKER_H

#define BROKER_REALM "intelgraph" /* of storage/passwords; the user name is the instance's */

/* Serves splunkd on the descriptors until the input ends. The exit status: 1 after a request that
 * could not be read, or an answer that could not be written; splunkd then starts another. */
int broker_run(int in_fd, int out_fd);

#endif
