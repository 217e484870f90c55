/* SPDX-License-Identifier: MIT
 *
 * Scripts of users, half trusted: each gets a runtime of its own in the host's process, with a cap on
 * its memory, a limit on its time, no way to the system, and no bytecode. However it ends, the host and
 * the other scripts go on.
 *
 * What protects whom:
 *   - memory: the allocator of the runtime refuses what goes beyond the cap. The script gets Lua's "not
 *     enough memory", and may catch it; the runtime itself treats it as an error like any other.
 *   - time: preemption by count, and pierrot_eval kills the process when its time is up, also where it
 *     loops under pcall. Functions in C cannot be interrupted: the ones that can run long (patterns)
 *     are wrapped below to limit what they are given.
 *   - reach: the fresh Lua state keeps what is allowed, and loses the rest before anything runs in it.
 *
 * Against code that attacks the interpreter itself use an OS process with limits of its own. */
#include <lauxlib.h>
#include <lua.h>
#include <pierrot.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BYTES = 4 << 20, TIME_LIMIT_MS = 1000 };

/* ------------------------------------------------------------------------- memory */

struct budget {
    atomic_llong n_bytes;
};

static void *allocate(void *ud, void *ptr, size_t old_size, size_t new_size)
{
    struct budget *budget = ud;
    long long change = (long long)new_size - (long long)(ptr ? old_size : 0);
    if (new_size == 0) {
        atomic_fetch_add(&budget->n_bytes, change);
        free(ptr);
        return NULL;
    }
    if (change > 0 && atomic_load(&budget->n_bytes) + change > MAX_BYTES)
        return NULL;
    void *moved = realloc(ptr, new_size);
    if (moved)
        atomic_fetch_add(&budget->n_bytes, change);
    return moved;
}

/* -------------------------------------------------------------------------- reach */

/* `require` gives pierrot's modules alone; load takes text alone; long subjects are for no pattern;
 * finalizers would run where nothing can interrupt them. */
static const char prepare_code[] =
    "local require, load, setmetatable = require, load, setmetatable\n"
    "require 'pierrot' require 'pierrot.gen_server' require 'pierrot.host' require 'pierrot.start'\n"
    "require 'pierrot.inspect'\n"
    "package.path, package.cpath, package.searchers[4], package.searchers[5] = '', '', nil, nil\n"
    "io, debug, package, dofile, loadfile, collectgarbage, print = nil\n"
    "os = { time = os.time, clock = os.clock, date = os.date, difftime = os.difftime }\n"
    "string.dump = nil\n"
    "for _, name in ipairs { 'find', 'match', 'gmatch', 'gsub' } do\n"
    "  local real = string[name]\n"
    "  string[name] = function(s, ...)\n"
    "    if #s > 4096 then error('subject too long', 2) end\n"
    "    return real(s, ...)\n"
    "  end\n"
    "end\n"
    "local rep = string.rep\n"
    "string.rep = function(s, n, sep)\n"
    "  if (#s + #(sep or '')) * n > 1 << 20 then error('result too long', 2) end\n"
    "  return rep(s, n, sep)\n"
    "end\n"
    "_G.load = function(chunk, name, mode, ...) return load(chunk, name, 't', ...) end\n"
    "_G.setmetatable = function(t, mt)\n"
    "  if type(mt) == 'table' and rawget(mt, '__gc') ~= nil then error('no __gc here', 2) end\n"
    "  return setmetatable(t, mt)\n"
    "end\n"
    "getmetatable('').__metatable = false\n";

static int prepare(void *ud, lua_State *L)
{
    (void)ud;
    if (luaL_loadbufferx(L, prepare_code, strlen(prepare_code), "=prepare", "t") != LUA_OK)
        return lua_error(L);
    lua_call(L, 0, 0);
    return 0;
}

/* What a script may ask of the host. */
static int say(pierrot *rt, void *ud, const pierrot_term *args, pierrot_term **result)
{
    (void)rt;
    (void)result;
    printf("%s says: %s\n", (const char *)ud, pierrot_as_string(pierrot_table_at(args, 1), NULL));
    return 0;
}

/* ------------------------------------------------------------------------ plugins */

struct plugin {
    const char *name;
    const char *code;
};

static const struct plugin plugins[] = {
    {"good", "require('pierrot.host').say('hello') return 'done'"},
    {"loop", "while true do pcall(function() while true do end end) end"},
    {"hoard", "local t = {} while true do t[#t + 1] = (\"x\"):rep(1000) .. #t end"},
    {"double", "local s = 'x' while true do s = s .. s end"},
    {"crash", "error 'a mistake'"},
    {"spy", "return tostring(io) .. tostring(os.execute) .. tostring(debug)"},
    {"binary", "return load('\\27Lua')"},
    {"fork", "local p = require 'pierrot'\n"
             "local function more() while true do p.spawn(more) end end\n"
             "more()"},
    {"last", "return 'still here'"},
};

static void describe(int error, const pierrot_term *result)
{
    char text[100];
    if (error == PIERROT_ELUA)
        result = pierrot_table_at(result, 2);
    pierrot_term_print(result, text, sizeof text);
    if (error == 0)
        printf("returned %s\n", text);
    else if (error == PIERROT_ELUA)
        printf("failed: %s\n", text);
    else if (error == PIERROT_EEXITED)
        printf("ended with %s\n", text);
    else
        printf("ended by the host: %s\n", pierrot_strerror(error));
}

static int run(const struct plugin *plugin)
{
    struct budget budget = {0};
    pierrot_function functions[] = {{"say", say, (void *)plugin->name}, {NULL, NULL, NULL}};
    pierrot_options options;
    pierrot *rt;
    pierrot_term *result = NULL;
    pierrot_options_init(&options);
    options.preempt = PIERROT_PREEMPT_COUNT;
    options.alloc = allocate;
    options.alloc_ud = &budget;
    options.functions = functions;
    options.open = prepare;
    int error = pierrot_new(&options, &rt);
    if (error)
        return error;
    error = pierrot_eval(rt, plugin->code, strlen(plugin->code), plugin->name, NULL, NULL,
                         TIME_LIMIT_MS, &result);
    printf("%s ", plugin->name);
    describe(error, result);
    pierrot_term_free(result);
    pierrot_free(rt); /* kills whatever the script has started */
    return atomic_load(&budget.n_bytes) == 0 ? 0 : PIERROT_ELIMIT;
}

int main(void)
{
    for (size_t i = 0; i < sizeof plugins / sizeof plugins[0]; i++) {
        int error = run(&plugins[i]);
        if (error) {
            fprintf(stderr, "%s: %s\n", plugins[i].name, pierrot_strerror(error));
            return 1;
        }
    }
    return 0;
}
