--- pierrot new NAME: writes a small project, a supervised server with its tests.

local files = require "pierrot.command.project"

local function fail(text, ...)
  io.stderr:write("pierrot: ", text:format(...), "\n")
  os.exit(1)
end

local function check_name(name, ...)
  if name == nil or select("#", ...) > 0 then
    fail("new wants one name, as in: pierrot new shop")
  elseif not name:find "^%l[%l%d_]*$" then
    fail("%q cannot be the name of a module: small letters, digits and _, a letter first", name)
  elseif name == "pierrot" or name == "spec" or package.loaded[name] then
    fail("%q would hide a module of that name: choose another", name)
  end
end

-- The names are checked: a shell has nothing to misread in them.
local function make_folder(path)
  if not os.execute(("mkdir '%s' 2>/dev/null"):format(path)) then
    fail("cannot make the folder %s: something of that name is there, or this one is read-only",
      path)
  end
end

local function write_file(path, text)
  local file, why = io.open(path, "wb")
  if not file then fail("cannot write %s", why) end
  file:write(text)
  file:close()
  io.stdout:write("  ", path, "\n")
end

--- Writes the project into a new folder of its name.
return function(name, ...)
  check_name(name, ...)
  for _, folder in ipairs { name, name .. "/" .. name, name .. "/spec" } do make_folder(folder) end
  for _, file in ipairs(files) do
    local text = file.text:gsub("NAME", name)
    write_file(name .. "/" .. file.path:gsub("NAME", name), text)
  end
  io.stdout:write(("\nNow: cd %s && pierrot test\n"):format(name))
end
