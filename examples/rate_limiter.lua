-- SPDX-License-Identifier: MIT
--- A rate limiter: so many goes in a period for each key, as a module that tests can drive.
--
-- The server keeps a count for each key and forgets a key when its period is over, by a timer that
-- it sends to itself. spec/examples_spec.lua tests it on virtual time, without waiting for any.

local pierrot = require "pierrot"
local gen_server = require "pierrot.gen_server"

local Limiter = {}

-- Client --------------------------------------------------------------------------------------

--- Starts a limiter; opts: limit, period (ms), name.
function Limiter.start_link(opts)
  return gen_server.start_link(Limiter, opts, { name = opts.name })
end

--- true; or false and the ms until the next go.
function Limiter.take(limiter, key)
  local answer = gen_server.call(limiter, { "take", key })
  return answer.wait == nil, answer.wait
end

-- Server --------------------------------------------------------------------------------------

function Limiter.init(opts)
  return "ok", { limit = opts.limit, period = opts.period, counts = {} }
end

Limiter.handle_call = {
  take = function(state, _, key)
    local count = state.counts[key]
    if not count then
      count = { n = 0, timer = pierrot.send_after(state.period, pierrot.self(), { "over", key }) }
      state.counts[key] = count
    end
    if count.n == state.limit then
      return "reply", { wait = pierrot.read_timer(count.timer) or 0 }
    end
    count.n = count.n + 1
    return "reply", {}
  end,
}

Limiter.handle_info = {
  over = function(state, key) state.counts[key] = nil end,
}

-- As a program --------------------------------------------------------------------------------

if arg and arg[0] and arg[0]:find("rate_limiter%.lua$") then
  local limiter = assert(Limiter.start_link { limit = 3, period = 50 })
  local n_taken, n_refused = 0, 0
  local until_ms = pierrot.now() + 120
  while pierrot.now() < until_ms do
    local taken, wait = Limiter.take(limiter, "me")
    if taken then
      n_taken = n_taken + 1
    else
      n_refused = n_refused + 1
      pierrot.sleep(wait)
    end
  end
  print(("%d goes in 120 ms at 3 in 50 ms"):format(n_taken))
  assert(n_taken <= 9 and n_refused > 0)
end

return Limiter
