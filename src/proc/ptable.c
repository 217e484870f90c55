/* SPDX-License-Identifier: MIT */
#include "proc/ptable.h"

#include "base/assert.h"
#include "base/lock.h"
#include "term/ident.h"

enum {
    CHUNK_BITS = 10,
    CHUNK_SLOTS = 1 << CHUNK_BITS,
    PAGE_BITS = 8,
    PAGE_CHUNKS = 1 << PAGE_BITS,
    N_PAGES = 1 << (PR_PID_INDEX_BITS - CHUNK_BITS - PAGE_BITS)
};

#define ALIVE   UINT64_C(1)
#define NAMED   UINT64_C(2)
#define ENDING  UINT64_C(4)
#define N_FLAGS 3
#define NO_SLOT UINT32_MAX

struct slot {
    _Atomic(uint64_t) word; /* (A) */
    union {
        struct pr_process *process; /* (O) while taken */
        uint32_t next_free;         /* (O) while free */
    } as;
};

struct chunk {
    struct pr_owner *owner; /* (I) */
    struct slot slots[CHUNK_SLOTS];
};

struct page {
    _Atomic(struct chunk *) chunks[PAGE_CHUNKS]; /* (A) set once */
};

struct pr_ptable {
    _Atomic(struct page *) pages[N_PAGES]; /* (A) set once */
    struct pr_lock lock;
    uint32_t n_chunks; /* (M) */
};

struct pr_ptable *pr_ptable_new(struct pr_heap *heap)
{
    struct pr_ptable *table = pr_zalloc(heap, sizeof *table);
    if (table && pr_lock_init(&table->lock) != 0) {
        pr_free(heap, table, sizeof *table);
        return NULL;
    }
    return table;
}

void pr_ptable_free(struct pr_ptable *table, struct pr_heap *heap)
{
    for (int i = 0; i < N_PAGES; i++) {
        struct page *page = atomic_load_explicit(&table->pages[i], memory_order_relaxed);
        for (int k = 0; page && k < PAGE_CHUNKS; k++)
            pr_free(heap, atomic_load_explicit(&page->chunks[k], memory_order_relaxed),
                    sizeof(struct chunk));
        pr_free(heap, page, sizeof *page);
    }
    pr_lock_fini(&table->lock);
    pr_free(heap, table, sizeof *table);
}

/* The acquire loads pair with the release stores in publish_chunk. */
static struct chunk *find_chunk(const struct pr_ptable *table, uint32_t index)
{
    const struct page *page = atomic_load_explicit(&table->pages[index >> (CHUNK_BITS + PAGE_BITS)],
                                                   memory_order_acquire);
    if (!page)
        return NULL;
    return atomic_load_explicit(&page->chunks[index >> CHUNK_BITS & (PAGE_CHUNKS - 1)],
                                memory_order_acquire);
}

static struct slot *find_slot(const struct pr_ptable *table, pierrot_pid pid)
{
    if (!pr_id_is_pid(pid.id))
        return NULL;
    struct chunk *chunk = find_chunk(table, pr_pid_index(pid));
    return chunk ? &chunk->slots[pr_pid_index(pid) & (CHUNK_SLOTS - 1)] : NULL;
}

/* Enters a chunk at the end of the table; its first index, or NO_SLOT. */
static uint32_t publish_chunk(struct pr_ptable *table, struct pr_heap *heap, struct chunk *chunk)
{
    uint32_t first = NO_SLOT;
    pr_lock_take(&table->lock);
    uint32_t n = table->n_chunks;
    if (n < (uint32_t)N_PAGES * PAGE_CHUNKS) {
        struct page *page =
            atomic_load_explicit(&table->pages[n >> PAGE_BITS], memory_order_relaxed);
        if (!page && (page = pr_zalloc(heap, sizeof *page)))
            atomic_store_explicit(&table->pages[n >> PAGE_BITS], page, memory_order_release);
        if (page) {
            atomic_store_explicit(&page->chunks[n & (PAGE_CHUNKS - 1)], chunk,
                                  memory_order_release);
            table->n_chunks++;
            first = n << CHUNK_BITS;
        }
    }
    pr_lock_give(&table->lock);
    return first;
}

static int add_chunk(struct pr_owner *owner)
{
    struct pr_system *system = owner->system;
    struct chunk *chunk = pr_zalloc(&system->heap, sizeof *chunk);
    if (!chunk)
        return PIERROT_ENOMEM;
    chunk->owner = owner;
    uint32_t first = publish_chunk(system->ptable, &system->heap, chunk);
    if (first == NO_SLOT) {
        pr_free(&system->heap, chunk, sizeof *chunk);
        return PIERROT_ELIMIT;
    }
    for (uint32_t i = 0; i < CHUNK_SLOTS; i++)
        chunk->slots[i].as.next_free = i + 1 < CHUNK_SLOTS ? first + i + 1 : NO_SLOT;
    PR_ASSERT(owner->free_head == NO_SLOT);
    owner->free_head = first;
    owner->free_tail = first + CHUNK_SLOTS - 1;
    return 0;
}

int pr_ptable_enter(struct pr_owner *owner, struct pr_process *process, pierrot_pid *pid)
{
    if (owner->free_head == NO_SLOT) {
        int error = add_chunk(owner);
        if (error)
            return error;
    }
    uint32_t index = owner->free_head;
    struct chunk *chunk = find_chunk(owner->system->ptable, index);
    struct slot *slot = &chunk->slots[index & (CHUNK_SLOTS - 1)];
    owner->free_head = slot->as.next_free;
    slot->as.process = process;
    uint64_t generation = atomic_load_explicit(&slot->word, memory_order_relaxed) >> N_FLAGS;
    /* Relaxed: whoever learns of this pid learns it through a message or a lock. */
    atomic_store_explicit(&slot->word, generation << N_FLAGS | ALIVE, memory_order_relaxed);
    *pid = pr_pid_make(index, generation);
    atomic_fetch_add_explicit(&owner->n_processes, 1, memory_order_relaxed);
    return 0;
}

int pr_ptable_mark_dead(struct pr_owner *owner, pierrot_pid pid)
{
    struct slot *slot = find_slot(owner->system->ptable, pid);
    /* acq_rel: ordered against mark_named's read-modify-write of the same word. */
    uint64_t old = atomic_fetch_xor_explicit(&slot->word, ALIVE | ENDING, memory_order_acq_rel);
    PR_ASSERT(old & ALIVE);
    atomic_fetch_sub_explicit(&owner->n_processes, 1, memory_order_relaxed);
    return (old & NAMED) != 0;
}

void pr_ptable_leave(struct pr_owner *owner, pierrot_pid pid)
{
    struct slot *slot = find_slot(owner->system->ptable, pid);
    uint32_t index = pr_pid_index(pid);
    uint64_t next = (pr_pid_generation(pid) + 1) & PR_GENERATION_MASK;
    atomic_store_explicit(&slot->word, next << N_FLAGS, memory_order_release);
    slot->as.next_free = NO_SLOT;
    if (owner->free_head == NO_SLOT) {
        owner->free_head = index;
    } else {
        struct chunk *chunk = find_chunk(owner->system->ptable, owner->free_tail);
        chunk->slots[owner->free_tail & (CHUNK_SLOTS - 1)].as.next_free = index;
    }
    owner->free_tail = index;
}

int pr_ptable_mark_named(struct pr_system *system, pierrot_pid pid)
{
    struct slot *slot = find_slot(system->ptable, pid);
    if (!slot)
        return 0;
    uint64_t want = pr_pid_generation(pid) << N_FLAGS | ALIVE;
    uint64_t word = atomic_load_explicit(&slot->word, memory_order_acquire);
    do {
        if ((word & ~NAMED) != want)
            return 0;
    } while (!atomic_compare_exchange_weak_explicit(&slot->word, &word, word | NAMED,
                                                    memory_order_acq_rel, memory_order_acquire));
    return 1;
}

static int agrees(uint64_t word, pierrot_pid pid, uint64_t state)
{
    return (word & ~NAMED) == (pr_pid_generation(pid) << N_FLAGS | state);
}

int pr_ptable_is_alive(struct pr_system *system, pierrot_pid pid)
{
    struct slot *slot = find_slot(system->ptable, pid);
    return slot && agrees(atomic_load_explicit(&slot->word, memory_order_acquire), pid, ALIVE);
}

struct pr_owner *pr_ptable_owner(struct pr_system *system, pierrot_pid pid)
{
    if (!pr_id_is_pid(pid.id))
        return NULL;
    struct chunk *chunk = find_chunk(system->ptable, pr_pid_index(pid));
    return chunk ? chunk->owner : NULL;
}

static struct pr_process *find_process(struct pr_owner *owner, pierrot_pid pid, uint64_t state)
{
    if (!pr_id_is_pid(pid.id))
        return NULL;
    struct chunk *chunk = find_chunk(owner->system->ptable, pr_pid_index(pid));
    if (!chunk || chunk->owner != owner)
        return NULL;
    struct slot *slot = &chunk->slots[pr_pid_index(pid) & (CHUNK_SLOTS - 1)];
    if (!agrees(atomic_load_explicit(&slot->word, memory_order_relaxed), pid, state))
        return NULL;
    return slot->as.process;
}

struct pr_process *pr_ptable_find(struct pr_owner *owner, pierrot_pid pid)
{
    return find_process(owner, pid, ALIVE);
}

struct pr_process *pr_ptable_find_ending(struct pr_owner *owner, pierrot_pid pid)
{
    return find_process(owner, pid, ENDING);
}

int pr_ptable_each(struct pr_system *system, int (*fn)(void *ud, pierrot_pid pid), void *ud)
{
    struct chunk *chunk;
    for (uint32_t first = 0;
         first < PR_MAX_PROCESSES && (chunk = find_chunk(system->ptable, first)) != NULL;
         first += CHUNK_SLOTS) {
        for (uint32_t i = 0; i < CHUNK_SLOTS; i++) {
            uint64_t word = atomic_load_explicit(&chunk->slots[i].word, memory_order_acquire);
            int stop = word & ALIVE ? fn(ud, pr_pid_make(first + i, word >> N_FLAGS)) : 0;
            if (stop)
                return stop;
        }
    }
    return 0;
}
