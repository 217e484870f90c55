--- The prompt. See docs/repl.md.

local session = require "pierrot.repl.session"

return { run = session.run }
