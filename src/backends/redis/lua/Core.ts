/**
 * What every function on the server has in common: where things are kept, the queues' counters, and the jobs.
 *
 * Keys, each after the log's `{name}:`
 *
 * - `m` counters of the log, and where the latest reclaim stopped, `qn` the queues' names by number
 * - `q:<queue>` a queue's counters and policy, `P` the names of paused queues
 * - `s:<priority>:<queue>` the stream of plain jobs, in frames of up to 64: an entry `<first sequence>-<enqueued at>` holds
 *   jobs of consecutive sequences; `p:<queue>` the priorities with jobs that nobody was granted yet, `sp:<queue>` all that ever had one
 * - `i:<bucket>` ids to `<sequence>:<queue's number>[:<priority>]`
 * - by frame: `d:<queue>` which jobs were completed and when, `n:<queue>` how many are not in it any more and which claims had them,
 *   `hl:<queue>` which of those were waiting; `v:<queue>` results by sequence
 * - `f:<queue>` finished jobs in the order they ended; `u:<queue>` what is kept although its record is gone, while a claim
 *   that granted it may still be repeated
 * - `j:<sequence>` a job that is more than an entry: its state, its body, its result and progress
 * - `r:<queue>` such jobs that may be granted, `y:<queue>` that are not visible yet, `o:<queue>` all that wait, by the
 *   instant since when, `a:<queue>` all by sequence, `e:<queue>` dead letters by sequence, `x` deadlines of waiting jobs
 * - `gm:<queue's number>:<group>` waiting members of a group, `gf:<queue>` its jobs in flight, `gh:<queue>` the member in line
 * - `k:<queue>` idempotency keys, `kx` when they become free
 * - `pk:<queue>` claims that wait in the queue, in the order in which they began to
 * - `S` sessions by expiry, `H` those that were granted something, last those that hold nothing now, `h:<session>` a session,
 *   `c:<session>` its answers, `t:<session>` what it holds by token, of a frame by the first token, `z:<session>` tokens of
 *   cancelled jobs that it holds
 * - `w` ids of jobs that somebody waits for
 *
 * @since 0.1.0
 */

/**
 * The first part of the library. `$clock` is an expression for the time in milliseconds.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const core = String.raw`
-- given when a function is called: while the library is loaded there is nothing
local call, floor
-- what keys begin with, the time, and the queues that the call has met, by name
local B, N, Q
-- found once in a call, when it is needed: whether anybody waits for a job, who holds which part of a frame, the sessions
-- whose claims may be repeated, queues' names by number, the frame that was parsed last, and the first tokens of what a
-- session holds of frames
local W, H, L, names, F, P

local function clock()
  $clock
end

local function begin(keys)
  call, floor = redis.call, math.floor
  B = string.sub(keys[1], 1, -2)
  N = clock()
  Q = {}
  W, H, L, F, P = nil, nil, nil, nil, nil
  names = {}
end

local function text(number)
  return string.format('%.0f', number)
end

-- queues ------------------------------------------------------------------------------------------------------------

local fields = {
  'no', 'pz', 'gc', 'gr', 'mb', 'rc', 'rn', 'fn', 'fa', 'un', 'ho', 'rs', 'w', 'l', 'C', 'D', 'X', 'cf', 'pk', 'ps', 's0', 'gp', 'c0'
}

local function queue(name)
  local q = Q[name]
  if q then return q end
  local v = call('HMGET', B .. 'q:' .. name, unpack(fields))
  q = { name = name, changed = {} }
  q.no = v[1] and tonumber(v[1]) or nil
  q.pz = v[2] == '1'
  q.gc = tonumber(v[3] or 1)
  q.aside = v[4] == '1'
  q.mb = v[5] and tonumber(v[5]) or nil
  q.rc = tonumber(v[6] or 3600000)
  q.rn = tonumber(v[7] or 10000)
  for i = 8, 17 do q[fields[i]] = tonumber(v[i] or 0) end
  q.cf = v[18] == '1'
  for i = 19, 22 do q[fields[i]] = tonumber(v[i] or 0) end
  q.c0 = v[23] or ''
  Q[name] = q
  return q
end

-- a queue that a writer names exists from then on
local function existing(name)
  local q = queue(name)
  if not q.no then
    q.no = call('HINCRBY', B .. 'm', 'qno', 1)
    call('HSET', B .. 'q:' .. name, 'no', q.no)
    call('HSET', B .. 'qn', q.no, name)
  end
  return q
end

local function nameOf(no)
  local known = names[no]
  if not known then
    known = call('HGET', B .. 'qn', no)
    names[no] = known
  end
  return known
end

local function add(q, field, n)
  q[field] = q[field] + n
  q.changed[field] = true
end

-- answers of a session's latest calls that are kept
local keptAnswers = 64

-- a live session, or nothing
local function alive(session)
  local found = call('HMGET', B .. 'h:' .. session, 'e', 'l', 'k', 'op')
  local e = tonumber(found[1])
  if not e or e <= N then
    -- once it was found dead it stays so, even if the clock goes back
    if e and e > 0 then
      call('HSET', B .. 'h:' .. session, 'e', '-1')
      call('ZADD', B .. 'S', 0, session)
    end
    return
  end
  return {
    id = session, e = e, l = tonumber(found[2]), k = tonumber(found[3] or 0), op = found[4] and tonumber(found[4]) or nil
  }
end

-- ids ---------------------------------------------------------------------------------------------------------------

-- an id is 22 characters, of which the last three name the small hash it is in
local function bucket(id) return B .. 'i:' .. string.sub(id, 20) end
local function place(id) return call('HGET', bucket(id), string.sub(id, 1, 19)) end
local function placed(id)
  local found = place(id)
  if not found then return end
  local seq, no, prio = string.match(found, '^(%d+):(%d+):?(%-?%d*)$')
  return tonumber(seq), nameOf(no), prio == '' and 0 or tonumber(prio)
end
local function forgetId(id) call('HDEL', bucket(id), string.sub(id, 1, 19)) end

local function stream(name, prio) return B .. 's:' .. prio .. ':' .. name end
local function split(entry)
  local seq, at = string.match(entry, '^(%d+)%-(%d+)$')
  return tonumber(seq), tonumber(at)
end

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
  local rest = asked(body)
  local most = rest.maxAttempts or 10
  return {
    n = first + at - 1, q = name, p = tonumber(prio), i = string.sub(body, 1, 22), s = 'W', v = enqueued, w = enqueued,
    e = enqueued, a = 0, d = 0, g = 1, t = 0, ma = most, md = rest.maxDeliveries or (2 * most + 3), entry = entry, at = at,
    body = body
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
