/* SPDX-License-Identifier: MIT
 *
 * Local names of processes: ordinary strings of any bytes in one table of the system, freed with
 * their last use. A process has at most one. */
#ifndef PR_NAME_H
#define PR_NAME_H

#include "proc/owner.h"

/* Gives; NULL: out of memory. */
struct pr_names *pr_names_new(struct pr_heap *heap);
void pr_names_free(struct pr_names *names, struct pr_heap *heap);

/* erlang:register. 0; PIERROT_EEXIST: the name is taken, or the process has one; PIERROT_ENOPROC;
 * PIERROT_ENOMEM; PIERROT_ELIMIT: it is longer than any string of a message. Thread: any. */
int pr_name_register(struct pr_system *system, const char *name, size_t len, pierrot_pid pid);

/* erlang:unregister. 0 or PIERROT_ENOTFOUND. Thread: any. */
int pr_name_unregister(struct pr_system *system, const char *name, size_t len);

/* erlang:whereis; id 0: nobody, the dead included. Thread: any. */
pierrot_pid pr_name_find(struct pr_system *system, const char *name, size_t len);

/* The name of a process as a term, NULL: it has none. Gives. Thread: any. */
pierrot_term *pr_name_of(struct pr_system *system, pierrot_pid pid, struct pr_heap *heap);

/* The process died; its name is free from now on. Thread: any. */
void pr_name_release(struct pr_system *system, pierrot_pid pid);

/* All names as an array of strings, or NULL when out of memory. Gives. Thread: any. */
pierrot_term *pr_name_list(struct pr_system *system, struct pr_heap *heap);

#endif
