/* SPDX-License-Identifier: MIT
 *
 * What is known of processes: info, is_alive, the list of all, memory. A process elsewhere is asked
 * by a visit, so the answer is one of after all signals sent to it before, as in OTP. */
#include <string.h>

#include "lua/ask.h"
#include "lua/binding.h"
#include "lua/blame.h"
#include "lua/copy.h"
#include "lua/ident.h"
#include "lua/process.h"
#include "lua/wait.h"

/* ------------------------------------------------------- items of any process */

static int text_cell(struct pr_arena *arena, const char *text, struct pierrot_term *cell)
{
    return pr_arena_string(arena, text, strlen(text), cell);
}

/* Who runs a server nested in its call, or start, waits for it. */
static int status_cell(struct pr_owner *owner, const struct pr_process *process,
                       struct pr_arena *arena, struct pierrot_term *cell)
{
    if (process->sys & PR_SYS_SUSPENDED)
        return text_cell(arena, "suspended", cell);
    switch ((enum pr_process_state)process->state) {
    case PR_RUNNABLE:
        return text_cell(arena, "runnable", cell);
    case PR_RUNNING:
        if (process != owner->current)
            break;
        return text_cell(arena, "running", cell);
    case PR_WAITING:
    case PR_ENDED:
        break;
    }
    return text_cell(arena, "waiting", cell);
}

/* Pids of the relations of one kind; monitors by name give the name. */
static int relations_cell(const struct pr_process *process, enum pr_relation_kind kind,
                          struct pr_arena *arena, struct pierrot_term *cell)
{
    int error = pr_arena_table(arena, 4, 0, cell);
    for (struct pr_node *node = process->relations.head; node && !error; node = node->next) {
        const struct pr_relation *relation = PR_CONTAINER_OF(node, struct pr_relation, node);
        struct pierrot_term item = pr_cell_pid(relation->peer);
        if (relation->kind != kind || relation->flags & PR_WATCHED_BY_TIMER)
            continue;
        if (relation->extra && relation->extra->name)
            error = pr_term_copy_into(arena, relation->extra->name, &item);
        if (!error)
            error = pr_arena_append(arena, cell->as.table, &item);
    }
    return error;
}

static int messages_cell(struct pr_owner *owner, const struct pr_process *process,
                         struct pr_arena *arena, struct pierrot_term *cell)
{
    int error = pr_arena_table(arena, process->mailbox.n_messages, 0, cell);
    struct pr_signal *message = pr_mailbox_first(&process->mailbox);
    for (; message && !error; message = pr_mailbox_next(message)) {
        struct pierrot_term item;
        error = pr_message_build(owner, arena, message, &item);
        if (!error)
            error = pr_arena_append(arena, cell->as.table, &item);
    }
    return error;
}

static int ancestors_cell(const struct pr_process *process, struct pr_arena *arena,
                          struct pierrot_term *cell)
{
    int error = pr_arena_table(arena, 4, 0, cell);
    const struct pr_lineage *up = process->lineage;
    for (int n = 0; up && !error && n < 100; up = up->up, n++) {
        struct pierrot_term item = pr_cell_pid(up->pid);
        error = pr_arena_append(arena, cell->as.table, &item);
    }
    return error;
}

static int name_cell(struct pr_owner *owner, const struct pr_process *process,
                     struct pr_arena *arena, struct pierrot_term *cell)
{
    pierrot_term *name = pr_name_of(owner->system, process->pid, &owner->heap);
    *cell = pr_cell_bool(0);
    int error = name ? pr_term_copy_into(arena, name, cell) : 0;
    pr_term_drop(name, &owner->heap);
    return error;
}

/* 0; PIERROT_ENOMEM; PIERROT_ENOTFOUND: no such item. */
static int item_cell(struct pr_owner *owner, struct pr_process *process, const char *item,
                     struct pr_arena *arena, struct pierrot_term *cell)
{
    if (strcmp(item, "status") == 0)
        return status_cell(owner, process, arena, cell);
    if (strcmp(item, "links") == 0)
        return relations_cell(process, PR_LINK, arena, cell);
    if (strcmp(item, "monitors") == 0)
        return relations_cell(process, PR_WATCH, arena, cell);
    if (strcmp(item, "monitored_by") == 0)
        return relations_cell(process, PR_WATCHED, arena, cell);
    if (strcmp(item, "messages") == 0)
        return messages_cell(owner, process, arena, cell);
    if (strcmp(item, "ancestors") == 0)
        return ancestors_cell(process, arena, cell);
    if (strcmp(item, "name") == 0)
        return name_cell(owner, process, arena, cell);
    if (strcmp(item, "mailbox") == 0)
        *cell = pr_cell_int(process->mailbox.n_messages);
    else if (strcmp(item, "dropped") == 0)
        *cell = pr_cell_int(process->extra ? (int64_t)process->extra->n_dropped : 0);
    else if (strcmp(item, "parent") == 0)
        *cell = process->lineage ? pr_cell_pid(process->lineage->pid) : pr_cell_nil();
    else if (strcmp(item, "reductions") == 0)
        *cell = pr_cell_int((int64_t)process->reductions);
    else if (strcmp(item, "scheduler") == 0)
        *cell = pr_cell_int((int64_t)owner->index + 1);
    else if (strcmp(item, "trap_exit") == 0)
        *cell = pr_cell_bool(process->flags & PR_TRAP_EXIT);
    else
        return process->kind->info ? process->kind->info(owner, process, item, arena, cell)
                                   : PIERROT_ENOTFOUND;
    return 0;
}

static const char *const item_names[] = {
    "status",
    "mailbox",
    "dropped",
    "messages",
    "dictionary",
    "links",
    "monitors",
    "monitored_by",
    "name",
    "parent",
    "ancestors",
    "callers",
    "reductions",
    "memory",
    "scheduler",
    "current_function",
    "current_stacktrace",
    "initial_call",
    "trap_exit",
};

enum { N_ITEMS = sizeof item_names / sizeof *item_names };

static int is_item(const char *item)
{
    for (int i = 0; i < N_ITEMS; i++)
        if (strcmp(item, item_names[i]) == 0)
            return 1;
    return 0;
}

/* Where a server is that handles nothing, as in OTP; NULL: another item, or no server. */
static const char *idle_place(const struct pr_process *process, const char *item)
{
    if (!(process->flags & PR_SERVER))
        return NULL;
    if (strcmp(item, "current_function") == 0)
        return "gen_server:loop";
    return strcmp(item, "current_stacktrace") == 0 ? "stack traceback:\n\tgen_server:loop" : NULL;
}

/* An item that a kind does not have is nil, but for lists. */
static int item_or_nil(struct pr_owner *owner, struct pr_process *process, const char *item,
                       struct pr_arena *arena, struct pierrot_term *cell)
{
    int error = item_cell(owner, process, item, arena, cell);
    if (error != PIERROT_ENOTFOUND)
        return error;
    if (strcmp(item, "dictionary") == 0 || strcmp(item, "callers") == 0)
        return pr_arena_table(arena, 0, 0, cell);
    const char *place = idle_place(process, item);
    if (place)
        return text_cell(arena, place, cell);
    *cell = pr_cell_nil();
    return 0;
}

static int add_item(struct pr_owner *owner, struct pr_process *process, const char *item,
                    struct pr_arena *arena, struct pr_table *table)
{
    struct pierrot_term key, value;
    int error = item_or_nil(owner, process, item, arena, &value);
    if (!error)
        error = text_cell(arena, item, &key);
    if (error || value.tag == PIERROT_NIL)
        return error;
    return pr_arena_add_pair(arena, table, &key, &value);
}

/* The answer for `wanted`: nil (everything), a name, a list of names. */
static int build_info(struct pr_owner *owner, struct pr_process *process,
                      const pierrot_term *wanted, struct pr_arena *arena, struct pierrot_term *cell)
{
    if (wanted->tag == PIERROT_STRING)
        return item_or_nil(owner, process, wanted->as.bytes, arena, cell);
    int error = pr_arena_table(arena, 0, N_ITEMS, cell);
    if (wanted->tag == PIERROT_TABLE) {
        for (size_t i = 1; i <= pierrot_table_len(wanted) && !error; i++) {
            const pierrot_term *item = pierrot_table_at(wanted, (int64_t)i);
            error = add_item(owner, process, item->as.bytes, arena, cell->as.table);
        }
        return error;
    }
    for (int i = 0; i < N_ITEMS && !error; i++)
        error = add_item(owner, process, item_names[i], arena, cell->as.table);
    return error;
}

/* Gives; NULL: out of memory. */
static pierrot_term *info_term(struct pr_owner *owner, struct pr_process *process,
                               const pierrot_term *wanted)
{
    struct pr_arena *arena = pr_arena_new(&owner->heap, 512);
    struct pierrot_term cell;
    if (!arena)
        return NULL;
    if (build_info(owner, process, wanted, arena, &cell) != 0) {
        pr_arena_free(arena, &owner->heap);
        return NULL;
    }
    cell.flags |= PR_CELL_ROOT;
    arena->root = cell;
    return &arena->root;
}

/* ----------------------------------------------------------------------- asking */

struct info_visit {
    struct pr_ask ask; /* first */
    pierrot_term *wanted; /* NULL: only whether it lives */
};

static void visit_process(struct pr_owner *owner, struct pr_process *process,
                          struct pr_visit *visit)
{
    struct info_visit asked = *(struct info_visit *)visit;
    pr_free(&owner->heap, visit, sizeof asked);
    struct pierrot_term answer = asked.wanted ? pr_cell_nil() : pr_cell_bool(process != NULL);
    if (process && asked.wanted) {
        pierrot_term *info = info_term(owner, process, asked.wanted);
        if (info)
            answer = pr_value_from_root(owner, info);
    }
    pr_term_drop(asked.wanted, &owner->heap);
    (void)pr_reply(owner, NULL, asked.ask.from, 0, answer);
}

/* Takes: wanted. */
static int ask(struct pr_lua *lua, lua_State *L, pierrot_pid pid, pierrot_term *wanted)
{
    struct pr_owner *owner = lua->owner;
    struct info_visit *visit = pr_zalloc(&owner->heap, sizeof *visit);
    int n_results = PIERROT_ENOMEM;
    if (visit) {
        visit->ask.visit.signal.u.to = pid;
        visit->ask.visit.run = visit_process;
        visit->wanted = wanted;
        n_results = pr_ask(lua, L, pr_ptable_owner(owner->system, pid), &visit->ask);
    }
    if (n_results >= 0)
        return n_results;
    pr_term_drop(wanted, &owner->heap);
    pr_free(&owner->heap, visit, sizeof *visit);
    return luaL_error(L, "not enough memory");
}

static void check_items(struct pr_lua *lua, lua_State *L)
{
    if (lua_isnoneornil(L, 2))
        return;
    if (lua_type(L, 2) == LUA_TTABLE) {
        for (lua_Integer i = 1; i <= (lua_Integer)lua_rawlen(L, 2); i++) {
            lua_rawgeti(L, 2, i);
            if (lua_type(L, -1) != LUA_TSTRING || !is_item(lua_tostring(L, -1)))
                pr_argument_error(lua, L, 2, "no such item of info");
            lua_pop(L, 1);
        }
        return;
    }
    if (lua_type(L, 2) != LUA_TSTRING)
        pr_type_error(L, 2, "item or list of items");
    if (!is_item(lua_tostring(L, 2)))
        pr_argument_error(
            lua, L, 2, lua_pushfstring(L, "no such item of info: '%s'", lua_tostring(L, 2)));
}

static int l_info(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    pierrot_pid pid = pr_check_pid(L, 1);
    int error;
    check_items(lua, L);
    lua_settop(L, 2);
    pr_signal_poll(lua->owner);
    PR_CHECK_ALIVE(lua, L);
    struct pr_owner *home = pr_ptable_owner(lua->owner->system, pid);
    if (!home || !pr_ptable_is_alive(lua->owner->system, pid)) {
        lua_pushnil(L);
        return 1;
    }
    if (home != lua->owner)
        pr_check_can_wait(lua, L);
    pierrot_term *wanted = pr_copy_to_term(lua, L, 2, &error);
    if (!wanted)
        return luaL_error(L, "not enough memory");
    if (home != lua->owner)
        return ask(lua, L, pid, wanted);
    struct pr_process *process = pr_ptable_find(lua->owner, pid);
    pierrot_term *info = info_term(lua->owner, process, wanted);
    pr_term_drop(wanted, &lua->owner->heap);
    return info ? pr_push_root(lua, L, info) : luaL_error(L, "not enough memory");
}

/* A process elsewhere is asked where that can wait; else what the table says now must do. */
static int l_is_alive(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_system *system = lua->owner->system;
    pierrot_pid pid = pr_check_pid(L, 1);
    lua_settop(L, 1);
    pr_signal_poll(lua->owner);
    PR_CHECK_ALIVE(lua, L);
    struct pr_owner *home = pr_ptable_owner(system, pid);
    int is_alive = home && pr_ptable_is_alive(system, pid);
    int can_wait = pr_can_yield(L);
    if (is_alive && home != lua->owner &&
        (can_wait || (lua->host && lua->owner->current == &lua->host->process)))
        return ask(lua, L, pid, NULL);
    lua_pushboolean(L, is_alive);
    return 1;
}

static int add_pid(void *ud, pierrot_pid pid)
{
    lua_State *L = ud;
    pr_push_id(L, pid.id);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    return 0;
}

static int l_processes(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    pr_signal_poll(lua->owner);
    lua_createtable(L, 64, 0);
    pr_ptable_each(lua->owner->system, add_pid, L);
    return 1;
}

/* links(): of the caller itself. Nothing is waited for, so that a closing variable of a process
 * that ends may ask: its links are there until all of them have run. */
static int l_links(lua_State *L)
{
    struct pr_process *process = PR_SELF(L)->owner->current;
    lua_Integer n = 0;
    lua_newtable(L);
    for (struct pr_node *node = process->relations.head; node; node = node->next) {
        struct pr_relation *relation = PR_CONTAINER_OF(node, struct pr_relation, node);
        if (relation->kind != PR_LINK)
            continue;
        pr_push_id(L, relation->peer.id);
        lua_rawseti(L, -2, ++n);
    }
    return 1;
}

static void set_bytes(lua_State *L, const char *name, lua_Integer bytes)
{
    lua_pushinteger(L, bytes);
    lua_setfield(L, -2, name);
}

/* memory(): bytes; `lua` is this scheduler's state alone. */
static int l_memory(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pierrot *runtime = lua->scheduler->runtime;
    lua_Integer in_lua = (lua_Integer)lua_gc(L, LUA_GCCOUNT) * 1024 + lua_gc(L, LUA_GCCOUNTB);
    lua_Integer total = pierrot_memory(runtime);
    lua_Integer n_processes = 0;
    for (uint32_t i = 0; i < runtime->n_schedulers; i++)
        n_processes +=
            atomic_load_explicit(&runtime->schedulers[i]->owner.n_processes, memory_order_relaxed);
    if (lua->is_module)
        total += in_lua; /* the host's allocator counts elsewhere */
    lua_createtable(L, 0, 5);
    set_bytes(L, "total", total);
    set_bytes(L, "lua", in_lua);
    set_bytes(L, "processes", n_processes * (lua_Integer)sizeof(struct pr_lua_process));
    set_bytes(L, "messages", (lua_Integer)lua->store.n_used * 16);
    set_bytes(L, "system", pr_heap_live(&runtime->system.heap));
    return 1;
}

void pr_open_info(struct pr_lua *lua, lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"info", l_info},
        {"links", l_links},
        {"is_alive", l_is_alive},
        {"processes", l_processes},
        {"memory", l_memory},
        {NULL, NULL},
    };
    pr_lua_register(L, lua, functions);
}
