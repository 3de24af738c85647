/**
 * Reading, and waiting for jobs.
 *
 * @since 0.1.0
 */

/**
 * A job is answered as `{sequence, body, queue, status, priority, generation, attempts, most attempts, most deliveries,
 * deliveries, enqueued at, visible at, finished at, deadline, cause, result, progress, token, session, paused, whose key}`.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const read = String.raw`
-- read --------------------------------------------------------------------------------------------------------------

local function shown(job)
  local q = queue(job.q)
  local body, result, progress = job.body, job.r, nil
  if not body then
    local stored = call('HMGET', jobKey(job.n), 'b', 'r', 'o')
    body, result, progress = stored[1], stored[2], stored[3]
  end
  local by = false
  if job.s == 'D' and job.K then
    by = keyOf(q, job.K) or false
    if by == job.i then by = false end
  end
  return {
    job.n, body, job.q, statusOf(job), job.p, job.g, job.a, job.ma, job.md, job.d, job.e, job.v, job.f or false, job.dl or false,
    job.c and cjson.encode(job.c) or false, result or false, progress or false, job.h and text(job.t) or false, job.h or false,
    q.pz and 1 or 0, by, job.i
  }
end

local function readJob(keys, words)
  begin(keys)
  local job = find(words[1])
  return { N, job and shown(job) or false }
end

-- all queues, in the order in which they came to be
local function allQueues()
  local found = call('HGETALL', B .. 'qn')
  local numbers, byNumber, sorted = {}, {}, {}
  for i = 1, #found, 2 do
    numbers[#numbers + 1] = tonumber(found[i])
    byNumber[tonumber(found[i])] = found[i + 1]
  end
  table.sort(numbers)
  for i, number in ipairs(numbers) do sorted[i] = byNumber[number] end
  return sorted
end

-- where jobs of a queue are, by sequence, to be read by parts. What is read is put to all that is known; last is the
-- sequence up to which that is everything, nothing once there is no more

local function sourceOfFull(zset, name, after)
  local source = { last = tonumber(after) }
  function source.read(all, count)
    local found = call('ZRANGEBYSCORE', zset, '(' .. text(source.last), '+inf', 'LIMIT', 0, count)
    for _, seq in ipairs(found) do all[#all + 1] = { tonumber(seq), name } end
    source.last = #found == count and tonumber(found[#found]) or nil
  end
  return source
end

local function sourceOfFrames(name, prio, after)
  local lane = stream(name, prio)
  -- from the frame on that may hold the next one
  local start = call('XREVRANGE', lane, text(after + 1), '-', 'COUNT', 1)[1]
  local from = start and start[1] or '-'
  local source = {}
  function source.read(all, count)
    local wanted = math.ceil(count / 16) + 1
    local frames = call('XRANGE', lane, from, '+', 'COUNT', wanted)
    local last
    for _, found in ipairs(frames) do
      from = '(' .. found[1]
      local sequence = split(found[1])
      for at, body in ipairs(bodiesOf(found[2][2])) do
        last = sequence + at - 1
        if last > tonumber(after) then all[#all + 1] = { last, name, prio, found[1], body, at } end
      end
    end
    source.last = #frames == wanted and last or nil
  end
  return source
end

local function sources(name, after, dead)
  if dead then return { sourceOfFull(B .. 'e:' .. name, name, after) } end
  local found = { sourceOfFull(B .. 'a:' .. name, name, after) }
  for _, prio in ipairs(call('SMEMBERS', B .. 'sp:' .. name)) do found[#found + 1] = sourceOfFrames(name, prio, after) end
  return found
end

-- words: queue or nothing, status letters or nothing, name or nothing, after which sequence, how many
local function readJobs(keys, words)
  begin(keys)
  local wanted, name, after, most = words[2], words[3], words[4], tonumber(words[5])
  local queues = words[1] ~= '' and { words[1] } or allQueues()
  -- what is looked at, and how much of it is told, is bounded
  local looked = math.max(4, math.min(1000, floor(20000 / math.max(1, #queues))))
  local all, more = {}, {}
  for _, queueName in ipairs(queues) do
    for _, source in ipairs(sources(queueName, after, wanted == 'D')) do
      source.read(all, looked)
      if source.last then more[#more + 1] = source end
    end
  end
  -- beyond the end of a source that has more nothing is known to be next, so whichever ends first is read on for a while
  local enough = (wanted == '' and name == '') and most or 1000
  local cut
  for turn = 1, 20 do
    local low = 1
    for i = 2, #more do
      if more[i].last < more[low].last then low = i end
    end
    cut = more[low] and more[low].last
    local known = 0
    for _, one in ipairs(all) do
      if not cut or one[1] <= cut then known = known + 1 end
    end
    if not cut or known >= enough or turn == 20 then break end
    more[low].read(all, 100)
    if not more[low].last then table.remove(more, low) end
  end
  table.sort(all, function(a, b) return a[1] < b[1] end)
  local jobs, bytes, last = {}, 0, nil
  for i = 1, #all do
    local one = all[i]
    if (cut and one[1] > cut) or #jobs == most or bytes > 4194304 then
      return { N, jobs, text(last) }
    end
    last = one[1]
    local job
    if one[4] then
      job = peek(one[2], one[3], one[4], one[6], one[5])
    else
      job = load(one[1])
    end
    if job and (wanted == '' or statusOf(job) == wanted) then
      local view = shown(job)
      local body = view[2]
      local stop = string.find(body, '\n', 23, true)
      if name == '' or string.sub(body, stop + 1, stop + #name + 1) == name .. '\n' then
        jobs[#jobs + 1] = view
        bytes = bytes + #body + #(view[16] or '')
      end
    end
  end
  return { N, jobs, cut and text(last) or false }
end

-- when the first job that waits in a stream was enqueued; of very many that were taken out of it, at least when it was not
local function firstWaiting(q, prio, from, upTo, place)
  local wanted, looked = 1, 0
  repeat
    local frames = call('XRANGE', stream(q.name, prio), from, '+', 'COUNT', wanted)
    wanted, looked = 10, looked + 1
    for _, found in ipairs(frames) do
      local entry = found[1]
      local _, enqueued = split(entry)
      local holes = q.ho > 0 and call('HGET', B .. 'hl:' .. q.name, entry)
      if not holes or string.find(holes, '0', entry == upTo and place or 1, true) or looked == 100 then return enqueued end
      from = '(' .. entry
    end
  until #frames == 0
end

-- words: queue, or nothing and after which queue's number; answers also the number where there may be more
local function readCounts(keys, words)
  begin(keys)
  local queues, last = { words[1] }, nil
  if words[1] == '' then
    queues = {}
    for no, name in queuesFrom(tonumber(words[2])) do
      queues[#queues + 1] = name
      last = no
    end
  end
  local counts = {}
  for _, name in ipairs(queues) do
    local q = queue(name)
    if words[1] ~= '' or q.w + q.l + q.C + q.D + q.X > 0 or q.pz or q.cf then
      local scheduled, oldest, lanes = 0, nil, {}
      if q.w > 0 then
        scheduled = call('ZCOUNT', B .. 'o:' .. name, '(' .. N, '+inf')
        oldest = call('ZRANGE', B .. 'o:' .. name, 0, 0, 'WITHSCORES')[2]
        oldest = oldest and tonumber(oldest) <= N and tonumber(oldest) or nil
        lanes = call('ZRANGE', B .. 'p:' .. name, 0, -1)
      end
      for _, prio in ipairs(lanes) do
        local cursor = call('HGET', B .. 'q:' .. name, 'c' .. prio)
        local upTo, place = string.match(cursor or '', '^([%d%-]*):?(%d*)$')
        local from = upTo == '' and '-' or (place == '' and '(' .. upTo or upTo)
        local enqueued = firstWaiting(q, prio, from, upTo, tonumber(place))
        if enqueued then oldest = oldest and math.min(oldest, enqueued) or enqueued end
      end
      counts[#counts + 1] = { name, q.pz and 1 or 0, scheduled, q.w - scheduled, q.l, q.C, q.D, q.X, oldest or false }
    end
  end
  return { N, counts, #queues == mostQueues and last or false }
end

-- whether a job has ended or is unknown
local function isOver(id)
  local seq, name, prio = placed(id)
  if not seq then return true end
  local job = load(seq)
  if job then return job.s ~= 'W' and job.s ~= 'L' end
  local entry, _, at = frameOf(name, prio, seq)
  return not entry or doneAt(name, entry, at) ~= nil
end

-- words: until when to be told, ids; answers those that have ended or are unknown
local function await(keys, words)
  begin(keys)
  local over = {}
  for i = 2, #words do
    if isOver(words[i]) then over[#over + 1] = words[i] else call('ZADD', B .. 'w', N + words[1], words[i]) end
  end
  call('ZREMRANGEBYSCORE', B .. 'w', '-inf', N)
  return over
end
`
