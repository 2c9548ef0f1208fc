/* docs/api/openapi.yaml as bytes of the program. */
    .section .rodata
    .global main_openapi_begin
    .global main_openapi_end
    .balign 16
main_openapi_begin:
    .incbin "docs/api/openapi.yaml"
main_openapi_end:
    .byte 0
    .section .note.GNU-stack, "", %progbits
