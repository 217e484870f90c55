-- SPDX-License-Identifier: MIT
--- A million idle gen_servers live in one runtime, answer, and are stopped; the bytes in use are
-- then what they were before: `pierrot spec/stress/many_servers.lua [COUNT]`.

package.path = (arg[0]:match("^(.*/)") or "./") .. "?.lua;" .. package.path

local gen_server = require "pierrot.gen_server"
local crowd = require "crowd"

local Server = {
  init = function(number) return "ok", { number = number } end,
  handle_call = {
    get = function(state) return "reply", state.number end,
  },
}

crowd.run {
  what = "gen_servers",
  count = tonumber(arg[1]) or 1000000,
  start = function(number) return gen_server.start(Server, number) end,
  check = function(pid, number) return gen_server.call(pid, "get") == number end,
  stop = gen_server.stop,
}
