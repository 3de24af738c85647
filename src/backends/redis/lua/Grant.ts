/**
 * Granting: what a claim takes from a queue.
 *
 * @since 0.1.0
 */

/**
 * Grants come in segments. One is `{'P', first token, priority, entry, from, mask, content}` of a frame: jobs from a place
 * on, of which the mask says those that are granted, and the content begins with the first of them; or `{'F', token,
 * sequence, ...}` of a job that is more.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const grant = String.raw`
-- grant -------------------------------------------------------------------------------------------------------------

-- greater than all before, also after a failover that lost the latest ones: a token is at least the time in microseconds
local function nextToken()
  local last = tonumber(call('HGET', B .. 'm', 'tok') or 0)
  return math.max(last + 1, N * 1000)
end

local function grantOf(job, body)
  return {
    job.n, body or call('HGET', jobKey(job.n), 'b'), job.p, job.a + 1, job.d, job.g, job.ma, job.e, math.max(job.w, job.v),
    job.dl or false, job.i
  }
end

local function grantJob(s, q, job, token)
  if job.G then call('HINCRBY', B .. 'gf:' .. q.name, job.G, 1) end
  leave(q, job)
  become(q, job, 'L')
  job.d = job.d + 1
  job.t = token
  job.h = s.id
  -- who may ask for it again, by repeating a claim
  local watched = { [s.id] = s.number }
  for session, number in pairs(job.o or {}) do
    local other = session ~= s.id and alive(session)
    if other and other.k < number + keptAnswers then watched[session] = number end
  end
  job.o = watched
  save(job)
  call('HSET', B .. 't:' .. s.id, text(token), held(job))
  return grantOf(job)
end

-- a part of a frame as one of its own
local function part(blob, from, count)
  if from == 1 and count == sizeOf(blob) then return blob end
  return frame(bodiesOf(blob), from, from + count - 1)
end

-- grants jobs of a frame from a place on, so many at most; answers how many places were passed and how many were granted
local function grantFrame(s, q, prio, entry, blob, from, most, token, segments)
  local size = sizeOf(blob)
  local count = math.min(size - from + 1, most)
  local holes = q.ho > 0 and call('HGET', B .. 'hl:' .. q.name, entry)
  local mask = string.rep('1', count)
  if holes then mask = without(mask, string.sub(holes, from, from + count - 1)) end
  moveCursor(q, prio, from + count > size and entry or entry .. ':' .. from + count)
  local granted_ = holes and countIn(mask) or count
  if granted_ > 0 then
    local place = prio .. ':' .. entry .. ':' .. from .. ':'
    call('HSET', B .. 't:' .. s.id, 'S' .. text(token), q.no .. ':' .. place .. mask)
    segments[#segments + 1] = { 'P', text(token), prio, entry, from, mask, part(blob, from, count) }
    add(q, 'w', -granted_)
    add(q, 'l', granted_)
  end
  return count, granted_
end

-- jobs past their deadline that end on the way to those that are granted, and frames without a job to grant that are passed;
-- bytes of jobs that are granted at once, but for one job that is greater
local mostOver, mostEmpty, mostGrantedBytes = 64, 1000, 8388608

-- grants jobs of a queue, so many at most; answers them, how many they are, and whether there was too much of it or in the way
local function grantReady(s, q, most)
  if q.w == 0 then return {}, 0, false end
  local first = nextToken()
  local token, segments, left, over = first, {}, most, mostOver
  local bytes, empty, halted = 0, 0, false
  local function halt()
    halted = true
    most = most - left
    left = 0
  end
  local ready = B .. 'r:' .. q.name
  -- jobs that are more than a part of a frame, up to a place in claim order; once there are none, none appears meanwhile
  local head, none
  local function grantJobs(before)
    while left > 0 and not none do
      head = call('ZRANGE', ready, 0, 0, 'WITHSCORES')
      if not head[1] then
        head, none = nil, true
        return
      end
      if before and before < tonumber(head[2]) then return end
      local job = load(tonumber(head[1]))
      if job.dl and job.dl <= N then
        if over == 0 then return halt() end
        over = over - 1
        die(q, job, deadlineCause, false)
      else
        local grant = grantJob(s, q, job, token)
        segments[#segments + 1] = { 'F', text(token), unpack(grant) }
        token = token + 1
        left = left - 1
        bytes = bytes + #grant[2]
        if bytes > mostGrantedBytes then halt() end
      end
    end
  end
  for _, prio in ipairs(call('ZRANGE', B .. 'p:' .. q.name, 0, -1)) do
    local lane = stream(q.name, prio)
    local base = (prio + 1000) * 4398046511104
    -- few at first, as a frame may be one job of a megabyte
    local wanted = 2
    while left > 0 do
      local upTo, next = string.match(cursorOf(q, prio), '^([%d%-]*):?(%d*)$')
      local from = upTo == '' and '-' or (next == '' and '(' .. upTo or upTo)
      local frames = call('XRANGE', lane, from, '+', 'COUNT', wanted)
      local read = 0
      for _, found in ipairs(frames) do
        local entry, blob = found[1], found[2][2]
        local before = left
        read = read + #blob
        local at = entry == upTo and tonumber(next) or 1
        local size = sizeOf(blob)
        local sequence = split(entry)
        while at <= size and left > 0 do
          grantJobs(base + sequence + at - 1)
          if left == 0 then break end
          local count = left
          if head then count = math.min(count, tonumber(head[2]) - base - (sequence + at - 1)) end
          local passed, granted_ = grantFrame(s, q, prio, entry, blob, at, count, token, segments)
          at = at + passed
          token = token + passed
          left = left - granted_
        end
        if left < before then bytes = bytes + #blob else empty = empty + 1 end
        if bytes > mostGrantedBytes or empty == mostEmpty then halt() end
        if left == 0 then break end
      end
      if left > 0 and #frames < wanted then
        call('ZREM', B .. 'p:' .. q.name, prio)
        break
      end
      if read < 1048576 then wanted = math.min(64, 2 * wanted) end
    end
    if left == 0 then break end
  end
  grantJobs()
  if token > first then
    call('HSET', B .. 'm', 'tok', text(token - 1))
    call('ZADD', B .. 'H', s.e, s.id)
  end
  return segments, most - left, halted
end

-- what is remembered of segments: all but the contents, which stay as long as the claim may be repeated
local function noted(segments)
  local notes = {}
  for i, one in ipairs(segments) do
    if one[1] == 'P' then notes[i] = { unpack(one, 1, 6) } else notes[i] = { one[1], one[2], one[3], unpack(one, 5) } end
  end
  return notes
end

-- the grants of an earlier call
local function grantedBefore(queueName, answer)
  local before = cmsgpack.unpack(answer)
  for _, one in ipairs(before.notes) do
    if one[1] == 'P' then
      local blob = call('XRANGE', stream(queueName, one[3]), one[4], one[4])[1][2][2]
      one[7] = part(blob, one[5], #one[6])
    else
      table.insert(one, 4, call('HGET', jobKey(one[3]), 'b'))
    end
  end
  return { 0, before.now, before.nextAt or false, queue(queueName).no or 0, before.notes, 0 }
end
`
