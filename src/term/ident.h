/* SPDX-License-Identifier: MIT
 *
 * Pids, sockets and refs as 64 bits: no allocation, equal by value. Bit 63 is set (so no user pointer,
 * and no foreign light userdata in Lua, looks like one), bit 62 tells a ref from the others, and bit 61
 * a socket from a pid: a socket is named after the actor that holds it.
 *
 *   pid      1 0 0 | generation: 35 bits | index into the process table: 26 bits
 *   socket   1 0 1 | generation: 35 bits | index into the process table: 26 bits
 *   ref      1 1   | number: 54 bits     | scheduler that made it: 8 bits
 *
 * A slot of the process table counts its generations up, so a pid comes back after 2^35 processes in
 * one slot. A scheduler numbers its refs from 1, so `newer` is a comparison of numbers. */
#ifndef PR_IDENT_H
#define PR_IDENT_H

#include <stdint.h>

#include "pierrot.h"

#define PR_PID_INDEX_BITS 26
#define PR_REF_HOME_BITS  8
#define PR_MAX_PROCESSES  (UINT32_C(1) << PR_PID_INDEX_BITS)
#define PR_GENERATION_MASK ((UINT64_C(1) << 35) - 1)
#define PR_SOCKET_BIT     (UINT64_C(1) << 61)

static inline pierrot_pid pr_pid_make(uint32_t index, uint64_t generation)
{
    return (pierrot_pid){UINT64_C(1) << 63 | (generation & PR_GENERATION_MASK) << PR_PID_INDEX_BITS |
                         index};
}

static inline uint32_t pr_pid_index(pierrot_pid pid)
{
    return (uint32_t)(pid.id & (PR_MAX_PROCESSES - 1));
}

static inline uint64_t pr_pid_generation(pierrot_pid pid)
{
    return pid.id >> PR_PID_INDEX_BITS & PR_GENERATION_MASK;
}

static inline pierrot_ref pr_ref_make(uint32_t home, uint64_t number)
{
    return (pierrot_ref){UINT64_C(3) << 62 | number << PR_REF_HOME_BITS | home};
}

static inline uint32_t pr_ref_home(pierrot_ref ref)
{
    return (uint32_t)(ref.id & ((1u << PR_REF_HOME_BITS) - 1));
}

static inline uint64_t pr_ref_number(pierrot_ref ref)
{
    return (ref.id & ~(UINT64_C(3) << 62)) >> PR_REF_HOME_BITS;
}

static inline int pr_id_is_pid(uint64_t id)
{
    return id >> 61 == 4;
}

static inline int pr_id_is_socket(uint64_t id)
{
    return id >> 61 == 5;
}

static inline int pr_id_is_ref(uint64_t id)
{
    return id >> 62 == 3;
}

/* "<0.index.generation>", "#Socket<0.index.generation>", "#Ref<0.scheduler.number>"; size at least PR_IDENT_SIZE. */
#define PR_IDENT_SIZE 40
int pr_ident_print(uint64_t id, char *buffer, size_t size);

/* "<0.42.0>" or "0.42.0"; 0 when it is neither. */
pierrot_pid pr_pid_parse(const char *text);

#endif
