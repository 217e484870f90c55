/* SPDX-License-Identifier: MIT
 *
 * The actors that come with pierrot: start them with pierrot_spawn. What they understand is the
 * protocol of their Lua clients, `pierrot.bucket`, `pierrot.registry` and `pierrot.tcp`. */
#ifndef PIERROT_ACTORS_H
#define PIERROT_ACTORS_H

#include "pierrot.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A key-value store in a process. arg: nil. Lives for ever. Thread: any. */
PIERROT_API const pierrot_behaviour *pierrot_bucket_behaviour(void);

/* Names for processes. arg: nil, or a table with the fields keys ("unique", "duplicate"), listeners (a
 * list of names that are told of what is registered) and name (what these are told the registry is
 * called). Lives for ever. Thread: any. */
PIERROT_API const pierrot_behaviour *pierrot_registry_behaviour(void);

/* Sockets: their args and requests are those of `pierrot.tcp`. One lives until it is closed, or its
 * owner ends. Thread: any. */
PIERROT_API const pierrot_behaviour *pierrot_tcp_listener_behaviour(void);
PIERROT_API const pierrot_behaviour *pierrot_tcp_stream_behaviour(void);

#ifdef __cplusplus
}
#endif

#endif
