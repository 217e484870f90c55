/* SPDX-License-Identifier: MIT
 *
 * A mutex, libuv's: the one place of the lower layers that knows uv.h. Rules (docs/threading.md):
 * one lock at a time, no callback, no Lua and no waiting under a lock. */
#ifndef PR_LOCK_H
#define PR_LOCK_H

#include <uv.h>

struct pr_lock {
    uv_mutex_t mutex;
};

/* 0 or a libuv error. */
static inline int pr_lock_init(struct pr_lock *lock)
{
    return uv_mutex_init(&lock->mutex);
}

static inline void pr_lock_fini(struct pr_lock *lock)
{
    uv_mutex_destroy(&lock->mutex);
}

static inline void pr_lock_take(struct pr_lock *lock)
{
    uv_mutex_lock(&lock->mutex);
}

static inline void pr_lock_give(struct pr_lock *lock)
{
    uv_mutex_unlock(&lock->mutex);
}

#endif
