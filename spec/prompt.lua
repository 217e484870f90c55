--- For specs of the prompt: the program on a terminal of its own, and on a pipe.

local support = require "spec.support"

local folder = support.program and support.program:match "^(.*)/[^/]*$"
local pty = os.getenv "PIERROT_PTY" or folder and folder .. "/spec/pty"

local function exists(path)
  local file <close> = path and io.open(path, "rb") or nil
  return file ~= nil
end

local home

--- `is_missing`: there is no program, or none that was built with its tests.
local prompt = { is_missing = not exists(pty) }

--- Gives each test of a spec a new, empty home.
function prompt.homes(before_each, after_each)
  before_each(function()
    home = os.tmpname()
    os.remove(home)
    assert(os.execute("mkdir " .. home))
  end)
  after_each(function() os.execute("rm -rf " .. home) end)
end

--- The home of this test.
---@return string path
function prompt.home()
  return home
end

-- On a terminal --------------------------------------------------------------------------------

--- In place of something typed: what waits by `prompt.await` goes on.
prompt.GO = {}

--- Code for the program: waits for GO.
prompt.await = "tcp.recv(assert(tcp.connect('127.0.0.1', tonumber(os.getenv 'PORT')))) "

local function step(kind, text)
  if text == prompt.GO then return "go" end
  if kind == "send" then text = text:gsub("\n", "\r") end -- what the key sends
  return kind .. " " .. text:gsub("[%c\\]", function(byte)
    return ("\\x%02x"):format(byte:byte())
  end)
end

--- Drives the program on a terminal by steps of alternating kinds: what is expected, what is typed,
--- … and so on to its end. Gives what it wrote, and its status.
function prompt.drive(steps, opts)
  opts = opts or {}
  local lines = {}
  for i, text in ipairs(steps) do lines[i] = step(i % 2 == 1 and "expect" or "send", text) end
  lines[#lines + 1] = "end"
  local script <close> = support.temporary_file(table.concat(lines, "\n") .. "\n")
  local words = support.command(pty, script.path, support.program, "-s", "1",
    table.unpack(opts.arguments or {}))
  local output, errors, status = support.execute(
    ("env -u PIERROT_HISTORY -u NO_COLOR HOME=%s XDG_STATE_HOME=%s/state %s %s"):format(home, home,
      opts.environment or "TERM=xterm NO_COLOR=1", words))
  if errors ~= "" then error(errors, 2) end
  return output, status
end

--- Types lines, waiting for the next prompt before each, and leaves. Gives what was written.
function prompt.converse(lines, opts)
  local steps = {}
  for i, line in ipairs(lines) do
    steps[#steps + 1] = ("pierrot(%d)> "):format(i)
    steps[#steps + 1] = line .. "\n"
  end
  steps[#steps + 1] = ("pierrot(%d)> "):format(#lines + 1)
  steps[#steps + 1] = "\4"
  return prompt.drive(steps, opts)
end

--- What was written between the echo of the n-th line and the prompt after it.
function prompt.answer(output, n)
  local text = output:match(("pierrot%%(%d%%)> .-pierrot%%(%d%%)> "):format(n, n + 1))
  text = text:gsub("\r", "")
  return text:match "^[^\n]*\n(.-)\n?pierrot%(%d+%)> $"
end

--- The answers to lines.
function prompt.answers(lines, opts)
  local output, status = prompt.converse(lines, opts)
  if status ~= 0 then error("the status is " .. status, 2) end
  local found = {}
  for i = 1, #lines do found[i] = prompt.answer(output, i) end
  return found
end

-- On a pipe ------------------------------------------------------------------------------------

--- Runs lines by a prompt on a pipe: what it wrote, its errors, its status.
function prompt.pipe(text, ...)
  local input <close> = support.temporary_file(text)
  return support.execute("env HOME=" .. home .. " "
    .. support.command(support.program, "-s", "1", "-i", ...) .. " <" .. input.path)
end

return prompt
