--- Runs a function to its end without another process of the scheduler in between: for the few
--- tables that processes share. Where Lua cannot yield, as in a callback of gsub, nobody is
--- preempted or ended; so the function cannot wait either, and is to be short.
---@param fn function
return function(fn)
  string.gsub("x", "x", function() fn() end)
end
