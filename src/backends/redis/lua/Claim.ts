/**
 * Claiming, also by claims that wait until there is something.
 *
 * @since 0.1.0
 */

/**
 * Words: session, number of the call, queue, most grants, and what to do if there is nothing: an empty word to answer so;
 * `-` to leave the call open, so that it may be sent again; the name of a channel to let it wait in the queue's line too, for
 * its answer to be published there.
 *
 * Answers `{0, now, next instant or nil, queue's number, segments, again, open}`. `again`: there was too much else to do to
 * be sure that nothing is claimable; `open`: there is nothing, and the call is left open. What is published is `g <session>
 * <number> <the answer as JSON>`, or `h <session> <number>` where that is too much: the answer is there to be asked for.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const claim = String.raw`
-- claim -------------------------------------------------------------------------------------------------------------

-- claims of a session that wait at the same time; claims that are served in one call of a function, claims that are
-- passed over, and jobs that are granted to them; bytes of jobs that are published with an answer
local mostOpen, mostServed, mostPassed, mostGranted, mostBytes = 1024, 16, 64, 1000, 65536

-- leaves a claim open; answers whether it may be
local function park(s, q, number, most, channel)
  local n, count = tonumber(number), s.op or 0
  if not s.open and count >= mostOpen then return false end
  local waits = 'p' .. most .. ' ' .. q.no .. ' ' .. channel
  if s.open ~= waits then call('HSET', B .. 'c:' .. s.id, number, waits) end
  if not s.open then
    if n > s.k then letGo(s, n) end
    call('HSET', B .. 'h:' .. s.id, 'op', count + 1, 'k', text(math.max(n, s.k)))
  end
  if channel == '-' then
    if s.open then standDown(q, s.id, number) end
  elseif call('ZADD', B .. 'pk:' .. q.name, 'NX', q.ps, s.id .. ' ' .. number) == 1 then
    add(q, 'pk', 1)
    add(q, 'ps', 1)
  end
  return true
end

-- whether somebody listens, so that nothing is granted to a process that is gone, or cut off; believed where it cannot be asked
local function listens(channel)
  local found = redis.pcall('PUBSUB', 'NUMSUB', B .. 'news:' .. channel)
  return found.err ~= nil or found[2] > 0
end

-- tells a claim that waits its answer
local function announce(q, session, number, channel, segments)
  local call_, bytes = session .. ' ' .. number, 0
  for _, one in ipairs(segments) do
    if one[1] == 'P' then bytes = bytes + #one[7] else
      bytes = bytes + #one[4]
      -- JSON has fewer digits than an instant may have
      one[12] = one[12] and text(one[12]) or cjson.null
    end
  end
  local message = bytes > mostBytes and 'h ' .. call_ or
    'g ' .. call_ .. ' ' .. cjson.encode({ 0, N, cjson.null, q.no, segments, 0, 0 })
  local told = redis.pcall('PUBLISH', B .. 'news:' .. channel, message)
  -- this user may not, but perhaps tell all
  if type(told) == 'table' then publish('h ' .. call_) end
end

-- grants what there is to the claims that have waited longest. As soon as one gets less than it asks for nothing is left, and
-- the others need not ask, but for an instant that they do not know of
serve = function(q)
  if advance(q, mostPassed) then return end
  local served, passed, count = 0, 0, 0
  while q.w > 0 and q.pk > 0 do
    if served == mostServed or passed == mostPassed or count >= mostGranted then return end
    local member = call('ZRANGE', B .. 'pk:' .. q.name, 0, 0)[1]
    if not member then
      -- somebody has removed it by hand: what has happened must not fail for that
      add(q, 'pk', -q.pk)
      break
    end
    local session, number = string.match(member, '^(%S+) (%d+)$')
    local s = alive(session)
    local open = s and call('HGET', B .. 'c:' .. session, number)
    local most, channel = string.match(open or '', '^p(%d+) %d+ (.*)$')
    if not most or not listens(channel) then
      standDown(q, session, number)
      passed = passed + 1
    else
      -- its answer may be asked for as long as if it were the latest call
      s.number = s.k
      s.open = open
      local segments, granted_, halted = grantReady(s, q, tonumber(most))
      if granted_ > 0 then
        standDown(q, session, number)
        remember(s, number, 'c', cmsgpack.pack({ notes = noted(segments), now = N }))
        announce(q, session, number, channel, segments)
        served = served + 1
        count = count + granted_
      end
      if halted then return end
      if granted_ < tonumber(most) then
        q.news = q.sooner
        return
      end
    end
  end
  if q.w == 0 then q.news = q.sooner end
end

local function claim(keys, words)
  begin(keys)
  local session, number, most, channel = words[1], words[2], tonumber(words[4]), words[5]
  local s, refusal, answer = recall(session, number, 'c')
  if refusal then return refusal end
  if answer then return grantedBefore(words[3], answer) end
  s.number = math.max(tonumber(number), s.k)
  local q = existing(words[3])
  local again = expire(1000) == 1000
  if advance(q, 1000) then again = true end
  retain(q, 200)
  local segments = {}
  if not again then
    local _, taken, halted
    if not q.pz then segments, _, halted = grantReady(s, q, most) end
    if #segments == 0 and not halted then
      taken, _, again = takeBack(1000)
      if taken > 0 and not again and not q.pz then segments, _, halted = grantReady(s, q, most) end
    end
    if #segments == 0 and halted then again = true end
  end
  local nextAt, open
  if #segments == 0 then
    nextAt = earlier(earlier(first(B .. 'y:' .. q.name), first(B .. 'x')), nextExpiry(session))
    open = not again and channel ~= '' and park(s, q, number, most, channel)
  end
  if not again and not open then
    if s.open then standDown(q, session, number) end
    remember(s, number, 'c', cmsgpack.pack({ notes = noted(segments), now = N, nextAt = nextAt }))
  end
  finish()
  return { 0, N, nextAt or false, q.no, segments, again and 1 or 0, open and 1 or 0 }
end

-- who waited for a claim has gone: it stays open, but nothing is granted to it. Words: session, number of the call, queue
local function unpark(keys, words)
  begin(keys)
  standDown(queue(words[3]), words[1], words[2])
  finish()
  return 0
end
`
