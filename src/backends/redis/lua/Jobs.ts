/**
 * Jobs, whether each is a record of its own or a part of a frame.
 *
 * @since 0.1.0
 */

/**
 * The functions that find jobs, and that turn a part of a frame into a record once it is more than that.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const jobs = String.raw`
-- jobs --------------------------------------------------------------------------------------------------------------

local function jobKey(seq) return B .. 'j:' .. text(seq) end

local function load(seq)
  local state = call('HGET', jobKey(seq), 'z')
  return state and cmsgpack.unpack(state)
end

local function save(job)
  call('HSET', jobKey(job.n), 'z', cmsgpack.pack(job))
end

local function order(job) return text((job.p + 1000) * 4398046511104 + job.n) end

-- the frame of a plain job: its entry, its content and the job's place in it, from 1
local function frameOf(name, prio, seq)
  local found = call('XREVRANGE', stream(name, prio), text(seq), '-', 'COUNT', 1)[1]
  if not found then return end
  return found[1], found[2][2], seq - split(found[1]) + 1
end

-- a plain job as one that is more, not written; without what its state adds
local function fromFrame(name, prio, entry, at, body)
  local first, enqueued = split(entry)
  local rest, stop = asked(body)
  local most = rest.maxAttempts or 10
  local key, window = keyIn(body, rest, stop)
  return {
    n = first + at - 1, q = name, p = tonumber(prio), i = string.sub(body, 1, 22), s = 'W', v = enqueued, w = enqueued,
    e = enqueued, a = 0, d = 0, g = 1, t = 0, ma = most, md = rest.maxDeliveries or (2 * most + 3), K = key, W = window,
    entry = entry, at = at, body = body
  }
end

-- what is gone stays as long as a claim that granted it may be repeated: by these sessions, with the numbers of the calls
local function depart(q, prio, place, watched)
  call('RPUSH', B .. 'u:' .. q.name, cmsgpack.pack({ prio, place, watched }))
  add(q, 'un', 1)
end

-- all sessions that were granted something, each with its latest call
local function watchers()
  if not L then
    L = {}
    for _, session in ipairs(call('ZRANGE', B .. 'H', 0, -1)) do
      local s = alive(session)
      if s then L[session] = s.k end
    end
  end
  return L
end

-- so many jobs are in the frame no more; it goes once none is
local function lessIn(q, prio, entry, size, count, watched)
  local before = call('HGET', B .. 'n:' .. q.name, entry)
  if before then
    before = cmsgpack.unpack(before)
    count = count + before[1]
    for session, number in pairs(watched) do before[2][session] = math.max(number, before[2][session] or 0) end
    watched = before[2]
  end
  if count < size then call('HSET', B .. 'n:' .. q.name, entry, cmsgpack.pack({ count, watched })) else
    if before then call('HDEL', B .. 'n:' .. q.name, entry) end
    depart(q, prio, entry, watched)
  end
end

-- what the session holds under a token of a frame, or nothing: the field, the jobs' mask and what is before it
local function segment(session, base)
  local value = call('HGET', B .. 't:' .. session, 'S' .. base)
  if not value then return end
  local head, bits = string.match(value, '^(.*:)([01]+)$')
  return head, bits
end

local function keepSegment(session, base, head, bits)
  if string.find(bits, '1', 1, true) then call('HSET', B .. 't:' .. session, 'S' .. base, head .. bits)
  else call('HDEL', B .. 't:' .. session, 'S' .. base) end
end

-- who holds a plain job: looked for among all that is held, once for all that are asked for
local function holder(name, prio, entry, at)
  if not H then
    H = {}
    for _, session in ipairs(call('ZRANGE', B .. 'S', 0, -1)) do
      local found = call('HGETALL', B .. 't:' .. session)
      for i = 1, #found, 2 do
        if string.byte(found[i]) == 83 then
          local where, from, bits = string.match(found[i + 1], '^(.*):(%d+):([01]+)$')
          H[where] = H[where] or {}
          table.insert(H[where], { session, string.sub(found[i], 2), tonumber(from), bits })
        end
      end
    end
  end
  for _, one in ipairs(H[queue(name).no .. ':' .. prio .. ':' .. entry] or {}) do
    if at >= one[3] and isIn(one[4], at - one[3] + 1) then return one[1], one[2] + at - one[3], one[2], one[3] end
  end
end

local function held(job) return 'F' .. queue(job.q).no .. ':' .. text(job.n) end

-- up to where claims have passed the plain jobs of a priority: an entry, and the place in it that is next, if there is one
local function cursorOf(q, prio)
  local field = 'c' .. prio
  if not q[field] then q[field] = call('HGET', B .. 'q:' .. q.name, field) or '' end
  return q[field]
end

local function moveCursor(q, prio, cursor)
  q['c' .. prio] = cursor
  q.changed['c' .. prio] = true
end

-- whether a job of a frame was passed by claims
local function granted(name, prio, entry, at)
  local upTo, next = string.match(cursorOf(queue(name), prio), '^([%d%-]+):?(%d*)$')
  if not upTo then return false end
  if upTo == entry then return next == '' or at < tonumber(next) end
  return (split(entry)) < (split(upTo))
end

-- when a plain job was completed; it is kept by frame, in parts: the instant, from which job on, and their mask
local function doneAt(name, entry, at)
  local parts = call('HGET', B .. 'd:' .. name, entry)
  if not parts then return end
  for instant, from, mask in string.gmatch(parts, '(%d+):(%d+):([01]+)') do
    if isIn(mask, at - from + 1) then return tonumber(instant) end
  end
end

-- a plain job as it is, not written; nothing if its record is gone
local function peek(name, prio, entry, at, body)
  local job = fromFrame(name, prio, entry, at, body)
  local finish_ = doneAt(name, entry, at)
  if finish_ then
    job.s, job.a, job.d, job.f = 'C', 1, 1, finish_
    if queue(name).rs > 0 then job.r = call('HGET', B .. 'v:' .. name, text(job.n)) or nil end
  elseif granted(name, prio, entry, at) then
    job.s, job.d = 'L', 1
    job.h, job.t, job.base, job.from = holder(name, prio, entry, at)
    -- it is more than a part of its frame by now, or its record is gone
    if not job.h then return end
  elseif queue(name).ho > 0 then
    local holes = call('HGET', B .. 'hl:' .. name, entry)
    if holes and isIn(holes, at) then return end
  end
  return job
end

-- any job by id, as it is; a plain one knows its frame, its place and its body
local function find(id)
  local seq, name, prio = placed(id)
  if not seq then return end
  local job = load(seq)
  if job then return job end
  local entry, blob, at = frameOf(name, prio, seq)
  job = entry and peek(name, prio, entry, at, parsed(name, prio, entry, blob)[at])
  if not job then error('leasehold: job ' .. text(seq) .. ' of ' .. name .. ' is lost') end
  job.size = sizeOf(blob)
  return job
end

-- a job that was found, to be changed: its state is the caller's to save, and its place in line
local function own(job)
  if not job.entry then return job end
  local q = queue(job.q)
  local prio = text(job.p)
  local seq = text(job.n)
  call('HSET', jobKey(job.n), 'b', job.body)
  call('ZADD', B .. 'a:' .. job.q, seq, seq)
  if job.s == 'L' then
    local head, bits = segment(job.h, job.base)
    keepSegment(job.h, job.base, head, without(bits, string.rep('0', job.at - job.from) .. '1'))
    call('HSET', B .. 't:' .. job.h, text(job.t), held(job))
  else
    -- claims pass over it
    local holes = call('HGET', B .. 'hl:' .. job.q, job.entry)
    if not holes then add(q, 'ho', 1) end
    holes = holes or string.rep('0', job.size)
    call('HSET', B .. 'hl:' .. job.q, job.entry, string.sub(holes, 1, job.at - 1) .. '1' .. string.sub(holes, job.at + 1))
  end
  local entry, size = job.entry, job.size
  job.entry, job.at, job.body, job.size, job.base, job.from = nil, nil, nil, nil, nil, nil
  if job.h then
    local s = alive(job.h)
    job.o = s and { [job.h] = s.k }
  end
  lessIn(q, prio, entry, size, 1, job.o or {})
  return job
end
`
