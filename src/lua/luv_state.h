/* SPDX-License-Identifier: MIT
 *
 * luv in a scheduler's Lua state: what belongs to whom.
 *
 * Each process that uses luv has a record of what it holds: handles, requests under way, descriptors
 * of files, callbacks that wait to be run. The record goes with the process, and releases all of it
 * without running any of the process's code. */
#ifndef PR_LUA_LUV_STATE_H
#define PR_LUA_LUV_STATE_H

#include <uv.h>

#include "lua/process.h"

/* A full userdata of the state: there until all finalizers have run, whatever their order. */
struct pr_luv {
    struct pr_lua *lua;   /* NULL: the scheduler is gone */
    lua_State *L;         /* where luv's callbacks come in; nothing runs on it */
    lua_CFunction close;  /* luv's */
    struct pr_map owners; /* by pid */
    struct pr_map handles; /* by address */
    struct pr_map files;   /* by descriptor */
    struct pr_list requests; /* under way in libuv's threads, of the living and the dead */
    struct pr_luv_handle *spare_handle; /* so that nothing can fail after the fact */
    struct pr_luv_request *spare_request;
    int is_closing;
};

/* User values of it. */
enum {
    PR_LUV_METATABLES = 1, /* luv's: whether they are those of handles */
    PR_LUV_MODULE,
    PR_LUV_THREAD, /* luv->L */
    PR_LUV_N_VALUES = PR_LUV_THREAD
};

struct pr_luv_owner {
    struct pr_map_node node;
    pierrot_pid pid;
    struct pr_list handles, requests, files;
    struct pr_list calls; /* of callbacks, oldest first; only the first can have begun */
};

struct pr_luv_handle {
    struct pr_map_node node;
    struct pr_node of_owner;
    struct pr_luv_owner *owner; /* NULL: it has ended, and the handle closes by itself */
    uv_handle_t *handle;        /* luv's memory, good until the handle has reported its close */
    uint32_t place;             /* luv's userdata */
    struct pr_list events;      /* calls of it that have not begun */
    uv_alloc_cb alloc_cb;       /* is_paused: what it was read by */
    uv_read_cb read_cb;
    uv_udp_recv_cb recv_cb;
    int is_paused; /* nothing is read before its last event was taken */
};

struct pr_luv_request {
    struct pr_node node, of_owner;
    struct pr_luv_owner *owner; /* NULL: it has ended */
    uv_req_t *request;          /* NULL: not known (of queue_work) */
    const void *object;         /* the userdata that it works on, or NULL */
};

/* A callback that is to be run, or has begun and was preempted. */
struct pr_luv_call {
    struct pr_node node;
    struct pr_node of_handle;
    struct pr_luv_owner *owner;
    struct pr_luv_handle *handle; /* whose event it is, while it has not begun; or NULL */
    struct pr_pooled body;
    int n_args;
    int has_begun;
};

/* Where the registry holds the userdata. */
extern const char pr_luv_key;

#endif
