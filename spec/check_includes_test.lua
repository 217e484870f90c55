-- SPDX-License-Identifier: MIT
-- That scripts/check_includes.lua finds what it should: `lua5.4 spec/check_includes_test.lua`, from
-- the root of the tree. Each case is a small tree; it must be answered with one line that contains
-- `breach`, or with none.

local CASES <const> = {
  {
    name = "accepts a tree that keeps the rules",
    files = {
      ["include/pierrot.h"] = "#include <stdint.h>",
      ["include/pierrot_lua.h"] = "#include <lua.h>",
      ["src/base/lock.h"] = "#include <uv.h>",
      ["src/base/map.h"] = '#include "pierrot.h"',
      ["src/base/map.c"] = '#include "base/map.h"\n#include "base/lock.h"\n#include <string.h>',
      ["src/sched/runner.h"] = '#include "base/map.h"\n#include <uv.h>',
      ["src/actor/bucket.c"] = '#include "actor/bucket.h"',
      ["src/actor/bucket.h"] = "#include <pierrot.h>",
      ["src/lua/program.h"] = '#include "pierrot.h"',
      ["src/lua/state.c"] = '#include "pierrot_lua.h"\n#include "sched/runner.h"\n#include <lua.h>',
      ["src/main.c"] = '#include "pierrot.h"\n#include "lua/program.h"',
    },
  },
  {
    name = "finds a cycle of headers",
    files = { ["src/proc/a.h"] = '#include "proc/b.h"', ["src/proc/b.h"] = '#include "proc/a.h"' },
    breach = "cycle: src/proc/a -> src/proc/b -> src/proc/a",
  },
  {
    name = "finds a cycle through .c files only",
    files = {
      ["src/proc/a.h"] = "",
      ["src/proc/a.c"] = '#include "proc/a.h"\n#include "proc/b.h"',
      ["src/proc/b.h"] = "",
      ["src/proc/b.c"] = '#include "proc/c.h"',
      ["src/proc/c.h"] = "",
      ["src/proc/c.c"] = '#  include "proc/a.h"',
    },
    breach = "cycle: src/proc/a -> src/proc/b -> src/proc/c -> src/proc/a",
  },
  {
    name = "finds an upward include",
    files = { ["src/term/a.c"] = '#include "proc/b.h"', ["src/proc/b.h"] = "" },
    breach = "src/term/a.c:1: proc/b.h: upwards, from term to proc",
  },
  {
    name = "finds an upward include in angle brackets",
    files = { ["src/base/a.h"] = "\n#include <term/b.h>", ["src/term/b.h"] = "" },
    breach = "src/base/a.h:2: term/b.h: upwards",
  },
  {
    name = "finds an upward include by a relative path",
    files = { ["src/base/a.c"] = '#include "../lua/b.h"', ["src/lua/b.h"] = "" },
    breach = "src/base/a.c:1: ../lua/b.h",
  },
  {
    name = "keeps lua.h in src/lua",
    files = { ["src/sched/a.c"] = "#include <lua.h>" },
    breach = "src/sched/a.c:1: lua.h: not open",
  },
  {
    name = "keeps Lua's headers out of main.c",
    files = { ["src/main.c"] = "#include <lua5.4/lauxlib.h>" },
    breach = "src/main.c:1: lua5.4/lauxlib.h: not open",
  },
  {
    name = "keeps pierrot_lua.h in src/lua",
    files = { ["include/pierrot_lua.h"] = "", ["src/actor/a.c"] = '#include "pierrot_lua.h"' },
    breach = "src/actor/a.c:1: pierrot_lua.h: not open",
  },
  {
    name = "keeps uv.h out of the Lua layer",
    files = { ["src/lua/a.c"] = "#include <uv.h>" },
    breach = "src/lua/a.c:1: uv.h: not open",
  },
  {
    name = "keeps uv.h out of base but for lock",
    files = { ["src/base/map.c"] = "#include <uv/threadpool.h>" },
    breach = "src/base/map.c:1: uv/threadpool.h: not open",
  },
  {
    name = "keeps actors on the public API",
    files = { ["src/actor/a.c"] = '#include "base/list.h"', ["src/base/list.h"] = "" },
    breach = "src/actor/a.c:1: base/list.h: not one of the few headers open to actor",
  },
  {
    name = "keeps the Lua layer to sched/runner.h",
    files = { ["src/lua/a.c"] = '#include "sched/timer.h"', ["src/sched/timer.h"] = "" },
    breach = "src/lua/a.c:1: sched/timer.h: not one of the few",
  },
  {
    name = "keeps main.c to lua/program.h",
    files = { ["src/main.c"] = '#include "lua/state.h"', ["src/lua/state.h"] = "" },
    breach = "src/main.c:1: lua/state.h: not one of the few",
  },
  {
    name = "keeps private headers out of public ones",
    files = { ["include/pierrot.h"] = '#include "base/list.h"', ["src/base/list.h"] = "" },
    breach = "include/pierrot.h:1: base/list.h: a public header",
  },
  {
    name = "finds a header that is not there",
    files = { ["src/base/a.c"] = '#include "base/lost.h"' },
    breach = "src/base/a.c:1: base/lost.h: no such file",
  },
  { name = "does not pass a tree without files", files = {}, breach = "0 files" },
}

local function shell(command)
  assert(os.execute(command), command)
end

local function build_tree(files)
  local root = os.tmpname()
  os.remove(root)
  shell(("mkdir -p '%s/src' '%s/include'"):format(root, root))
  for path, text in pairs(files) do
    shell(("mkdir -p '%s/%s'"):format(root, path:match("^(.*)/")))
    local file <close> = assert(io.open(root .. "/" .. path, "w"))
    file:write(text, "\n")
  end
  return root
end

local function check(root)
  local pipe = assert(io.popen(("'%s' scripts/check_includes.lua '%s'"):format(arg[-1], root)))
  local output = pipe:read("a")
  return pipe:close() == true, output
end

-- What is wrong with the answer, or nil.
local function judge(case, passed, output)
  local _, n_lines = output:gsub("\n", "")
  if case.breach then
    local found = output:find(case.breach, 1, true)
    if passed or not found or n_lines > 2 then
      return "expected: " .. case.breach
    end
  elseif not passed then
    return "expected no breach"
  end
end

local n_failed = 0
for _, case in ipairs(CASES) do
  local root = build_tree(case.files)
  local wrong = judge(case, check(root))
  if wrong then
    n_failed = n_failed + 1
    local _, output = check(root)
    print(("not ok: %s\n%s\nbut got:\n%s"):format(case.name, wrong, output))
  end
  shell(("rm -r '%s'"):format(root))
end
print(("%d cases, %d failed"):format(#CASES, n_failed))
os.exit(n_failed == 0)
