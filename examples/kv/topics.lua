-- SPDX-License-Identifier: MIT
--- Channels: who subscribes to one gets {"message", channel, text} for each text that is published
--- there. A subscriber that ends is forgotten, and so is a channel without any.

local pierrot = require "pierrot"
local gen_server = require "pierrot.gen_server"

local Topics = {}

-- Client --------------------------------------------------------------------------------------

--- Starts a server of channels, linked to the caller.
---@param name string
---@return userdata|nil pid, any reason
function Topics.start_link(name)
  return gen_server.start_link(Topics, nil, { name = name })
end

--- The caller subscribes.
---@param topics string
---@param channel string
---@return true
function Topics.subscribe(topics, channel)
  return gen_server.call(topics, { "subscribe", channel })
end

--- The caller does so no longer.
---@param topics string
---@param channel string
---@return true
function Topics.unsubscribe(topics, channel)
  return gen_server.call(topics, { "unsubscribe", channel })
end

--- Sends a text to all subscribers. Gives their number.
---@param topics string
---@param channel string
---@param text string
---@return integer
function Topics.publish(topics, channel, text)
  return gen_server.call(topics, { "publish", channel, text })
end

-- Server --------------------------------------------------------------------------------------

-- channels[name] is the set of its subscribers; subscribers[pid] the monitor, and the set of names.
function Topics.init()
  return "ok", { channels = {}, subscribers = {} }
end

local function leave(state, pid, channel)
  local pids = state.channels[channel]
  if pids then
    pids[pid] = nil
    if next(pids) == nil then state.channels[channel] = nil end
  end
end

Topics.handle_call = {
  subscribe = function(state, from, channel)
    local pid = from[1]
    local subscriber = state.subscribers[pid]
    if not subscriber then
      subscriber = { ref = pierrot.monitor(pid), channels = {} }
      state.subscribers[pid] = subscriber
    end
    subscriber.channels[channel] = true
    state.channels[channel] = state.channels[channel] or {}
    state.channels[channel][pid] = true
    return "reply", true
  end,

  unsubscribe = function(state, from, channel)
    local pid = from[1]
    local subscriber = state.subscribers[pid]
    leave(state, pid, channel)
    if subscriber then
      subscriber.channels[channel] = nil
      if next(subscriber.channels) == nil then
        pierrot.demonitor(subscriber.ref, { flush = true })
        state.subscribers[pid] = nil
      end
    end
    return "reply", true
  end,

  publish = function(state, _, channel, text)
    local n = 0
    for pid in pairs(state.channels[channel] or {}) do
      pierrot.send(pid, { "message", channel, text })
      n = n + 1
    end
    return "reply", n
  end,
}

Topics.handle_info = {
  DOWN = function(state, _, _, pid)
    local subscriber = state.subscribers[pid]
    state.subscribers[pid] = nil
    for channel in pairs(subscriber and subscriber.channels or {}) do
      leave(state, pid, channel)
    end
  end,
}

return Topics
