/* SPDX-License-Identifier: MIT
 *
 * pierrot as a module of a stock interpreter whose state is closed while actors live: nothing crashes,
 * nothing is left. Under valgrind and the sanitizers this is where they look for leaks. */
#include "test.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "pierrot_lua.h"

enum { N_STATES = 1000, N_WARM = 50 };

/* Under valgrind each state costs a second. */
static int how_many(void)
{
    const char *which = getenv("PIERROT_FAULTS");
    return which && strcmp(which, "few") == 0 ? N_WARM + 10 : N_STATES;
}

static size_t bytes_in_use(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static lua_State *open_state(void)
{
    lua_State *L = luaL_newstate();
    if (!L)
        abort();
    luaL_openlibs(L);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushcfunction(L, luaopen_pierrot);
    lua_setfield(L, -2, "pierrot");
    lua_pop(L, 1);
    return L;
}

static int run(lua_State *L, const char *code)
{
    if (luaL_dostring(L, code) == LUA_OK)
        return 0;
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    return -1;
}

/* All kinds of what may live: waiting, sleeping, ready and never run, in the middle of a call, linked,
 * monitored, named, with timers and closing values, in C; and what a finalizer still holds. */
static const char live_code[] =
    "local pierrot = require 'pierrot'\n"
    "local gen_server = require 'pierrot.gen_server'\n"
    "local bucket = require 'pierrot.bucket'\n"
    "local registry = require 'pierrot.registry'\n"
    "local Server = { init = function(n) return 'ok', { n } end }\n"
    "function Server.handle_call(request, from, state)\n"
    "  if request == 'hang' then pierrot.receive 'never' end\n"
    "  return 'reply', state, state\n"
    "end\n"
    "function Server.terminate() error 'in terminate' end\n"
    "local server = assert(gen_server.start_link(Server, 1, { name = 'server' }))\n"
    "local b = assert(bucket.start_link())\n"
    "bucket.put(b, 'key', { 1, { 2 } })\n"
    "local r = assert(registry.start_link { name = 'registry' })\n"
    "registry.create(r, 'one')\n"
    "pierrot.spawn(function()\n"
    "  local closing <close> = setmetatable({}, { __close = function() pierrot.self() end })\n"
    "  pierrot.trap_exit(true)\n"
    "  while true do pierrot.receive() end\n"
    "end)\n"
    "pierrot.spawn(function() pierrot.sleep(60000) end)\n"
    "pierrot.spawn(function() gen_server.call(server, 'hang', 60000) end)\n"
    "pierrot.spawn_link(function() while true do pierrot.yield() end end)\n"
    "pierrot.monitor(server)\n"
    "pierrot.send_after(60000, server, { 'late' })\n"
    "pierrot.sleep(1)\n"
    "pierrot.spawn(function() pierrot.receive 'never' end)\n"
    "pierrot.send(pierrot.self(), { 'unread' })\n"
    "held = setmetatable({}, { __gc = function() pcall(pierrot.self) end })\n"
    "pierrot.put('held', held)\n";

TEST(a_state_is_closed_with_live_actors_a_thousand_times)
{
    size_t before = 0;
    int n = how_many();

    for (int i = 0; i < n; i++) {
        lua_State *L = open_state();
        REQUIRE(run(L, live_code) == 0);
        lua_close(L);
        if (i == N_WARM)
            before = bytes_in_use();
    }

    CHECK(bytes_in_use() < before + (size_t)(n - N_WARM) * 100);
}

TEST(a_state_with_several_schedulers_is_closed_with_live_actors)
{
    size_t before = 0;
    int n = how_many() / 5;

    for (int i = 0; i < n; i++) {
        lua_State *L = open_state();
        REQUIRE(run(L, "require('pierrot').configure { schedulers = 3, preempt = 'count' }\n") == 0);
        REQUIRE(run(L, live_code) == 0);
        REQUIRE(run(L, "for i = 1, 3 do\n"
                       "  require('pierrot').spawn_opt({ scheduler = i }, function()\n"
                       "    local b = require('pierrot.bucket').start_link()\n"
                       "    while true do end\n"
                       "  end)\n"
                       "end") == 0);
        lua_close(L);
        if (i == n / 2)
            before = bytes_in_use();
    }

    /* Each thread's cache of small blocks counts as given out. */
    CHECK(bytes_in_use() < before + (size_t)(n - n / 2) * 1000);
}

/* A scheduler takes some descriptors, so not all get theirs. */
TEST(a_configuration_that_fails_leaves_one_scheduler_that_works)
{
    struct rlimit before, few;
    lua_State *L = open_state();
    REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
    REQUIRE(run(L, "pierrot = require 'pierrot'") == 0);
    few = before;
    few.rlim_cur = 32;
    REQUIRE(setrlimit(RLIMIT_NOFILE, &few) == 0);
    CHECK_INT(run(L, "failed = not pcall(pierrot.configure, { schedulers = 30 })"), 0);
    REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);

    CHECK_INT(run(L, "assert(failed and pierrot.schedulers() == 1)\n"
                     "local _, ref = pierrot.spawn_opt({ scheduler = 'any', monitor = true },\n"
                     "  function() end)\n"
                     "assert(pierrot.receive({ 'DOWN', ref }, 10000))\n"
                     "pierrot.configure { schedulers = 2, preempt = 'signal' }\n"
                     "_, ref = pierrot.spawn_opt({ scheduler = 2, monitor = true }, 'os:clock')\n"
                     "assert(pierrot.receive({ 'DOWN', ref }, 10000))"), 0);

    lua_close(L);
}

TEST(the_module_leaves_signals_and_output_alone)
{
    struct sigaction action;
    static const int signals[] = {SIGINT, SIGTERM, SIGPIPE, SIGURG, SIGCHLD, SIGALRM, SIGHUP};
    lua_State *L = open_state();

    REQUIRE(run(L, live_code) == 0);

    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        REQUIRE(sigaction(signals[i], NULL, &action) == 0);
        CHECK(action.sa_handler == SIG_DFL);
    }
    lua_close(L);
}

TEST(two_states_share_nothing)
{
    lua_State *first = open_state(), *second = open_state();

    REQUIRE(run(first, "p = require 'pierrot'; pid = p.self(); p.register('me', pid)") == 0);
    REQUIRE(run(second, "p = require 'pierrot'; assert(p.whereis 'me' == nil)\n"
                        "p.register('me', p.self()); assert(#p.processes() == 1)") == 0);
    CHECK_INT(run(first, "assert(p.whereis 'me' == pid and #p.processes() == 1)"), 0);

    lua_close(first);
    CHECK_INT(run(second, "assert(p.whereis 'me' == p.self())"), 0);
    lua_close(second);
}
