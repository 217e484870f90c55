--- Whether two values are equal, tables by their contents; cycles end where they close.

-- Tables are found alike here, and their contents are looked at later, however deep they lie.
local function seem_same(a, b, waiting, seen)
  if a == b or (a ~= a and b ~= b) then return true end
  if type(a) ~= "table" or type(b) ~= "table" then return false end
  if seen[a] ~= b then
    seen[a] = b
    waiting[#waiting + 1], waiting[#waiting + 2] = a, b
  end
  return true
end

---@param a any
---@param b any
---@return boolean
return function(a, b)
  local waiting, seen = {}, {}
  if not seem_same(a, b, waiting, seen) then return false end
  while #waiting > 0 do
    local right, left = table.remove(waiting), table.remove(waiting)
    for key, value in next, left do
      if not seem_same(value, right[key], waiting, seen) then return false end
    end
    for key in next, right do
      if left[key] == nil then return false end
    end
  end
  return true
end
