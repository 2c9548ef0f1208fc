/* The shipped mapping, as its bytes stand in the lookup file (mapping.c). */
    .section .rodata
    .global graph_mapping_default_text
    .global graph_mapping_default_end
    .balign 16
graph_mapping_default_text:
    .incbin GRAPH_FIELDS_CSV
graph_mapping_default_end:
    .byte 0
    .section .note.GNU-stack, "", %progbits
