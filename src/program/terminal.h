/* SPDX-License-Identifier: MIT
 *
 * The line editor of the prompt as a process: an actor that passes requests on to a thread of its
 * own, which reads lines, so that no scheduler ever waits for a key. There is one in a program.
 *
 * It takes the call {"open", session, path of the history file or false}, answered {input =, output
 * =} (whether each is a terminal), and then the cast {"read", prompt} for each line. The session
 * gets the casts {"line", text}, {"dropped"} (Ctrl-C in a line), {"interrupt"} (Ctrl-C when none
 * was asked for), {"end"} (of the input) and {"no_history", why}, and the call {"complete", text},
 * to be answered {n, {word, …}}: what the last n bytes of the text may become. */
#ifndef PR_PROGRAM_TERMINAL_H
#define PR_PROGRAM_TERMINAL_H

#include "pierrot.h"

/* Starts the actor. 0 or an error. Thread: the one that made the runtime; console_open was called.
 */
int terminal_start(pierrot *rt, pierrot_pid *pid);

/* Ends the thread and waits for that. Thread: as terminal_start, after pierrot_stop. */
void terminal_stop(void);

#endif
