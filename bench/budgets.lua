-- SPDX-License-Identifier: MIT
-- What the figures must reach and what they aim at, by the figure's name.
--
-- `must` and `aim` are how many times better than the BEAM: faster, or smaller. With `limit` they
-- are bounds of the figure itself: "most" or "least". `schedulers`: the number that the budget is
-- for (1 where it is left out). `beam`: the BEAM's figure to compare with, where its name differs.

return {
  call_local = { must = 2, aim = 4 },
  call_local_value = { beam = "call_local" },
  call_cross = { must = 1, aim = 3, schedulers = 2 },
  call_pairs = { must = 2, aim = 4, schedulers = 2 },
  call_pairs_gain = { must = 1.8, aim = 1.9, limit = "least", schedulers = 2 },
  cast_throughput = { must = 0.6, aim = 1 },
  send_throughput = { must = 0.6, aim = 1 },
  ping_pong = { must = 1, aim = 2 },
  ring = { must = 1, aim = 2 },
  fan_in = { must = 1, aim = 2 },
  spawn_exit = { must = 1, aim = 2 },
  spawn_idle_1m_rss = { must = 1 / 0.7, aim = 2 },
  server_idle_1m_start = { must = 1, aim = 4 },
  server_idle_1m_rss = { must = 5, aim = 9 },
  bucket_idle_1m_rss = { must = 400, aim = 200, limit = "most" },
  monitor_down = { must = 1, aim = 2 },
  supervisor_restart = { must = 1, aim = 2 },
  supervisor_restart_sustained = { must = 5, aim = 10 },
  timer_arm = { must = 1, aim = 2 },
  timer_cancel = { must = 1, aim = 2 },
  selective_ref_offheap = { must = 1, aim = 2 },
  payload_map100 = { must = 0.6, aim = 1 },
  payload_bin64k = { must = 1, aim = 3 },
  preempt_ping_p50 = { must = 5, aim = 1, limit = "most" },
  preempt_ping_p99 = { must = 100, aim = 5, limit = "most" },
  preempt_tick_p50 = { must = 1000, aim = 50, limit = "most" },
  preempt_tick_p99 = { must = 2500, aim = 200, limit = "most" },
  idle_ping_p50 = { must = 1, aim = 2 },
  idle_ping_p99 = { must = 1, aim = 2 },
  gc_pause_max = { must = 2000, aim = 700, limit = "most" },
  gc_pause_alone_max = { must = 2000, aim = 700, limit = "most" },
  gc_step_max = { must = 2000, aim = 700, limit = "most" },
  registry_lookup = { must = 1, aim = 2 },
  kv_registry_lookup = { must = 3, aim = 8 },
  kv_registry_create = { must = 5, aim = 15 },
  kv_registry_lookup_lua = { beam = "kv_registry_lookup" },
  kv_registry_create_lua = { beam = "kv_registry_create" },
  bucket_get = { must = 3, aim = 8 },
  startup_command = { beam = "startup_erl" },
  startup_script = { must = 5, aim = 3, limit = "most", beam = "startup_erl" },
  startup_rss = { must = 6144, aim = 4096, limit = "most", beam = "startup_erl_rss" },
  -- Zero, as far as it can be measured.
  idle_cpu = { must = 0.05, aim = 0.05, limit = "most" },
}
