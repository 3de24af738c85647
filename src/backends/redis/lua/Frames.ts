/**
 * Frames: how plain jobs lie together in an entry of a stream.
 *
 * @since 0.1.0
 */

/**
 * The functions that know the form of a frame, of a mask of its jobs and of a body.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const frames = String.raw`
-- frames ------------------------------------------------------------------------------------------------------------

-- a frame is one entry of a stream and holds jobs of consecutive sequences: how many, the lengths of their bodies, and these
local function frame(bodies, from, to)
  local lengths = {}
  for i = from, to do lengths[#lengths + 1] = #bodies[i] end
  return #lengths .. ';' .. table.concat(lengths, ',') .. ';' .. table.concat(bodies, '', from, to)
end

local function sizeOf(blob) return tonumber(string.match(blob, '^%d+')) end

-- the bodies of a frame
local function bodiesOf(blob)
  local first = string.find(blob, ';', 1, true)
  local second = string.find(blob, ';', first + 1, true)
  local bodies, at = {}, second + 1
  for length in string.gmatch(string.sub(blob, first + 1, second - 1), '%d+') do
    bodies[#bodies + 1] = string.sub(blob, at, at + length - 1)
    at = at + length
  end
  return bodies
end

-- the bodies of a frame, whose content may be known. Jobs of one frame mostly come one after the other, and no two frames of a
-- log have one sequence
local function parsed(name, prio, entry, blob)
  if not F or F.entry ~= entry then
    F = { entry = entry, bodies = bodiesOf(blob or call('XRANGE', stream(name, prio), entry, entry)[1][2][2]) }
  end
  return F.bodies
end

-- which jobs of a frame are meant is said by a mask from some job on: 1 for those that are
local function isIn(mask, at) return at > 0 and string.byte(mask, at) == 49 end

-- a mask without some of its jobs
local function without(mask, other)
  local bytes = { string.byte(mask, 1, -1) }
  for i = 1, math.min(#bytes, #other) do
    if isIn(other, i) then bytes[i] = 48 end
  end
  return string.char(unpack(bytes))
end

local function countIn(mask)
  local _, count = string.gsub(mask, '1', '')
  return count
end

-- the parts of a body: what was asked for beyond the usual, and the job's name
local function asked(body)
  local stop = string.find(body, '\n', 23, true)
  if stop == 23 then return {}, stop end
  return cjson.decode(string.sub(body, 23, stop - 1)), stop
end

-- under what a job's idempotency key is kept, and its window; nothing if it has none
local function keyIn(body, rest, stop)
  if not rest.key then return end
  return string.sub(body, stop + 1, string.find(body, '\n', stop + 1, true)) .. rest.key.value, rest.key.window
end
`
