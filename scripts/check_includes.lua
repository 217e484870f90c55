-- SPDX-License-Identifier: MIT
-- The rules of #include: `lua5.4 scripts/check_includes.lua [ROOT]` prints each breach and exits 1.
--
-- A module is a .c/.h pair ("src/proc/link"). It may include modules of its own layer and of lower
-- ones, public headers and system headers; what differs from that stands in the tables below.
-- Modules form no cycle, not even through the .c files. Nothing is preprocessed: what stands under
-- an #if counts.

local LAYERS <const> = { "base", "term", "proc", "sched", "actor", "lua" }

-- Layers that may include only these modules of lower ones.
local NARROW <const> = {
  actor = {},
  lua = { ["src/sched/runner"] = true },
  program = { ["src/lua/program"] = true },
}

-- Headers for a few: the layers, and the single modules, that may include them.
local GUARDED <const> = {
  {
    names = { "lua.h", "lua.hpp", "lauxlib.h", "lualib.h", "luaconf.h", "pierrot_lua.h" },
    layers = { lua = true },
    modules = { ["include/pierrot_lua"] = true },
  },
  {
    names = { "uv.h" },
    layers = { sched = true },
    modules = {
      ["src/base/lock"] = true,
      ["src/actor/tcp_address"] = true,
      ["src/actor/tcp_resolve"] = true,
      ["src/actor/tcp_watch"] = true,
      ["src/lua/luv_state"] = true,
    },
  },
}

local rank <const> = { program = #LAYERS + 1 }
for i, layer in ipairs(LAYERS) do
  rank[layer] = i
end

local guard_of <const> = {}
for _, guard in ipairs(GUARDED) do
  for _, name in ipairs(guard.names) do
    guard_of[name] = guard
  end
end

-- Layer of "src/proc/link.c": proc; of src/main.c: program; of a public header: public.
local function layer_of(path)
  if path:match("^include/") then
    return "public"
  end
  return path:match("^src/([^/]+)/") or "program"
end

local function module_of(path)
  return (path:gsub("%.[ch]$", ""))
end

-- All .c and .h files below src and include, sorted, as paths relative to root; also as a set.
local function find_files(root)
  local pipe <close> = assert(io.popen(
    ("cd '%s' && find src include -name '*.[ch]' -type f | LC_ALL=C sort"):format(root)))
  local files, known = {}, {}
  for path in pipe:lines() do
    files[#files + 1] = path
    known[path] = true
  end
  return files, known
end

-- The file of this tree that an #include in `path` names, or nil.
local function resolve(path, name, known)
  local beside = path:match("^.*/") .. name
  for _, candidate in ipairs({ "src/" .. name, "include/" .. name, beside }) do
    if known[candidate] then
      return candidate
    end
  end
end

-- Why the file `path` must not include the file `target` of this tree; nil when it may.
local function layer_breach(path, target)
  local from, to = layer_of(path), layer_of(target)
  if to == "public" or from == to then
    return nil
  elseif from == "public" then
    return "a public header includes a private one"
  elseif not rank[from] or not rank[to] then
    return "a directory that is no layer"
  elseif rank[to] > rank[from] then
    return ("upwards, from %s to %s"):format(from, to)
  elseif NARROW[from] and not NARROW[from][module_of(target)] then
    return ("not one of the few headers open to %s"):format(from)
  end
end

local function guard_breach(path, name)
  local guard = guard_of[name:match("[^/]+$")] or (name:match("^uv/") and guard_of["uv.h"])
  if guard and not guard.layers[layer_of(path)] and not guard.modules[module_of(path)] then
    return "not open to this module"
  end
end

-- Calls f(line number, header, quote) for each #include of a file.
local function each_include(root, path, f)
  local n = 0
  for line in io.lines(root .. "/" .. path) do
    n = n + 1
    local quote, name = line:match('^%s*#%s*include%s*([<"])([^>"]+)')
    if name then
      f(n, name, quote)
    end
  end
end

-- Breaches of single includes, and the graph: module -> sorted list of modules it includes.
local function scan(root)
  local files, known = find_files(root)
  local breaches, graph = {}, {}
  for _, path in ipairs(files) do
    local from = module_of(path)
    graph[from] = graph[from] or {}
    each_include(root, path, function(n, name, quote)
      local target = resolve(path, name, known)
      local why = guard_breach(path, name)
      if target then
        why = why or layer_breach(path, target)
        if module_of(target) ~= from then
          table.insert(graph[from], module_of(target))
        end
      elseif quote == '"' then
        why = why or "no such file"
      end
      if why then
        table.insert(breaches, ("%s:%d: %s: %s"):format(path, n, name, why))
      end
    end)
  end
  return breaches, graph, #files
end

-- Depth first; what is found on the current path closes a cycle. One report a cycle, and not all
-- cycles at once: mend one, see the next.
local function find_cycles(graph)
  local cycles, state, trail = {}, {}, {}

  local function visit(module)
    state[module] = "open"
    table.insert(trail, module)
    for _, target in ipairs(graph[module] or {}) do
      if state[target] == "open" then
        local first = #trail
        while trail[first] ~= target do
          first = first - 1
        end
        table.insert(cycles, "cycle: " .. table.concat(trail, " -> ", first) .. " -> " .. target)
      elseif not state[target] then
        visit(target)
      end
    end
    table.remove(trail)
    state[module] = "done"
  end

  local modules = {}
  for module in pairs(graph) do
    modules[#modules + 1] = module
  end
  table.sort(modules)
  for _, module in ipairs(modules) do
    if not state[module] then
      visit(module)
    end
  end
  return cycles
end

local breaches, graph, n_files = scan(arg[1] or ".")
for _, cycle in ipairs(find_cycles(graph)) do
  table.insert(breaches, cycle)
end
for _, breach in ipairs(breaches) do
  print(breach)
end
print(("%d files, %d breaches"):format(n_files, #breaches))
os.exit(#breaches == 0 and n_files > 0)
