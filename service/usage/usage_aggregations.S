/* ops/usage/aggregations.sql as bytes of the program, and how many. */
    .section .rodata
    .global usage_aggregations_text
    .global usage_aggregations_len
    .balign 16
usage_aggregations_text:
    .incbin "ops/usage/aggregations.sql"
1:
    .byte 0
    .balign 8
usage_aggregations_len:
    .quad 1b - usage_aggregations_text
    .section .note.GNU-stack, "", %progbits
