-- SPDX-License-Identifier: MIT
--- A key-value application: shopping lists in buckets, and a registry that knows them by name.
--
--   kv.lua [--lua] FILE   runs the commands in FILE (- is standard input) and prints the answers
--   kv.lua [--lua]        tells the story of buckets, registries and monitors step by step
--
-- With --lua the registry is examples/kv/registry.lua in place of the built-in pierrot.registry.

package.path = (arg[0]:match("^(.*/)") or "./") .. "?.lua;" .. package.path

local command = require "kv.command"
local gen_server = require "pierrot.gen_server"
local story = require "kv.story"

local usage <const> = "usage: kv.lua [--lua] [FILE | -]\n"

local function fail(text)
  io.stderr:write(text)
  os.exit(1)
end

local function read_arguments(args)
  local names, path = "pierrot.registry", nil
  for _, word in ipairs(args) do
    if word == "--lua" then
      names = "kv.registry"
    elseif path or word:match("^%-.") then
      fail(usage)
    else
      path = word
    end
  end
  return require(names), path
end

local function run_commands(names, path)
  local file, reason = io.stdin, nil
  if path ~= "-" then
    file, reason = io.open(path, "rb")
  end
  if not file then
    fail("kv.lua: " .. reason .. "\n")
  end

  local registry = assert(names.start_link())
  for line in file:lines() do
    print(command.answer(line, names, registry))
  end
  gen_server.stop(registry)
end

local names, path = read_arguments(arg)
if path then
  run_commands(names, path)
else
  story.tell(names)
end
