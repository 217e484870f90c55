-- SPDX-License-Identifier: MIT
--- A key-value application: shopping lists in buckets, and a registry that knows them by name.
--
--   kv.lua [--lua] FILE   runs the commands in FILE (- is standard input) and prints the answers;
--                         registry and buckets are an application, examples/kv/application.lua
--   kv.lua [--lua]        tells the story of buckets, registries and monitors step by step
--
-- With --lua the registry is examples/kv/registry.lua in place of the built-in pierrot.registry.

package.path = (arg[0]:match("^(.*/)") or "./") .. "?.lua;" .. package.path

local application = require "pierrot.application"
local command = require "kv.command"
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
  return names, path
end

-- What was started ends with the program, in order.
local function run_commands(module, path)
  local names = require(module)
  local file, reason = io.stdin, nil
  if path ~= "-" then
    file, reason = io.open(path, "rb")
  end
  if not file then
    fail("kv.lua: " .. reason .. "\n")
  end

  assert(application.start("kv.application", { module = module }))
  local registry = application.get_env("kv.application", "registry")
  for line in file:lines() do
    print(command.answer(line, names, registry))
  end
end

local names, path = read_arguments(arg)
if path then
  run_commands(names, path)
else
  story.tell(require(names))
end
