/* SPDX-License-Identifier: MIT
 *
 * Terms: the values that messages between processes hold, when they are not copied straight from
 * one Lua value to another. What C actors read and build, what crosses schedulers, and what the
 * runtime keeps for itself (exit reasons, the messages of timers).
 *
 * A term is a graph of 16-byte cells in an arena, a chain of memory blocks that is freed as a
 * whole: sharing and cycles are plain pointers, and freeing does not walk. The root cell lies in
 * the arena's first block. A term that was sent is never changed again, so many may hold one
 * (counted).
 *
 * Invariants
 *   - A cell's pointers lead into blocks of its own arena, or (PR_CELL_BORROWED) to bytes that
 *     someone lends for the time of a call.
 *   - A root has PR_CELL_ROOT set; a root with PR_CELL_STATIC lives for ever and is not counted.
 *   - No value in a table is nil. Its pairs have distinct keys, none of which is nil, NaN, a float
 *     with an integer value, or an integer in 1..n_array (n_array + 1 may be one). Only what came from
 *     Lua has tables as keys: they are carried, and no look-up finds them. */
#ifndef PR_TERM_H
#define PR_TERM_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "pierrot.h"
#include "term/ident.h"

enum pr_cell_flag {
    PR_CELL_ROOT = 1,
    PR_CELL_STATIC = 2,
    PR_CELL_BORROWED = 4,
    PR_CELL_NOTED = 8 /* of a root: see note.h */
};

struct pr_table;
struct pr_table_index;

/* One value. `tag` is a pierrot_type, or one of the tags of proc/value.h, which never stand inside
 * a term. */
struct pierrot_term {
    uint8_t tag;
    uint8_t flags;
    uint16_t reserved;
    uint32_t len; /* of a string, in bytes */
    union {
        int64_t integer; /* also of a bool: 0 or 1 */
        double number;
        uint64_t id;       /* pid, ref */
        const char *bytes; /* string, NUL-ended */
        struct pr_table *table;
        void *pointer;
    } as;
};

_Static_assert(sizeof(struct pierrot_term) == 16, "a cell is two words");

struct pr_table {
    uint32_t n_array, n_pairs;
    uint32_t cap_array, cap_pairs;
    struct pierrot_term *array;             /* [n_array]: the values of 1..n_array */
    struct pierrot_term *pairs;             /* [2 * n_pairs]: key, value */
    _Atomic(struct pr_table_index *) index; /* (A) over the pairs, NULL while nobody needed one */
    struct pr_arena *arena;                 /* that it lies in, or that was merged into another */
};

struct pr_block {
    _Atomic(struct pr_block *) next; /* (A) readers add indexes to the first block's list */
    size_t size;                     /* of the whole block, in bytes */
};

/* An arena and the head of its first block. Fields without a letter: the builder's, fixed once the
 * term is sent. */
struct pr_arena {
    struct pr_block first;   /* its next: the other blocks, newest first */
    struct pr_block *last;   /* the end of that list, for splicing */
    struct pr_heap *heap;    /* (I) identifies the runtime; NULL in static terms */
    struct pr_arena *merged; /* this arena's blocks now belong to that one */
    char *at, *end;          /* free space */
    atomic_uint n_holds;     /* (A) */
    uint32_t next_size;      /* of the next block */
    struct pierrot_term root;
};

/* ---- arenas: how terms are built inside the runtime (Thread: whoever owns the arena) ---- */

/* A new arena, with room for about `hint` bytes. Its root is nil. Gives; NULL: out of memory. */
struct pr_arena *pr_arena_new(struct pr_heap *heap, size_t hint);

/* The same with exactly `room` bytes (a multiple of 8), for what will not grow. */
struct pr_arena *pr_arena_new_exact(struct pr_heap *heap, size_t room);

/* pr_arena_alloc where the free space is too small. */
void *pr_arena_alloc_block(struct pr_arena *arena, size_t size);

/* Aligned to 8. NULL: out of memory. */
static inline void *pr_arena_alloc(struct pr_arena *arena, size_t size)
{
    size = (size + 7) & ~(size_t)7;
    if (size > (size_t)(arena->end - arena->at))
        return pr_arena_alloc_block(arena, size);
    void *room = arena->at;
    arena->at += size;
    return room;
}

/* Makes the newest allocation longer where it lies; whether that was possible. */
int pr_arena_extend(struct pr_arena *arena, void *ptr, size_t old_size, size_t new_size);

/* The heap that this thread allocates from and frees into for this arena: its own, when both belong
 * to one runtime, else the one that all may use. */
struct pr_heap *pr_arena_heap(const struct pr_arena *arena);

/* Whether blocks of one arena may become the other's: they are freed into one heap or runtime. */
int pr_arena_can_merge(const struct pr_arena *into, const struct pr_arena *from);

/* Moves all blocks of `from` into `into`; the root of `from` is no root any more. Takes: from. */
void pr_arena_merge(struct pr_arena *into, struct pr_arena *from);

/* The arena that owns the blocks now. */
struct pr_arena *pr_arena_owner(struct pr_arena *arena);

/* A block of its own for an arena that many threads read. It is to be published with
 * pr_arena_add_shared, or freed. NULL: out of memory. Thread: any holder. */
struct pr_block *pr_arena_new_shared(struct pr_arena *arena, size_t size);
void pr_arena_add_shared(struct pr_arena *arena, struct pr_block *block);
void pr_arena_free_shared(struct pr_arena *arena, struct pr_block *block);

/* Copies bytes into the arena and makes `cell` that string. 0, PIERROT_ENOMEM, or PIERROT_ELIMIT
 * from 4 GiB on. */
int pr_arena_string(struct pr_arena *arena, const char *bytes, size_t len,
                    struct pierrot_term *cell);

/* Makes `cell` an empty table with room for so many entries. 0 or PIERROT_ENOMEM. */
int pr_arena_table(struct pr_arena *arena, uint32_t n_array, uint32_t n_pairs,
                   struct pierrot_term *cell);

/* Appends to the sequence / adds a pair whose key is known to be new and valid. 0 or
 * PIERROT_ENOMEM. The value is copied as a cell: what it points to must lie in this arena. */
int pr_arena_append(struct pr_arena *arena, struct pr_table *table,
                    const struct pierrot_term *value);
int pr_arena_add_pair(struct pr_arena *arena, struct pr_table *table,
                      const struct pierrot_term *key, const struct pierrot_term *value);

/* Frees an arena that was never given to anybody. */
void pr_arena_free(struct pr_arena *arena, struct pr_heap *heap);

static inline struct pr_arena *pr_arena_of(pierrot_term *root)
{
    return (struct pr_arena *)((char *)root - offsetof(struct pr_arena, root));
}

/* ---- roots ---- */

/* One more holder. Thread: any holder. Returns root. */
pierrot_term *pr_term_hold(pierrot_term *root);

/* One holder less; the last frees, into `heap` (one of the same runtime), or into the term's own
 * heap when that is a shared one. NULL is fine. */
void pr_term_drop(pierrot_term *root, struct pr_heap *heap);

/* Whether the runtime of `heap` may hold that root, which may be made by an actor of another. */
int pr_term_is_of(pierrot_term *root, const struct pr_heap *heap);

/* A deep copy as a new root in `heap`: sharing and cycles kept, no recursion. NULL: no memory. */
pierrot_term *pr_term_copy(struct pr_heap *heap, const pierrot_term *term);

/* The same deep copy into an arena: makes *cell the copy of term. 0 or PIERROT_ENOMEM. */
int pr_term_copy_into(struct pr_arena *arena, const pierrot_term *term, struct pierrot_term *cell);

/* A root of a single scalar or string; nil and booleans are immortal. NULL: out of memory. */
pierrot_term *pr_term_new_scalar(struct pr_heap *heap, const struct pierrot_term *cell);
pierrot_term *pr_term_new_string(struct pr_heap *heap, const char *bytes, size_t len);

/* ---- constants: immortal strings ---- */

#define PR_CONSTANTS(X)                                                                            \
    X(normal, "normal")                                                                            \
    X(shutdown, "shutdown")                                                                        \
    X(kill, "kill")                                                                                \
    X(killed, "killed")                                                                            \
    X(noproc, "noproc")                                                                            \
    X(timeout, "timeout")                                                                          \
    X(overload, "overload")                                                                        \
    X(enomem, "enomem")                                                                            \
    X(ignore, "ignore")                                                                            \
    X(calling_self, "calling_self")

#define PR_DECLARE_CONSTANT(name, text) extern struct pr_arena pr_constant_##name;
PR_CONSTANTS(PR_DECLARE_CONSTANT)
#undef PR_DECLARE_CONSTANT

extern struct pr_arena pr_constant_nil, pr_constant_true, pr_constant_false;

/* PR_TERM(normal): the constant as a root. */
#define PR_TERM(name) (&pr_constant_##name.root)

/* ---- cells ---- */

static inline struct pierrot_term pr_cell_nil(void)
{
    return (struct pierrot_term){.tag = PIERROT_NIL};
}

static inline struct pierrot_term pr_cell_bool(int value)
{
    return (struct pierrot_term){.tag = PIERROT_BOOL, .as.integer = value != 0};
}

static inline struct pierrot_term pr_cell_int(int64_t value)
{
    return (struct pierrot_term){.tag = PIERROT_INT, .as.integer = value};
}

static inline struct pierrot_term pr_cell_num(double value)
{
    return (struct pierrot_term){.tag = PIERROT_NUMBER, .as.number = value};
}

static inline struct pierrot_term pr_cell_pid(pierrot_pid pid)
{
    return (struct pierrot_term){.tag = PIERROT_PID, .as.id = pid.id};
}

static inline struct pierrot_term pr_cell_ref(pierrot_ref ref)
{
    return (struct pierrot_term){.tag = PIERROT_REF, .as.id = ref.id};
}

/* The socket that the actor holds. */
static inline struct pierrot_term pr_cell_socket(pierrot_pid actor)
{
    return (struct pierrot_term){.tag = PIERROT_SOCKET, .as.id = actor.id | PR_SOCKET_BIT};
}

/* Whatever the id names. */
static inline struct pierrot_term pr_cell_id(uint64_t id)
{
    if (pr_id_is_ref(id))
        return pr_cell_ref((pierrot_ref){id});
    return (struct pierrot_term){.tag = pr_id_is_socket(id) ? PIERROT_SOCKET : PIERROT_PID,
                                 .as.id = id};
}

/* A string that lies elsewhere; the lender keeps it NUL-ended and alive. */
static inline struct pierrot_term pr_cell_borrow(const char *bytes, uint32_t len)
{
    return (struct pierrot_term){
        .tag = PIERROT_STRING, .flags = PR_CELL_BORROWED, .len = len, .as.bytes = bytes};
}

/* 1 when the term is the string `bytes`. */
int pr_cell_is_bytes(const struct pierrot_term *cell, const char *bytes, size_t len);

/* The cell as a key is normalised: a float with an integer value becomes that integer. */
struct pierrot_term pr_cell_as_key(const struct pierrot_term *cell);

#endif
