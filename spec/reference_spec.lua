--- The types in lua/pierrot/meta say what the modules have: each function and its parameters.

local META <const> = "lua/pierrot/meta/"

-- The modules of which the reference tells.
local MODULES <const> = {
  "pierrot", "agent", "application", "bucket", "dynamic_supervisor", "gen_server", "logger",
  "registry", "supervisor", "sys", "task", "task_supervisor", "tcp", "testing",
}

-- What modules have for each other; nothing that a user calls.
local INTERNAL <const> = {
  pierrot = {},
  gen_server = { start_elsewhere = true },
  registry = {
    is_duplicate_via = true, register_pid = true, register_via = true, run_start = true,
  },
}

local function read(path)
  local file = io.open(path)
  if not file then return nil end
  local text <const> = file:read "a"
  file:close()
  return text
end

local function exists(module)
  return module == "pierrot" or read("lua/pierrot/" .. module .. ".lua") ~= nil
end

-- Name to list of parameters.
local function documented(module)
  local text <const> = assert(read(META .. module .. ".lua"), "no types for " .. module)
  local found = {}
  for name, params in text:gmatch("\nfunction " .. module .. "%.([%w_]+)%((.-)%) end") do
    local list = {}
    for param in params:gmatch "[^, ]+" do list[#list + 1] = param end
    found[name] = list
  end
  for name in text:gmatch("\n" .. module .. "%.([%w_]+) = nil") do found[name] = {} end
  return found
end

local function names_of(module)
  local loaded <const> = require(module == "pierrot" and module or "pierrot." .. module)
  local names = {}
  for name in pairs(loaded) do
    if not (INTERNAL[module] or {})[name] then names[#names + 1] = name end
  end
  table.sort(names)
  return names, loaded
end

describe("the reference", function()
  for _, module in ipairs(MODULES) do
    if exists(module) then
      it("knows every function of " .. module .. ", and no other", function()
        local expected = {}
        local names <const> = names_of(module)
        for name in pairs(documented(module)) do expected[#expected + 1] = name end
        table.sort(expected)

        assert.are.same(expected, names)
      end)

      it("knows the parameters of the functions of " .. module, function()
        local expected <const> = documented(module)
        local _, loaded <const> = names_of(module)

        for name, params in pairs(expected) do
          local info <const> = type(loaded[name]) == "function" and debug.getinfo(loaded[name], "u")
          if info and not info.isvararg then
            assert.are.equal(#params, info.nparams, module .. "." .. name)
          end
        end
      end)
    end
  end

  it("names each parameter of a function in its comment", function()
    for _, module in ipairs(MODULES) do
      local comment = ""
      for line in (assert(read(META .. module .. ".lua"))):gmatch "[^\n]*" do
        local name <const>, params <const> = line:match "^function ([%w_.]+)%((.-)%) end"
        for param in (params or ""):gmatch "[^, ]+" do
          local tag <const> = "@param " .. param:gsub("%p", "%%%0") .. "%??%s"
          assert.is_truthy(comment:find(tag), ("%s: %s"):format(name, param))
        end
        comment = line:match "^%-%-%-" and comment .. line .. "\n" or ""
      end
    end
  end)
end)
