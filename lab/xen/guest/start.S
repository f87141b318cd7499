/*
 * Entry and ELF notes of the guest. It is linked at 0 and mapped there, so that a virtual address is a pseudo-physical one.
 * Xen enters with the start_info page in rsi, on a stack that is not ours.
 */
#include <xen/elfnote.h>

.section .text.start, "ax"
.globl _start, hypercall_page
_start:
    cld
    leaq stack_end(%rip), %rsp
    movq %rsi, %rdi
    call guest_main
    ud2

/* Xen fills it when it loads us and again when it restores us. */
.balign 4096
hypercall_page:
    .skip 4096

.bss
.balign 4096
    .skip 16384
stack_end:

.macro note type:req, value:vararg
    .balign 4
    .long 4, 1f - 0f, \type
    .asciz "Xen"
0:  \value
1:
    .balign 4
.endm

.section .note.Xen, "a", @note
note XEN_ELFNOTE_GUEST_OS, .asciz "virtwright-lab"
note XEN_ELFNOTE_GUEST_VERSION, .asciz "1"
note XEN_ELFNOTE_XEN_VERSION, .asciz "xen-3.0"
note XEN_ELFNOTE_LOADER, .asciz "generic"
note XEN_ELFNOTE_PAE_MODE, .asciz "yes"
note XEN_ELFNOTE_VIRT_BASE, .quad 0
note XEN_ELFNOTE_PADDR_OFFSET, .quad 0
note XEN_ELFNOTE_ENTRY, .quad _start
note XEN_ELFNOTE_HYPERCALL_PAGE, .quad hypercall_page
note XEN_ELFNOTE_SUSPEND_CANCEL, .quad 1
.section .note.GNU-stack, "", @progbits
