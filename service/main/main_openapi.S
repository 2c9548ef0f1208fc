/* docs/api/openapi.yaml as bytes of the program, and how many. */
    .section .rodata
    .global main_openapi_text
    .global main_openapi_len
    .balign 16
main_openapi_text:
    .incbin "docs/api/openapi.yaml"
1:
    .byte 0
    .balign 8
main_openapi_len:
    .quad 1b - main_openapi_text
    .section .note.GNU-stack, "", %progbits
