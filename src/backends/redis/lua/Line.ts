/**
 * The waiting jobs of a queue that are more than an entry, in claim order; groups; what becomes of a job whose grant ends.
 *
 * @since 0.1.0
 */

/**
 * Of a group only the head stands in line, and only while the group has a free permit; its members wait in the group's
 * own line, by sequence.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const line = String.raw`
-- the line --------------------------------------------------------------------------------------------------------

local function members(q, group) return B .. 'gm:' .. q.no .. ':' .. group end

-- puts a group where its head stands
local function showHead(q, group)
  local gm, gh, gf = members(q, group), B .. 'gh:' .. q.name, B .. 'gf:' .. q.name
  local head = call('ZRANGE', gm, 0, 0)[1]
  local flying = tonumber(call('HGET', gf, group) or 0)
  local shown = false
  local job
  if head and flying < q.gc then
    job = load(tonumber(head))
    if job.v <= N then shown = head
    -- it was visible before the clock went back: as soon as it is again it must be found
    else call('ZADD', B .. 'y:' .. q.name, job.v, head) end
  end
  local before = call('HGET', gh, group)
  if before ~= shown then
    if before then call('ZREM', B .. 'r:' .. q.name, before) end
    if shown then
      call('ZADD', B .. 'r:' .. q.name, order(job), shown)
      call('HSET', gh, group, shown)
    else
      call('HDEL', gh, group)
    end
  elseif shown then
    -- under another priority, perhaps
    call('ZADD', B .. 'r:' .. q.name, order(job), shown)
  end
  if not head and flying == 0 then call('HDEL', gf, group) end
end

-- a visible job enters its group's line, and the head of a group or a job without group the queue's
local function enter(q, job)
  if job.G then
    call('ZADD', members(q, job.G), job.n, job.n)
    showHead(q, job.G)
  else
    call('ZADD', B .. 'r:' .. q.name, order(job), job.n)
  end
end

-- claims that wait were told until when there is nothing to come back for
local function soonest(q, zset, job)
  if q.pk > 0 and call('ZRANGE', zset, 0, 0)[1] == text(job.n) then q.sooner = true end
end

-- a job that was saved begins to wait
local function join(q, job)
  call('ZADD', B .. 'o:' .. q.name, math.max(job.w, job.v), job.n)
  tell(q)
  if job.dl then
    call('ZADD', B .. 'x', job.dl, job.n)
    soonest(q, B .. 'x', job)
  end
  if job.v > N then
    call('ZADD', B .. 'y:' .. q.name, job.v, job.n)
    soonest(q, B .. 'y:' .. q.name, job)
    -- a job that was granted before keeps its place in its group, which waits for its next attempt
    if not (job.G and job.d > 0 and not q.aside) then return end
  end
  enter(q, job)
end

-- a job stops waiting, or is about to join anew under other terms
local function leave(q, job)
  call('ZREM', B .. 'o:' .. q.name, job.n)
  if job.dl then call('ZREM', B .. 'x', job.n) end
  call('ZREM', B .. 'y:' .. q.name, job.n)
  call('ZREM', B .. 'r:' .. q.name, job.n)
  if job.G then
    call('ZREM', members(q, job.G), job.n)
    showHead(q, job.G)
  end
end

-- a grant's permit is free again
local function free(q, job)
  if not job.G then return end
  local flying = call('HINCRBY', B .. 'gf:' .. q.name, job.G, -1)
  if flying < 0 then error('leasehold: a permit of a group was freed twice') end
  showHead(q, job.G)
  tell(q)
end

-- goes on with putting groups where new terms want them, by so many jobs at most
local function regroup(q, most)
  local found = call('ZRANGEBYSCORE', B .. 'a:' .. q.name, q.gp, '+inf', 'LIMIT', 0, most)
  local groups = {}
  for _, seq in ipairs(found) do
    local job = load(tonumber(seq))
    if job.G and job.s == 'W' then
      -- those in back-off keep their place in their group, or give it up
      if job.d > 0 and call('ZSCORE', B .. 'y:' .. q.name, seq) then
        if q.aside then call('ZREM', members(q, job.G), seq) else call('ZADD', members(q, job.G), seq, seq) end
      end
      groups[job.G] = true
    end
  end
  for group in pairs(groups) do showHead(q, group) end
  local last = found[#found]
  add(q, 'gp', (#found == most and tonumber(last) + 1 or 0) - q.gp)
end

-- shows the jobs that have become visible, at most so many; answers whether there may be more
local function advance(q, most)
  -- which jobs stand in line is not known before
  if q.gp > 0 then
    regroup(q, most)
    if q.gp > 0 then return true end
  end
  local due = call('ZRANGEBYSCORE', B .. 'y:' .. q.name, '-inf', N, 'LIMIT', 0, most)
  for _, seq in ipairs(due) do
    call('ZREM', B .. 'y:' .. q.name, seq)
    enter(q, load(tonumber(seq)))
  end
  return #due == most
end

-- keys --------------------------------------------------------------------------------------------------------------

-- what is kept for a key: whether it is held still, holder's id, when it becomes free or -, how the holder ended or -
local function keptFor(q, field)
  local found = call('HGET', B .. 'k:' .. q.name, field)
  if not found then return end
  local id, at, how = string.match(found, '^(%S+) (%S+) (%S+)$')
  return at == '-' or tonumber(at) > N, id, at, how
end

-- the same of a key that is held
local function keyOf(q, field)
  local held_, id, at, how = keptFor(q, field)
  if held_ then return id, at, how end
end

local function holdKey(q, field, id, at, how)
  call('HSET', B .. 'k:' .. q.name, field, id .. ' ' .. at .. ' ' .. how)
  if at == '-' then call('ZREM', B .. 'kx', q.no .. ' ' .. field) else call('ZADD', B .. 'kx', at, q.no .. ' ' .. field) end
end

-- who ends or begins what, its key learns here
local function follow(q, job)
  if not job.K then return end
  local id = keyOf(q, job.K)
  if id and id ~= job.i then return end
  if job.s == 'W' or job.s == 'L' then holdKey(q, job.K, job.i, '-', '-')
  elseif job.s == 'D' then holdKey(q, job.K, job.i, '-', 'D')
  elseif id and job.s == 'C' then holdKey(q, job.K, job.i, text(job.f + job.W), 'C')
  elseif id then
    call('HDEL', B .. 'k:' .. q.name, job.K)
    call('ZREM', B .. 'kx', q.no .. ' ' .. job.K)
  end
end

-- keys whose window is over go, at most so many
local function sweepKeys(most)
  local over = call('ZRANGEBYSCORE', B .. 'kx', '-inf', N, 'LIMIT', 0, most)
  for _, member in ipairs(over) do
    local no, field = string.match(member, '^(%d+) (.*)$')
    call('HDEL', B .. 'k:' .. nameOf(no), field)
    call('ZREM', B .. 'kx', member)
  end
  return #over == most
end

-- retention ---------------------------------------------------------------------------------------------------------

-- notes a job that ended for good; one of a frame with its mates
local function finished(q, ending, count)
  call('RPUSH', B .. 'f:' .. q.name, cmsgpack.pack(ending))
  if q.fn == 0 then
    q.fa = N
    q.changed.fa = true
  end
  add(q, 'fn', count)
end

local function finishedJob(q, job) finished(q, { N, job.n }, 1) end

-- whether a claim that had it may still be repeated
local function isWatched(watched)
  for session, number in pairs(watched) do
    local s = alive(session)
    if s and s.k < number + keptAnswers then return true end
  end
  return false
end

-- lets go of what departed, at most so many times
local function bury(q, most)
  local list = B .. 'u:' .. q.name
  -- the more there is, the more of it that must wait is set back, so that a session at rest does not hold up the others
  local turns = math.min(8, floor(q.un / 64))
  while most > 0 and q.un > 0 do
    most = most - 1
    local next = call('LINDEX', list, 0)
    if not next then
      add(q, 'un', -q.un)
      return
    end
    local prio, place, watched = unpack(cmsgpack.unpack(next))
    if isWatched(watched) then
      if turns == 0 then return end
      turns = turns - 1
      call('LMOVE', list, list, 'LEFT', 'RIGHT')
    else
      if prio then
        call('XDEL', stream(q.name, prio), place)
        -- until now claims had to pass over it
        if q.ho > 0 then add(q, 'ho', -call('HDEL', B .. 'hl:' .. q.name, place)) end
        if q.ky > 0 then add(q, 'ky', -call('HDEL', B .. 'kf:' .. q.name, place)) end
      else
        call('DEL', jobKey(place))
      end
      call('LPOP', list)
      add(q, 'un', -1)
    end
  end
end

local function removeFull(q, job)
  if job.K and job.s ~= 'W' and job.s ~= 'L' then
    local id, at, how = keyOf(q, job.K)
    -- only the record goes; the key stays for its window
    if id == job.i and at == '-' then holdKey(q, job.K, id, text(job.f + job.W), how) end
  end
  if job.t == 0 then call('DEL', jobKey(job.n)) else
    call('HDEL', jobKey(job.n), 'z', 'B', 'r', 'o')
    depart(q, false, job.n, job.o or {})
  end
  call('ZREM', B .. 'a:' .. q.name, job.n)
  if job.s == 'D' then call('ZREM', B .. 'e:' .. q.name, job.n) end
  forgetId(job.i)
  add(q, job.s, -1)
  ended(job.i)
end

-- the records of completed jobs of a frame go, those that are still there; answers how many
local function removeDone(q, prio, entry, from, mask, watched)
  local parts = call('HGET', B .. 'd:' .. q.name, entry)
  if not parts then return 0 end
  local left, going, count = {}, {}, 0
  for instant, first, done in string.gmatch(parts, '(%d+):(%d+):([01]+)') do
    local shift = first - from
    local kept = {}
    for i = 1, #done do
      local here = isIn(done, i)
      if here and i + shift >= 1 and isIn(mask, i + shift) then
        going[#going + 1] = first + i - 1
        here = false
      end
      kept[i] = here and '1' or '0'
    end
    kept = table.concat(kept)
    if string.find(kept, '1', 1, true) then left[#left + 1] = instant .. ':' .. first .. ':' .. kept end
  end
  if #going == 0 then return 0 end
  if #left == 0 then call('HDEL', B .. 'd:' .. q.name, entry)
  else call('HSET', B .. 'd:' .. q.name, entry, table.concat(left, ';')) end
  local bodies = parsed(q.name, prio, entry)
  local sequence = split(entry)
  for _, at in ipairs(going) do
    local id = string.sub(bodies[at], 1, 22)
    forgetId(id)
    ended(id)
    if q.rs > 0 then add(q, 'rs', -call('HDEL', B .. 'v:' .. q.name, text(sequence + at - 1))) end
  end
  add(q, 'C', -#going)
  lessIn(q, prio, entry, #bodies, #going, watched)
  return #going
end

-- the first so many of a mask, and the others
local function cut(mask, count)
  if countIn(mask) <= count then return mask end
  local at = 0
  for i = 1, #mask do
    if isIn(mask, i) then
      at = at + 1
      if at == count then return string.sub(mask, 1, i), string.rep('0', i) .. string.sub(mask, i + 1) end
    end
  end
end

-- removes finished jobs that the policy no longer keeps, at most so many; answers whether there are more, and how many it took
local function retain(q, most)
  local looked = most
  -- more than can depart below, so that what waits for it does not pile up
  bury(q, 40 + most)
  local list = B .. 'f:' .. q.name
  while most > 0 and q.fn > 0 and (q.fn > q.rn or q.fa + q.rc <= N) do
    local ending = call('LINDEX', list, 0)
    if not ending then
      add(q, 'fn', -q.fn)
      return false, looked - most
    end
    ending = cmsgpack.unpack(ending)
    local at = ending[1]
    if at ~= q.fa then
      q.fa = at
      q.changed.fa = true
    end
    if q.fn <= q.rn and at + q.rc > N then return false, looked - most end
    local going, gone, rest = 1, 0, nil
    if #ending == 2 then
      local job = load(ending[2])
      if job then
        removeFull(q, job)
        gone = 1
      end
    else
      local _, prio, entry, from, mask, session, number = unpack(ending)
      local allowed = most
      if at + q.rc > N then allowed = math.min(allowed, q.fn - q.rn) end
      mask, rest = cut(mask, allowed)
      going = countIn(mask)
      gone = removeDone(q, prio, entry, from, mask, { [session] = tonumber(number) })
      if rest then call('LSET', list, 0, cmsgpack.pack({ at, prio, entry, from, rest, session, number })) end
    end
    most = most - going
    -- those that an operator removed were not counted any more
    add(q, 'fn', -gone)
    if not rest then call('LPOP', list) end
  end
  return q.fn > 0 and (q.fn > q.rn or q.fa + q.rc <= N), looked - most
end
`
