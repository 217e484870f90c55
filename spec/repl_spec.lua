-- SPDX-License-Identifier: MIT
--- What the prompt does with an input, on a pipe.

local prompt = require "spec.prompt"
local support = require "spec.support"

if prompt.is_missing then
  describe("the prompt on a pipe", function() pending "needs the program: set PIERROT" end)
  return
end

prompt.homes(before_each, after_each)

local pipe = prompt.pipe

describe("the prompt on a pipe", function()
  it("shows results alone, and ends with the input", function()
    local output, errors, status = pipe "1 + 1\nx = 3\nx, self() == self()\n"

    assert.same({ "2\n3, true\n", "", 0 }, { output, errors, status })
  end)

  it("has the functions of pierrot under their bare names", function()
    local output = pipe "pcall(exit, 'bye')\nmatch({ any }, { 1 }), one_of(1) ~= nil\nhalt(3)\n"

    assert.equal('false, exit: "bye"\ntrue, true\ntrue\n', output)
  end)

  it("runs a last line that has no end", function()
    assert.equal("2\n", (pipe "1 + 1"))
  end)

  it("says what is wrong with an input that ends too early", function()
    local output, _, status = pipe "function f(\n"

    assert.is_truthy(output:find("near <eof>", 1, true))
    assert.equal(0, status)
  end)

  it("lets an evaluation read the lines that follow", function()
    assert.equal('"milk"\n2\n', (pipe "io.read()\nmilk\n1 + 1\n"))
  end)

  it("shows an error with a traceback of the functions involved, and keeps the bindings", function()
    local output = pipe(table.concat({
      "local x = 42", "function f() error('no milk') end", "function g() f() return 1 end", "g()",
      "x",
    }, "\n"))

    assert.is_truthy(output:find("** error: prompt:1: no milk", 1, true), output)
    assert.is_truthy(output:find("in function 'g'", 1, true), output)
    assert.is_nil(output:find("pierrot/repl", 1, true))
    assert.is_truthy(output:find "42\n$")
  end)

  it("does its work when names of Lua's are taken for something else", function()
    local output = pipe(table.concat({
      "table, string, type, next, error, debug, io = {}, {}, {}, {}, {}, {}, {}",
      "pcall, tostring, ipairs, select, load, _G, gen_server.call = nil", "local list = { 1 }",
      "list, x", "list.x.y",
    }, "\n"))

    assert.equal("{1}, nil\n** error: prompt:1: attempt to index a nil value (field 'x')\n", output)
  end)

  it("ends with status 1 when its process cannot be replaced", function()
    local output, _, status = pipe(table.concat({
      "local spawn = pierrot.spawn_monitor",
      "function pierrot.spawn_monitor() return spawn(function() pierrot.exit('no milk') end) end",
      "pierrot.exit(self(), 'kill')",
    }, "\n"))

    assert.equal(1, status)
    assert.is_truthy(output:find("the prompt cannot go on: no milk", 1, true), output)
  end)

  it("is ended by SIGINT, as any program", function()
    local output, _, status = pipe "io.popen('kill -INT $PPID'):close() receive('never sent')\n"

    assert.same({ "", 128 + 2 }, { output, status })
  end)

  it("shows an exit, which ends no more than the input", function()
    local output = pipe "me = self()\npierrot.exit('no milk')\nme == self()\n"

    assert.equal('** exit: "no milk"\ntrue\n', output)
  end)
end)

describe("what was declared local", function()
  for title, row in pairs {
    ["lives on"] = { "local x = 1\nx\n", "1\n" },
    ["is no global"] = { "local x = 1\nrawget(_G, 'x')\n", "nil\n" },
    ["is assigned to by later inputs"] = { "local x = 1\nx = x + 1\nx, _G.x\n", "2, nil\n" },
    ["may hide a global"] = { "local print = print\nprint('milk')\n", "milk\n" },
    ["is shared with closures"] = {
      "local n = 0; function inc() n = n + 1 return n end\ninc()\nn\nn = 10\ninc()\n", "1\n1\n11\n",
    },
    ["may be a function that calls itself"] = {
      "local function f(n) return n == 0 and 'done' or f(n - 1) end\nf(3)\n", '"done"\n',
    },
    ["may be several, with attributes"] = { "local a <const>, b = 1, 2\na, b\n", "1, 2\n" },
    ["may have no value"] = { "local a, b\na, b\n", "nil, nil\n" },
    ["counts beside a return"] = { "local a = 1; return a + 1\na\n", "2\n1\n" },
    ["ends with its block"] = { "do local a = 1 end\na\n", "nil\n" },
    ["is not seen in strings and comments"] = {
      "x = 'local a = 1' -- local a = 2\nx .. [[ local a = 3]], a\n",
      '"local a = 1 local a = 3", nil\n',
    },
    ["is the later one of two"] = { "local a = 1 local a = a + 1\na\n", "2\n" },
    ["is closed at the end of its input, when that is asked for"] = {
      "local a <close> = setmetatable({}, { __close = function() print('closed') end })\n1\n",
      "closed\n1\n",
    },
    ["may hide a name of the prompt's"] = { "local flush = 5\nflush\n", "5\n" },
  } do
    it(title, function()
      local output, errors, status = pipe(row[1])

      assert.same({ row[2], "", 0 }, { output, errors, status })
    end)
  end

  it("goes along when a function is carried to another scheduler", function()
    local input <close> = support.temporary_file(table.concat({
      "local text = 'carried'", "local me = self()",
      "_ = spawn_opt({ scheduler = 2 }, function() pierrot.send(me, text) end)", "receive()",
    }, "\n"):gsub("pierrot%.send", "require('pierrot').send"))

    local output = support.execute(support.command(support.program, "-s", "2", "-i") .. " <"
      .. input.path)

    assert.equal('"carried"\n', output)
  end)
end)

describe("what the prompt offers:", function()
  for title, row in pairs {
    ["_ is the last value"] = { "40\n_ + 2\n", "40\n42\n" },
    ["v is the value of a prompt"] = {
      "'a'\n'b'\nv(1), v(-1), v()\n", '"a"\n"b"\n"a", "b", "b"\n',
    },
    ["f wants a name"] = {
      "f()\n", "** error: bad argument #1 to 'f' (name of a binding expected, got nil)\n",
    },
    ["pid reads a pid"] = {
      "pid(tostring(self())) == self()\npid('0.0.0') == self()\n", "true\nfalse\n",
    },
    ["a value is bounded"] = { "#tostring(_G) > 0\n", "true\n" },
    ["a cycle is marked"] = { "t = {}; t.t = t\nt\n", "{t = <cycle>}\n" },
    ["assigned to, a name becomes a binding"] = { "i = 5\ni\n", "5\n" },
  } do
    it(title, function()
      local output, errors, status = pipe(row[1])

      assert.same({ row[2], "", 0 }, { output, errors, status })
    end)
  end

  it("a long value is cut", function()
    local output = pipe "('x'):rep(1000000)\n"

    assert.is_true(#output < 11000)
    assert.is_truthy(output:find("bytes more", 1, true))
  end)

  for title, row in pairs {
    ["h() lists it"] = { "h()", "flush()" },
    ["h(function) shows what its annotations say"] = {
      "h(gen_server.call)", "gen_server.call(server, request, timeout)\n  ",
    },
    ["h(function) shows parameters and results"] = { "h(send)", "\n  -> any msg" },
    ["h(function) shows the comment above one of a file"] = {
      "h(require('spec.documents').read)", "  The text of a file of the project.",
    },
    ["h(function) says so when there is nothing"] = { "h(print)", "nothing is written down" },
    ["h() of its own functions is the overview"] = { "h(flush)", "shows the messages that wait" },
    ["h(module) lists its fields"] = { "h(bucket)", "start_link()" },
    ["h(module) shows what its annotations say"] = { "h(gen_server)", "  Servers: " },
    ["h(name) shows a module by its name"] = { "h 'gen_server'", "  Servers: " },
    ["h(h) lists what the prompt offers"] = { "h(h)", "the prompt's own pid" },
    ["i(socket) tells where it is"] = { "i(tcp.listen(0))", "type: socket\nhere: 127.0.0.1 port " },
    ["i(pid) tells of a process"] = { "i(self())", "mailbox: 0" },
    ["i(value) tells of a value"] = { "i('milk')", "length: 4 bytes" },
    ["regs() lists names"] = { "register('shopping', self()) regs()", '"shopping"' },
    ["tree() says where a function is"] = {
      "_ = spawn(function() receive() end)\ntree(self())", "function at prompt:1, waiting",
    },
    ["tree() shows who started whom"] = { "bucket.start_link() tree(self())", "bucket, waiting" },
    ["bt(pid) shows where a process is"] = {
      "p = spawn(function() receive('never') end) sleep(0) bt(p)", "in function <prompt:1>",
    },
    ["b() lists bindings"] = { "local milk = 3\nb()", "milk = 3" },
    ["f() forgets one"] = { "local milk = 3\nf('milk')\nmilk", "nil" },
    ["r() loads a module again"] = {
      "counter = r'spec.fixtures.counter'\ncounter.init(5)", '"ok", 5',
    },
  } do
    it(title, function()
      local output, errors = pipe(row[1] .. "\n")

      assert.equal("", errors)
      assert.is_truthy(output:find(row[2], 1, true), output)
    end)
  end
end)
