/* SPDX-License-Identifier: MIT
 *
 * The whole runtime on an allocator that fails: scenarios run again and again, each time with the
 * failure one call later, until a run sees none. However a run ends, it ends, by an error or a success,
 * and leaves nothing behind. Lua tries once more after a collection, so besides the single failure
 * there are short series, and memory that stays out until the main process has ended.
 *
 * What a scenario does after it has logged "begin" meets failures at every call with PIERROT_FAULTS=all
 * in the environment, else at calls spread over it (few: a tenth as many, for valgrind); what comes
 * before, opening Lua and its modules, at some calls only. PIERROT_FAULTS_ONLY=n: at call n alone, to
 * look at what was found. */
#include "test.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#include "pierrot.h"

/* A run that lasts longer hangs: some of its waits may run out, for what memory failed for. */
enum { RUN_SECONDS = 60 };

/* Runs before and after "begin", when not all are wanted. */
enum { SOME_BEFORE = 40, SOME_AFTER = 120, FOR_EVER = 1 << 30 };

struct fault {
    atomic_long n_calls;       /* that allocate or resize */
    long first, n_failures;    /* calls first .. first + n_failures - 1 fail; 0: none */
    atomic_int has_failed;
    atomic_int is_over;        /* nothing fails any more */
    atomic_long live_bytes;    /* of pierrot's allocator */
    atomic_long live_blocks;   /* of it and libuv's */
    atomic_long n_wrong_sizes;
    long begin;                /* n_calls at the line "begin" */
    int n_errors;              /* lines of that level */
};

static struct fault fault;
static const char *run_name;
static volatile sig_atomic_t run_first, run_length;

static int fails(void)
{
    long n = atomic_fetch_add(&fault.n_calls, 1) + 1;
    if (fault.first == 0 || n < fault.first || n - fault.first >= fault.n_failures)
        return 0;
    if (atomic_load(&fault.is_over))
        return 0;
    atomic_store(&fault.has_failed, 1);
    return 1;
}

/* Before each block, for its size; as wide as malloc aligns. */
enum { PREFIX = 16 };

static void *resize(char *block, size_t new_size)
{
    int is_new = !block;
    block = realloc(block, PREFIX + new_size);
    if (!block)
        abort();
    if (is_new)
        atomic_fetch_add(&fault.live_blocks, 1);
    memcpy(block, &new_size, sizeof new_size);
    return block + PREFIX;
}

static void release(char *block)
{
    if (block)
        atomic_fetch_sub(&fault.live_blocks, 1);
    free(block);
}

static void *allocate(void *ud, void *ptr, size_t old_size, size_t new_size)
{
    char *block = ptr ? (char *)ptr - PREFIX : NULL;
    (void)ud;
    if (block && memcmp(block, &old_size, sizeof old_size) != 0)
        atomic_fetch_add(&fault.n_wrong_sizes, 1);
    if (new_size > 0 && fails())
        return NULL;
    atomic_fetch_add(&fault.live_bytes, (long)new_size - (long)(ptr ? old_size : 0));
    if (new_size > 0)
        return resize(block, new_size);
    release(block);
    return NULL;
}

static void *uv_malloc(size_t size)
{
    return fails() ? NULL : resize(NULL, size);
}

/* Never fails: libuv aborts where its table of watchers cannot grow. */
static void *uv_realloc(void *ptr, size_t size)
{
    return resize(ptr ? (char *)ptr - PREFIX : NULL, size);
}

static void *uv_calloc(size_t count, size_t size)
{
    void *ptr = uv_malloc(count * size);
    return ptr ? memset(ptr, 0, count * size) : NULL;
}

static void uv_free(void *ptr)
{
    release(ptr ? (char *)ptr - PREFIX : NULL);
}

static void count_line(void *ud, pierrot_level level, const char *text, size_t len)
{
    (void)ud;
    if (len == 5 && memcmp(text, "begin", 5) == 0)
        fault.begin = atomic_load(&fault.n_calls);
    else if (level == PIERROT_ERROR)
        fault.n_errors++;
    if (getenv("PIERROT_FAULTS_LOG"))
        fprintf(stderr, "%.*s\n", (int)len, text);
}

static void hangs(int number)
{
    char text[200];
    int len = snprintf(text, sizeof text, "%s hangs when call %ld fails (%ld times)\n", run_name,
                       (long)run_first, (long)run_length);
    (void)number;
    if (write(2, text, (size_t)len) == len)
        abort();
    _exit(3);
}

/* ------------------------------------------------- what a host does besides scripts */

static pierrot_term *text(const char *string)
{
    return pierrot_string(string, strlen(string));
}

struct answers {
    atomic_int n_expected, n_given;
};

static void take_answer(void *ud, int error, pierrot_term *reply)
{
    struct answers *answers = ud;
    CHECK(error <= 0 && (error == 0) == (reply != NULL));
    pierrot_term_free(reply);
    atomic_fetch_add(&answers->n_given, 1);
}

/* A server that a host starts and asks; its module comes from package.preload. */
static const char server_code[] = "package.preload.echo = function()\n"
                                  "  return {\n"
                                  "    init = function(arg) return 'ok', arg end,\n"
                                  "    handle_call = function(request, _, state)\n"
                                  "      return 'reply', { request, state }, state\n"
                                  "    end,\n"
                                  "    run = function(arg) return arg end,\n"
                                  "  }\n"
                                  "end\n"
                                  "return { 'loaded' }";

/* The first error of those that are given. */
static int first_error(int error, int next)
{
    return error ? error : next;
}

static int use_mailbox(pierrot *rt, pierrot_pid server)
{
    pierrot_mailbox *mailbox;
    pierrot_term *message;
    pierrot_ref ref;
    int error = pierrot_mailbox_open(rt, NULL, &mailbox);
    if (error)
        return error;
    error = pierrot_send(rt, pierrot_mailbox_pid(mailbox), text("hello"));
    error = first_error(error, pierrot_mailbox_monitor(mailbox, server, &ref));
    if (!error)
        error = pierrot_mailbox_demonitor(mailbox, ref);
    if (pierrot_mailbox_receive(mailbox, 0, &message) == 0)
        pierrot_term_free(message);
    pierrot_mailbox_close(mailbox);
    return error;
}

static int use_server(pierrot *rt, struct answers *answers)
{
    pierrot_pid server, other;
    pierrot_term *reply;
    int error = pierrot_start(rt, "echo", text("state"), NULL, &server);
    if (error)
        return error;
    error = pierrot_call(rt, server, text("request"), 5000, &reply);
    if (!error)
        pierrot_term_free(reply);
    int asked = pierrot_call_async(rt, server, text("later"), 5000, take_answer, answers);
    atomic_fetch_add(&answers->n_expected, asked == 0);
    error = first_error(error, asked);
    error = first_error(error, pierrot_register(rt, "server", 6, server));
    error = first_error(error, pierrot_spawn_function(rt, "echo", "run", text("x"), NULL, &other));
    error = first_error(error, use_mailbox(rt, server));
    error = first_error(error, pierrot_exit(rt, server, text("kill")));
    if (!error)
        error = pierrot_await_end(rt, server, 5000, NULL);
    return error;
}

static struct answers answers;

static int use_host(pierrot *rt)
{
    pierrot_term *result = NULL;
    atomic_store(&answers.n_expected, 0);
    atomic_store(&answers.n_given, 0);
    pierrot_log(rt, PIERROT_INFO, "begin");
    int error = pierrot_eval(rt, server_code, strlen(server_code), NULL, text("arg"), NULL, 5000,
                             &result);
    pierrot_term_free(result);
    if (!error)
        error = use_server(rt, &answers);
    /* What was killed for want of memory is no Lua error, and was not reported. */
    return error == PIERROT_ELUA ? PIERROT_EEXITED : error;
}

/* ------------------------------------------------------------------------ one run */

static int run(const char *code)
{
    pierrot_options options;
    pierrot *rt = NULL;
    pierrot_options_init(&options);
    options.alloc = allocate;
    options.log = count_line;
    int error = pierrot_new(&options, &rt);
    if (error)
        return error;
    error = code ? pierrot_run_string(rt, code, "=scenario") : use_host(rt);
    atomic_store(&fault.is_over, fault.n_failures == FOR_EVER);
    int stopped = pierrot_stop(rt, 200);
    CHECK(stopped == 0 || stopped == PIERROT_ETIMEOUT || stopped == PIERROT_ENOMEM);
    pierrot_free(rt);
    return error;
}

/* Whether any call failed. */
static int run_with(const char *name, const char *code, long first, long n_failures)
{
    memset(&fault, 0, sizeof fault);
    fault.first = first;
    fault.n_failures = n_failures;
    run_name = name;
    run_first = (sig_atomic_t)first;
    run_length = (sig_atomic_t)n_failures;
    alarm(RUN_SECONDS);
    int error = run(code), n_before = test_n_failures;
    alarm(0);
    CHECK_INT(atomic_load(&fault.live_bytes), 0);
    CHECK_INT(atomic_load(&fault.live_blocks), 0);
    CHECK_INT(atomic_load(&fault.n_wrong_sizes), 0);
    CHECK_INT(atomic_load(&answers.n_given), atomic_load(&answers.n_expected));
    CHECK(error <= 0);
    /* It was reported, and what went well was not. */
    if (error == PIERROT_ELUA)
        CHECK(fault.n_errors > 0);
    if (!atomic_load(&fault.has_failed))
        CHECK_INT(error, 0);
    if (test_n_failures > n_before)
        fprintf(stderr, "%s: call %ld and on, %ld times; error %d\n", name, first, n_failures, error);
    return atomic_load(&fault.has_failed);
}

static long step_for(long n_calls, long n_runs)
{
    const char *which = getenv("PIERROT_FAULTS");
    if (which && strcmp(which, "few") == 0)
        n_runs /= 10;
    if ((which && strcmp(which, "all") == 0) || n_calls <= n_runs)
        return 1;
    return n_calls / n_runs;
}

static void run_each(const char *name, const char *code, long n_failures)
{
    static int are_replaced;
    if (!are_replaced) {
        are_replaced = 1;
        signal(SIGALRM, hangs);
        uv_replace_allocator(uv_malloc, uv_realloc, uv_calloc, uv_free);
    }
    run_with(name, code, 0, 0);
    REQUIRE(fault.begin > 0);
    long begin = fault.begin, total = fault.n_calls;
    if (getenv("PIERROT_FAULTS_LOG"))
        fprintf(stderr, "%s: %ld calls, then %ld\n", name, begin, total - begin);
    if (getenv("PIERROT_FAULTS_ONLY")) {
        run_with(name, code, atol(getenv("PIERROT_FAULTS_ONLY")), n_failures);
        return;
    }
    long step = step_for(begin, SOME_BEFORE);
    for (long n = 1; n <= begin && test_n_failures == 0; n += step)
        run_with(name, code, n, n_failures);
    step = step_for(total - begin, SOME_AFTER);
    long n = begin + 1;
    while (test_n_failures == 0 && run_with(name, code, n, n_failures))
        n += step;
}

#define EACH_SERIES(name, code)                                                                    \
    do {                                                                                           \
        run_each(name, code, 1);                                                                   \
        run_each(name, code, 2);                                                                   \
        run_each(name, code, 7);                                                                   \
        run_each(name, code, FOR_EVER);                                                            \
    } while (0)

/* ---------------------------------------------------------------------- scenarios */

/* clang-format off */
#define PREAMBLE \
    "local pierrot = require 'pierrot'\n" \
    "local bucket = require 'pierrot.bucket'\n" \
    "local registry = require 'pierrot.registry'\n" \
    "local gen_server = require 'pierrot.gen_server'\n" \
    "local logger = require 'pierrot.logger'\n" \
    "logger.info('begin')\n"

static const char key_value_code[] =
    PREAMBLE
    "local r = assert(registry.start_link { name = 'stores' })\n"
    "assert(registry.lookup(r, 'shopping') == nil)\n"
    "local p = assert(registry.create(r, 'shopping'))\n"
    "assert(registry.create('stores', 'shopping') == p)\n"
    "assert(bucket.put(p, 'milk', 3))\n"
    "assert(bucket.put(p, 'list', { 'eggs', { n = 6 } }))\n"
    "assert(bucket.get(p, 'milk') == 3)\n"
    "assert(bucket.get(p, 'list')[2].n == 6)\n"
    "assert(bucket.delete(p, 'milk') == 3)\n"
    "for i = 1, 20 do bucket.put(p, i, ('x'):rep(i * 10)) end\n"
    "assert(#bucket.keys(p) == 21)\n"
    "local ref = pierrot.monitor(p)\n"
    "bucket.stop(p)\n"
    "assert(pierrot.receive({ 'DOWN', ref })[5] == 'normal')\n"
    "while registry.lookup(r, 'shopping') do pierrot.yield() end\n"
    "registry.create_async(r, 'later')\n"
    "assert(registry.create(r, 'later') ~= p)\n"
    "gen_server.stop(r)\n";

static const char links_code[] =
    PREAMBLE
    "pierrot.trap_exit(true)\n"
    "local function chain(n)\n"
    "  if n == 0 then error { code = 7 } end\n"
    "  pierrot.spawn_link(chain, n - 1)\n"
    "  pierrot.receive('never')\n"
    "end\n"
    "local pid = pierrot.spawn_link(chain, 3)\n"
    "pierrot.receive({ 'EXIT', pid })\n"
    "local quiet, ref = pierrot.spawn_monitor(function()\n"
    "  pierrot.register('quiet', pierrot.self())\n"
    "  local t <close> = setmetatable({}, { __close = function() pierrot.make_ref() end })\n"
    "  pierrot.put('key', { 1 })\n"
    "  pierrot.receive('stop', 500)\n"
    "end)\n"
    "pierrot.yield()\n"
    "pierrot.send(quiet, 'stop')\n"
    "pierrot.receive({ 'DOWN', ref })\n"
    "local Server = {}\n"
    "function Server.init(arg) return 'ok', { n = arg } end\n"
    "Server.handle_call = {\n"
    "  get = function(state) return 'reply', state.n end,\n"
    "  sleep = function(state) pierrot.sleep(1) return 'reply', { state.n }, state end,\n"
    "  fail = function() error 'failed' end,\n"
    "}\n"
    "function Server.handle_cast(what, state) return 'noreply', { n = what[1] } end\n"
    "function Server.handle_info(what, state) return 'noreply', state end\n"
    "function Server.terminate(reason, state) pierrot.make_ref() end\n"
    "local s = assert(gen_server.start_link(Server, 4))\n"
    "gen_server.cast(s, { 5 })\n"
    "assert(gen_server.call(s, { 'get' }) == 5)\n"
    "assert(gen_server.call(s, { 'sleep' })[1] == 5)\n"
    "pierrot.send(s, 'hello')\n"
    "local id = gen_server.send_request(s, { 'get' })\n"
    "gen_server.receive_response(id)\n"
    "pcall(gen_server.call, s, { 'fail' })\n"
    "pierrot.exit(s, 'kill')\n"
    "pierrot.receive({ 'EXIT', s })\n"
    "local timer = pierrot.send_after(0, pierrot.self(), { 'tick' })\n"
    "pierrot.receive({ 'tick' })\n"
    "pierrot.cancel_timer(timer)\n"
    "timer = pierrot.start_timer(10000, pierrot.self(), 'tock')\n"
    "pierrot.cancel_timer(timer)\n"
    "local other = pierrot.spawn(function() pierrot.receive('never') end)\n"
    "pierrot.link(other)\n"
    "pierrot.exit(other, { 'shutdown', 1 })\n"
    "pierrot.receive({ 'EXIT', other })\n";

/* A chain of ancestors that is cut, and what else is held by refs, keys and children. */
static const char families_code[] =
    PREAMBLE
    "local agent, task = require 'pierrot.agent', require 'pierrot.task'\n"
    "local sup = require 'pierrot.dynamic_supervisor'\n"
    "local n_before = #pierrot.processes()\n"
    "local function relay(n) if n > 0 then pierrot.spawn(relay, n - 1) end end\n"
    "pierrot.spawn(relay, 300)\n"
    "while #pierrot.processes() > n_before do pierrot.yield() end\n"
    "local names = assert(registry.start_link { keys = 'duplicate' })\n"
    "for i = 1, 6 do assert(registry.register(names, i % 2, { i })) end\n"
    "assert(#registry.lookup(names, 1) == 3)\n"
    "assert(registry.lock(names, 'door', function() return { 'in' } end)[1] == 'in')\n"
    "gen_server.stop(names)\n"
    "local counter = assert(agent.start_link(function() return { 0 } end))\n"
    "assert(agent.get_and_update(counter, function(s) return s[1], { 1 } end) == 0)\n"
    "agent.cast(counter, function(s) return s end)\n"
    "agent.stop(counter)\n"
    "assert(task.await(task.async(function() return { 'done' } end))[1] == 'done')\n"
    "local children = assert(sup.start_link { name = 'children' })\n"
    "local child = { start = function() return bucket.start_link() end, restart = 'temporary' }\n"
    "local pid = assert(sup.start_child(children, child))\n"
    "local ref = pierrot.monitor(pid, { alias = 'explicit_unalias', tag = { 'tag' } })\n"
    "pierrot.start_timer(10000, ref, { 'late' })\n"
    "pierrot.send(ref, { 'by alias' })\n"
    "pierrot.receive({ 'by alias' })\n"
    "pierrot.demonitor(ref, { flush = true })\n"
    "pierrot.unalias(ref)\n"
    "assert(sup.terminate_child(children, pid))\n"
    "gen_server.stop(children)\n";

static const char servers_code[] =
    PREAMBLE
    "pierrot.trap_exit(true)\n"
    "local Server = {}\n"
    "function Server.init(how)\n"
    "  if how == 'ignore' then return 'ignore' end\n"
    "  if how == 'error' then return 'error', { 'no', how } end\n"
    "  if how == 'stop' then return 'stop', { 'stopped' } end\n"
    "  if how == 'fail' then error 'init' end\n"
    "  if how == 'bad' then return { 'bad' } end\n"
    "  if how == 'sleep' then pierrot.sleep(1) end\n"
    "  pierrot.trap_exit(true)\n"
    "  return 'ok', { how }, { 'continue', { 'on', how } }\n"
    "end\n"
    "function Server.handle_continue(what, state) return 'noreply', state, 1 end\n"
    "function Server.handle_info(what, state)\n"
    "  if what[1] == 'EXIT' and what[3] ~= 'normal' then return 'stop', what[3], state end\n"
    "  return 'noreply', { what }\n"
    "end\n"
    "function Server.handle_call(request, from, state)\n"
    "  if request == 'later' then\n"
    "    pierrot.spawn_link(function() gen_server.reply(from, { 'late' }) end)\n"
    "    return 'noreply', state\n"
    "  elseif request == 'table' then return 'reply', { { 1 } }, state, 'hibernate'\n"
    "  elseif request == 'cannot' then return 'reply', print, state\n"
    "  elseif request == 'stop' then return 'stop', { 'done' }, { 'bye' }, state\n"
    "  elseif request == 'exit' then pierrot.exit { 'exit' }\n"
    "  elseif request == 'bad' then return 'what', { 2 } end\n"
    "end\n"
    "local function start(how, opts) return gen_server.start_link(Server, how, opts) end\n"
    "local function expect_end(pid) pierrot.receive({ 'EXIT', pid }) end\n"
    "for _, how in ipairs { 'ignore', 'error', 'stop', 'fail', 'bad' } do assert(not start(how)) end\n"
    "local s = assert(start('sleep', { name = 'server', max_queue = 10 }))\n"
    "assert(start('plain', { name = 'server' }) == nil)\n"
    "assert(gen_server.call('server', 'later')[1] == 'late')\n"
    "assert(gen_server.call(s, 'table')[1][1] == 1)\n"
    "local watch = pierrot.monitor('server', { tag = { 'gone' }, alias = 'demonitor' })\n"
    "pierrot.send_after(0, 'server', { 'ping' })\n"
    "pierrot.sleep(1)\n"
    "local id = gen_server.send_request(s, 'stop')\n"
    "gen_server.receive_response(id)\n"
    "pierrot.receive({ [2] = watch })\n"
    "expect_end(s)\n"
    "for _, request in ipairs { 'cannot', 'exit', 'bad' } do\n"
    "  local pid = assert(start('plain'))\n"
    "  pcall(gen_server.call, pid, request)\n"
    "  pierrot.exit(pid, 'kill')\n"
    "  expect_end(pid)\n"
    "end\n"
    "local monitored, ref = gen_server.start_monitor(Server, 'plain')\n"
    "assert(monitored, ref)\n"
    "pierrot.info(monitored)\n"
    "pierrot.info(pierrot.self(), { 'links', 'messages', 'current_stacktrace', 'dictionary' })\n"
    "gen_server.stop(monitored, { 'shutdown', { 1 } })\n"
    "pierrot.receive({ 'DOWN', ref })\n"
    "local alias = pierrot.alias { reply = true }\n"
    "pierrot.spawn_link(function() pierrot.send(alias, { 'by alias' }) end)\n"
    "pierrot.receive(pierrot.one_of({ 'by alias' }, { 'EXIT' }))\n"
    "local orphan = pierrot.spawn(function()\n"
    "  local child = gen_server.start_link(Server, 'plain')\n"
    "  pierrot.send(pierrot.self(), { child })\n"
    "  pierrot.receive(function(m) return type(m) == 'table' end)\n"
    "  pcall(gen_server.call, child, 'never', 1)\n"
    "  error { 'orphan', { child } }\n"
    "end)\n"
    "ref = pierrot.monitor(orphan)\n"
    "pierrot.receive({ 'DOWN', ref })\n"
    "assert(#pierrot.processes() > 0)\n"
    "pierrot.flush()\n"
    "for i = 1, 50 do pierrot.spawn(function() pierrot.receive({ 'never', { i } }) end) end\n"
    "pierrot.yield()\n";

static const char messages_code[] =
    PREAMBLE
    "local echo = assert(pierrot.spawn_link(function()\n"
    "  while true do\n"
    "    local message = pierrot.receive()\n"
    "    if message == 'stop' then return end\n"
    "    pierrot.send(message[1], { 'echo', message[2] })\n"
    "  end\n"
    "end))\n"
    "local function there_and_back(value)\n"
    "  pierrot.send(echo, { pierrot.self(), value })\n"
    "  return pierrot.receive({ 'echo' })[2]\n"
    "end\n"
    "local b = assert(bucket.start_link())\n"
    "local function stored(value)\n"
    "  assert(bucket.put(b, 'key', value))\n"
    "  return bucket.get(b, 'key')\n"
    "end\n"
    "for _, pass in ipairs { there_and_back, stored } do\n"
    "  local nested = pass { 1, { 2, { 3, { x = { y = 'z' } } } }, [0.5] = true }\n"
    "  assert(nested[2][2][2].x.y == 'z' and nested[0.5])\n"
    "  local part = { 'shared' }\n"
    "  local shared = pass { a = part, b = part, part }\n"
    "  assert(shared.a == shared.b and shared[1] == shared.a)\n"
    "  local cycle = { name = 'ring' }\n"
    "  cycle.me, cycle[1] = cycle, { cycle }\n"
    "  local ring = pass(cycle)\n"
    "  assert(ring.me == ring and ring[1][1] == ring)\n"
    "  assert(pass(('long'):rep(5000)) == ('long'):rep(5000))\n"
    "  local list = {}\n"
    "  for i = 1, 40 do list[i] = { i, 'text ' .. i } end\n"
    "  assert(#pass(list) == 40)\n"
    "  assert(not pcall(pass, { a = { print } }))\n"
    "  assert(not pcall(pass, { [{}] = { coroutine.create(print) } }))\n"
    "end\n"
    "pierrot.send(echo, 'stop')\n"
    "bucket.stop(b)\n";

/* What is to come may not, for lack of memory on the other side: so nothing is waited for for ever, but
 * longer than a transfer takes under valgrind. */
static const char sockets_code[] =
    "local pierrot, tcp = require 'pierrot', require 'pierrot.tcp'\n"
    "require('pierrot.logger').info('begin')\n"
    "local listener = assert(tcp.listen(0, { packet = 'line' }))\n"
    "local ip, port = assert(tcp.sockname(listener))\n"
    "local client = assert(tcp.connect('127.0.0.1', port, { packet = 'line', send_timeout = 10000 }, 10000))\n"
    "local server = assert(tcp.accept(listener, 10000))\n"
    "assert(tcp.send(client, 'one\\ntwo\\nthree\\n'))\n"
    "assert(tcp.recv(server, 0, 10000) == 'one')\n"
    "assert(tcp.setopts(server, { active = 'once' }))\n"
    /* A stream that has died sends nothing: it is asked for now and then. */
    "local message\n"
    "repeat message = pierrot.receive({ 'tcp' }, 100) until message or not tcp.sockname(server)\n"
    "assert(message[3] == 'two')\n"
    "assert(tcp.controlling_process(server, pierrot.self()))\n"
    "local echo = pierrot.spawn_link(function()\n"
    "  pierrot.receive('yours', 10000)\n"
    "  assert(tcp.send(server, tcp.recv(server, 0, 10000) .. '\\n'))\n"
    "  tcp.close(server)\n"
    "end)\n"
    "assert(tcp.controlling_process(server, echo))\n"
    "pierrot.send(echo, 'yours')\n"
    "assert(tcp.recv(client, 0, 10000) == 'three')\n"
    "assert(select(2, tcp.recv(client, 0, 10000)) == 'closed')\n"
    "assert(tcp.close(client))\n"
    "local talker = assert(tcp.connect('127.0.0.1', port, { packet = 4 }, 10000))\n"
    "local hearer = assert(tcp.accept(listener, 10000))\n"
    "assert(tcp.setopts(hearer, { packet = 4 }))\n"
    "pierrot.spawn_link(function()\n"
    "  local packet = ('x'):rep(1 << 10):rep(1 << 10)\n" /* not by a million of its steps */
    "  for _ = 1, 8 do assert(tcp.send(talker, packet)) end\n"
    "  pierrot.receive('never')\n"
    "end)\n"
    "for _ = 1, 8 do assert(#assert(tcp.recv(hearer, 0, 10000)) == 1 << 20) end\n"
    "assert(tcp.shutdown(talker, 'write'))\n"
    "assert(select(2, tcp.recv(hearer, 0, 10000)) == 'closed')\n"
    /* No question to a name server, which may take its time, is as long as this label. */
    "assert(not tcp.connect(('x'):rep(64), port, nil, 10000))\n"
    "tcp.close(hearer)\n"
    "tcp.close(listener)\n"
    "assert(not tcp.connect('127.0.0.1', port, nil, 10000))\n";

static const char registries_code[] =
    PREAMBLE
    "local function body()\n"
    "  local topics = assert(registry.start_link { keys = 'duplicate', listeners = { 'journal' } })\n"
    "  pierrot.register('journal', pierrot.self())\n"
    "  for i = 1, 20 do registry.register(topics, 'news', { i, ('n'):rep(i) }) end\n"
    "  assert(registry.count(topics, 'news') == 20)\n"
    "  assert(#registry.match(topics, 'news', { 7 }) == 1)\n"
    "  local pid, ref = pierrot.spawn_monitor(function()\n"
    "    registry.register(topics, 'news')\n"
    "    registry.lock(topics, 'lock', function() pierrot.receive('go', 20) end)\n"
    "  end)\n"
    "  registry.lock(topics, 'lock', function()\n"
    "    registry.lock(topics, 'lock', function() registry.register(topics, 'in the lock') end)\n"
    "  end)\n"
    "  pierrot.send(pid, 'go')\n"
    "  pierrot.receive({ 'DOWN', ref })\n"
    "  assert(registry.unregister(topics, 'news'))\n"
    "  assert(#registry.keys(topics) == 1)\n"
    "  registry.unregister(topics, 'in the lock')\n"
    "  local names = assert(registry.start())\n"
    "  local via = { 'via', names, 'a key that is no short one at all' }\n"
    "  local b = assert(bucket.start { name = via, monitor = true })\n"
    "  assert(bucket.put(via, 'milk', 1))\n"
    "  assert(not bucket.start { name = via })\n"
    "  pierrot.send_after(0, via, 'tick')\n"
    "  assert(pierrot.whereis(via) == b)\n"
    "  local made = assert(registry.create(names, 'made', { 'pierrot.bucket', 'start_link' }))\n"
    "  ref = pierrot.monitor(made)\n"
    "  gen_server.stop(names)\n"
    "  pierrot.receive({ 'DOWN', ref })\n"
    "  gen_server.stop(topics)\n"
    "end\n"
    "local pid, ref = pierrot.spawn_monitor(body)\n"
    "local down = pierrot.receive({ 'DOWN', ref })\n"
    "assert(down[5] == 'normal', pierrot.inspect(down[5]))\n";

/* A call of an idle server runs within the call: what fails there leaves it as good as dead, or idle. */
static const char nested_code[] =
    PREAMBLE
    "for i = 1, 12 do pierrot.spawn(function() pierrot.sleep(0) end) end\n"
    "pierrot.sleep(1)\n"
    "local Server = { init = function(next_one) return 'ok', { next_one = next_one, n = 0 } end }\n"
    "Server.handle_call = {\n"
    "  get = function(state, _, a) return 'reply', { state.n, { a } } end,\n"
    "  add = function(state, _, n) return 'reply', state.n + n, { next_one = state.next_one, n = state.n + n } end,\n"
    "  pass = function(state, _, list)\n"
    "    return 'reply', { gen_server.call(state.next_one, { 'get', list }), { state.n } }\n"
    "  end,\n"
    "  early = function(_, from)\n"
    "    gen_server.reply(from, { 'early', {} })\n"
    "    pierrot.sleep(0)\n"
    "    return 'noreply'\n"
    "  end,\n"
    "  bad = function() return 'reply', { 1, { print } }, {} end,\n"
    "  fail = function() error 'failed' end,\n"
    "  start = function(state)\n"
    "    local pid = assert(gen_server.start(Server, nil))\n"
    "    return 'reply', gen_server.call(pid, { 'get', { 1 } })\n"
    "  end,\n"
    "}\n"
    "local last, first\n"
    "local function restart()\n"
    "  if not last or not pierrot.is_alive(last) then last = assert(gen_server.start(Server)) end\n"
    "  if not first or not pierrot.is_alive(first) then\n"
    "    first = assert(gen_server.start(Server, last))\n"
    "  end\n"
    "end\n"
    "local names = { 'get', 'add', 'pass', 'early', 'bad', 'fail', 'start' }\n"
    "local function round()\n"
    "  for _, name in ipairs(names) do\n"
    "    pcall(function()\n"
    "      restart()\n"
    "      gen_server.call(first, { name, name == 'add' and 1 or { 'a', { 'b' } } })\n"
    "    end)\n"
    "    pcall(coroutine.wrap(function()\n"
    "      restart()\n"
    "      gen_server.call(first, { name, 1 })\n"
    "    end))\n"
    "  end\n"
    "end\n"
    "round()\n"
    "round()\n"
    /* None of them is left in the midst of something. */
    "for _, server in ipairs { first, last } do\n"
    "  pcall(pierrot.exit, server, 'kill')\n"
    "  while pierrot.is_alive(server) do pierrot.yield() end\n"
    "end\n";
static const char looking_code[] =
    PREAMBLE
    "local sys = require 'pierrot.sys'\n"
    "local me = pierrot.self()\n"
    "assert(logger.add_handler('me', function(event) pierrot.send(me, { 'event', event }) end))\n"
    "logger.warning('%d line', 1)\n"
    "logger.flush()\n"
    "pierrot.receive({ 'event' }, 0)\n" /* one there is no memory for is lost */
    "local Server = {\n"
    "  init = function(arg) return 'ok', arg end,\n"
    "  handle_call = function(request, _, state) return 'reply', request, state end,\n"
    "  handle_cast = function(request)\n"
    "    error(setmetatable({}, { __tostring = function() return request .. 'ed' end }))\n"
    "  end,\n"
    "  format_status = function(status) return status end,\n"
    "  code_change = function(_, state) return 'ok', state end,\n"
    "}\n"
    "local server = assert(gen_server.start(Server, { 1 }, { max_heap = 20000 }))\n"
    "for _, pid in ipairs { server, assert(bucket.start()) } do\n"
    "  sys.suspend(pid)\n"
    "  sys.get_status(pid)\n"
    "  sys.replace_state(pid, function() return { 2 } end)\n"
    "  sys.change_code(pid, Server, 1, nil)\n"
    "  sys.resume(pid)\n"
    "  sys.statistics(pid, true)\n"
    "  sys.log(pid, true)\n"
    "  gen_server.call(pid, { 'get', 1 }, 'infinity')\n"
    "  assert(sys.statistics(pid, 'get').messages_in <= 1)\n"
    "  assert(#sys.log(pid, 'get') <= 2)\n"
    "  sys.no_debug(pid)\n"
    "end\n"
    "local ref = pierrot.monitor(server)\n"
    "gen_server.cast(server, 'crash')\n"
    "pierrot.receive { 'DOWN', ref }\n"
    "logger.flush()\n"
    "pierrot.receive({ 'event', { pid = server } }, 0)\n"
    "function Server.handle_call(_, _, state) return 'stop', 'normal', 'bye', state end\n"
    "function Server.terminate() error 'too late' end\n"
    "server, ref = assert(gen_server.start_monitor(Server, { 1 }))\n"
    "sys.log(server, true)\n"
    "assert(gen_server.call(server, 'stop') == 'bye')\n"
    "pierrot.receive { 'DOWN', ref }\n"
    "assert(logger.remove_handler 'me')\n";

/* clang-format on */

TEST(the_key_value_story_survives_each_failure)
{
    EACH_SERIES("key-value", key_value_code);
}

TEST(registries_survive_each_failure)
{
    EACH_SERIES("registries", registries_code);
}

TEST(links_and_exits_survive_each_failure)
{
    EACH_SERIES("links", links_code);
}

TEST(families_survive_each_failure)
{
    EACH_SERIES("families", families_code);
}

TEST(servers_survive_each_failure)
{
    EACH_SERIES("servers", servers_code);
}

TEST(nested_calls_survive_each_failure)
{
    EACH_SERIES("nested", nested_code);
}

TEST(message_copies_survive_each_failure)
{
    EACH_SERIES("messages", messages_code);
}

TEST(what_a_host_does_survives_each_failure)
{
    EACH_SERIES("host", NULL);
}

TEST(sockets_survive_each_failure)
{
    EACH_SERIES("sockets", sockets_code);
}

TEST(looking_into_servers_survives_each_failure)
{
    EACH_SERIES("looking", looking_code);
}
