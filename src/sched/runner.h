/* SPDX-License-Identifier: MIT
 *
 * What a language binding needs of the layers below, in one header: how a kind of process plugs
 * into its scheduler (struct pr_kind: run a slice, be ended, be measured), how a language gets its
 * state (struct pr_language), and the verbs of processes. */
#ifndef PR_RUNNER_H
#define PR_RUNNER_H

#include "base/alloc.h"
#include "base/assert.h"
#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "proc/alias.h"
#include "proc/alias_table.h"
#include "proc/dispatch.h"
#include "proc/exit.h"
#include "proc/link.h"
#include "proc/mailbox.h"
#include "proc/monitor.h"
#include "proc/name.h"
#include "proc/owner.h"
#include "proc/process.h"
#include "proc/ptable.h"
#include "proc/relation.h"
#include "proc/reply.h"
#include "proc/signal.h"
#include "proc/system.h"
#include "proc/value.h"
#include "sched/actor.h"
#include "sched/alarm.h"
#include "sched/call.h"
#include "sched/clock.h"
#include "sched/host_call.h"
#include "sched/job.h"
#include "sched/message.h"
#include "sched/pipe_signal.h"
#include "sched/publish.h"
#include "sched/report.h"
#include "sched/runtime.h"
#include "sched/scheduler.h"
#include "sched/standing.h"
#include "sched/stop.h"
#include "sched/trace.h"
#include "sched/user_timer.h"
#include "sched/via.h"
#include "sched/watchdog.h"
#include "term/ident.h"
#include "term/note.h"
#include "term/print.h"
#include "term/table.h"
#include "term/term.h"

#endif
