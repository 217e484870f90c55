/* SPDX-License-Identifier: MIT */
#include "program/terminal.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "program/console.h"
#include "program/editor.h"
#include "program/history.h"

/* How long a Tab waits for the session, which does not evaluate anything. */
enum { COMPLETION_TIMEOUT_MS = 1000 };

static struct {
    pierrot *runtime;    /* (I) */
    pierrot_pid session; /* (I) set before the thread starts */
    char *history_path;  /* (I) NULL: none */
    pthread_t thread;    /* (I) */
    int has_thread;      /* (I) */
    atomic_int is_closing;
    atomic_int is_unheard; /* an interrupt was sent and not taken yet */
    pthread_mutex_t lock;
    char *prompt; /* (M) of the line that is asked for; NULL: none */
} terminal = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int is_closing(void)
{
    return atomic_load_explicit(&terminal.is_closing, memory_order_relaxed);
}

/* -------------------------------------------------------- to and from the session */

/* A term {tag} or {tag, text}; NULL without memory. */
static pierrot_term *tagged(const char *tag, const char *text, size_t len)
{
    pierrot_term *term = pierrot_table();
    int error = pierrot_table_append(term, pierrot_string(tag, strlen(tag)));
    if (!error && text)
        error = pierrot_table_append(term, pierrot_string(text, len));
    if (error) {
        pierrot_term_free(term);
        return NULL;
    }
    return term;
}

static void tell(const char *tag, const char *text)
{
    (void)pierrot_cast(terminal.runtime, terminal.session,
                       tagged(tag, text, text ? strlen(text) : 0));
}

static pierrot_term *complete(const char *text, size_t len)
{
    pierrot_term *answer = NULL;
    int error = pierrot_call(terminal.runtime, terminal.session, tagged("complete", text, len),
                             COMPLETION_TIMEOUT_MS, &answer);
    return error ? NULL : answer;
}

static const struct editor_host host = {complete, is_closing};

/* ------------------------------------------------------------------ the thread */

struct reader {
    const struct editor *editor;
    void *state;
    struct history_file *history;
};

static int open_reader(struct reader *reader)
{
#ifdef PIERROT_LIBEDIT
    const char *kind = getenv("TERM");
    int is_able = kind && *kind && strcmp(kind, "dumb") != 0;
    if (is_able && console_input_is_terminal() && console_output_is_terminal()) {
        reader->editor = &editor_libedit;
        reader->state = reader->editor->open(&host);
        if (reader->state)
            return 1;
    }
#endif
    reader->editor = &editor_plain;
    reader->state = reader->editor->open(&host);
    return reader->state != NULL;
}

static void recall(void *ud, const char *line)
{
    struct reader *reader = ud;
    reader->editor->remember(reader->state, line);
}

static void open_history(struct reader *reader)
{
    if (!terminal.history_path || !console_input_is_terminal())
        return;
    reader->history = history_file_open(terminal.history_path, recall, reader);
    if (!reader->history)
        tell("no_history", strerror(errno));
}

static void read_line(struct reader *reader, const char *prompt)
{
    char *line = NULL;
    switch (reader->editor->read(reader->state, prompt, &line)) {
    case EDITOR_LINE:
        reader->editor->remember(reader->state, line);
        if (reader->history)
            history_file_add(reader->history, line);
        tell("line", line);
        break;
    case EDITOR_INTERRUPT:
        tell("dropped", NULL);
        break;
    case EDITOR_EOF:
        tell("end", NULL);
        break;
    case EDITOR_CLOSED:
        break;
    }
    free(line);
}

static char *take_prompt(void)
{
    pthread_mutex_lock(&terminal.lock);
    char *prompt = terminal.prompt;
    terminal.prompt = NULL;
    pthread_mutex_unlock(&terminal.lock);
    return prompt;
}

/* Where the session does not even take an interrupt, a C function holds up its scheduler. Another
 * one would then end what the first is about to. */
static void interrupt(void)
{
    static const char hint[] =
        "** this cannot be interrupted (a C function?); Ctrl-\\ ends the program\n";
    if (console_input_is_terminal())
        console_write(STDOUT_FILENO, "\n", 1); /* the terminal shows ^C */
    if (atomic_exchange_explicit(&terminal.is_unheard, 1, memory_order_relaxed))
        console_write(STDOUT_FILENO, hint, sizeof hint - 1);
    else
        tell("interrupt", NULL);
}

static void *run(void *unused)
{
    struct reader reader = {0};
    (void)unused;
    if (!open_reader(&reader)) {
        tell("end", NULL);
        return NULL;
    }
    open_history(&reader);
    while (!is_closing()) {
        char *prompt = take_prompt();
        if (prompt)
            read_line(&reader, prompt);
        else if (console_next(NULL) == CONSOLE_INTERRUPT)
            interrupt();
        free(prompt);
    }
    history_file_close(reader.history);
    reader.editor->close(reader.state);
    return NULL;
}

/* ------------------------------------------------------------------- the actor */

static int init(pierrot_context *ctx, void *state, const pierrot_term *arg)
{
    (void)ctx;
    (void)state;
    (void)arg;
    return PIERROT_OK;
}

static int open_terminal(const pierrot_term *request)
{
    const pierrot_term *path = pierrot_table_at(request, 3);
    size_t len;
    if (terminal.has_thread)
        return PIERROT_EEXIST;
    terminal.session = pierrot_as_pid(pierrot_table_at(request, 2));
    if (pierrot_term_type(path) == PIERROT_STRING &&
        !(terminal.history_path = strdup(pierrot_as_string(path, &len))))
        return PIERROT_ENOMEM;
    if (pthread_create(&terminal.thread, NULL, run, NULL) != 0)
        return PIERROT_ENOMEM;
    terminal.has_thread = 1;
    return 0;
}

static int handle_call(pierrot_context *ctx, void *state, const pierrot_term *request,
                       pierrot_from from)
{
    (void)ctx;
    (void)state;
    const pierrot_term *tag = pierrot_table_at(request, 1);
    if (pierrot_is_string(tag, "heard")) {
        atomic_store_explicit(&terminal.is_unheard, 0, memory_order_relaxed);
        return pierrot_reply(from, pierrot_bool(1));
    }
    if (!pierrot_is_string(tag, "open"))
        return PIERROT_EINVAL;
    int error = open_terminal(request);
    if (error)
        return error;
    pierrot_term *answer = pierrot_table();
    error = pierrot_table_set(answer, pierrot_string("input", 5),
                              pierrot_bool(console_input_is_terminal()));
    if (!error)
        error = pierrot_table_set(answer, pierrot_string("output", 6),
                                  pierrot_bool(console_output_is_terminal()));
    if (!error)
        return pierrot_reply(from, answer);
    pierrot_term_free(answer);
    return error;
}

static int ask_for_line(const char *text)
{
    char *prompt = strdup(text);
    if (!prompt)
        return PIERROT_ENOMEM;
    pthread_mutex_lock(&terminal.lock);
    char *before = terminal.prompt;
    terminal.prompt = prompt;
    pthread_mutex_unlock(&terminal.lock);
    free(before);
    console_wake();
    return PIERROT_OK;
}

static int handle_cast(pierrot_context *ctx, void *state, const pierrot_term *request)
{
    const pierrot_term *tag = pierrot_table_at(request, 1);
    size_t len;
    (void)ctx;
    (void)state;
    if (!pierrot_is_string(tag, "read"))
        return PIERROT_EINVAL;
    return ask_for_line(pierrot_as_string(pierrot_table_at(request, 2), &len));
}

/* The thread is waited for later: it may be asking the session, which needs this scheduler. */
static void terminate(pierrot_context *ctx, void *state, const pierrot_term *reason)
{
    (void)ctx;
    (void)state;
    (void)reason;
    atomic_store_explicit(&terminal.is_closing, 1, memory_order_relaxed);
    console_wake();
}

static const pierrot_behaviour behaviour = {
    .size = sizeof(pierrot_behaviour),
    .name = "terminal",
    .init = init,
    .handle_call = handle_call,
    .handle_cast = handle_cast,
    .terminate = terminate,
};

int terminal_start(pierrot *rt, pierrot_pid *pid)
{
    terminal.runtime = rt;
    return pierrot_spawn(rt, &behaviour, NULL, NULL, pid);
}

void terminal_stop(void)
{
    atomic_store_explicit(&terminal.is_closing, 1, memory_order_relaxed);
    console_wake();
    if (terminal.has_thread)
        pthread_join(terminal.thread, NULL);
    terminal.has_thread = 0;
    free(terminal.history_path);
    free(terminal.prompt);
    terminal.history_path = terminal.prompt = NULL;
}
