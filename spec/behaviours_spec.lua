-- SPDX-License-Identifier: MIT
--- The behaviours that are asked of pierrot have numbers, and a spec names the one that it shows:
--- "SUP-022 are dead when terminate_child returns". None goes without a spec.

local support = require "spec.support"

-- By area. Not offered, and left out: SYS-017 (hand-written processes), REG-014 and REG-016 (match
-- specifications), PSUP (partitioned supervisors).
local wanted <const> = {
  AGENT = "1-4 6-8 10 13",
  ALIAS = "1-3 5",
  DSUP = "1-5 7-8 10 13-14 17 19-20",
  EXU = "1-2 4-7 9-10 12 14-15 17-19 22",
  GS = "1-4 7-13 15-19 21-22 25-27 29 31-38 40 43-45 48-52 56-57 61 63-64 66-67",
  LINK = "1-6 8-9 13 15-16",
  LOG = "1-4 6",
  MON = "1-5 7-10 14-15 17 19",
  MSG = "1-6 9 12 14-15 17-18 20",
  NAME = "1-5 7",
  PROC = "1-4 6-8 12-13 16-18 20-26",
  REG = "1-5 7 11-13 15 17 19-20 24-26 28-30",
  START = "1-2 5",
  SUP = "1-9 11 15-19 21-23 25-37 41-42 48 50 52-55 60-63 65-66 68 71",
  SYS = "1-3 5-6 9 12-14 18",
  TASK = "1-4 6 8-10 13 15 17 19 21-24 26 28-29",
  TIMER = "1-7 12",
  TSUP = "1-6 9",
}

-- The text of all specs, which are named by their folder's listing.
local function read_specs()
  local texts = {}
  local list <close> = assert(io.popen(("ls '%s'/spec/*_spec.lua"):format(support.root), "r"))
  for path in list:lines() do
    local file <close> = assert(io.open(path, "r"))
    texts[#texts + 1] = file:read "a"
  end
  return table.concat(texts)
end

local function numbers_of(text)
  local numbers = {}
  for first, last in text:gmatch "(%d+)%-?(%d*)" do
    for i = first, last == "" and first or last do numbers[#numbers + 1] = i end
  end
  return numbers
end

describe("a spec is there", function()
  local found = {}

  setup(function()
    for id in read_specs():gmatch '"(%u+%-%d%d%d)[ "]' do found[id] = true end
  end)

  for area, numbers in pairs(wanted) do
    it("for each behaviour of " .. area, function()
      local missing = {}
      for _, number in ipairs(numbers_of(numbers)) do
        local id = ("%s-%03d"):format(area, number)
        if not found[id] then missing[#missing + 1] = id end
      end

      assert.same({}, missing)
    end)
  end
end)
