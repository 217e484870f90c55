-- SPDX-License-Identifier: MIT
--- Runs of busted on spec files written for the purpose, with pierrot.testing as its helper.

local assert = require "luassert"
local support = require "spec.support"

local busted_runs = {}

local busted <const> = arg[0]

local HEAD <const> = [[
local pierrot = require "pierrot"
local gen_server = require "pierrot.gen_server"
local bucket = require "pierrot.bucket"
local function say(...)
  local words = { ... }
  for i, word in ipairs(words) do words[i] = tostring(word) end
  print("SAY " .. table.concat(words, " "))
end
]]

local is_program <const> = support.program == support.interpreter
local CONFIGURE <const> = "require('pierrot').configure { schedulers = %d, preempt = 'signal' }"

-- What runs this spec, with its options.
local function interpreter(settings)
  local words, first = {}, 0
  while arg[first - 1] do first = first - 1 end
  for i = first, -1 do words[#words + 1] = arg[i] end
  if settings.schedulers and is_program then
    table.move({ "-s", tostring(settings.schedulers) }, 1, 2, #words + 1, words)
  end
  return words
end

-- busted takes files of that ending alone.
local function spec_file(text)
  local reserved = support.temporary_file ""
  local path = reserved.path .. ".lua"
  local file <close> = assert(io.open(path, "wb"))
  file:write(text)
  return setmetatable({ path = path }, { __close = function()
    os.remove(path)
    os.remove(reserved.path)
  end })
end

-- The lines of a report: tests with what is said of them, and what the tests said themselves.
local function read_report(output)
  local report = { tests = {}, said = {}, n_passed = 0, n_failed = 0 }
  local current
  for line in output:gmatch("[^\n]*") do
    local outcome, name = line:match("^(o?n?o?t? ?ok) %d+ %- (.*)$")
    if name then
      current = { passed = outcome == "ok", text = "" }
      report.tests[name] = current
      local count = current.passed and "n_passed" or "n_failed"
      report[count] = report[count] + 1
    elseif line:match("^# ") and current then
      current.text = current.text .. line:sub(3) .. "\n"
    elseif line:match("^SAY ") then
      report.said[#report.said + 1] = line:sub(5)
    end
  end
  return report
end

--- Runs busted on a spec file of that text. Gives its report: tests by name, each with `passed` and
-- `text`; what was `said`; n_passed, n_failed; output, errors (what stands on stderr), status.
-- settings: environment (before the command), arguments, helper, schedulers, head (of the text).
function busted_runs.run(text, settings)
  settings = settings or {}
  local file <close> = spec_file((settings.head or HEAD) .. text)
  local words = interpreter(settings)
  table.move({ busted, "-o", "TAP" }, 1, 3, #words + 1, words)
  words[#words + 1] = "--helper=" .. (settings.helper or "pierrot.testing")
  if settings.schedulers and not is_program then
    words[#words + 1] = "-e"
    words[#words + 1] = CONFIGURE:format(settings.schedulers)
  end
  for _, word in ipairs(settings.arguments or {}) do words[#words + 1] = word end
  words[#words + 1] = file.path
  local command = (settings.environment or "") .. " " .. support.command(table.unpack(words))
  local output, errors, status = support.execute(command)
  local report = read_report(output)
  setmetatable(report.tests, {
    __index = function() return { text = "it did not run: " .. output .. errors } end,
  })
  report.output, report.errors, report.status = output, errors, status
  return report
end

--- The same of one test with this body; gives what is said of it, and the report.
function busted_runs.run_test(body, settings)
  local report = busted_runs.run('it("the test", function()\n' .. body .. "\nend)", settings)
  return report.tests["the test"], report
end

--- The test has passed.
function busted_runs.assert_passed(test)
  assert.is_true(test.passed or false, test.text)
end

--- The test failed, and what is said of it has these texts.
function busted_runs.assert_failed(test, ...)
  assert.is_false(test.passed, "it passed, or " .. test.text)
  for _, text in ipairs { ... } do
    assert.is_truthy(test.text:find(text, 1, true), ("no %q in %s"):format(text, test.text))
  end
end

return busted_runs
