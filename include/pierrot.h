/* SPDX-License-Identifier: MIT
 *
 * pierrot: an OTP-style actor runtime for Lua, to be embedded in C programs.
 *
 * A runtime holds schedulers (threads), each with a Lua state and a libuv loop of its own. Processes
 * live on one scheduler for their whole life and share nothing: they send each other terms.
 *
 * Conventions of this header
 *   - Functions return 0 or a negative PIERROT_E* (libuv's codes pass through); results leave by
 *     trailing out-parameters that are written on success only.
 *   - "takes": the callee owns the argument from now on, also when it fails. "lends": it is valid
 *     during the call. "gives": the caller must free the result. No word: nothing moves.
 *   - "Thread: any" may be called from every thread; "Thread: actor" only inside a callback of a
 *     behaviour, with the context it was given.
 *   - Running out of memory is an error like any other (PIERROT_ENOMEM). A term that is NULL is taken
 *     for a constructor that failed, and is that error too.
 *   - NULL for a runtime, a context, a mailbox, a text or a place for a result is PIERROT_EINVAL (where no
 *     error can be returned: nothing happens, and the result is NULL or 0), as are options out of range
 *     and a term handed over that is only lent. What was freed, or a context kept after its callback,
 *     cannot be told from what is good: do not.
 *   - A time-out is in milliseconds; negative: for ever. It ends the wait whatever the schedulers do: what
 *     was not begun by then is not done, what comes later is dropped (PIERROT_ETIMEOUT). But where the
 *     calling thread runs scheduler 1 itself (options->loop, program) it cannot leave a Lua loop that
 *     never gives way, unless there is preemption.
 *   - PIERROT_EDEADLK: a function that waits, called on a scheduler's own thread: by an actor's callback, a
 *     function for scripts, an answer.
 *   - No C++ exception and no longjmp may leave a callback.
 *   - After fork the child may only exec. */
#ifndef PIERROT_H
#define PIERROT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define PIERROT_API __attribute__((visibility("default")))
#else
#define PIERROT_API
#endif

#define PIERROT_VERSION_MAJOR 0
#define PIERROT_VERSION_MINOR 1
#define PIERROT_VERSION_PATCH 0
#define PIERROT_VERSION "0.1.0"

/* ------------------------------------------------------------------ errors */

/* X(name, number, text). Numbers lie outside libuv's range (-1 .. -4095 and its own -3000s). */
#define PIERROT_ERRORS(X)                                                                          \
    X(ENOMEM, -10001, "out of memory")                                                             \
    X(EINVAL, -10002, "invalid argument")                                                          \
    X(ENOPROC, -10003, "no such process")                                                          \
    X(ETIMEOUT, -10004, "timed out")                                                               \
    X(EDEADLK, -10005, "a blocking call on a scheduler's own thread")                              \
    X(EEXIST, -10006, "already exists")                                                            \
    X(ENOTFOUND, -10007, "not found")                                                              \
    X(ELIMIT, -10008, "a limit of the runtime is reached")                                         \
    X(ELUA, -10009, "a Lua error")                                                                 \
    X(EOVERLOAD, -10010, "the mailbox of the server is full")                                      \
    X(EIGNORE, -10011, "init answered ignore")                                                     \
    X(ESTOPPED, -10012, "the runtime is stopping")                                                 \
    X(EEXITED, -10013, "the server ended before it answered")

enum {
#define PIERROT_ERROR_ENUM(name, number, text) PIERROT_##name = number,
    PIERROT_ERRORS(PIERROT_ERROR_ENUM)
#undef PIERROT_ERROR_ENUM
};

/* The text of an error code, pierrot's or libuv's; never NULL. Thread: any. */
PIERROT_API const char *pierrot_strerror(int error);

/* ------------------------------------------------------- identifiers, terms */

typedef struct pierrot pierrot;                 /* a runtime */
typedef struct pierrot_term pierrot_term;       /* a value that a message can hold */
typedef struct pierrot_context pierrot_context; /* a C actor, inside its callbacks */
typedef struct pierrot_mailbox pierrot_mailbox; /* a process in a host thread's place */
struct uv_loop_s;                               /* libuv's uv_loop_t */
struct lua_State;

/* Values; equal when `id` is equal; id 0 names nothing. */
typedef struct pierrot_pid {
    uint64_t id;
} pierrot_pid;

typedef struct pierrot_ref {
    uint64_t id;
} pierrot_ref;

/* Whom to answer: what handle_call is given. */
typedef struct pierrot_from {
    pierrot_pid pid;
    pierrot_ref ref;
} pierrot_from;

typedef enum pierrot_type {
    PIERROT_NIL,
    PIERROT_BOOL,
    PIERROT_INT,
    PIERROT_NUMBER,
    PIERROT_PID,
    PIERROT_REF,
    PIERROT_SOCKET,
    PIERROT_STRING,
    PIERROT_TABLE
} pierrot_type;

/* Terms belong to no runtime: build them before there is one, give what one has given you to another, keep
 * it after the first is gone. Only what the code of an actor has built or shared itself goes before its
 * runtime does. What you were given or have built is yours, and may be changed by one thread at a time;
 * what is lent, or was handed over, nobody changes, and any number of threads may read it. Reading never
 * fails and takes NULL for nil. Thread, for all functions of a term: any, by that rule. */

/* Constructors. Gives: the term (pierrot_term_free). NULL: out of memory; a string beyond 4 GiB, or none
 * (bytes is NULL, and len not 0). Thread: any. */
PIERROT_API pierrot_term *pierrot_nil(void);
PIERROT_API pierrot_term *pierrot_bool(int value);
PIERROT_API pierrot_term *pierrot_int(int64_t value);
PIERROT_API pierrot_term *pierrot_num(double value);
PIERROT_API pierrot_term *pierrot_string(const char *bytes, size_t len);
PIERROT_API pierrot_term *pierrot_pid_term(pierrot_pid pid);
PIERROT_API pierrot_term *pierrot_ref_term(pierrot_ref ref);
PIERROT_API pierrot_term *pierrot_table(void);

/* A socket, as the value that its users have: it is named after the actor that holds it.
 * As the other constructors. */
PIERROT_API pierrot_term *pierrot_socket_term(pierrot_pid actor);

/* Sets table[key] = value as Lua does: float keys with an integer value are that integer; a nil
 * value removes. The table must be one you own (built, or copied), not yet sent.
 * Takes: key and value; NULL in either (a failed constructor) is PIERROT_ENOMEM.
 * Fails: ENOMEM; EINVAL for a nil or NaN key, a table as key, a table that is lent. */
PIERROT_API int pierrot_table_set(pierrot_term *table, pierrot_term *key, pierrot_term *value);

/* Appends at index pierrot_table_len(table) + 1. Takes: value. Fails: as pierrot_table_set. */
PIERROT_API int pierrot_table_append(pierrot_term *table, pierrot_term *value);

/* table[key], table["field"], table[index]; NULL where there is none (nil). Lends: the result lives
 * as long as the table does, unchanged. */
PIERROT_API const pierrot_term *pierrot_table_get(const pierrot_term *table, const pierrot_term *key);
PIERROT_API const pierrot_term *pierrot_table_field(const pierrot_term *table, const char *field);
PIERROT_API const pierrot_term *pierrot_table_at(const pierrot_term *table, int64_t index);

/* Length of the sequence 1..n; 0 for what is no table. */
PIERROT_API size_t pierrot_table_len(const pierrot_term *table);

/* Goes over all entries, in no order but that of the sequence, which comes first: start with *cursor = 0;
 * 1 for an entry, 0 at the end. Lends: key and value. The key
 * of a sequence element is only valid until the next call. */
PIERROT_API int pierrot_table_next(const pierrot_term *table, size_t *cursor,
                                   const pierrot_term **key, const pierrot_term **value);

/* Reading; a wrong type gives 0, 0.0, "" or the id 0. pierrot_as_number takes integers too. */
PIERROT_API pierrot_type pierrot_term_type(const pierrot_term *term);
PIERROT_API int pierrot_as_bool(const pierrot_term *term); /* false and nil are 0, all else 1 */
PIERROT_API int64_t pierrot_as_int(const pierrot_term *term);
PIERROT_API double pierrot_as_number(const pierrot_term *term);
PIERROT_API const char *pierrot_as_string(const pierrot_term *term, size_t *len); /* lends; NUL-ended */
PIERROT_API pierrot_pid pierrot_as_pid(const pierrot_term *term);
PIERROT_API pierrot_ref pierrot_as_ref(const pierrot_term *term);
PIERROT_API pierrot_pid pierrot_as_socket(const pierrot_term *term); /* the actor that holds it */

/* Whether a term is this string. */
PIERROT_API int pierrot_is_string(const pierrot_term *term, const char *text);

/* Equal in type and value, tables by content (also cyclic ones); 1 equals 1.0 as in Lua. */
PIERROT_API int pierrot_term_equal(const pierrot_term *a, const pierrot_term *b);

/* A hash for use with keys (scalars and strings); equal keys have equal hashes. */
PIERROT_API uint64_t pierrot_term_hash(const pierrot_term *key);

/* A deep copy that keeps sharing and cycles. Gives: the copy, NULL when out of memory. */
PIERROT_API pierrot_term *pierrot_term_copy(const pierrot_term *term);

/* A copy that shares memory with the term, which nobody may change from now on (what is lent cannot be
 * shared: it is copied). Gives; NULL when out of memory. Thread: an owner of the term. */
PIERROT_API pierrot_term *pierrot_term_share(pierrot_term *term);

/* One line of text, as inspect prints it, at most `size` bytes with the NUL; the length it has. */
PIERROT_API size_t pierrot_term_print(const pierrot_term *term, char *buffer, size_t size);

/* Takes: term, which may be NULL. Thread: any. */
PIERROT_API void pierrot_term_free(pierrot_term *term);

/* ------------------------------------------------------------------ runtime */

/* As lua_Alloc: allocate (ptr NULL), resize, free (new_size 0); NULL where there is no memory. Called from
 * all threads, also at once, and under the runtime's locks; must not call back into the runtime. */
typedef void *(*pierrot_alloc_fn)(void *ud, void *ptr, size_t old_size, size_t new_size);

typedef enum pierrot_level {
    PIERROT_DEBUG,
    PIERROT_INFO,
    PIERROT_WARNING,
    PIERROT_ERROR
} pierrot_level;

/* Gets each log line and crash report, from any thread of the runtime, one at a time. Must not call
 * back into the runtime. */
typedef void (*pierrot_log_fn)(void *ud, pierrot_level level, const char *text, size_t len);

typedef enum pierrot_preempt {
    /* A process gives way when it waits. One that never does holds up its scheduler: host threads that want
     * something of that come back at their time-outs, and pierrot_free has to interrupt it. */
    PIERROT_PREEMPT_OFF,
    PIERROT_PREEMPT_SIGNAL, /* SIGURG to the scheduler's thread; no cost while nothing spins */
    PIERROT_PREEMPT_COUNT   /* a count hook: portable, repeatable, 1.7 to 2.1 times slower */
} pierrot_preempt;

/* A function of the host's for scripts: require("pierrot.host").name(...) calls it in the calling process,
 * on that process's scheduler, one call a scheduler at a time; it must not wait, and may use what is
 * marked "Thread: any" but does not wait. args is {[1] = ..., n = the number of arguments}.
 * Lends: args. Gives: *result, what the function returns in Lua (left as it was: nil). Not 0: an error
 * is raised at the caller's line, with the text of the code, or with *result where that is set. */
typedef int (*pierrot_function_fn)(pierrot *rt, void *ud, const pierrot_term *args,
                                   pierrot_term **result);

typedef struct pierrot_function {
    const char *name;
    pierrot_function_fn call;
    void *ud;
} pierrot_function;

/* Prepares a fresh Lua state, before anything runs in it: C functions, package.preload, what scripts
 * shall not have. Called once a scheduler, on its thread, from pierrot_new, under a protected call. Not
 * 0: pierrot_new fails with that. */
typedef int (*pierrot_open_fn)(void *ud, struct lua_State *L);

/* What pierrot_options_init does not mention starts as 0 or NULL. What pointers lead to is copied, but
 * for `functions`, the loop and the `ud`s: those must live until pierrot_free. */
typedef struct pierrot_options {
    size_t size;             /* set by pierrot_options_init */
    int schedulers;          /* 1; 0: the number of cores */
    pierrot_preempt preempt; /* off */
    pierrot_alloc_fn alloc;  /* NULL: malloc's family */
    void *alloc_ud;
    pierrot_log_fn log; /* NULL: silent */
    void *log_ud;
    const char *path;  /* package.path and cpath of the Lua states; NULL: Lua's */
    const char *cpath;
    int program;       /* 1: os.exit and print behave as in the pierrot program, and the thread that
                          calls pierrot_new runs scheduler 1, whenever it waits in a function of this
                          header and only then; pierrot_stop gives up those that have been told and
                          wait, when all wait for messages of each other alone */
    /* A uv_loop_t that scheduler 1 runs on, by the thread that calls pierrot_new, whenever that runs the
     * loop or waits in a function of this header (which then runs the loop). A process that lives on
     * scheduler 1 keeps the loop alive as an active handle does. NULL: a thread of its own. */
    struct uv_loop_s *loop;
    const pierrot_function *functions; /* up to one whose name is NULL; NULL: none */
    pierrot_open_fn open;
    void *open_ud;
} pierrot_options;

/* One scheduler, no preemption, silent, malloc. Thread: any. */
PIERROT_API void pierrot_options_init(pierrot_options *options);

/* A new runtime. Its schedulers run on threads of their own, so that processes go on whatever the host
 * does; scheduler 1 may run on a loop of the host's instead (options->loop). Signals of the host's are
 * blocked on these threads. Lends: options. Gives: *rt (pierrot_free). Fails: EINVAL (an option, or
 * `size`), ENOMEM, ELUA (an error in options->open), libuv's codes. Thread: any; with a loop, the loop's. */
PIERROT_API int pierrot_new(const pierrot_options *options, pierrot **rt);

/* "Thread: first" below: any thread, but where options->loop is set that one alone (EINVAL on others);
 * EDEADLK on a scheduler's own thread. From a callback of that loop they work, by running the loop once more
 * inside; libuv does not promise that this is sound, pierrot_call_async needs no such thing. */

/* Runs a script as the main process, until that process has ended; a script that another thread hands over
 * meanwhile waits for its turn. argv[0] is the script: `arg` is as in lua. Fails: ELUA when it ended
 * abnormally or cannot be loaded (reported to the log), ESTOPPED when pierrot.halt or pierrot_stop ended
 * the wait (the next script runs as ever), ENOMEM, EINVAL. Thread: first. */
PIERROT_API int pierrot_run_file(pierrot *rt, const char *path, int argc, char **argv);
PIERROT_API int pierrot_run_string(pierrot *rt, const char *code, const char *chunkname);

/* Ends all processes in order: applications stop first, the last started before the others, then those
 * without a parent get `shutdown`. Returns when all have ended, or after timeout_ms; a script that runs
 * meanwhile is given up. The runtime can be used on, and stopped again. Fails: ETIMEOUT when some still
 * live, or a scheduler that is held up has not even begun: pierrot_free kills what is left. ENOMEM,
 * EINVAL, EDEADLK. Thread: first. */
PIERROT_API int pierrot_stop(pierrot *rt, int timeout_ms);

/* Kills what still runs, without a word to the log, and frees the runtime. No other thread may use it any
 * more, and no call of it may be under way (one that has timed out is not). A Lua process that does not
 * give way is interrupted: with preemption off that takes 0.2 s, and a handler of SIGURG for as long; it
 * waits for C functions and finalizers (__gc), which nothing can interrupt. Takes: rt; NULL is fine.
 * Thread: first; in a callback of an actor, or of a loop that a function of this header runs, nothing is
 * done but a line for the log. */
PIERROT_API void pierrot_free(pierrot *rt);

/* The number of schedulers; 0 without a runtime. Thread: any. */
PIERROT_API int pierrot_schedulers(pierrot *rt);

/* Bytes that the runtime holds at this moment, all its threads together. Thread: any. */
PIERROT_API int64_t pierrot_memory(pierrot *rt);

/* ---------------------------------------------------------------- processes */

typedef struct pierrot_behaviour pierrot_behaviour;

typedef struct pierrot_spawn_options {
    size_t size;      /* set by pierrot_spawn_options_init */
    const char *name; /* registered before init runs; NULL: none */
    size_t name_len;
    int link;          /* link with the calling actor; EINVAL where none calls */
    int scheduler;     /* 1..n; 0: the caller's, from a host thread the first */
    int64_t max_queue; /* 0: unbounded */
    int timeout_ms;    /* how long the start may take; negative: for ever */
    int64_t max_heap;  /* bytes a Lua process may hold; 0: unbounded */
} pierrot_spawn_options;

/* No name, no limits, the caller's scheduler. Thread: any. */
PIERROT_API void pierrot_spawn_options_init(pierrot_spawn_options *options);

/* Starts a C actor and waits until its init is done (gen_server:start).
 * Takes: arg (NULL: nil). Fails: ENOMEM, EEXIST (the name), EIGNORE, EEXITED (init stopped it),
 * ETIMEOUT (nothing remains: an init that is not done is not interrupted, but ends in vain), EINVAL
 * (a behaviour of no known size; options that were not initialised or out of range, no such scheduler),
 * EDEADLK (inside an actor: on another scheduler than its own).
 * Thread: any; inside an actor the new one runs init within the call. */
PIERROT_API int pierrot_spawn(pierrot *rt, const pierrot_behaviour *behaviour, pierrot_term *arg,
                              const pierrot_spawn_options *options, pierrot_pid *pid);

/* Starts a Lua gen_server by the name of its module, without links. As pierrot_spawn; also ELUA when there
 * is no such module, or it is none of a server (the log says why).
 * Thread: any but a scheduler's (EDEADLK there). */
PIERROT_API int pierrot_start(pierrot *rt, const char *module, pierrot_term *arg,
                              const pierrot_spawn_options *options, pierrot_pid *pid);

/* Starts a Lua process that calls require(module)[function](arg), and does not wait for it
 * (erlang:spawn/3). options: name, scheduler, max_queue, max_heap, timeout_ms (of the scheduler's beginning);
 * NULL: none. Takes: arg. Fails: ENOMEM, EEXIST (the name), EINVAL, ELIMIT, ETIMEOUT, EDEADLK. Thread: any
 * but a scheduler's. */
PIERROT_API int pierrot_spawn_function(pierrot *rt, const char *module, const char *function,
                                       pierrot_term *arg, const pierrot_spawn_options *options,
                                       pierrot_pid *pid);

/* Runs code (text, not bytecode) in a process of its own, with arg as `...`, and waits for its first
 * result; what a message cannot hold arrives as its text. options: as pierrot_spawn_function. After
 * timeout_ms (negative: for ever) the process is killed: at once where there is preemption, else when it
 * gives way.
 * Takes: arg. Gives: *result; unlike elsewhere also on ELUA and EEXITED, where it is the exit reason.
 * Fails: ELUA (an error in it, also of syntax), EEXITED (another abnormal end), ETIMEOUT, as
 * pierrot_spawn_function. Thread: any but a scheduler's. */
PIERROT_API int pierrot_eval(pierrot *rt, const char *code, size_t len, const char *chunkname,
                             pierrot_term *arg, const pierrot_spawn_options *options,
                             int timeout_ms, pierrot_term **result);

/* erlang:register and unregister. Fails: EEXIST (the name is taken, or the process has one), ENOPROC,
 * ENOMEM, ELIMIT (it has 4 GiB or more); ENOTFOUND. Thread: any. */
PIERROT_API int pierrot_register(pierrot *rt, const char *name, size_t len, pierrot_pid pid);
PIERROT_API int pierrot_unregister(pierrot *rt, const char *name, size_t len);

/* erlang:whereis. Fails: ENOTFOUND. Thread: any. */
PIERROT_API int pierrot_whereis(pierrot *rt, const char *name, size_t len, pierrot_pid *pid);

/* Whether the process lives. Thread: any. */
PIERROT_API int pierrot_is_alive(pierrot *rt, pierrot_pid pid);

/* erlang:send. Takes: msg. A dead pid swallows it. Fails: ENOMEM, EINVAL. Thread: any. */
PIERROT_API int pierrot_send(pierrot *rt, pierrot_pid to, pierrot_term *msg);

/* gen_server:cast. Takes: request. As pierrot_send. Thread: any. */
PIERROT_API int pierrot_cast(pierrot *rt, pierrot_pid to, pierrot_term *request);

/* gen_server:call; waits at most timeout_ms (negative: for ever). Takes: request. Gives: *reply, unless
 * that is NULL. Fails: ETIMEOUT (the server may have got the request, or not), ENOPROC, EEXITED, EOVERLOAD,
 * ESTOPPED, ENOMEM, EINVAL, EDEADLK. Thread: any but a scheduler's. */
PIERROT_API int pierrot_call(pierrot *rt, pierrot_pid to, pierrot_term *request, int timeout_ms,
                             pierrot_term **reply);

/* How a call went that nobody waits for: as pierrot_call. Takes: reply, which is NULL when error is not 0.
 * Must not wait. */
typedef void (*pierrot_answer_fn)(void *ud, int error, pierrot_term *reply);

/* gen_server:call whose answer comes by a callback: once, on the thread that runs scheduler 1, which is
 * the host's loop where there is one; ESTOPPED when the runtime is freed before. Takes: request.
 * Fails: ENOMEM, ENOPROC (never was one), EINVAL; there is no callback then. Thread: any. */
PIERROT_API int pierrot_call_async(pierrot *rt, pierrot_pid to, pierrot_term *request,
                                   int timeout_ms, pierrot_answer_fn answer, void *ud);

/* Waits for the end of a process. Gives: *reason, unless that is NULL; "noproc" when it is dead already.
 * Fails: ETIMEOUT, ESTOPPED, ENOMEM, EINVAL, EDEADLK. Thread: any but a scheduler's. */
PIERROT_API int pierrot_await_end(pierrot *rt, pierrot_pid pid, int timeout_ms,
                                  pierrot_term **reason);

/* erlang:exit/2: an exit signal, from the actor that calls, or from nobody: who traps exits finds its own
 * pid in that EXIT. Takes: reason. Fails: ENOMEM. Thread: any. */
PIERROT_API int pierrot_exit(pierrot *rt, pierrot_pid to, pierrot_term *reason);

/* gen_server:reply. A second or late one is dropped. Takes: reply. Fails: ENOMEM, EINVAL (the thread).
 * Thread: pierrot_reply: one that runs a scheduler, in a callback; pierrot_reply_on: any. */
PIERROT_API int pierrot_reply(pierrot_from from, pierrot_term *reply);
PIERROT_API int pierrot_reply_on(pierrot *rt, pierrot_from from, pierrot_term *reply);

/* ----------------------------------------------------------------- mailboxes */

/* A process that stands for a thread of the host's: others send to its pid, a process may be monitored
 * from it. Its messages, DOWN and EXIT among them, wait until the host takes them. options: name,
 * scheduler, max_queue; NULL: none. Gives: *mailbox (pierrot_mailbox_close). Fails: as pierrot_spawn.
 * Thread: any but a scheduler's. */
PIERROT_API int pierrot_mailbox_open(pierrot *rt, const pierrot_spawn_options *options,
                                     pierrot_mailbox **mailbox);

/* The pid to send to; id 0 for NULL. Thread: any. */
PIERROT_API pierrot_pid pierrot_mailbox_pid(const pierrot_mailbox *mailbox);

/* The oldest message; waits for one at most timeout_ms (0: looks only; -1: for ever). A call to the mailbox
 * is {"$gen_call", {pid, ref}, request} (answer with pierrot_as_from and pierrot_reply_on), a cast
 * {"$gen_cast", request}. Gives: *message. Fails: ETIMEOUT, ENOPROC (the process was ended), EDEADLK.
 * Thread: any but a scheduler's, one at a time for each mailbox. */
PIERROT_API int pierrot_mailbox_receive(pierrot_mailbox *mailbox, int timeout_ms,
                                        pierrot_term **message);

/* erlang:monitor and demonitor for the mailbox: it gets {"DOWN", ref, "process", pid, reason}. A message
 * that has arrived stays. They have no time-out of their own, and wait where the mailbox's scheduler is
 * held up. Fails: ENOMEM, ENOPROC (the mailbox), EDEADLK. Thread: as pierrot_mailbox_receive. */
PIERROT_API int pierrot_mailbox_monitor(pierrot_mailbox *mailbox, pierrot_pid pid, pierrot_ref *ref);
PIERROT_API int pierrot_mailbox_demonitor(pierrot_mailbox *mailbox, pierrot_ref ref);

/* Ends its process (shutdown) and drops what waits in it; before pierrot_free. Takes: mailbox, NULL is fine.
 * Thread: any. */
PIERROT_API void pierrot_mailbox_close(pierrot_mailbox *mailbox);

/* {pid, ref}, as {"$gen_call", from, request} has it; EINVAL for what is none. Thread: any. */
PIERROT_API int pierrot_as_from(const pierrot_term *term, pierrot_from *from);

/* ----------------------------------------------------------------- C actors */

/* What a callback returns. A negative PIERROT_E* ends the actor with {"error", text, ""}. */
enum {
    PIERROT_OK = 0,
    PIERROT_STOP = 1,  /* end with the reason given to pierrot_stop_reason (default "normal") */
    PIERROT_IGNORE = 2 /* from init only: the start returns "ignore" */
};

/* A read that needs no message; see pierrot_publish. Runs in the reader's thread, at the same time
 * as others. Lends: request. Gives: *reply, NULL for nil. */
typedef int (*pierrot_read_fn)(pierrot *rt, void *shared, const pierrot_term *request,
                               pierrot_term **reply);

/* The callbacks of a gen_server in C. All may be NULL: without init the start is done at once, a call or cast
 * ends the actor with {"bad_call", request} or {"bad_cast", request}, a message is logged and dropped.
 * The context is good for the callback alone. Request,
 * message and reason are lent: copy what you keep. `state` is state_size zeroed bytes that live as
 * long as the process; terminate must release what it points to: unlike OTP's it runs at every end,
 * a kill included, since nothing else could. It may still send. */
struct pierrot_behaviour {
    size_t size;      /* sizeof(pierrot_behaviour) */
    const char *name; /* for reports: "bucket"; NULL: "actor" */
    size_t state_size;
    int (*init)(pierrot_context *ctx, void *state, const pierrot_term *arg);
    int (*handle_call)(pierrot_context *ctx, void *state, const pierrot_term *request,
                       pierrot_from from);
    int (*handle_cast)(pierrot_context *ctx, void *state, const pierrot_term *request);
    int (*handle_info)(pierrot_context *ctx, void *state, const pierrot_term *message);
    void (*terminate)(pierrot_context *ctx, void *state, const pierrot_term *reason);
    /* The state as a term, for sys.get_state and reports. Gives. NULL: prints as the name. */
    pierrot_term *(*inspect)(pierrot_context *ctx, void *state);
    /* What pierrot_continue asked for: before any other message. NULL: the actor ends with
     * {"bad_continue", arg}. */
    int (*handle_continue)(pierrot_context *ctx, void *state, const pierrot_term *arg);
    /* sys:replace_state: the new state, in the form that inspect gives. Lends: new_state. PIERROT_OK, or
     * an error: the state is as before, and the caller hears of it. NULL: not supported. */
    int (*replace)(pierrot_context *ctx, void *state, const pierrot_term *new_state);
    /* gen_server:code_change, for sys:change_code. Lends: old_version, extra. As replace. */
    int (*code_change)(pierrot_context *ctx, void *state, const pierrot_term *old_version,
                       const pierrot_term *extra);
};

/* The runtime of an actor, and its pid. Thread: actor. */
PIERROT_API pierrot *pierrot_runtime(pierrot_context *ctx);
PIERROT_API pierrot_pid pierrot_self(pierrot_context *ctx);

/* The reason with which PIERROT_STOP ends the actor. Takes: reason. Fails: ENOMEM (reason is NULL).
 * Thread: actor. */
PIERROT_API int pierrot_stop_reason(pierrot_context *ctx, pierrot_term *reason);

/* The actions of a gen_server, for the callback that is running. pierrot_continue: handle_continue(arg)
 * follows before any other message; from init, after the start has returned. pierrot_timeout:
 * handle_info("timeout") unless a message comes within ms; after a system message, which is none, the wait
 * begins anew. Takes: arg. Fails: ENOMEM (arg is NULL), EINVAL.
 * Thread: actor. */
PIERROT_API int pierrot_continue(pierrot_context *ctx, pierrot_term *arg);
PIERROT_API int pierrot_timeout(pierrot_context *ctx, double ms);

/* erlang:process_flag(trap_exit, flag); the old flag. Thread: actor. */
PIERROT_API int pierrot_trap_exit(pierrot_context *ctx, int flag);

/* pierrot_stop does not tell the actor to end: it serves others while they end, and ends by itself when
 * they have. Thread: actor. */
PIERROT_API void pierrot_stops_itself(pierrot_context *ctx);

/* erlang:link, unlink, monitor, demonitor with flush. Linking the dead: an EXIT with noproc.
 * Messages are {"EXIT", pid, reason} and {"DOWN", ref, "process", pid, reason}. Fails: ENOMEM.
 * Thread: actor. */
PIERROT_API int pierrot_link(pierrot_context *ctx, pierrot_pid pid);
PIERROT_API int pierrot_unlink(pierrot_context *ctx, pierrot_pid pid);
PIERROT_API int pierrot_monitor(pierrot_context *ctx, pierrot_pid pid, pierrot_ref *ref);
PIERROT_API int pierrot_demonitor(pierrot_context *ctx, pierrot_ref ref);

/* erlang:send_after to oneself, by handle_info; ms counts from now. cancel: a message that has arrived
 * stays. Takes: msg. Fails: ENOMEM, EINVAL (ms is negative or NaN); ENOTFOUND (it has fired, or never was).
 * Thread: actor. */
PIERROT_API int pierrot_send_after(pierrot_context *ctx, double ms, pierrot_term *msg,
                                   pierrot_ref *ref);
PIERROT_API int pierrot_cancel_timer(pierrot_context *ctx, pierrot_ref ref);

/* erlang:make_ref. Thread: actor. */
PIERROT_API pierrot_ref pierrot_make_ref(pierrot_context *ctx);

/* Starts a Lua process beside the actor that calls require(module)[function](arg), without waiting;
 * monitored, so that its end arrives as a DOWN with *ref. Takes: arg. Fails: ENOMEM, ELIMIT. Thread: actor. */
PIERROT_API int pierrot_spawn_lua(pierrot_context *ctx, const char *module, const char *function,
                                  pierrot_term *arg, pierrot_pid *pid, pierrot_ref *ref);

/* Whether the actor has a link with `pid`. Thread: actor. */
PIERROT_API int pierrot_is_linked(pierrot_context *ctx, pierrot_pid pid);

/* Makes the actor the parent of a process that somebody else has started for it: its exit signals
 * from now on end it in the way of OTP's supervisors, a gen_server that traps exits by its terminate.
 * It says nothing of links. Nothing happens to the dead. Fails: ENOMEM. Thread: actor. */
PIERROT_API int pierrot_adopt(pierrot_context *ctx, pierrot_pid pid);

/* Offers `shared` to direct readers: pierrot_read(pid, …) runs `read` on it in the reader's thread
 * without a message. Whoever reads holds it; `release` is called once, after the actor ended and the
 * last reader left. Once per actor. Thread: actor. Fails: ENOMEM, EEXIST. */
PIERROT_API int pierrot_publish(pierrot_context *ctx, void *shared, pierrot_read_fn read,
                                void (*release)(void *shared));

/* Memory of the runtime's, for what actors keep: by its allocator, in its count. `size` is not 0, and the
 * same for both; ptr may be NULL. Gives: the memory, not cleared; NULL when there is none. Thread: any. */
PIERROT_API void *pierrot_shared_alloc(pierrot *rt, size_t size);
PIERROT_API void pierrot_shared_free(pierrot *rt, void *ptr, size_t size);

/* Reads what the actor `pid` has published. Lends: request. Gives: *reply (NULL is nil).
 * Fails: ENOPROC (dead, or nothing published), what `read` returned. Thread: any. */
PIERROT_API int pierrot_read(pierrot *rt, pierrot_pid pid, const pierrot_term *request,
                             pierrot_term **reply);

/* ------------------------------------------------------- actors and the loop */

/* The libuv loop of the actor's scheduler, for handles and requests of its own; the scheduler polls it
 * between slices, and sleeps in it. What the actor opened it closes in terminate at the latest. The
 * memory of a handle must last until its close callback, which comes after the actor's end, or even
 * within pierrot_free: so it cannot lie in the actor's state. Thread: actor. */
PIERROT_API struct uv_loop_s *pierrot_loop(pierrot_context *ctx);

/* For each handle and request that was begun: the runtime is not gone before as many were released, in
 * their last callbacks. Thread: actor; the loop's, in a callback. */
PIERROT_API void pierrot_loop_hold(pierrot_context *ctx);
PIERROT_API void pierrot_loop_release(pierrot *rt, struct uv_loop_s *loop);

/* A function that is run as a callback of an actor; it returns what they return. */
typedef int (*pierrot_enter_fn)(pierrot_context *ctx, void *state, void *ud);

/* From a callback of the loop of the actor's scheduler: runs fn at once as a callback of that actor,
 * ahead of what waits in its mailbox. Fails, and fn was not run: ENOPROC when the actor has ended, or is
 * about to; EDEADLK inside of its own callback; EINVAL on another thread. Thread: the loop's, in a
 * callback. */
PIERROT_API int pierrot_enter(pierrot *rt, pierrot_pid actor, pierrot_enter_fn fn, void *ud);

/* A line for the log of the runtime, as printf makes it. Thread: any. */
PIERROT_API void pierrot_log(pierrot *rt, pierrot_level level, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 3, 4)))
#endif
    ;

#ifdef __cplusplus
}
#endif

#endif
