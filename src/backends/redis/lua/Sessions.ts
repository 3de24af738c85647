/**
 * Sessions: open, renew, close, reclaim, and the answers that numbered calls get again.
 *
 * @since 0.1.0
 */

/**
 * Verdicts of a numbered call: 0 it is new, 1 the session is dead, 2 answered before, 3 too old, 4 a call of another
 * operation.
 *
 * An answer begins with a letter: `r`, `c`, `s` of a renewal, a claim, a settlement; `l` of a claim that waited until
 * later calls were answered, and `L<call>` names those that were answered while that one was the latest; `p` is none yet, of
 * a claim that waits: how many jobs it asks for, the queue's number and the channel on which its answer is awaited.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const sessions = String.raw`
-- sessions ----------------------------------------------------------------------------------------------------------

-- the verdict on a numbered call, and its earlier answer
local function recall(session, number, operation)
  local s = alive(session)
  if not s then return nil, { 1 } end
  local answer = call('HGET', B .. 'c:' .. session, number)
  if not answer then
    if tonumber(number) <= s.k - keptAnswers then return nil, { 3 } end
    return s
  end
  local of = string.sub(answer, 1, 1)
  if of == 'p' then
    -- a claim that waits is as good as new
    if operation ~= 'c' then return nil, { 4, 'c' } end
    s.open = answer
    return s
  end
  if of == 'l' then of = 'c' end
  if of ~= operation then return nil, { 4, of } end
  return nil, nil, string.sub(answer, 2)
end

-- of calls that are old, in a session whose claims may wait: those that still do stay open, and an answer that came late
-- stays as long as that of the call which was the latest then
local function reallyOld(s, old)
  local going = {}
  for _, past in ipairs(old) do
    local found = call('HMGET', B .. 'c:' .. s.id, past, 'L' .. past)
    local letter = found[1] and string.sub(found[1], 1, 1)
    if letter ~= 'p' and letter ~= 'l' then going[#going + 1] = past end
    if found[2] then
      going[#going + 1] = 'L' .. past
      for late in string.gmatch(found[2], '%d+') do going[#going + 1] = late end
    end
  end
  return going
end

-- lets go of the answers that are old, now that the latest call has this number
local function letGo(s, n)
  local old = {}
  if n - s.k <= keptAnswers then
    for past = math.max(1, s.k - keptAnswers + 1), n - keptAnswers do old[#old + 1] = text(past) end
  else
    for _, field in ipairs(call('HKEYS', B .. 'c:' .. s.id)) do
      local past = tonumber((string.match(field, '%d+')))
      if past <= n - keptAnswers then old[#old + 1] = text(past) end
    end
  end
  if s.op then old = reallyOld(s, old) end
  if #old > 0 then call('HDEL', B .. 'c:' .. s.id, unpack(old)) end
end

local function remember(s, number, operation, answer)
  local n = tonumber(number)
  if s.open then
    call('HINCRBY', B .. 'h:' .. s.id, 'op', -1)
    if n < s.k then
      local field = 'L' .. text(s.k)
      local late = call('HGET', B .. 'c:' .. s.id, field)
      call('HSET', B .. 'c:' .. s.id, number, 'l' .. answer, field, late and late .. ' ' .. number or number)
      return
    end
  end
  call('HSET', B .. 'c:' .. s.id, number, operation .. answer)
  if n > s.k then
    letGo(s, n)
    call('HSET', B .. 'h:' .. s.id, 'k', number)
  end
end

-- a claim waits in the queue's line no longer
local function standDown(q, session, number)
  if call('ZREM', B .. 'pk:' .. q.name, session .. ' ' .. number) == 1 then add(q, 'pk', -1) end
end

local function open(keys, words)
  begin(keys)
  local session = text(call('HINCRBY', B .. 'm', 'ses', 1)) .. '-' .. words[3]
  local lease = tonumber(words[1])
  call('HSET', B .. 'h:' .. session, 'e', text(N + lease), 'l', words[1], 'o', words[2])
  call('ZADD', B .. 'S', N + lease, session)
  return { session, N }
end

-- the job of a part of a frame that the session holds, to be changed
local function ownPlain(session, base, head, offset)
  local no, prio, entry, from = string.match(head, '^(%d+):(%-?%d+):([%d%-]+):(%d+):$')
  local name = nameOf(no)
  local bodies = parsed(name, prio, entry)
  local at = tonumber(from) + offset
  local job = fromFrame(name, prio, entry, at, bodies[at])
  job.s, job.d, job.h, job.t = 'L', 1, session, tonumber(base) + offset
  job.base, job.from, job.size = base, tonumber(from), #bodies
  return queue(name), own(job)
end

-- a job that the session holds by its own token
local function heldJob(session, token)
  local value = call('HGET', B .. 't:' .. session, token)
  if not value then return end
  local job = load(tonumber((string.match(value, ':(%d+)$'))))
  return queue(job.q), job
end

-- a job that the session holds, to be changed: by a token, wherever that is
local function ownHeld(session, token)
  local q, job = heldJob(session, token)
  if q then return q, job end
  if not P then
    P = {}
    for _, field in ipairs(call('HKEYS', B .. 't:' .. session)) do
      if string.byte(field) == 83 then P[#P + 1] = tonumber(string.sub(field, 2)) end
    end
    table.sort(P)
  end
  -- the last one that is not after it
  local wanted, low, high = tonumber(token), 1, #P
  while low < high do
    local middle = math.ceil((low + high) / 2)
    if P[middle] <= wanted then low = middle else high = middle - 1 end
  end
  local offset = P[low] and wanted - P[low] or -1
  if offset < 0 then return end
  local base = text(P[low])
  local head, bits = segment(session, base)
  if head and isIn(bits, offset + 1) then return ownPlain(session, base, head, offset) end
end

-- words: session, number, how many started, their tokens, then token and value of each progress
local function renew(keys, words)
  begin(keys)
  local session, number = words[1], words[2]
  local s, refusal, answer = recall(session, number, 'r')
  if refusal then return refusal end
  if answer then return { 0, cmsgpack.unpack(answer) } end
  local expires = N + s.l
  call('HSET', B .. 'h:' .. session, 'e', text(expires))
  call('ZADD', B .. 'S', expires, session)
  call('ZADD', B .. 'H', 'XX', expires, session)
  local lost, isLost = {}, {}
  local function lose(token)
    if not isLost[token] then
      isLost[token] = true
      lost[#lost + 1] = token
    end
  end
  local started = tonumber(words[3])
  for i = 4, 3 + started do
    local q, job = ownHeld(session, words[i])
    if not q then lose(words[i]) else
      if job.s == 'L' and not job.u then
        job.u = true
        save(job)
      end
    end
  end
  for i = 4 + started, #words, 2 do
    local q, job = ownHeld(session, words[i])
    if not q then lose(words[i]) else
      if job.s == 'L' then
        save(job)
        call('HSET', jobKey(job.n), 'o', words[i + 1])
      end
    end
  end
  local paused = {}
  local stopped = call('SMEMBERS', B .. 'P')
  if #stopped > 0 then
    local held = {}
    for _, value in ipairs(call('HVALS', B .. 't:' .. session)) do held[string.match(value, '^F?(%d+)')] = true end
    for _, name in ipairs(stopped) do
      if held[tostring(queue(name).no)] then paused[#paused + 1] = name end
    end
  end
  local reply = { N, expires, lost, call('SMEMBERS', B .. 'z:' .. session), paused }
  remember(s, number, 'r', cmsgpack.pack(reply))
  finish()
  return { 0, reply }
end

local function forget(session)
  if tonumber(call('HGET', B .. 'h:' .. session, 'op') or 0) > 0 then
    local answers = call('HGETALL', B .. 'c:' .. session)
    for i = 1, #answers, 2 do
      local no = string.match(answers[i + 1], '^p%d+ (%d+) ')
      if no then standDown(queue(nameOf(no)), session, answers[i]) end
    end
  end
  call('ZREM', B .. 'S', session)
  call('ZREM', B .. 'H', session)
  call('DEL', B .. 'h:' .. session, B .. 'c:' .. session, B .. 't:' .. session, B .. 'z:' .. session)
end

-- goes through what a dead session holds, at most so many; answers how many, and whether that was all
local function eachHeld(session, most, act)
  local cursor, done = '0', 0
  repeat
    local found = call('HSCAN', B .. 't:' .. session, cursor, 'COUNT', 100)
    cursor = found[1]
    for i = 1, #found[2], 2 do
      local field = found[2][i]
      if string.byte(field) == 83 then
        local base = string.sub(field, 2)
        local head, bits = segment(session, base)
        for offset = 0, bits and #bits - 1 or -1 do
          if isIn(bits, offset + 1) then
            if done == most then return done, false end
            act(ownPlain(session, base, head, offset))
            done = done + 1
          end
        end
      else
        if done == most then return done, false end
        -- a job may be told twice
        local q, job = heldJob(session, field)
        if q then
          act(q, job)
          done = done + 1
        end
      end
    end
  until cursor == '0'
  return done, true
end

-- ends a session, at most so many jobs at once; answers 1 while there are more
local function close(keys, words)
  begin(keys)
  local session = words[1]
  local found = call('HMGET', B .. 'h:' .. session, 'e', 'x')
  -- gone, or another takes back what it holds
  if not found[1] or (found[1] == '0' and not found[2]) then return 0 end
  -- dead from now on; whoever reclaims goes on with it if this is not called again
  call('HSET', B .. 'h:' .. session, 'e', '0', 'x', 1)
  call('ZADD', B .. 'S', 0, session)
  local _, all = eachHeld(session, tonumber(words[2]), function(q, job) giveBack(q, job, 0) end)
  if all then forget(session) end
  finish()
  return all and 0 or 1
end

-- the earliest end of a lease under which jobs are held, by others than this session. A session that holds nothing stays,
-- at the end, as its claims may still be repeated
local function nextExpiry(except)
  local from = 0
  while true do
    local found = call('ZRANGE', B .. 'H', from, from, 'WITHSCORES')
    if not found[1] or found[2] == 'inf' then return end
    if call('EXISTS', B .. 't:' .. found[1]) == 0 then call('ZADD', B .. 'H', 'XX', '+inf', found[1])
    elseif found[1] ~= except then return tonumber(found[2])
    else from = 1 end
  end
end

-- takes back what expired sessions hold: at most so many jobs; answers also whether there may be more
local function takeBack(most)
  local taken, dead = 0, 0
  local over = call('ZRANGEBYSCORE', B .. 'S', '-inf', N, 'LIMIT', 0, 64)
  for _, session in ipairs(over) do
    -- one that was closed gives back, it was not taken from
    local closed = call('HGET', B .. 'h:' .. session, 'x')
    call('HSET', B .. 'h:' .. session, 'e', '0')
    local done, all = eachHeld(session, most - taken, function(q, job)
      if closed then giveBack(q, job, 0) else reclaimed(q, job) end
      if job.s == 'D' then dead = dead + 1 end
    end)
    taken = taken + done
    if not all then return taken, dead, true end
    forget(session)
  end
  return taken, dead, #over == 64
end

local function earlier(a, b)
  if a and b then return math.min(a, b) end
  return a or b
end

local function first(zset)
  return tonumber(call('ZRANGE', zset, 0, 0, 'WITHSCORES')[2])
end

-- queues that one call looks at, at most
local mostQueues = 500

-- the next queues after a number, each with its own
local function queuesFrom(after)
  local numbers = {}
  local last = math.min(after + mostQueues, tonumber(call('HGET', B .. 'm', 'qno') or 0))
  for no = after + 1, last do numbers[#numbers + 1] = no end
  local found, i = #numbers > 0 and call('HMGET', B .. 'qn', unpack(numbers)) or {}, 0
  return function()
    i = i + 1
    if found[i] then return numbers[i], found[i] end
  end
end

local function reclaim(keys, words)
  begin(keys)
  local most = math.min(1000, tonumber(words[1]))
  local taken, dead, more = takeBack(most)
  local over = 0
  if taken < most then
    over = expire(most - taken)
    if over == most - taken then more = true end
  end
  if sweepKeys(1000) then more = true end
  local nextAt = earlier(nextExpiry(), first(B .. 'x'))
  if nextAt and nextAt <= N then more = true end
  -- queues in turn: where the call before stopped, if it did not come to the end, and the next instant until there
  local pass = call('HMGET', B .. 'm', 'qno', 'rq', 'rt')
  local count, at = tonumber(pass[1] or 0), tonumber(pass[2] or 0)
  nextAt = earlier(nextAt, tonumber(pass[3]))
  local left = 1000
  for no, name in queuesFrom(at) do
    local q = queue(name)
    local rest, took = retain(q, left)
    nextAt = earlier(nextAt, first(B .. 'y:' .. name))
    left = left - took
    at = rest and no - 1 or no
    if left <= 0 then break end
  end
  if at < count then
    more = true
    call('HSET', B .. 'm', 'rq', at)
    if nextAt then call('HSET', B .. 'm', 'rt', text(nextAt)) end
  elseif pass[2] then call('HDEL', B .. 'm', 'rq', 'rt') end
  finish()
  return { taken, dead + over, more and 1 or 0, nextAt or false }
end
`
