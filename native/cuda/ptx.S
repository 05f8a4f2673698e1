/* The PTX of the kernels, which the build has just compiled. */
    .section .rodata
    .globl nr_cuda_ptx
    .hidden nr_cuda_ptx
    .type nr_cuda_ptx, %object
    .balign 16
nr_cuda_ptx:
    .incbin NR_PTX_FILE
    .byte 0
    .size nr_cuda_ptx, . - nr_cuda_ptx
    .section .note.GNU-stack, "", %progbits
