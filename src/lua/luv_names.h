/* SPDX-License-Identifier: MIT
 *
 * What must be known of luv's functions, by their names. */
#ifndef PR_LUA_LUV_NAMES_H
#define PR_LUA_LUV_NAMES_H

enum pr_luv_trait {
    PR_LUV_CREATES = 1,      /* a handle is its first result */
    PR_LUV_CLOSES = 2,       /* the handle; argument 2 is called then */
    PR_LUV_SPAWNS = 4,       /* argument 3 is called when the child has ended */
    PR_LUV_ONCE = 8,         /* a request of a handle: its callback comes once */
    PR_LUV_RESTARTS = 16,    /* what its handle had to tell is stale */
    PR_LUV_ASKS = 32,        /* good for a handle that is closed */
    PR_LUV_OPENS_FILE = 64,  /* descriptors are among its results */
    PR_LUV_CLOSES_FILE = 128,    /* that of argument 1 */
    PR_LUV_TAKES_FILE = 256,     /* a handle has the descriptor of argument 2 from then on */
    PR_LUV_TAKES_FIRST = 512,    /* ... of argument 1 */
    PR_LUV_MAKES_WORK = 1024,    /* argument 1 is code for another state */
    PR_LUV_QUEUES = 2048,        /* work */
    PR_LUV_WRITES = 4096,        /* argument 2 */
    PR_LUV_MAY_BREAK = 8192      /* it writes at once where nobody may be reading */
};

/* The traits of a function or a method. */
unsigned pr_luv_traits(const char *name);

/* Why a function of the module is not for scripts here; NULL: it is. */
const char *pr_luv_refusal(const char *name);

#endif
