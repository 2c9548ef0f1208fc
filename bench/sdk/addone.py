"""The command that ighandoff is compared with: Splunk's own SDK for Python, adding one field.

bench_rows starts it as splunkd would, with the chunked protocol on standard input and output, and gives it the
stream that ighandoff gets. It does as little as a streaming command can.
"""

import sys

from splunklib.searchcommands import Configuration, Option, StreamingCommand, dispatch


@Configuration()
class AddOneCommand(StreamingCommand):
    dryrun = Option()  # the stream is made for ighandoff, which is asked for a dry run

    def stream(self, records):
        for record in records:
            record["one"] = "1"
            yield record


dispatch(AddOneCommand, sys.argv, sys.stdin, sys.stdout, __name__)
