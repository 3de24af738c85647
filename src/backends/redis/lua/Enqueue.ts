/**
 * Enqueueing, also of follow-up jobs.
 *
 * @since 0.1.0
 */

/**
 * Words of a call: the number of queues, their names, then specification and body of each job. The specification is
 * `<queue's place>` or `<queue's place>:<priority>` of a plain job, and JSON of another, or of a plain one with an
 * idempotency key.
 *
 * Answers `{0, exceptions}`, where an exception is the number of the job, what it was answered and what belongs to that, or
 * `{1, queue, waiting, most}` where a queue is full.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const enqueue = String.raw`
-- enqueue -----------------------------------------------------------------------------------------------------------

-- a job that exists, for who sends its id again: its queue and what was asked for first
local function knownRequest(seq, name, prio)
  local found = call('HMGET', jobKey(seq), 'B', 'b', 'z')
  if found[3] then return found[1] or found[2] end
  local _, blob, at = frameOf(name, prio, seq)
  return bodiesOf(blob)[at]
end

local function duplicate(id, how)
  local job = find(id)
  if not job then return { 'gone', id, how } end
  return { 'duplicate', id, statusOf(job), job.r or call('HGET', jobKey(job.n), 'r') }
end

-- what was asked for, as a job
local function newJob(q, spec, body)
  local rest = asked(body)
  local most = rest.maxAttempts or 10
  return {
    q = q.name, p = spec.p or 0, i = string.sub(body, 1, 22), s = 'W', v = spec.at or (N + (spec.delay or 0)), w = N, e = N,
    a = 0, d = 0, g = 1, t = 0, ma = most, md = rest.maxDeliveries or (2 * most + 3), dl = spec.deadline, G = spec.group,
    K = spec.key, W = spec.window
  }
end

local function insert(q, job, body, seq)
  job.n = seq
  call('HSET', bucket(job.i), string.sub(job.i, 1, 19), text(seq) .. ':' .. q.no .. (job.p == 0 and '' or ':' .. job.p))
  call('HSET', jobKey(seq), 'b', body)
  call('ZADD', B .. 'a:' .. q.name, seq, seq)
  save(job)
  add(q, 'w', 1)
  join(q, job)
  follow(q, job)
end

local function replace(q, job, spec, body)
  own(job)
  leave(q, job)
  local first = call('HMGET', jobKey(job.n), 'B', 'b')
  local new = newJob(q, spec, body)
  call('HSET', jobKey(job.n), 'B', first[1] or first[2], 'b', body)
  new.n, new.i, new.e, new.w, new.g = job.n, job.i, job.e, job.w, job.g + 1
  save(new)
  join(q, new)
end

-- one job; answers an exception, or nothing once it is inserted
local function enqueueOne(q, spec, body, nextSeq)
  local id = string.sub(body, 1, 22)
  local seq, name, prio = placed(id)
  if seq then return { 'known', name, knownRequest(seq, name, text(prio)) } end
  local job = newJob(q, spec, body)
  if job.K then
    local by, _, how = keyOf(q, job.K)
    if by then
      local other = spec.replace and find(by)
      if not other then return duplicate(by, how) end
      local current = other.body or call('HGET', jobKey(other.n), 'b')
      -- this very request has replaced the job before
      if string.sub(current, 1, 22) == id then return { 'replacedBefore', by, current } end
      if other.s ~= 'W' or other.t > 0 then return duplicate(by, how) end
      replace(q, other, spec, body)
      return { 'replaced', by }
    end
  end
  insert(q, job, body, nextSeq())
end

local function specOf(queues, given)
  if string.byte(given) == 123 then
    local spec = cjson.decode(given)
    return queues[spec.q], spec
  end
  local at, prio = string.match(given, '^(%d+):?(%-?%d*)$')
  return queues[tonumber(at)], { p = prio == '' and 0 or tonumber(prio), plain = true }
end

-- the jobs that the call would add to queues with a bound
local function fullQueue(queues, words, from)
  local bound = false
  for _, name in ipairs(queues) do bound = bound or queue(name).mb end
  if not bound then return end
  local added, ids, keys = {}, {}, {}
  for i = from, #words, 2 do
    local name, spec = specOf(queues, words[i])
    local q = queue(name)
    local id = string.sub(words[i + 1], 1, 22)
    if q.mb and not ids[id] and not place(id) then
      local field = spec.key and name .. '\n' .. spec.key
      if not (field and (keys[field] or keyOf(q, spec.key))) then
        if field then keys[field] = true end
        ids[id] = true
        added[name] = (added[name] or 0) + 1
        if q.w + added[name] > q.mb then return q end
      end
    end
  end
end

-- what a job may have besides and still be a part of a frame
local function isPlain(spec)
  return spec.plain or not (spec.at or spec.delay or spec.deadline or spec.group)
end

-- jobs and bytes that a frame holds at most, but for one job that is greater
local frameJobs, frameBytes = 64, 16384

-- jobs from a place among the words on; exceptions by number
local function enqueueAll(queues, words, from, to)
  local exceptions = {}
  local count = (to - from + 1) / 2
  -- sequences are drawn all at once; what is not used is left out
  local seq = call('HINCRBY', B .. 'm', 'seq', count) - count + 1
  local function nextSeq()
    seq = seq + 1
    return seq - 1
  end
  local lanes, byStream = {}, {}
  -- the frame that is being filled, and the keys that its jobs hold from now on, each with who holds it
  local lane, bodies, bytes, first
  local heldKeys, isHeld = {}, {}
  local function close()
    if not lane then return end
    local entry, q = text(first) .. '-' .. N, lane.q
    call('XADD', lane.stream, entry, 'b', frame(bodies, 1, #bodies))
    lane.count = (lane.count or 0) + #bodies
    if #heldKeys > 0 then
      call('HSET', B .. 'k:' .. q.name, unpack(heldKeys))
      call('HSET', B .. 'kf:' .. q.name, entry, 1)
      add(q, 'ky', 1)
      heldKeys, isHeld = {}, {}
    end
    lane = nil
  end
  local function laneOf(q, prio)
    local key = stream(q.name, text(prio))
    if not byStream[key] then
      byStream[key] = { q = q, prio = prio, stream = key, suffix = ':' .. q.no .. (prio == 0 and '' or ':' .. prio) }
    end
    return byStream[key]
  end
  -- whether somebody holds a key that a job asks for; if not, the job does once its frame is closed
  local function isTaken(q, field)
    if isHeld[field] then return true end
    local held_, id = keptFor(q, field)
    if id and not held_ then call('ZREM', B .. 'kx', q.no .. ' ' .. field) end
    return held_
  end
  for i = from, to, 2 do
    local given, body = words[i], words[i + 1]
    local to_ = lanes[given]
    if not to_ then
      local name, spec = specOf(queues, given)
      to_ = { q = existing(name), spec = spec, lane = isPlain(spec) and laneOf(existing(name), spec.p or 0) }
      if spec.plain then lanes[given] = to_ end
    end
    local exception
    local into = to_.lane
    if into then
      if call('HSETNX', B .. 'i:' .. string.sub(body, 20, 22), string.sub(body, 1, 19), seq .. into.suffix) == 1 then
        if lane ~= into or #bodies == frameJobs or bytes + #body > frameBytes then
          close()
          lane, bodies, bytes, first = into, {}, 0, seq
        end
        local field = to_.spec.key
        if field and isTaken(to_.q, field) then
          forgetId(string.sub(body, 1, 22))
          if #bodies == 0 then lane = nil end
          close()
          exception = enqueueOne(to_.q, to_.spec, body, nextSeq)
        else
          if field then
            isHeld[field] = true
            heldKeys[#heldKeys + 1] = field
            heldKeys[#heldKeys + 1] = string.sub(body, 1, 22) .. ' - -'
          end
          bodies[#bodies + 1] = body
          bytes = bytes + #body
          seq = seq + 1
        end
      else
        close()
        local known, name, prio = placed(string.sub(body, 1, 22))
        exception = { 'known', name, knownRequest(known, name, text(prio)) }
      end
    else
      close()
      exception = enqueueOne(to_.q, to_.spec, body, nextSeq)
    end
    if exception then
      table.insert(exception, 1, (i - from) / 2 + 1)
      exceptions[#exceptions + 1] = exception
    end
  end
  close()
  for _, one in pairs(byStream) do
    if one.count then
      local name = one.q.name
      add(one.q, 'w', one.count)
      tell(one.q)
      call('ZADD', B .. 'p:' .. name, one.prio, one.prio)
      -- of the usual priority it is known with the queue
      if one.prio ~= 0 or one.q.s0 == 0 then call('SADD', B .. 'sp:' .. name, one.prio) end
      if one.prio == 0 and one.q.s0 == 0 then add(one.q, 's0', 1) end
    end
  end
  return exceptions
end

local function enqueue(keys, words)
  begin(keys)
  local queues = {}
  local count = tonumber(words[1])
  for i = 1, count do queues[i] = words[i + 1] end
  local full = fullQueue(queues, words, count + 2)
  if full then return { 1, full.name, full.w, full.mb } end
  local exceptions = enqueueAll(queues, words, count + 2, #words)
  finish()
  return { 0, exceptions }
end
`
