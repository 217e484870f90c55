-- SPDX-License-Identifier: MIT
--- A chat: rooms, members in them, and a log of what each member has seen.
--
-- A room is a key of a registry with duplicate keys: a member that joins is registered under it,
-- and whoever speaks sends to all that are. Nobody has to leave: a member that ends, or crashes, is
-- forgotten by the registry.

local pierrot = require "pierrot"
local gen_server = require "pierrot.gen_server"
local registry = require "pierrot.registry"

local rooms = "rooms"

-- A member ------------------------------------------------------------------------------------

local Member = {}

function Member.start_link(name)
  return gen_server.start_link(Member, name)
end

function Member.join(member, room) return gen_server.call(member, { "join", room }) end

function Member.say(member, room, text) return gen_server.call(member, { "say", room, text }) end

function Member.seen(member) return gen_server.call(member, "seen") end

function Member.init(name)
  return "ok", { name = name, seen = {} }
end

Member.handle_call = {
  join = function(state, _, room)
    return "reply", registry.register(rooms, room, state.name)
  end,

  -- The members of the room are read without asking anybody. The sends are of this process, so two
  -- lines of one member arrive in their order everywhere.
  say = function(state, _, room, text)
    registry.dispatch(rooms, room, function(members)
      for _, entry in ipairs(members) do
        if entry[1] ~= pierrot.self() then
          pierrot.send(entry[1], { "said", room, state.name, text })
        end
      end
    end)
    return "reply", true
  end,

  seen = function(state) return "reply", state.seen end,
}

Member.handle_info = {
  said = function(state, room, name, text)
    table.insert(state.seen, ("#%s %s: %s"):format(room, name, text))
  end,
}

-- An evening ----------------------------------------------------------------------------------

assert(registry.start_link { name = rooms, keys = "duplicate" })

local people = {}
for _, name in ipairs { "ann", "bob", "cy" } do
  people[name] = assert(Member.start_link(name))
  Member.join(people[name], "lua")
end
Member.join(people.ann, "tea")

Member.say(people.ann, "lua", "hello")
Member.say(people.bob, "lua", "hello ann")
Member.say(people.ann, "tea", "nobody here")

-- Bob's connection breaks. The registry has heard of it before we do.
local ref = pierrot.monitor(people.bob)
pierrot.unlink(people.bob)
pierrot.exit(people.bob, "shutdown")
pierrot.receive { "DOWN", ref }

Member.say(people.cy, "lua", "bye bob")
print("in #lua", registry.count(rooms, "lua"))

for _, name in ipairs { "ann", "cy" } do
  print(name .. " has seen")
  for _, line in ipairs(Member.seen(people[name])) do print("  " .. line) end
end
