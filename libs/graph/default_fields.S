/* The shipped mapping, as its bytes stand in the lookup file (mapping.c). */
    .section .rodata
    .global graph_mapping_default_text
    .global graph_mapping_default_size
    .balign 16
graph_mapping_default_text:
    .incbin GRAPH_FIELDS_CSV
.Lend:
    .byte 0
    .balign 8
graph_mapping_default_size:
    .quad .Lend - graph_mapping_default_text
    .section .note.GNU-stack, "", %progbits
